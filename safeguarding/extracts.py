"""An extract arrived: it is read and staged outside the store, then applied person by person in brief transactions.

The upload page and `nightlight extract load` call `load_extract`; the report is the reply. Late alerts for children who are in
a department now come from the sweep, which each part calls for. A load that was interrupted goes on with the same file.
Source: docs/facts.md, section 4; docs/architecture.md, "A local authority extract".
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import UUID

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

from domain.actor import Actor
from domain.errors import InvalidInput, NightlightError, NotFound, Temporary
from flags_store.csv_reader import UnreadableExtract
from flags_store.extract_loads import LEASE, Extract, Load, LoadInProgress, LoadTakenOver, OlderExtract, claim, finish, let_go
from flags_store.extract_record import RowError
from flags_store.extract_stage import Stage
from flags_store.intake import apply_persons, apply_row_errors
from flags_store.reports import ExtractReport, list_reports, read_rejects, read_report
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Database, Transaction
from runtime.logs import get_logger

__all__ = [
    "ExtractReport", "LoadFailed", "LoadInProgress", "LoadTakenOver", "OlderExtract", "Progress", "RowError", "Step", "StoreBusy",
    "UnreadableExtract", "list_reports", "load_extract", "read_rejects", "read_report",
]  # fmt: skip

READ_AT_ONCE = 2_000
APPLY_AT_ONCE = 250
PATIENCE = LEASE + timedelta(seconds=5)
_CLOCK_DIFFERENCE = timedelta(minutes=5)
_ATTEMPTS = 10
_PAUSE = 0.5

Part = Callable[[Transaction], Awaitable[None]]
T = TypeVar("T")
log = get_logger()


class StoreBusy(Temporary):
    """Others held on to the same rows for too long; loading the same file again goes on from where this one stopped."""


class LoadFailed(Temporary):
    """The store refused a part of the extract for a reason that nobody foresaw; the log has its SQLSTATE."""


class Step(StrEnum):
    """What a load is doing."""

    READING = "reading"
    APPLYING = "applying"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many records are behind a load. Nobody knows how many there are while the file is still being read."""

    step: Step
    done: int
    total: int | None


async def load_extract(
    database: Database,
    actor: Actor,
    authority_code: str,
    source: BinaryIO | Path,
    *,
    extracted_at: datetime,
    sensitive: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    patience: timedelta = PATIENCE,
) -> ExtractReport:
    """Load one CSV extract of an authority, whole files at most once, and report.

    `extracted_at` is when the authority's system wrote it: the same content with the same or an earlier time is already loaded;
    with a later one it confirms what stands. `sensitive` masks everybody in it. While another load of the authority runs, this
    one waits for `patience`; that is long enough to take over from one that died.
    Raises NotFound (authority), UnreadableExtract (nothing was loaded), OlderExtract, LoadInProgress, InvalidInput (a time
    without zone, or in the future), and Temporary where the store is away or busy: the same again then goes on.
    """
    _check_time(extracted_at)
    is_production = await _check_authority(database, authority_code)
    with _opened(source) as stream, Stage(stream, is_production=is_production) as stage:
        await _read(database, actor, authority_code, stage, on_progress)
        extract = Extract(authority_code, stage.content_hash, extracted_at, sensitive, stage.records)
        claimed = await _claim(database, actor, extract, patience)
        if isinstance(claimed, UUID):
            return replace(await _report(database, authority_code, claimed), already_loaded=True)
        await _apply(database, claimed, stage, on_progress)
        return await _report(database, authority_code, claimed.extract_id)


def _check_time(extracted_at: datetime) -> None:
    if extracted_at.tzinfo is None:
        raise InvalidInput("the time of the extract needs a time zone")
    if extracted_at > now() + _CLOCK_DIFFERENCE:
        raise InvalidInput("the time of the extract lies in the future")


async def _check_authority(database: Database, authority_code: str) -> bool:
    """Whether this is a production store. Raises NotFound where there is no such authority."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute(
            "SELECT store.kind FROM store, authorities WHERE authorities.code = %s", (authority_code,)
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such authority")
    return bool(row[0] == "production")


@contextmanager
def _opened(source: BinaryIO | Path) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source


async def _read(
    database: Database, actor: Actor, authority_code: str, stage: Stage, on_progress: Callable[[Progress], None]
) -> None:
    try:
        while await _in_thread(stage.read, READ_AT_ONCE):
            on_progress(Progress(Step.READING, stage.records, None))
    except UnreadableExtract as unreadable:
        async with database.transaction() as transaction:
            await record_audit(transaction, actor, "extract.refuse", "authority", authority_code, code=unreadable.code)
        raise


async def _claim(database: Database, actor: Actor, extract: Extract, patience: timedelta) -> Load | UUID:
    give_up_at = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return await _briefly(database, partial(claim, actor=actor, extract=extract))
        except LoadInProgress:
            if time.monotonic() > give_up_at:
                raise
        await asyncio.sleep(_PAUSE)


async def _apply(database: Database, load: Load, stage: Stage, on_progress: Callable[[Progress], None]) -> None:
    where = {"extract": str(load.extract_id), "authority": load.authority_code}
    log.info("extract claimed", records=stage.records, **where)
    done = 0
    try:
        async for part, records in _parts(load, stage):
            await _briefly(database, part)
            done += records
            on_progress(Progress(Step.APPLYING, done, stage.records))
        await _briefly(database, partial(finish, load=load))
        on_progress(Progress(Step.APPLYING, stage.records, stage.records))
    except BaseException:
        with suppress(NightlightError):
            await _briefly(database, partial(let_go, load=load))
        log.warning("extract interrupted", **where)
        raise
    log.info("extract loaded", **where)


async def _parts(load: Load, stage: Stage) -> AsyncIterator[tuple[Part, int]]:
    """What is to be done, each in a transaction of its own, and how many records each is about."""
    errors = stage.row_errors(APPLY_AT_ONCE)
    while rejected := await _in_thread(next, errors, None):
        yield partial(apply_row_errors, load=load, errors=rejected), len(rejected)
    chunks = stage.chunks(load.persons_done, APPLY_AT_ONCE)
    while persons := await _in_thread(next, chunks, None):
        today = england_day(now())
        yield partial(apply_persons, load=load, persons=persons, today=today), sum(map(len, persons))


async def _briefly(database: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do it in one transaction; again where others stood in the way. No word of the database's own errors gets out."""
    for attempt in range(_ATTEMPTS):
        try:
            async with database.transaction() as transaction:
                return await work(transaction)
        except (DeadlockDetected, LockNotAvailable):
            await asyncio.sleep(min(0.05 * 2**attempt, _PAUSE))
        except psycopg.Error as error:
            log.error("extract not applied", sqlstate=error.sqlstate, error=type(error).__name__)
            raise LoadFailed("the store refused a part of the extract; what was applied before stays") from None
    raise StoreBusy("the store is busy; the same file again goes on from here")


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Beside the event loop, so that the desk of this process goes on answering; never left running by a cancellation."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _report(database: Database, authority_code: str, extract_id: UUID) -> ExtractReport:
    async with database.transaction() as transaction:
        return await read_report(transaction, authority_code, extract_id)
