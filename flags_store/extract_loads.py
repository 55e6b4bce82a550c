"""The row of an extract: which load is at work on it, how far it has come, and how it ended.

`safeguarding.extracts` claims an extract, applies it part by part, and finishes it; `reports` shows it. One authority has one
load at a time: the one that holds the lease. A load that died is taken over once its lease has run out.
Source: docs/facts.md, section 4 (freshness counts from `extracted_at`; an older extract is refused).
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.actor import Actor
from domain.errors import Conflict, NotFound
from flags_store.reconcile import Change
from runtime.audit import record_audit
from runtime.database import Connection
from runtime.ids import uuid7

LEASE = timedelta(seconds=15)


class OlderExtract(Conflict):
    """The authority has already sent a newer extract; this one would turn the clock back."""


class LoadInProgress(Conflict):
    """Another extract of this authority is being loaded; try again when it is done."""


class LoadTakenOver(Conflict):
    """This load stood still for so long that another one took its place; what it had applied by then stays."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What an authority hands in: the hash of the bytes, when its system wrote them, and how many records there are."""

    authority_code: str
    content_hash: bytes
    extracted_at: datetime
    sensitive: bool
    records: int


@dataclass(frozen=True, slots=True)
class Load:
    """A load at work. `persons_done` are behind it already where it goes on from an interrupted one."""

    extract_id: UUID
    token: UUID
    actor: Actor
    authority_code: str
    extracted_at: datetime
    sensitive: bool
    persons_done: int


async def claim(transaction: Connection, actor: Actor, extract: Extract) -> Load | UUID:
    """Begin to load, or go on where a load of the same content was interrupted; the id alone where it is loaded already.

    The same content counts as new only where it was extracted later: then it says that everything still stands.
    Raises NotFound, OlderExtract, and LoadInProgress while another load of this authority is alive.
    """
    await _lock_authority(transaction, extract.authority_code)
    loaded = await _find_loaded(transaction, extract)
    if loaded is not None:
        return loaded
    await _check_newest(transaction, extract)
    interrupted = await _take_aside(transaction, actor, extract)
    statement = _BEGIN if interrupted is None else _GO_ON
    values = {
        "id": interrupted, "authority": extract.authority_code, "hash": extract.content_hash, "at": extract.extracted_at,
        "sensitive": extract.sensitive, "sent_by": actor.name, "records": extract.records, "token": uuid7(), "lease": LEASE,
    }  # fmt: skip
    row = await (await transaction.execute(statement, values)).fetchone()
    assert row is not None
    extract_id, token, extracted_at, sensitive, persons_done = row
    return Load(extract_id, token, actor, extract.authority_code, extracted_at, sensitive, persons_done)


_BEGIN = """
    INSERT INTO extracts (authority_code, content_hash, extracted_at, sensitive, sent_by, records, claimed_by, lease_until)
    VALUES (%(authority)s, %(hash)s, %(at)s, %(sensitive)s, %(sent_by)s, %(records)s, %(token)s, now() + %(lease)s)
    RETURNING id, claimed_by, extracted_at, sensitive, persons_done
"""
_GO_ON = """
    UPDATE extracts SET extracted_at = greatest(extracted_at, %(at)s), sensitive = sensitive OR %(sensitive)s,
                        claimed_by = %(token)s, lease_until = now() + %(lease)s
    WHERE id = %(id)s
    RETURNING id, claimed_by, extracted_at, sensitive, persons_done
"""


async def _lock_authority(transaction: Connection, authority_code: str) -> None:
    """Two claims wait for one another; the desk, which only points at authorities, waits for neither."""
    cursor = await transaction.execute("SELECT FROM authorities WHERE code = %s FOR NO KEY UPDATE", (authority_code,))
    if cursor.rowcount == 0:
        raise NotFound(f"there is no authority {authority_code}")


async def _find_loaded(transaction: Connection, extract: Extract) -> UUID | None:
    cursor = await transaction.execute(
        """
        SELECT id FROM extracts
        WHERE authority_code = %s AND content_hash = %s AND extracted_at >= %s AND state IN ('loaded', 'nothing-loaded')
        ORDER BY extracted_at DESC LIMIT 1
        """,
        (extract.authority_code, extract.content_hash, extract.extracted_at),
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def _check_newest(transaction: Connection, extract: Extract) -> None:
    """What has been applied in part counts as well; what changed nothing does not."""
    cursor = await transaction.execute(
        """
        SELECT FROM extracts WHERE authority_code = %s AND extracted_at > %s AND state <> 'nothing-loaded' AND content_hash <> %s
        LIMIT 1
        """,
        (extract.authority_code, extract.extracted_at, extract.content_hash),
    )
    if cursor.rowcount:
        raise OlderExtract("this authority has already sent a newer extract; nothing was loaded")


async def _take_aside(transaction: Connection, actor: Actor, extract: Extract) -> UUID | None:
    """What stands half loaded: the id where it is this very content; what is of another content ends here, interrupted."""
    cursor = await transaction.execute(
        """
        SELECT id, content_hash = %s, coalesce(lease_until > now(), false) FROM extracts
        WHERE authority_code = %s AND state = 'loading'
        """,
        (extract.content_hash, extract.authority_code),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    extract_id, is_same, is_alive = row
    if is_alive:
        raise LoadInProgress("another extract of this authority is being loaded; try again when it is done")
    if is_same:
        return UUID(str(extract_id))
    await transaction.execute(
        "UPDATE extracts SET state = 'interrupted', completed_at = now(), claimed_by = NULL, lease_until = NULL WHERE id = %s",
        (extract_id,),
    )
    await record_audit(transaction, actor, "extract.interrupt", "extract", str(extract_id))
    return None


async def record_progress(transaction: Connection, load: Load, counts: Counter[Change], *, persons: int, rejected: int) -> None:
    """Count what this transaction has applied, renew the lease, and call for the sweep that raises late alerts.

    Raises LoadTakenOver where the load is no longer the one at work: then nothing of this transaction may stay.
    """
    cursor = await transaction.execute(
        """
        UPDATE extracts
        SET opened = opened + %s, amended = amended + %s, ended = ended + %s, deleted = deleted + %s, unchanged = unchanged + %s,
            rejected = rejected + %s, persons_done = persons_done + %s, lease_until = now() + %s,
            sweep_due = true, sweep_horizon = NULL
        WHERE id = %s AND claimed_by = %s AND state = 'loading'
        """,
        (*(counts[change] for change in Change), rejected, persons, LEASE, load.extract_id, load.token),
    )
    if cursor.rowcount == 0:
        raise LoadTakenOver("another load of this authority has taken over")


async def finish(transaction: Connection, load: Load) -> None:
    """All is applied: the extract is loaded, and counts for the authority's freshness; or no record of it was any good."""
    cursor = await transaction.execute(
        """
        UPDATE extracts
        SET state = CASE WHEN records > rejected THEN 'loaded' ELSE 'nothing-loaded' END, completed_at = now(),
            claimed_by = NULL, lease_until = NULL
        WHERE id = %s AND claimed_by = %s AND state = 'loading'
        RETURNING state, records, opened, amended, ended, deleted, unchanged, rejected
        """,
        (load.extract_id, load.token),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LoadTakenOver("another load of this authority has taken over")
    state, *counts = row
    if state == "loaded":
        await transaction.execute(
            "UPDATE authorities SET last_extracted_at = greatest(last_extracted_at, %s) WHERE code = %s",
            (load.extracted_at, load.authority_code),
        )
    names = ("records", "opened", "amended", "ended", "deleted", "unchanged", "rejected")
    detail = dict(zip(names, counts, strict=True))
    await record_audit(transaction, load.actor, "extract.load", "extract", str(load.extract_id), state=state, **detail)


async def let_go(transaction: Connection, load: Load) -> None:
    """The load stops before its end: whoever brings the same file again goes on at once."""
    await transaction.execute(
        "UPDATE extracts SET claimed_by = NULL, lease_until = NULL WHERE id = %s AND claimed_by = %s",
        (load.extract_id, load.token),
    )
