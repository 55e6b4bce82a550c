"""Both sides of an alert's conversation: a social worker takes the alert or lets it go, a clinician answers back.

The pages call it for a signed-in person, inside their transaction; all is audited. The words stay in the alert's own history.
Source: docs/conversation.md; docs/facts.md, section 5.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from alerts.raising import tell_each
from alerts.writing import Held, hold, release, reply, take
from domain.actor import Actor, Role
from domain.alert import AlertEvent, AlertState, Reply
from domain.encounter import TriggerEvent
from domain.errors import Conflict, NotAllowed, NotFound
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Transaction
from safeguarding.directory import Directory
from safeguarding.telling.incidents import open_incident
from safeguarding.telling.lines import to_tell

OPENED_LATELY = timedelta(hours=1)
"""For so long after somebody has opened the details they may answer without opening them again."""

TOLD_ANEW = {
    Reply.LEFT: AlertEvent.LEFT_BEFORE_SEEN,
    Reply.PLEASE_RING: AlertEvent.ASK,
    Reply.WRONG_CHILD: AlertEvent.ASK,
}
"""Replies after which somebody must acknowledge again: the line begins anew. Of all others only open screens are told."""


@dataclass(frozen=True, slots=True)
class ToAnswer:
    """An alert that a clinician may answer. `lines`: how much of its conversation was written when they read it."""

    alert_id: UUID
    authority_code: str
    lines: int


async def take_alert(transaction: Transaction, actor: Actor, authority_code: str, alert_id: UUID) -> None:
    """A social worker deals with the alert from now on, also instead of somebody else. Taking is not acknowledging.

    Raises NotFound for another authority's alert, Conflict for one that is closed.
    """
    if await take(transaction, alert_id, authority_code, actor, now()):
        await record_audit(transaction, actor, "alert.take", "alert", str(alert_id))


async def release_alert(transaction: Transaction, actor: Actor, authority_code: str, alert_id: UUID) -> None:
    """Whoever took the alert lets it go.

    Raises NotFound for another authority's alert, Conflict where it is not theirs.
    """
    await release(transaction, alert_id, authority_code, actor, now())
    await record_audit(transaction, actor, "alert.release", "alert", str(alert_id))


async def to_answer(transaction: Transaction, actor: Actor, encounter_id: UUID, alert_id: UUID) -> ToAnswer:
    """Whether a clinician may answer an alert of an encounter, and how its conversation stands.

    Raises NotFound unless they are a clinician of the encounter's own organisation and the alert is one of it, NotAllowed unless
    they have opened its details lately, Conflict for an alert that was taken back.
    """
    cursor = await transaction.execute(
        """
        SELECT a.authority_code, a.state, (SELECT count(*) FROM alert_events v WHERE v.alert_id = a.id AND v.event = ANY(%s))
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id JOIN sites s ON s.ods_code = e.site
        WHERE a.id = %s AND e.id = %s AND s.organisation_code = %s
        """,
        ([AlertEvent.ACKNOWLEDGE.value, AlertEvent.REPLY.value], alert_id, encounter_id, actor.organisation),
    )
    row = await cursor.fetchone()
    if row is None or actor.role != Role.CLINICIAN:
        raise NotFound("there is no such alert")
    authority_code, state, lines = row
    if not await has_opened(transaction, actor, encounter_id, now() - OPENED_LATELY):
        raise NotAllowed("open the details first, then answer")
    if AlertState(state) not in {AlertState.RAISED, AlertState.ACKNOWLEDGED}:
        raise Conflict("this alert was taken back: there is nobody to answer any more")
    return ToAnswer(alert_id, authority_code, lines)


async def has_opened(transaction: Transaction, actor: Actor, encounter_id: UUID, since: datetime) -> bool:
    """Whether the person has opened the details of the encounter since an instant."""
    cursor = await transaction.execute(
        """
        SELECT 1 FROM accesses
        WHERE encounter_id = %s AND actor_id = %s AND trigger_event = %s AND occurred_at > %s LIMIT 1
        """,
        (encounter_id, actor.id, TriggerEvent.BANNER.value, since),
    )
    return await cursor.fetchone() is not None


async def has_broken_glass(transaction: Transaction, actor: Actor, encounter_id: UUID, since: datetime) -> bool:
    """Whether the person has broken the glass of the encounter since an instant."""
    cursor = await transaction.execute(
        """
        SELECT 1 FROM audit_events
        WHERE subject_type = 'encounter' AND subject_id = %s AND actor_id = %s AND action = 'flag.break-glass' AND occurred_at > %s
        LIMIT 1
        """,
        (str(encounter_id), actor.id, since),
    )
    return await cursor.fetchone() is not None


async def masked_alerts(transaction: Transaction, encounter_id: UUID) -> frozenset[UUID]:
    """Alerts of an encounter of which nothing may say whose they are: of sensitive people, and beside those what was taken back."""
    cursor = await transaction.execute(
        """
        SELECT a.id, p.sensitive, a.state IN ('retracted', 'closed')
        FROM alerts a JOIN persons p ON p.id = a.person_id WHERE a.encounter_id = %s
        """,
        (encounter_id,),
    )
    rows = await cursor.fetchall()
    any_is = any(sensitive for _, sensitive, _ in rows)
    return frozenset(alert_id for alert_id, sensitive, is_back in rows if sensitive or (any_is and is_back))


async def answer_back(
    transaction: Transaction,
    directory: Directory,
    actor: Actor,
    encounter_id: UUID,
    alert_id: UUID,
    said: Reply,
    text: str,
    read_lines: int,
) -> str:
    """A clinician answers: into the alert's history, and to the authority; returns the authority's code, whose screens are nudged.

    `read_lines` is how much of the conversation stood there when the clinician read it. What begins the line anew (`TOLD_ANEW`) is
    told to the team that is first for it; "wrong child" opens an identity incident besides, and hides nothing.

    Raises what `to_answer` raises, Conflict where somebody has written meanwhile, InvalidInput for a text that is too long.
    """
    at = now()
    held: Held = await hold(transaction, alert_id)
    found = await to_answer(transaction, actor, encounter_id, alert_id)
    if found.lines != read_lines:
        raise Conflict("somebody has written meanwhile: read it, and answer again if it still needs saying")
    await reply(transaction, alert_id, held, actor, said, text.strip(), at)
    if event := TOLD_ANEW.get(said):
        await tell_each(transaction, await to_tell(transaction, directory, [alert_id], event, at), event, at, actor.name)
    if said is Reply.WRONG_CHILD:
        await open_incident(transaction, actor, alert_id, text.strip(), at)
    await record_audit(transaction, actor, "alert.reply", "alert", str(alert_id), reply=said.value)
    return found.authority_code
