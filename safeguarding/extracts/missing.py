"""Plans that two full snapshots in a row have not named: a person finds out, and settles each.

`api.missing` calls it. What was found out goes through the pipeline like any other record. No snapshot ever ends a plan by itself;
until it is settled, every answer says that the plan is not in the latest extract. Source: docs/facts.md, section 4; docs/adr/0032.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput
from domain.extract import Cause
from flags_store.extracts.missing_plans import (
    MissingPlan,
    Settled,
    count_missing,
    list_missing,
    read_missing,
    record_settled,
)
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Database, Transaction
from safeguarding.extracts.held import checked_reason
from safeguarding.extracts.loading import load_rows
from safeguarding.extracts.mending import LoadRows

__all__ = ["MissingList", "MissingPlan", "Settled", "open_missing", "open_missing_plan", "settle"]


@dataclass(frozen=True, slots=True)
class MissingList:
    """`once`: plans that only the latest snapshot did not name; `work`: those that are work, of which `plans` are some."""

    once: int
    work: int
    plans: Sequence[MissingPlan]


async def open_missing(transaction: Transaction, actor: Actor, authority_code: str, *, limit: int, offset: int = 0) -> MissingList:
    """The authority's missing plans, longest missing first; that they were looked at is on record."""
    today = england_day(now())
    missing, work = await count_missing(transaction, authority_code, today)
    plans = await list_missing(transaction, authority_code, today, limit=limit, offset=offset)
    if plans:
        await record_audit(transaction, actor, "missing.open", "authority", authority_code, shown=len(plans))
    return MissingList(missing - work, work, plans)


async def open_missing_plan(transaction: Transaction, actor: Actor, authority_code: str, flag_id: UUID) -> MissingPlan:
    """One missing plan of the authority; that it was looked at is on record. Raises NotFound."""
    plan = await read_missing(transaction, authority_code, flag_id, england_day(now()))
    await record_audit(transaction, actor, "missing.open", "flag", str(flag_id))
    return plan


async def settle(
    database: Database,
    actor: Actor,
    authority_code: str,
    flag_id: UUID,
    outcome: Settled,
    reason: str,
    *,
    ended_on: date | None = None,
    load: LoadRows = load_rows,
) -> None:
    """Say what became of a missing plan. Still open: confirmed as of now, and work again only when two more snapshots miss it.

    Raises NotFound (also where a newer extract has just named it), InvalidInput (no reason; a plan that ended needs a day between
    its start and today), what `load_rows` raises, and Conflict where the pipeline refused it: the plan then shows on, and is
    missing as before.
    """
    reason = checked_reason(reason)
    today = england_day(now())
    async with database.transaction() as transaction:
        plan = await read_missing(transaction, authority_code, flag_id, today)
    if outcome is Settled.ENDED and (ended_on is None or not plan.start_date <= ended_on <= today):
        raise InvalidInput("the day on which the plan ended lies between its start and today")
    row = {
        Settled.STILL_OPEN: plan.said(end=plan.end_date, deleted=None),
        Settled.ENDED: plan.said(end=ended_on, deleted=None),
        Settled.RECORDED_IN_ERROR: plan.said(end=plan.end_date, deleted=today),
    }[outcome]
    still = partial(read_missing, authority_code=authority_code, flag_id=flag_id, today=today)
    report = await load(database, actor, authority_code, [row], cause=Cause.SETTLED, first=still)
    if report.rejected:
        raise Conflict("the plan could not be changed: it stands among the rejected records, with the reason")
    async with database.transaction() as transaction:
        await record_settled(transaction, flag_id, outcome, reason, actor.name)
        await record_audit(transaction, actor, "missing.settle", "flag", str(flag_id), outcome=outcome.value)
