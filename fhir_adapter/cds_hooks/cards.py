"""What a card says, as the JSON of CDS Hooks: nothing in it is null or empty, and no address in it names a patient. Pure.

`answering` calls it once the card is remembered. Source: CDS Hooks 2.0, "CDS Service Response", "Card Attributes".
"""

from collections.abc import Callable
from uuid import UUID, uuid5

from fhir_adapter.cds_hooks.wording import Worded
from fhir_adapter.codes import Json
from safeguarding.cards import Indicator, OverrideReason

REASONS_PATH = "/FHIR/R4/CodeSystem/card-override-reason"
NO_CARDS: Json = {"cards": []}
FOLLOWED = "I will speak to social care"
_TO_OFFER = tuple(reason for reason in OverrideReason if reason is not OverrideReason.OTHER)

Link = Callable[[str], str]
"""Makes a path an absolute address."""


def to_card(worded: Worded, card_id: UUID | None, link: Link) -> Json:
    """The card. One that could not be remembered has no uuid, and so no feedback is asked for."""
    card: Json = {
        "summary": worded.summary,
        "indicator": worded.indicator.value,
        "detail": worded.detail,
        "source": {"label": "Nightlight child protection alerts", "url": link("/")},
    }
    if worded.encounter_id:
        url = link(f"/encounters/{worded.encounter_id}")
        card["links"] = [{"label": "Open the banner in Nightlight", "url": url, "type": "absolute"}]
    if card_id is None:
        return card
    card["uuid"] = str(card_id)
    if worded.indicator is not Indicator.INFO:
        card["overrideReasons"] = override_reasons(link)
    if worded.has_plans:
        card["selectionBehavior"] = "at-most-one"
        card["suggestions"] = [{"label": FOLLOWED, "uuid": str(suggestion_id(card_id)), "isRecommended": True}]
    return card


def override_reasons(link: Link) -> list[Json]:
    """The reasons that a clinician can choose from, as codings."""
    return [{"system": link(REASONS_PATH), "code": reason.value, "display": reason.words} for reason in _TO_OFFER]


def suggestion_id(card_id: UUID) -> UUID:
    """The id of a card's one suggestion: it need not be remembered."""
    return uuid5(card_id, "follow")
