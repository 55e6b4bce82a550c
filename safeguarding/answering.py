"""A person saw an alert, answered it, or broke the glass of a sensitive flag: each in one transaction, each audited."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from alerts.answering import acknowledge
from alerts.channels import screen
from alerts.hospital import tell_hospital_of_answer
from alerts.subscribers import tell_subscribers_of_answer
from domain.actor import Actor
from domain.alert import CodedAnswer
from domain.errors import InvalidInput, NotFound
from domain.flag import NewbornResolution
from flags_store.newborns import resolve_newborn
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Transaction
from safeguarding.corrections import is_of_its_patient
from safeguarding.outbound import hospital_of_encounter
from safeguarding.telling.incidents import open_incident

SHORTEST_REASON = 5


async def acknowledge_alert(
    transaction: Transaction,
    actor: Actor,
    authority_code: str,
    alert_id: UUID,
    answer: CodedAnswer,
    text: str,
    read_news: int | None = None,
) -> UUID:
    """Read and answered by a social worker of the authority; returns the encounter whose banner now says so.

    A hospital whose own system is told or has subscribed hears that an answer is there, never what it says. "Wrong child" opens an
    identity incident.

    `read_news` is how much the hospital had said of the child when the person read it: what came since is not acknowledged unseen.

    Raises NotFound for another authority's alert, InvalidInput for a text that is too long, Conflict where there is news.
    """
    at = now()
    encounter_id = await acknowledge(transaction, alert_id, authority_code, actor, answer, text.strip(), at, read_news)
    if answer is CodedAnswer.WRONG_CHILD:
        await open_incident(transaction, actor, alert_id, text.strip(), at)
    if await is_of_its_patient(transaction, alert_id):
        if hospital := await hospital_of_encounter(transaction, encounter_id):
            await tell_hospital_of_answer(transaction, alert_id, hospital)
        await tell_subscribers_of_answer(transaction, alert_id)
    await record_audit(transaction, actor, "alert.acknowledge", "alert", str(alert_id), answer=answer.value)
    return encounter_id


async def resolve_newborn_of(
    transaction: Transaction, actor: Actor, authority_code: str, alert_id: UUID, resolution: NewbornResolution
) -> None:
    """A social worker of the authority says what became of a newborn: its number no longer leads to the mother's plan.

    Raises NotFound for another authority's alert, InvalidInput where no link stands.
    """
    cursor = await transaction.execute(
        """
        SELECT e.nhs_number, e.site, e.local_number
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id WHERE a.id = %s AND a.authority_code = %s
        """,
        (alert_id, authority_code),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    number, site, local = row
    keys = [("", number)] * bool(number) + [(site, local)] * bool(local)
    cursor = await transaction.execute(
        "SELECT DISTINCT site, local_number FROM encounters WHERE nhs_number = %s AND local_number IS NOT NULL", (number,)
    )
    keys += await cursor.fetchall()  # what other hospitals call the same baby
    if not await resolve_newborn(transaction, actor, keys, authority_code, resolution):
        raise InvalidInput("nothing leads from this baby to a plan of yours any more")


async def confirm_shown(transaction: Transaction, actor: Actor, authority_code: str, shown: Mapping[UUID, datetime]) -> None:
    """A browser of the authority shows these alerts, each as it stood at its `changed_at`: told on screen, from now on."""
    delivered = await screen.confirm_shown(transaction, shown, authority_code, now())
    for alert_id in delivered:
        await record_audit(transaction, actor, "alert.shown", "alert", str(alert_id))


async def break_glass(transaction: Transaction, actor: Actor, encounter_id: UUID, reason: str) -> None:
    """A clinician must know who to ring about a sensitive flag: allowed at once, with the reason on record.

    Raises InvalidInput where no reason is given.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInput("say in a few words why you need to know")
    await record_audit(transaction, actor, "flag.break-glass", "encounter", str(encounter_id), reason=reason.strip()[:200])
