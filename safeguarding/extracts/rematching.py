"""Matching, after the loads: everybody with a plan is asked of the national register sooner or later, and again from time to time.

`nightlight.processes.matching` calls `match_due` for ever, in the loader's process. A number that changed gets its alias, one that
became invalid is sealed, whoever is restricted since is masked; what PDS contradicts goes on showing, in doubt, and becomes work.
Source: docs/facts.md, sections 3 and 4 ("Matching"); docs/adr/0035.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from alerts.retry import jittered
from domain.actor import NIGHTLIGHT
from domain.nhs_number import NhsNumber
from domain.trace import NoTrace, NotVerified, Trace, Traced
from flags_store.extracts.flags_version import flags_changed
from flags_store.extracts.matched import NOT_ASKED, Match, field_of
from flags_store.extracts.rejects import record_doubt, settle_doubts
from flags_store.identity import record_successor, seal_person, withdraw_late
from flags_store.match_wants import Due, ShownPlan, claim_due, end_due, end_sealed, postpone_due, read_plans, want_unmatched
from flags_store.mesh_outbox import Inactive, queue_inactive_number_notice
from runtime.clock import now
from runtime.database import Connection, Database
from runtime.logs import get_logger
from safeguarding.extracts.match_verdicts import outcome_of, to_match
from safeguarding.extracts.matching import AGAIN

BATCH = 8
_WANTED_AT_ONCE = 1_000

log = get_logger()


async def match_due(database: Database, traces: Trace, *, again: timedelta = AGAIN) -> int:
    """One round: ask about those that are due, each of whom is due again after `again`. Returns how many were asked about:
    none where no register is configured.

    Several processes may do it at once. Raises CouldNotReachStore and psycopg errors; who was claimed then is asked about again
    once the lease has run out.
    """
    async with database.transaction() as transaction:
        await withdraw_late(transaction, NIGHTLIGHT)
        if isinstance(traces, NoTrace):
            return 0
        claimed = await claim_due(transaction, BATCH)
        if len(claimed) < BATCH and await want_unmatched(transaction, _WANTED_AT_ONCE):
            claimed += await claim_due(transaction, BATCH - len(claimed))
    ended = await asyncio.gather(*(_rematch(database, traces, each, again) for each in claimed), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return len(claimed)


async def _rematch(database: Database, traces: Trace, due: Due, again: timedelta) -> None:
    traced = await traces.verify(due.number, due.told)
    if isinstance(traced, NotVerified) and traced.reason.is_temporary:
        seconds = max(traced.retry_after or 0.0, jittered(due.attempts, random.random()))  # noqa: S311 (it spreads attempts)
        async with database.transaction() as transaction:
            await postpone_due(transaction, due, seconds)
        return
    match, outcome = _meaning(traced, due)
    async with database.transaction() as transaction:
        await _write(transaction, due, match, outcome, again)
    log.info("person matched", authority=due.authority_code, outcome=outcome)


def _meaning(traced: Traced, due: Due) -> tuple[Match, str]:
    """What is to be kept, and one word for it. Where nobody can say, what was known stays."""
    match = to_match(traced, due.told)
    if match == NOT_ASKED:
        assert isinstance(traced, NotVerified)
        return Match(due.basis), traced.reason.value
    return match, outcome_of(match)


async def _write(transaction: Connection, due: Due, match: Match, outcome: str, again: timedelta) -> None:
    if match.invalidated:
        await _seal(transaction, due, outcome)
        return
    if not await end_due(transaction, NIGHTLIGHT, due, match, outcome, again):
        return
    plans = await read_plans(transaction, due.person_id, due.authority_code)
    if match.successor:
        await record_successor(transaction, NIGHTLIGHT, due.number, match.successor, "PDS", now())
        await _tell_inactive(transaction, due.person_id, due.number, plans, Inactive.SUPERSEDED)
    if match.refusal:
        for plan in plans:
            await record_doubt(transaction, due.authority_code, plan.flag_id, match.refusal, field_of(match), details=match.details)
    elif match.asked:
        await settle_doubts(transaction, [plan.flag_id for plan in plans])


async def _seal(transaction: Connection, due: Due, outcome: str) -> None:
    """Everybody's plans on the number end to be shown; each authority that holds one is told that the number is inactive."""
    plans = await read_plans(transaction, due.person_id)
    await flags_changed(transaction, [plan.authority_code for plan in plans])
    await end_sealed(transaction, NIGHTLIGHT, due, outcome)
    await seal_person(transaction, NIGHTLIGHT, due.number, "invalidated", now())
    await settle_doubts(transaction, [plan.flag_id for plan in plans])
    await _tell_inactive(transaction, due.person_id, due.number, plans, Inactive.INVALIDATED)


async def _tell_inactive(
    transaction: Connection, person_id: UUID, number: NhsNumber, plans: Sequence[ShownPlan], reason: Inactive
) -> None:
    local_ids = {plan.authority_code: plan.local_id for plan in plans}
    for authority_code, local_id in sorted(local_ids.items()):
        await queue_inactive_number_notice(transaction, authority_code, person_id, number, local_id, reason)
