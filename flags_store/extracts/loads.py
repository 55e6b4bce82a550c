"""The row of an extract: which load is at work on it, in what order extracts come, and how a load ended.

`safeguarding.extracts.loading` claims an extract, applies it in one transaction, and finishes it there; `reports` shows it. One
authority has one load at a time: the one that holds the lease. Of a load that died nothing is loaded.
Source: docs/facts.md, section 4 (freshness counts from `extracted_at`; sequence rules belong to V3 only).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.actor import Actor
from domain.errors import Conflict, NotFound
from domain.extract import CameBy, Cause, FileFormat, Scope
from domain.flag import FlagKind
from flags_store.extracts.reconcile import Change
from runtime.audit import record_audit
from runtime.database import Connection
from runtime.ids import uuid7

LEASE = timedelta(seconds=15)


class OlderExtract(Conflict):
    """The authority has already sent a newer extract; this one would turn the clock back."""


class SequenceRepeated(Conflict):
    """The authority has already sent this sequence number, with other content; nothing was loaded."""


class LoadInProgress(Conflict):
    """Another extract of this authority is being loaded; try again when it is done."""


class LoadTakenOver(Conflict):
    """This load stood still for so long that another one took its place; nothing of it was loaded."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What an authority hands in: the hash of the bytes, when its system wrote them, and how many records there are."""

    authority_code: str
    content_hash: bytes
    extracted_at: datetime
    sensitive: bool
    records: int
    file_format: FileFormat = FileFormat.CSV
    scope: Scope = Scope.PARTIAL
    came_by: CameBy = CameBy.COMMAND
    cause: Cause = Cause.EXTRACT
    sequence_number: int | None = None
    declared: Mapping[FlagKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """A load at work. `expected_sequence`: the number that should have come, where another one did (V3)."""

    extract_id: UUID
    token: UUID
    actor: Actor
    authority_code: str
    extracted_at: datetime
    sensitive: bool
    cause: Cause = Cause.EXTRACT
    scope: Scope = Scope.PARTIAL
    expected_sequence: int | None = None


async def claim(transaction: Connection, actor: Actor, extract: Extract) -> Load | UUID:
    """Begin to load; the id alone where the content is loaded already.

    The same content counts as new only where it was extracted later: then it says that everything still stands.
    Raises NotFound, OlderExtract, SequenceRepeated, and LoadInProgress while another load of this authority is alive.
    """
    await _lock_authority(transaction, extract.authority_code)
    expected = None
    if extract.cause is Cause.EXTRACT:
        loaded = await _find_loaded(transaction, extract)
        if loaded is not None:
            return loaded
        expected = await _check_sequence(transaction, extract)
        await _check_newest(transaction, extract)
    await _take_aside(transaction, actor, extract)
    token = uuid7()
    values = {
        "authority": extract.authority_code, "hash": extract.content_hash, "at": extract.extracted_at,
        "sensitive": extract.sensitive, "sent_by": actor.name, "records": extract.records, "token": token, "lease": LEASE,
        "format": extract.file_format, "scope": extract.scope, "came_by": extract.came_by, "cause": extract.cause,
        "sequence": extract.sequence_number, "declared": Jsonb(dict(extract.declared)),
    }  # fmt: skip
    row = await (await transaction.execute(_BEGIN, values)).fetchone()
    assert row is not None
    return Load(
        row[0], token, actor, extract.authority_code, extract.extracted_at, extract.sensitive, extract.cause, extract.scope,
        expected,
    )  # fmt: skip


_BEGIN = """
    INSERT INTO extracts (authority_code, content_hash, extracted_at, sensitive, sent_by, records, claimed_by, lease_until,
                          file_format, scope, came_by, cause, sequence_number, declared)
    VALUES (%(authority)s, %(hash)s, %(at)s, %(sensitive)s, %(sent_by)s, %(records)s, %(token)s, now() + %(lease)s,
            %(format)s, %(scope)s, %(came_by)s, %(cause)s, %(sequence)s, %(declared)s)
    RETURNING id
"""


async def _lock_authority(transaction: Connection, authority_code: str) -> None:
    """Two claims wait for one another; the desk, which only points at authorities, waits for neither."""
    cursor = await transaction.execute("SELECT FROM authorities WHERE code = %s FOR NO KEY UPDATE", (authority_code,))
    if cursor.rowcount == 0:
        raise NotFound(f"there is no authority {authority_code}")


async def _find_loaded(transaction: Connection, extract: Extract) -> UUID | None:
    """By content, and by time or by number. What is declared anew, as sensitive or as full, has to be loaded again."""
    cursor = await transaction.execute(
        """
        SELECT id FROM extracts
        WHERE authority_code = %(authority)s AND content_hash = %(hash)s AND state IN ('loaded', 'nothing-loaded')
          AND CASE WHEN %(sequence)s::bigint IS NULL THEN extracted_at >= %(at)s ELSE sequence_number = %(sequence)s END
          AND (sensitive OR NOT %(sensitive)s) AND (scope = 'full' OR %(scope)s = 'partial')
        ORDER BY extracted_at DESC LIMIT 1
        """,
        {
            "authority": extract.authority_code, "hash": extract.content_hash, "at": extract.extracted_at,
            "sequence": extract.sequence_number, "sensitive": extract.sensitive, "scope": extract.scope,
        },
    )  # fmt: skip
    row = await cursor.fetchone()
    return row[0] if row else None


async def _check_sequence(transaction: Connection, extract: Extract) -> int | None:
    """The number that was expected, where a later one has come. What changed nothing may come again under its number."""
    number = extract.sequence_number
    if number is None:
        return None
    cursor = await transaction.execute(
        """
        SELECT max(sequence_number), max(sequence_number) FILTER (WHERE state = 'loaded'),
               coalesce(bool_or(sequence_number = %s AND content_hash <> %s) FILTER (WHERE state = 'loaded'), false)
        FROM extracts
        WHERE authority_code = %s AND sequence_number IS NOT NULL AND cause = 'extract' AND state IN ('loaded', 'nothing-loaded')
        """,
        (number, extract.content_hash, extract.authority_code),
    )
    row = await cursor.fetchone()
    last, last_loaded, is_repeated = row or (None, None, False)
    if is_repeated:
        raise SequenceRepeated(
            f"sequence number {number} has already come with other content; nothing was loaded: send this under the next number"
        )
    if last_loaded is not None and number < last_loaded:
        raise OlderExtract(f"sequence number {number} comes after {last_loaded}, which has been loaded; nothing was loaded")
    return last + 1 if last is not None and number > last + 1 else None


async def _check_newest(transaction: Connection, extract: Extract) -> None:
    """By the time of extraction; between two that have sequence numbers, by these alone. What changed nothing does not count."""
    cursor = await transaction.execute(
        """
        SELECT FROM extracts
        WHERE authority_code = %s AND extracted_at > %s AND state = 'loaded' AND cause = 'extract' AND content_hash <> %s
          AND (sequence_number IS NULL OR %s::bigint IS NULL)
        LIMIT 1
        """,
        (extract.authority_code, extract.extracted_at, extract.content_hash, extract.sequence_number),
    )
    if cursor.rowcount:
        raise OlderExtract("this authority has already sent a newer extract; nothing was loaded")


async def _take_aside(transaction: Connection, actor: Actor, extract: Extract) -> None:
    """A load that died ends here, interrupted: nothing of it was loaded."""
    cursor = await transaction.execute(
        "SELECT id, coalesce(lease_until > now(), false) FROM extracts WHERE authority_code = %s AND state = 'loading'",
        (extract.authority_code,),
    )
    row = await cursor.fetchone()
    if row is None:
        return
    extract_id, is_alive = row
    if is_alive:
        raise LoadInProgress("another extract of this authority is being loaded; try again when it is done")
    await transaction.execute(f"{_INTERRUPT} WHERE id = %s", (extract_id,))
    await record_audit(transaction, actor, "extract.interrupt", "extract", str(extract_id))


_INTERRUPT = "UPDATE extracts SET state = 'interrupted', completed_at = now(), claimed_by = NULL, lease_until = NULL"


async def renew(transaction: Connection, load: Load) -> None:
    """The load is alive."""
    await transaction.execute(
        "UPDATE extracts SET lease_until = now() + %s WHERE id = %s AND claimed_by = %s", (LEASE, load.extract_id, load.token)
    )


async def finish(
    transaction: Connection, load: Load, counts: Counter[Change], *, rejected: int, held: int = 0, missing: int = 0
) -> None:
    """All is applied: the extract is loaded, and counts for the authority's freshness; or no record of it was any good.

    Calls for the sweep that raises late alerts. Raises LoadTakenOver where the load is no longer the one at work: then nothing of
    this transaction may stay.
    """
    cursor = await transaction.execute(
        """
        UPDATE extracts
        SET opened = %s, amended = %s, ended = %s, deleted = %s, unchanged = %s, rejected = %s, held = %s, missing = %s,
            state = CASE WHEN records > %s THEN 'loaded' ELSE 'nothing-loaded' END, completed_at = clock_timestamp(),
            claimed_by = NULL, lease_until = NULL, sweep_due = true, sweep_horizon = NULL
        WHERE id = %s AND claimed_by = %s AND state = 'loading'
        RETURNING state, records
        """,
        (*(counts[change] for change in Change), rejected, held, missing, rejected, load.extract_id, load.token),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LoadTakenOver("another load of this authority has taken over; nothing of this one was loaded")
    state, records = row
    if state == "loaded" and load.cause is Cause.EXTRACT:
        await transaction.execute(
            "UPDATE authorities SET last_extracted_at = greatest(last_extracted_at, %s) WHERE code = %s",
            (load.extracted_at, load.authority_code),
        )
    names = ("opened", "amended", "ended", "deleted", "unchanged")
    detail = dict(zip(names, (counts[change] for change in Change), strict=True))
    await record_audit(
        transaction, load.actor, "extract.load", "extract", str(load.extract_id),
        state=state, cause=load.cause, records=records, **detail, rejected=rejected, held=held, missing=missing,
    )  # fmt: skip


async def let_go(transaction: Connection, load: Load) -> None:
    """The load stops before its end: nothing of it was loaded, and whoever brings the same file again begins at once."""
    cursor = await transaction.execute(
        f"{_INTERRUPT} WHERE id = %s AND claimed_by = %s AND state = 'loading'", (load.extract_id, load.token)
    )
    if cursor.rowcount:
        await record_audit(transaction, load.actor, "extract.interrupt", "extract", str(load.extract_id))
