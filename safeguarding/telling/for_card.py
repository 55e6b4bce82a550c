"""What a card in an EHR says of an encounter's alerts: how each stands, that an answer is there, and never what somebody wrote.

`fhir_adapter.cds_hooks.answering` asks after the desk has answered, because an EHR is not signed in here.
Source: docs/facts.md, section 5 (free text stays on signed-in pages); docs/conversation.md.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.alert import CodedAnswer
from domain.answer import Flagged
from runtime.database import Connection
from safeguarding.telling.incidents import is_disputed
from safeguarding.telling.replies import masked_alerts
from safeguarding.telling.standing import Line, read_lines


@dataclass(frozen=True, slots=True)
class CardAlert:
    """One alert: its line, and its coded answer where there is one. `has_text`: somebody wrote something besides."""

    line: Line
    answer: CodedAnswer | None
    answered_at: datetime | None
    has_text: bool
    is_masked: bool


@dataclass(frozen=True, slots=True)
class ToldOnCard:
    """The alerts that stand, and whether it is being checked that this is the right child."""

    alerts: tuple[CardAlert, ...]
    is_disputed: bool


async def read_for_card(transaction: Connection, answer: Flagged, at: datetime) -> ToldOnCard:
    """What became of the alerts of the answer's encounter; none where it has no encounter."""
    persons = list({shown.flag.person_id for shown in answer.flags})
    disputed = await is_disputed(transaction, answer.encounter_id, persons)
    if answer.encounter_id is None:
        return ToldOnCard((), disputed)
    lines = await read_lines(transaction, [answer.encounter_id], at)
    masked = await masked_alerts(transaction, answer.encounter_id)
    cursor = await transaction.execute(
        """
        SELECT id, answer, acknowledged_at, answer_text <> '' FROM alerts
        WHERE encounter_id = %s AND state IN ('raised', 'acknowledged') ORDER BY authority_code, id
        """,
        (answer.encounter_id,),
    )
    return ToldOnCard(
        tuple(_alert(lines[alert_id], coded, at_, has_text, masked) for alert_id, coded, at_, has_text in await cursor.fetchall()),
        disputed,
    )


def _alert(line: Line, coded: str | None, at: datetime | None, has_text: bool, masked: frozenset[UUID]) -> CardAlert:
    return CardAlert(line, CodedAnswer(coded) if coded else None, at, has_text, line.alert_id in masked)
