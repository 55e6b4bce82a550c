"""What a person decides about a rejected record: corrects it, dismisses it, or takes that back. Each is audited.

`safeguarding.extracts.mending` calls it. What was sent stays as it is, beside the correction.
Source: docs/facts.md, section 4; docs/authority/rejected-records.md.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput
from flags_store.extracts.record import COLUMNS
from flags_store.extracts.rejected_keys import key_of_fields
from flags_store.extracts.rejected_views import RejectedRecord, read_rejected
from runtime.audit import record_audit
from runtime.database import Connection

SHORTEST_REASON, LONGEST_REASON = 5, 200


class Dismissal(StrEnum):
    """Why a record must not be loaded."""

    DUPLICATE = "duplicate"
    NOT_OURS = "not-ours"
    ENDED_LONG_AGO = "ended-long-ago"
    MENDED_AT_SOURCE = "mended-at-source"
    OTHER = "other"

    @property
    def words(self) -> str:
        """For a person."""
        return _DISMISSAL_WORDS[self]


_DISMISSAL_WORDS = {
    Dismissal.DUPLICATE: "The same plan is held already",
    Dismissal.NOT_OURS: "The plan is another authority’s",
    Dismissal.ENDED_LONG_AGO: "The plan ended more than 365 days ago",
    Dismissal.MENDED_AT_SOURCE: "It was mended at the source, and accepted under another number, kind or start",
    Dismissal.OTHER: "Another reason",
}


async def keep_correction(
    transaction: Connection, actor: Actor, authority_code: str, work_id: UUID, fields: Sequence[str]
) -> RejectedRecord:
    """Keep ten corrected columns beside what was sent, before they are loaded: whatever dies then, they are there.

    Returns the work as it stood. Raises NotFound, Conflict where it is done already or sealed.
    """
    row = await read_rejected(transaction, authority_code, work_id, lock=True)
    if row.state != "open":
        raise Conflict("this record is no longer open: look at what became of it")
    if row.is_sealed:
        raise Conflict("this record is sealed: it is not mended here, and no other number is written beside it")
    await transaction.execute(
        """
        UPDATE rejected_records
        SET corrected = %s, corrected_key = %s, corrected_at = now(), corrected_by = %s,
            tried_field = NULL, tried_code = NULL, tried_reason = NULL
        WHERE id = %s
        """,
        (json.dumps(list(fields)), key_of_fields(authority_code, fields), actor.name, work_id),
    )
    sent = row.fields or [""] * len(COLUMNS)
    changed = [name for name, before, after in zip(COLUMNS, sent, fields, strict=True) if before.strip() != after.strip()]
    await record_audit(transaction, actor, "rejected.correct", "rejected-record", str(work_id), columns=" ".join(changed))
    return row


async def mark_mended(transaction: Connection, actor: Actor, authority_code: str, work_id: UUID) -> None:
    """The correction was accepted. (The load says so itself where it can; this makes sure.)"""
    await transaction.execute(
        """
        UPDATE rejected_records SET state = 'mended', closed_at = now(), closed_by = %s, close_reason = NULL
        WHERE authority_code = %s AND id = %s AND state = 'open'
        """,
        (actor.name, authority_code, work_id),
    )


async def dismiss(
    transaction: Connection, actor: Actor, authority_code: str, work_id: UUID, why: Dismissal, words: str = ""
) -> None:
    """The record must not be loaded. Raises NotFound, Conflict where it is done already, InvalidInput without a reason in words
    where the table has none."""
    words = words.strip()
    if (why is Dismissal.OTHER and len(words) < SHORTEST_REASON) or len(words) > LONGEST_REASON:
        raise InvalidInput(f"say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
    row = await read_rejected(transaction, authority_code, work_id, lock=True)
    if row.state != "open":
        raise Conflict("this record is no longer open: look at what became of it")
    reason = ": ".join(part for part in ("" if why is Dismissal.OTHER else why.words, words) if part)
    await transaction.execute(
        "UPDATE rejected_records SET state = 'dismissed', closed_at = now(), closed_by = %s, close_reason = %s WHERE id = %s",
        (actor.name, reason, work_id),
    )
    await record_audit(transaction, actor, "rejected.dismiss", "rejected-record", str(work_id), why=why)


async def open_again(transaction: Connection, actor: Actor, authority_code: str, work_id: UUID) -> None:
    """It is work after all, as old as it is. Raises NotFound, Conflict where it is open or was accepted."""
    row = await read_rejected(transaction, authority_code, work_id, lock=True)
    if row.state not in {"dismissed", "not-sent", "mended"}:
        raise Conflict("this record is open already, or was accepted")
    await transaction.execute(
        "UPDATE rejected_records SET state = 'open', closed_at = NULL, closed_by = NULL, close_reason = NULL WHERE id = %s",
        (work_id,),
    )
    await record_audit(transaction, actor, "rejected.open-again", "rejected-record", str(work_id), was=row.state)
