"""The uploads that wait: one is claimed for a while, its progress noted, and it ends loaded or refused, or waits again.

`safeguarding.extracts.upload_loading` calls these, each in a brief transaction. A loader that died loses its claim with its lease.
Source: docs/facts.md, sections 4 and 7.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg.rows import kwargs_row

from flags_store.extracts.uploads import COLUMNS, Upload, read_upload, to_upload
from runtime.audit import record_audit
from runtime.database import Connection
from runtime.ids import uuid7

LEASE = timedelta(seconds=20)
PATIENT_ATTEMPTS = 3
"""So often is an upload tried before a later one of the same authority may go first."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An upload, and the claim by which it is worked on."""

    upload: Upload
    token: UUID


async def claim_upload(transaction: Connection) -> Claimed | None:
    """The upload that has waited longest, of an authority of which no other is being loaded; None where there is none.

    Of one authority's the one that came first goes first, so that a file and its correction are loaded in their order. Raises
    psycopg's UniqueViolation where another loader was quicker.
    """
    token = uuid7()
    cursor = transaction.cursor(row_factory=kwargs_row(to_upload))
    await cursor.execute(_CLAIM, (token, LEASE, PATIENT_ATTEMPTS))
    upload = await cursor.fetchone()
    return Claimed(upload, token) if upload else None


_CLAIM = f"""
    UPDATE uploads
    SET state = 'loading', claimed_by = %s, lease_until = now() + %s, attempts = attempts + 1, step = '', done = 0, total = NULL
    WHERE id = (
        SELECT id FROM uploads waiting
        WHERE (state = 'waiting' AND due_at <= now() OR state = 'loading' AND lease_until < now())
          AND NOT EXISTS (
              SELECT FROM uploads other
              WHERE other.authority_code = waiting.authority_code AND other.id <> waiting.id
                AND (other.state = 'loading' OR other.state = 'waiting' AND other.id < waiting.id AND other.attempts <= %s)
          )
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING {COLUMNS}
"""  # noqa: S608 (columns of our own)


async def note_progress(transaction: Connection, claimed: Claimed, step: str, done: int, total: int | None) -> bool:
    """Say how far it is, and renew the lease. False where the claim was lost."""
    cursor = await transaction.execute(
        """
        UPDATE uploads SET step = %s, done = %s, total = %s, lease_until = now() + %s WHERE id = %s AND claimed_by = %s
        """,
        (step, done, total, LEASE, claimed.upload.id, claimed.token),
    )
    return cursor.rowcount == 1


async def end_loaded(transaction: Connection, claimed: Claimed, extract_id: UUID) -> None:
    """It is loaded: its report is the extract's, and the bytes go."""
    cursor = await transaction.execute(
        """
        UPDATE uploads SET state = 'loaded', extract_id = %s, ended_at = now(), claimed_by = NULL, lease_until = NULL
        WHERE id = %s AND claimed_by = %s
        """,
        (extract_id, claimed.upload.id, claimed.token),
    )
    if cursor.rowcount:
        await _erase(transaction, claimed.upload.id)


async def end_refused(transaction: Connection, claimed: Claimed, code: str, words: str) -> None:
    """Nothing of it was loaded, and trying again cannot help: the reason stays, and the bytes go."""
    cursor = await transaction.execute(
        """
        UPDATE uploads
        SET state = 'refused', refusal_code = %s, refusal = %s, ended_at = now(), claimed_by = NULL, lease_until = NULL
        WHERE id = %s AND claimed_by = %s
        """,
        (code, words, claimed.upload.id, claimed.token),
    )
    if cursor.rowcount:
        await _erase(transaction, claimed.upload.id)
        actor = claimed.upload.actor
        await record_audit(transaction, actor, "upload.refuse", "upload", str(claimed.upload.id), code=code)


async def refuse_at_once(transaction: Connection, upload: Upload, code: str, words: str) -> Upload:
    """It was begun in this transaction, and nobody could read it: it is refused before any byte of it is kept."""
    await transaction.execute(
        "UPDATE uploads SET state = 'refused', refusal_code = %s, refusal = %s, ended_at = now() WHERE id = %s",
        (code, words, upload.id),
    )
    await record_audit(transaction, upload.actor, "upload.refuse", "upload", str(upload.id), code=code)
    return await read_upload(transaction, upload.authority_code, upload.id)


async def put_back(transaction: Connection, claimed: Claimed, after: timedelta) -> None:
    """It could not be loaded for a reason that will pass: it waits, and is due again after a while."""
    await transaction.execute(
        """
        UPDATE uploads SET state = 'waiting', due_at = now() + %s, step = '', claimed_by = NULL, lease_until = NULL
        WHERE id = %s AND claimed_by = %s
        """,
        (after, claimed.upload.id, claimed.token),
    )


async def _erase(transaction: Connection, upload_id: UUID) -> None:
    await transaction.execute("DELETE FROM upload_parts WHERE upload_id = %s", (upload_id,))
