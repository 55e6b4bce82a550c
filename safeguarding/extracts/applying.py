"""A staged extract is matched, planned and applied, under a lease: everything of it in one transaction, or nothing.

`safeguarding.extracts.loading` calls it with a load that was claimed. Whatever ends it early leaves the extract "interrupted".
Source: docs/facts.md, section 4; docs/adr/0031.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from typing import TypeVar

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

from domain.errors import NightlightError, Temporary
from domain.trace import Trace
from flags_store.extracts.flags_version import read_flags_version
from flags_store.extracts.in_thread import each_in_thread, in_thread
from flags_store.extracts.intake import FlagsChanged, Intake, apply
from flags_store.extracts.loads import LEASE, Load, let_go, renew
from flags_store.extracts.plan import Plan
from flags_store.extracts.planning import judge_plan, plan_chunk, read_chunk
from flags_store.extracts.stage import Stage
from runtime.clock import england_day, now
from runtime.database import Database, Transaction
from runtime.logs import get_logger
from safeguarding.extracts.matching import PATIENCE, keep_matches, match_stage

PLAN_AT_ONCE = 2_000
_ATTEMPTS = 10
_PLANS = 5
_PAUSE = 0.5

T = TypeVar("T")
log = get_logger()


class StoreBusy(Temporary):
    """Others held on to the same rows for too long; nothing was loaded, and the same file can be sent again."""


class LoadFailed(Temporary):
    """The store refused the extract for a reason that nobody foresaw; the log has its SQLSTATE. Nothing was loaded."""


class Step(StrEnum):
    """What a load is doing."""

    READING = "reading"
    MATCHING = "matching"
    RECONCILING = "reconciling"
    APPLYING = "applying"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many records are behind a step. Nobody knows how many there are while the file is still being read."""

    step: Step
    done: int
    total: int | None


OnProgress = Callable[[Progress], None]
First = Callable[[Transaction], Awaitable[object]]
"""What is to be looked at before anything is planned; it raises what ends the load."""


async def apply_stage(
    database: Database,
    load: Load,
    stage: Stage,
    traces: Trace,
    on_progress: OnProgress,
    match_for: timedelta = PATIENCE,
    first: First | None = None,
) -> None:
    """Do everything that comes after the reading. Raises LoadTakenOver, StoreBusy, LoadFailed, CouldNotReachStore.

    What the register said is remembered after the commit: should it not come to this, it is asked again.
    """
    where = {"extract": str(load.extract_id), "authority": load.authority_code}
    log.info("extract claimed", records=stage.records, **where)
    try:
        async with _kept_alive(database, load):
            if first is not None:
                await briefly(database, first)
            await match_stage(database, traces, load.authority_code, stage, _matching(on_progress), patience=match_for)
            await _plan_and_apply(database, load, stage, on_progress)
    except BaseException:
        with suppress(NightlightError, psycopg.Error):
            await briefly(database, partial(let_go, load=load))
        log.warning("extract interrupted", **where)
        raise
    log.info("extract loaded", **where)
    if stage.has_matches:
        await _remember_matches(database, load, stage)


async def _remember_matches(database: Database, load: Load, stage: Stage) -> None:
    """The extract is loaded, and stays so whatever happens here."""
    try:
        await keep_matches(database, load.actor, load.authority_code, stage)
    except (NightlightError, psycopg.Error) as error:
        log.warning("matches not remembered", extract=str(load.extract_id), error=type(error).__name__)


def _matching(on_progress: OnProgress) -> Callable[[int], None]:
    """People, not records, of whom nobody has counted how many there are."""
    return lambda done: on_progress(Progress(Step.MATCHING, done, None))


async def _plan_and_apply(database: Database, load: Load, stage: Stage, on_progress: OnProgress) -> None:
    """Planned against the flags as they stand, and applied to the same: planned anew where somebody else changed them."""
    for _ in range(_PLANS):
        intake = await _plan(database, load, stage, england_day(now()), on_progress)
        applied = partial(apply, intake=intake, on_applied=_applying(stage, on_progress))
        with suppress(FlagsChanged):
            await briefly(database, applied)
            on_progress(Progress(Step.APPLYING, stage.records, stage.records))
            return
    raise StoreBusy("others keep changing this authority's flags; nothing was loaded")


def _applying(stage: Stage, on_progress: OnProgress) -> Callable[[int], None]:
    """Progress goes back where the transaction has to be tried again. All is done only with the commit."""
    return lambda done: on_progress(Progress(Step.APPLYING, min(done, stage.records - 1), stage.records))


async def _plan(database: Database, load: Load, stage: Stage, today: date, on_progress: OnProgress) -> Intake:
    plan, done = Plan(stage), 0
    await in_thread(plan.clear)
    version = await briefly(database, partial(read_flags_version, authority_code=load.authority_code))
    async for chunk in each_in_thread(stage.chunks(PLAN_AT_ONCE)):
        held = await briefly(database, partial(read_chunk, load=load, chunk=chunk))
        await in_thread(plan_chunk, stage, plan, held, chunk, today)
        done += sum(map(len, chunk))
        on_progress(Progress(Step.RECONCILING, done, stage.records))
    judgement, open_plans = await briefly(database, partial(judge_plan, load=load, plan=plan, today=today))
    plan.holds = judgement.hold_endings
    return Intake(load, stage, plan, today, version, judgement, open_plans)


@asynccontextmanager
async def _kept_alive(database: Database, load: Load) -> AsyncIterator[None]:
    """The lease is renewed as long as this process lives."""

    async def renewing() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            with suppress(NightlightError, psycopg.Error):
                await briefly(database, partial(renew, load=load))

    task = asyncio.create_task(renewing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def briefly(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do it in one transaction; again where others stood in the way. No word of the database's own errors gets out."""
    for attempt in range(_ATTEMPTS):
        try:
            async with database.transaction() as transaction:
                return await work(transaction)
        except (DeadlockDetected, LockNotAvailable):
            await asyncio.sleep(min(0.05 * 2**attempt, _PAUSE))
        except psycopg.Error as error:
            log.error("extract not applied", sqlstate=error.sqlstate, error=type(error).__name__)
            raise LoadFailed("the store refused the extract; nothing was loaded") from None
    raise StoreBusy("the store is busy; nothing was loaded, and the same file can be sent again")
