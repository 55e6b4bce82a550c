"""What an EHR says became of cards, bytes to `CardFeedback`. What a clinician typed is not kept: it may name somebody. Pure.

`door` hands it to `safeguarding.cards`, which writes it down with its audit. Source: CDS Hooks 2.0, "Feedback".
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from fhir_adapter.cds_hooks.calls import read_object
from fhir_adapter.cds_hooks.cards import suggestion_id
from fhir_adapter.cds_hooks.errors import BAD_REQUEST, NO_SUCH_CARD, Refused
from safeguarding.cards import CardFeedback, CardOutcome, OverrideReason

MOST = 100
_OUTCOMES = {"accepted": CardOutcome.FOLLOWED, "overridden": CardOutcome.OVERRIDDEN}


def read_feedback(body: bytes, reasons_system: str) -> list[CardFeedback]:
    """What is said, card by card. `reasons_system` is the system of our own override reasons. Raises Refused."""
    said = read_object(body).get("feedback")
    if not isinstance(said, list) or not 0 < len(said) <= MOST or not all(isinstance(each, dict) for each in said):
        raise Refused(BAD_REQUEST, f"feedback is a list of 1 to {MOST} objects.")
    return [_one(each, reasons_system) for each in said]


def _one(said: dict[str, Any], reasons_system: str) -> CardFeedback:
    card = _uuid(said.get("card"))
    outcome = said.get("outcome")
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        raise Refused(BAD_REQUEST, f"outcome is one of {', '.join(_OUTCOMES)}.")
    if outcome == "accepted":
        _check_suggestions(said.get("acceptedSuggestions"), card)
    reason = _reason(said.get("overrideReason"), reasons_system) if outcome == "overridden" else None
    return CardFeedback(card, _OUTCOMES[outcome], reason, _moment(said.get("outcomeTimestamp")))


def _uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise Refused(BAD_REQUEST, "card is missing, or no string.")
    try:
        return UUID(value)
    except ValueError:
        raise Refused(NO_SUCH_CARD, "No such card was shown.") from None


def _check_suggestions(said: object, card: UUID) -> None:
    ids = [each.get("id") for each in said if isinstance(each, dict)] if isinstance(said, list) else []
    if ids != [str(suggestion_id(card))]:
        raise Refused(BAD_REQUEST, "acceptedSuggestions names the suggestion of the card.")


def _reason(said: Any, reasons_system: str) -> OverrideReason | None:
    """Ours by its code; one of the EHR's own is "other". A comment alone is no reason."""
    reason = said.get("reason") if isinstance(said, dict) else said
    if reason is None:
        return None
    code = reason.get("code") if isinstance(reason, dict) else None
    if not isinstance(code, str) or not code:
        raise Refused(BAD_REQUEST, "overrideReason.reason has a code.")
    is_ours = reason.get("system") in (None, reasons_system) and code in set(OverrideReason)
    return OverrideReason(code) if is_ours else OverrideReason.OTHER


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(BAD_REQUEST, "outcomeTimestamp is a date and time with its zone, such as 2026-03-03T14:00:00Z.")
    return moment
