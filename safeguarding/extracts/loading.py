"""An extract arrived: it is read and staged outside the store, matched, reconciled, and then applied in one transaction.

The upload page, the loader and `nightlight extract load` call `load_extract`; whoever mends, releases or settles single records
calls `load_rows`. The report is the reply. Late alerts for children who are in a department now come from the sweep.
Source: docs/facts.md, section 4; docs/architecture.md, "A local authority extract"; docs/adr/0031.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from domain.actor import Actor
from domain.errors import InvalidInput, NotFound
from domain.extract import CameBy, Cause, Declaration
from domain.trace import NoTrace, Trace
from flags_store.authority_details import check_sends
from flags_store.extract_formats.reading import Terms, UnreadableExtract
from flags_store.extract_formats.rows_reader import Row
from flags_store.extracts.codes import FileCode
from flags_store.extracts.content import Source
from flags_store.extracts.in_thread import in_thread
from flags_store.extracts.loads import (
    LEASE,
    Extract,
    Load,
    LoadInProgress,
    LoadTakenOver,
    OlderExtract,
    SequenceRepeated,
    claim,
)  # fmt: skip
from flags_store.extracts.notes import ExtractNote
from flags_store.extracts.record import RowError
from flags_store.extracts.reports import ExtractReport, list_reports, read_hidden, read_notes, read_rejects, read_report
from flags_store.extracts.stage import Stage
from flags_store.ssd_terms import read_statuses
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Database
from safeguarding.extracts.applying import First, LoadFailed, Progress, Step, StoreBusy, apply_stage, briefly
from safeguarding.extracts.declaring import EARLIEST
from safeguarding.extracts.matching import PATIENCE as MATCH_PATIENCE

__all__ = [
    "ExtractNote", "ExtractReport", "LoadFailed", "LoadInProgress", "LoadTakenOver", "OlderExtract", "Progress", "RowError",
    "SequenceRepeated", "Step", "StoreBusy", "UnreadableExtract", "list_reports", "load_extract", "load_rows", "read_hidden",
    "read_notes", "read_rejects", "read_report",
]  # fmt: skip

READ_AT_ONCE = 2_000
PATIENCE = LEASE + timedelta(seconds=5)
_CLOCK_DIFFERENCE = timedelta(minutes=5)
_PAUSE = 0.5
_NOBODY_TO_ASK = NoTrace()


async def load_extract(
    database: Database,
    actor: Actor,
    authority_code: str,
    source: Source,
    declaration: Declaration,
    *,
    came_by: CameBy = CameBy.COMMAND,
    cause: Cause = Cause.EXTRACT,
    traces: Trace = _NOBODY_TO_ASK,
    match_for: timedelta = MATCH_PATIENCE,
    on_progress: Callable[[Progress], None] = lambda _: None,
    patience: timedelta = PATIENCE,
) -> ExtractReport:
    """Load one extract of an authority, all of it or nothing, and report.

    The same content with the same or an earlier time of extraction, or (V3) the same number, is already loaded; with a later time
    it confirms what stands. `traces`: who can be asked, for `match_for` at most, whether numbers and details agree. While another
    load of the authority runs, this one waits for `patience`; that is long enough to take over from one that died.
    Raises NotFound (authority), Superseded (it has a successor), UnreadableExtract, OlderExtract, SequenceRepeated,
    LoadInProgress, InvalidInput (a time without zone, in the future, or missing), and Temporary where the store is away or
    busy. Then nothing of it was loaded; where the commit itself was not confirmed, the same again says whether it was.
    """
    if declaration.extracted_at is not None:
        _check_time(declaration.extracted_at)
    async with database.transaction() as transaction:
        await check_sends(transaction, authority_code)
    terms = await _terms(database, authority_code, declaration)
    with Stage(source, terms) as stage:
        await _read(database, actor, authority_code, stage, on_progress)
        extract = _to_extract(authority_code, stage, declaration, came_by, cause)
        return await _load(database, actor, extract, stage, traces, on_progress, patience, match_for)


async def load_rows(
    database: Database,
    actor: Actor,
    authority_code: str,
    rows: Sequence[Row],
    cause: Cause,
    *,
    at: datetime | None = None,
    sensitive: bool = False,
    came_by: CameBy = CameBy.PAGE,
    traces: Trace = _NOBODY_TO_ASK,
    patience: timedelta = PATIENCE,
    first: First | None = None,
) -> ExtractReport:
    """Load single records that a person mended, released or settled, by the same path; `at` is as of when they hold, or now.

    Neither the shrink guard nor any order stands in their way, and they say nothing about the authority's freshness. `first` is
    called once no other load of the authority can run any more; what it raises ends the load, and is raised.
    Raises NotFound, LoadInProgress, and Temporary where the store is away or busy. Then nothing was loaded.
    """
    declaration = Declaration(at or now(), sensitive=sensitive)
    terms = await _terms(database, authority_code, declaration)
    with Stage(list(rows), terms) as stage:
        await _read(database, actor, authority_code, stage, lambda _: None)
        extract = _to_extract(authority_code, stage, declaration, came_by, cause)
        return await _load(database, actor, extract, stage, traces, lambda _: None, patience, first=first)


def _check_time(extracted_at: datetime) -> None:
    if extracted_at.tzinfo is None:
        raise InvalidInput("the time of the extract needs a time zone")
    if extracted_at > now() + _CLOCK_DIFFERENCE:
        raise InvalidInput("the time of the extract lies in the future")
    if extracted_at < EARLIEST:
        raise InvalidInput(f"the extract cannot have been taken before {EARLIEST.year}")


async def _terms(database: Database, authority_code: str, declaration: Declaration) -> Terms:
    """By what the authority's extracts are read. Raises NotFound where there is no such authority."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute(
            "SELECT store.kind = 'production', short_breaks FROM store, authorities WHERE authorities.code = %s", (authority_code,)
        )
        row = await cursor.fetchone()
        statuses = await read_statuses(transaction, authority_code)
    if row is None:
        raise NotFound("there is no such authority")
    return Terms(authority_code, declaration, is_production=row[0], statuses=statuses, short_breaks=row[1])


async def _read(
    database: Database, actor: Actor, authority_code: str, stage: Stage, on_progress: Callable[[Progress], None]
) -> None:
    try:
        while await in_thread(stage.read, READ_AT_ONCE):
            on_progress(Progress(Step.READING, stage.records, None))
        if stage.envelope and stage.envelope.authority_code not in {None, authority_code}:
            raise UnreadableExtract(FileCode.WRONG_SENDER)
    except UnreadableExtract as unreadable:
        async with database.transaction() as transaction:
            await record_audit(transaction, actor, "extract.refuse", "authority", authority_code, code=unreadable.code)
        raise


def _to_extract(authority_code: str, stage: Stage, declaration: Declaration, came_by: CameBy, cause: Cause) -> Extract:
    """What is known of the whole, by the file where it says so, else by the declaration. Raises InvalidInput."""
    envelope = stage.envelope
    assert envelope is not None
    extracted_at = declaration.extracted_at or envelope.created_at
    if extracted_at is None:
        raise InvalidInput("the time of the extract is needed: the file does not say it")
    _check_time(extracted_at)
    return Extract(
        authority_code, stage.content_hash, extracted_at, declaration.sensitive, stage.records, envelope.file_format,
        envelope.scope or declaration.scope, came_by, cause, envelope.sequence_number, declaration.counts,
    )  # fmt: skip


async def _load(
    database: Database,
    actor: Actor,
    extract: Extract,
    stage: Stage,
    traces: Trace,
    on_progress: Callable[[Progress], None],
    patience: timedelta,
    match_for: timedelta = MATCH_PATIENCE,
    first: First | None = None,
) -> ExtractReport:
    claimed = await _claim(database, actor, extract, patience)
    if isinstance(claimed, UUID):
        return replace(await _report(database, extract.authority_code, claimed), already_loaded=True)
    await apply_stage(database, claimed, stage, traces, on_progress, match_for, first)
    return await _report(database, extract.authority_code, claimed.extract_id)


async def _claim(database: Database, actor: Actor, extract: Extract, patience: timedelta) -> Load | UUID:
    give_up_at = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return await briefly(database, partial(claim, actor=actor, extract=extract))
        except LoadInProgress:
            if time.monotonic() > give_up_at:
                raise
        await asyncio.sleep(_PAUSE)


async def _report(database: Database, authority_code: str, extract_id: UUID) -> ExtractReport:
    async with database.transaction() as transaction:
        return await read_report(transaction, authority_code, extract_id)
