"""A social worker answers an alert: read by N at T, with a coded answer; not a referral, and it holds nobody.

`safeguarding.answering` calls it for a signed-in person; the banner shows the answer at once.
Source: docs/facts.md, section 5.
"""

from datetime import datetime
from uuid import UUID

from domain.alert import AlertEvent, AlertState, CodedAnswer, next_state
from domain.errors import InvalidInput, NotFound
from runtime.database import Transaction

LONGEST_TEXT = 500


async def acknowledge(
    transaction: Transaction, alert_id: UUID, authority_code: str, by: str, answer: CodedAnswer, text: str, at: datetime
) -> UUID:
    """Write down that the alert was read and how it was answered; returns the encounter it belongs to.

    A later answer replaces what the banner shows; every one stays in the alert's history.
    Raises NotFound for an alert of another authority, InvalidInput for a text over 500 characters or one
    that cannot be kept.
    """
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"the message can have {LONGEST_TEXT} characters at most")
    if "\x00" in text:
        raise InvalidInput("the message holds a character that is no text")
    cursor = await transaction.execute(
        "SELECT state, encounter_id FROM alerts WHERE id = %s AND authority_code = %s FOR UPDATE",
        (alert_id, authority_code),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    state, encounter_id = row
    after = next_state(AlertState(state), AlertEvent.ACKNOWLEDGE)
    await transaction.execute(
        """
        UPDATE alerts SET state = %s, changed_at = %s, acknowledged_at = %s, acknowledged_by = %s, answer = %s, answer_text = %s
        WHERE id = %s
        """,
        (after.value, at, at, by, answer.value, text, alert_id),
    )
    await transaction.execute(
        """
        INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name, answer, answer_text)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (at, alert_id, AlertEvent.ACKNOWLEDGE.value, after.value, by, answer.value, text),
    )
    return UUID(str(encounter_id))
