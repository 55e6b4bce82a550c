"""A person answers an alert, or breaks the glass of a sensitive flag: each in one transaction, each audited."""

from uuid import UUID

from alerts.answering import acknowledge
from domain.actor import Actor
from domain.alert import CodedAnswer
from domain.errors import InvalidInput
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Transaction

SHORTEST_REASON = 5


async def acknowledge_alert(
    transaction: Transaction, actor: Actor, authority_code: str, alert_id: UUID, answer: CodedAnswer, text: str
) -> UUID:
    """Read and answered by a social worker of the authority; returns the encounter whose banner now says so.

    Raises NotFound for another authority's alert, InvalidInput for a text that is too long.
    """
    encounter_id = await acknowledge(transaction, alert_id, authority_code, actor.name, answer, text.strip(), now())
    await record_audit(transaction, actor, "alert.acknowledge", "alert", str(alert_id), answer=answer.value)
    return encounter_id


async def break_glass(transaction: Transaction, actor: Actor, encounter_id: UUID, reason: str) -> None:
    """A clinician must know who to ring about a sensitive flag: allowed at once, with the reason on record.

    Raises InvalidInput where no reason is given.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInput("say in a few words why you need to know")
    await record_audit(transaction, actor, "flag.break-glass", "encounter", str(encounter_id), reason=reason.strip()[:200])
