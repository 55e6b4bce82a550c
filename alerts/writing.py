"""What people write into the history of an alert: who takes it, who lets it go, what a clinician answers back.

`safeguarding.telling.replies` calls it inside its transactions; `alerts.answering` writes the social worker's answer with it.
Nothing of it moves an alert to another state: `alerts.raising.tell_each` does, for what must be told anew.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.raising import add_screen
from domain.actor import Actor
from domain.alert import LONGEST_TEXT, AlertEvent, AlertState, Reply
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """An alert that is locked until the transaction ends."""

    state: AlertState
    encounter_id: UUID
    authority_code: str
    taken_by_id: str | None


async def take(transaction: Transaction, alert_id: UUID, authority_code: str, actor: Actor, at: datetime) -> bool:
    """Somebody of the authority deals with the alert now, also where somebody else did. It is not acknowledged by that.

    Returns whether anything changed. Raises NotFound for another authority's alert, Conflict for one that is closed.
    """
    held = await _own(transaction, alert_id, authority_code)
    if held.state is AlertState.CLOSED:
        raise Conflict("this alert is closed: there is nothing to deal with any more")
    if held.taken_by_id == actor.id:
        return False
    await transaction.execute(
        "UPDATE alerts SET taken_by_id = %s, taken_by = %s, taken_at = %s, changed_at = %s WHERE id = %s",
        (actor.id, actor.name, at, at, alert_id),
    )
    await write(transaction, alert_id, at, AlertEvent.TAKE, held.state, actor)
    return True


async def release(transaction: Transaction, alert_id: UUID, authority_code: str, actor: Actor, at: datetime) -> None:
    """Whoever deals with the alert does so no more: it is everybody's again.

    Raises NotFound for another authority's alert, Conflict where it is not theirs to let go.
    """
    held = await _own(transaction, alert_id, authority_code)
    if held.taken_by_id != actor.id:
        raise Conflict("you do not deal with this alert: somebody else may have taken it over")
    await transaction.execute(
        "UPDATE alerts SET taken_by_id = NULL, taken_by = NULL, taken_at = NULL, changed_at = %s WHERE id = %s", (at, alert_id)
    )
    await write(transaction, alert_id, at, AlertEvent.RELEASE, held.state, actor)


async def reply(transaction: Transaction, alert_id: UUID, held: Held, actor: Actor, said: Reply, text: str, at: datetime) -> None:
    """A clinician answers back: it is in the alert's history, and the authority's open screens are told.

    Raises InvalidInput for a text that is too long or cannot be kept.
    """
    check_text(text)
    await transaction.execute("UPDATE alerts SET changed_at = %s WHERE id = %s", (at, alert_id))
    await write(transaction, alert_id, at, AlertEvent.REPLY, held.state, actor, said.value, text)
    cursor = await transaction.execute(
        "SELECT count(*) FROM alert_events WHERE alert_id = %s AND event = %s", (alert_id, AlertEvent.REPLY.value)
    )
    (times,) = await cursor.fetchone() or (1,)
    notice = AlertEvent.REPLY.value if times == 1 else f"{AlertEvent.REPLY.value} {times}"
    await add_screen(transaction, alert_id, notice, held.authority_code)


async def touch(transaction: Transaction, alert_id: UUID, at: datetime) -> None:
    """Something was said of the alert elsewhere: open screens that show it read it anew."""
    await transaction.execute("UPDATE alerts SET changed_at = greatest(changed_at, %s) WHERE id = %s", (at, alert_id))


async def hold(transaction: Transaction, alert_id: UUID) -> Held:
    """Lock the alert. Raises NotFound."""
    cursor = await transaction.execute(
        "SELECT state, encounter_id, authority_code, taken_by_id FROM alerts WHERE id = %s FOR UPDATE", (alert_id,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    state, *rest = row
    return Held(AlertState(state), *rest)


async def _own(transaction: Transaction, alert_id: UUID, authority_code: str) -> Held:
    held = await hold(transaction, alert_id)
    if held.authority_code != authority_code:
        raise NotFound("there is no such alert")
    return held


def check_text(text: str) -> None:
    """Raises InvalidInput for a text over 500 characters or one that cannot be kept."""
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"the message can have {LONGEST_TEXT} characters at most")
    if "\x00" in text:
        raise InvalidInput("the message holds a character that is no text")


async def write(
    transaction: Transaction,
    alert_id: UUID,
    at: datetime,
    event: AlertEvent,
    after: AlertState,
    actor: Actor,
    coded: str | None = None,
    text: str = "",
) -> None:
    """One line of the alert's history, with whose it is."""
    await transaction.execute(
        """
        INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name, actor_id, actor_role, organisation,
                                  answer, answer_text)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (at, alert_id, event.value, after.value, actor.name, actor.id, actor.role, actor.organisation, coded, text),
    )
