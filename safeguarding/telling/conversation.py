"""The history of one alert as both sides read it: what Nightlight told whom, and what people answered, oldest first.

The page of an alert, the banner and the subscription's reader call it for somebody who may see the alert: it asks nobody's rights.
The conversation is those lines that somebody wrote (`is_written`). Source: docs/conversation.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.actor import Role
from domain.alert import AlertEvent, CodedAnswer, Reply
from runtime.database import Connection

Side = Literal["authority", "hospital", "nightlight"]

_OF_NIGHTLIGHT = frozenset({"raise", AlertEvent.ESCALATE.value})
_OF_AUTHORITY = frozenset({AlertEvent.ACKNOWLEDGE.value, AlertEvent.TAKE.value, AlertEvent.RELEASE.value})
_WORDS = {
    "raise": "Told that the child was seen",
    AlertEvent.ESCALATE.value: "Not acknowledged in time: passed on",
    AlertEvent.TAKE.value: "Took the alert",
    AlertEvent.RELEASE.value: "Let the alert go",
    AlertEvent.LEFT_BEFORE_SEEN.value: "The child left before being seen",
    AlertEvent.CANCEL.value: "The arrival was cancelled",
    AlertEvent.REINSTATE.value: "The arrival stands after all",
    AlertEvent.WRONG_IDENTITY.value: "The hospital has seen another patient, not this child",
    AlertEvent.TRANSFER.value: "The child was moved",
    AlertEvent.DISCHARGE.value: "The child was discharged",
    AlertEvent.RETURN.value: "The child is there after all",
    AlertEvent.ASK.value: "Asked again: told as new",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the history. `who` is a person, a hospital's system or Nightlight; `team` the code of the team that was told.

    `words` say what happened, or are those of the coded answer or reply; `text` is what somebody wrote, for signed-in pages alone.
    """

    at: datetime
    side: Side
    who: str
    role: str
    organisation: str
    event: str
    words: str
    text: str
    team: str = ""

    @property
    def is_written(self) -> bool:
        """Whether somebody answered with it: a line of the conversation."""
        return self.event in {AlertEvent.ACKNOWLEDGE, AlertEvent.REPLY}


async def read_conversation(transaction: Connection, alert_id: UUID) -> list[Said]:
    """The whole history of an alert, oldest first; empty where there is no such alert."""
    return (await read_conversations(transaction, [alert_id])).get(alert_id, [])


async def read_conversations(transaction: Connection, alerts: list[UUID]) -> dict[UUID, list[Said]]:
    """The same of several alerts, by their ids."""
    cursor = await transaction.execute(
        """
        SELECT alert_id, occurred_at, event, actor_name, actor_role, coalesce(
                   (SELECT o.name FROM organisations o WHERE o.ods_code = v.organisation),
                   (SELECT t.name FROM authorities t WHERE t.code = v.organisation), v.organisation), answer, answer_text, team
        FROM alert_events v WHERE alert_id = ANY(%s) ORDER BY occurred_at, id
        """,
        (alerts,),
    )
    found: dict[UUID, list[Said]] = {}
    for alert_id, at, event, who, role, organisation, coded, text, team in await cursor.fetchall():
        said = Said(at, _side(event, role), who, role, organisation, event, _words(event, coded), text, team)
        found.setdefault(alert_id, []).append(said)
    return found


def without_site(said: Iterable[Said], organisation_name: str) -> list[Said]:
    """The history where the site was not agreed: a hospital's system is called after its organisation, not after itself."""
    return [replace(each, who=organisation_name) if each.side == "hospital" and not each.role else each for each in said]


def _side(event: str, role: str) -> Side:
    if event in _OF_NIGHTLIGHT:
        return "nightlight"
    return "authority" if event in _OF_AUTHORITY or role == Role.SOCIAL_WORKER else "hospital"


def _words(event: str, coded: str | None) -> str:
    if coded:
        return Reply(coded).words if event == AlertEvent.REPLY else CodedAnswer(coded).words
    return _WORDS.get(event, event.replace("-", " ").capitalize())
