"""A social worker answers an alert: read by N at T, with a coded answer; not a referral, and it holds nobody.

`safeguarding.answering` calls it for a signed-in person; the banner shows the answer at once.
Source: docs/facts.md, section 5.
"""

from datetime import datetime
from uuid import UUID

from alerts.writing import check_text, hold, write
from domain.actor import Actor
from domain.alert import NEWS, AlertEvent, CodedAnswer, next_state
from domain.errors import Conflict, NotFound
from runtime.database import Transaction


async def acknowledge(
    transaction: Transaction,
    alert_id: UUID,
    authority_code: str,
    actor: Actor,
    answer: CodedAnswer,
    text: str,
    at: datetime,
    read_news: int | None = None,
) -> UUID:
    """Write down that the alert was read and how it was answered; returns the encounter it belongs to. Its line ends.

    A later answer replaces what the banner shows; every one stays in the alert's history. `read_news` is how many lines the
    hospital had added (`NEWS`) when the person read them; None where nobody is asked.
    Raises NotFound for an alert of another authority, InvalidInput for a text over 500 characters or one that cannot be kept,
    Conflict where the hospital has said something since.
    """
    check_text(text)
    held = await hold(transaction, alert_id)
    if held.authority_code != authority_code:
        raise NotFound("there is no such alert")
    if read_news is not None and await _news(transaction, alert_id) != read_news:
        raise Conflict("the hospital has said something since you opened this alert")
    after = next_state(held.state, AlertEvent.ACKNOWLEDGE)
    await transaction.execute(
        """
        UPDATE alerts SET state = %s, changed_at = %s, acknowledged_at = %s, acknowledged_by = %s, answer = %s, answer_text = %s,
                          next_step_at = NULL
        WHERE id = %s
        """,
        (after.value, at, at, actor.name, answer.value, text, alert_id),
    )
    await write(transaction, alert_id, at, AlertEvent.ACKNOWLEDGE, after, actor, answer.value, text)
    return held.encounter_id


async def _news(transaction: Transaction, alert_id: UUID) -> int:
    cursor = await transaction.execute(
        "SELECT count(*) FROM alert_events WHERE alert_id = %s AND event = ANY(%s)", (alert_id, [each.value for each in NEWS])
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
