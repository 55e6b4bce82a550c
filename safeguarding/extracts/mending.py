"""Mending a rejected record: a data officer sees why it was refused, corrects it, and it is loaded like any other record.

`api.rejects` calls it. The correction is kept before it is loaded, and what was sent stays beside it; a load that dies leaves the
work open. Source: docs/facts.md, section 4 ("rejected records are work for a person"); docs/adr/0037.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.actor import Actor
from domain.errors import InvalidInput
from domain.extract import Cause
from flags_store.extracts.record import COLUMNS, Extras
from flags_store.extracts.rejected_decisions import Dismissal, dismiss, keep_correction, mark_mended, open_again
from flags_store.extracts.rejected_views import RejectedRecord, Shown, WorkList, list_rejected, read_rejected
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Connection, Database
from safeguarding.extracts.loading import ExtractReport, load_rows

__all__ = [
    "COLUMNS", "Dismissal", "Mended", "NeedsReason", "Outcome", "RejectedRecord", "Shown", "WorkList", "dismiss", "list_rejected",
    "mend", "open_again", "open_rejected",
]  # fmt: skip

LONGEST_REASON = 200
LoadRows = Callable[..., Awaitable[ExtractReport]]
"""`safeguarding.extracts.loading.load_rows`."""


class NeedsReason(InvalidInput):
    """The record is sensitive: whoever opens it says why."""


class Outcome(StrEnum):
    """What became of a correction."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Mended:
    """The work as it stands now, and what became of the correction."""

    outcome: Outcome
    row: RejectedRecord


async def open_rejected(
    transaction: Connection, actor: Actor, authority_code: str, work_id: UUID, reason: str = ""
) -> RejectedRecord:
    """One rejected record of the own authority, with all that was sent; that it was opened is on record.

    Raises NotFound, and NeedsReason for a sensitive one without a reason.
    """
    row = await read_rejected(transaction, authority_code, work_id)
    reason = reason.strip()[:LONGEST_REASON]
    if row.sensitive and not reason:
        raise NeedsReason("the record is sensitive: say why you open it")
    detail = {"reason": reason} if reason else {}
    await record_audit(transaction, actor, "rejected.open", "rejected-record", str(work_id), sensitive=row.sensitive, **detail)
    return row


async def mend(
    database: Database, actor: Actor, authority_code: str, work_id: UUID, fields: Sequence[str], load: LoadRows = load_rows
) -> Mended:
    """Load the corrected columns, and say what became of them. The flag of an accepted record opens at once.

    Raises NotFound, Conflict where the work is done already or an extract is being loaded, and Temporary where the store is busy:
    then the correction waits in the form.
    """
    columns = tuple(value.strip() for value in fields)
    async with database.transaction() as transaction:
        row = await keep_correction(transaction, actor, authority_code, work_id, columns)
    report = await load(database, actor, authority_code, _rows(row, columns), cause=Cause.MENDED, sensitive=row.sensitive)
    async with database.transaction() as transaction:
        if not report.rejected and not report.held:
            await mark_mended(transaction, actor, authority_code, work_id)
        row = await read_rejected(transaction, authority_code, work_id)
        outcome = Outcome.ACCEPTED if row.state != "open" else Outcome.REJECTED if row.tried_code else Outcome.HELD
        await record_audit(
            transaction, actor, "rejected.mend", "rejected-record", str(work_id), outcome=outcome, code=row.tried_code
        )  # fmt: skip
    return Mended(outcome, row)


def _rows(row: RejectedRecord, columns: tuple[str, ...]) -> list[tuple[tuple[str, ...], Extras]]:
    """The corrected record; and where a plan that is held stood under another number, kind or start, its deletion in error."""
    rows = [(columns, Extras(row.place, row.plan_id, row.adopted))]
    held = tuple(row.fields)
    if row.flag_id is not None and _plan(held) != _plan(columns):
        deleted = dict(zip(COLUMNS, held, strict=True)) | {"delete_date": england_day(now()).isoformat()}
        rows.append((tuple(deleted.values()), Extras()))
    return rows


def _plan(columns: tuple[str, ...]) -> tuple[str, ...]:
    sent = dict(zip(COLUMNS, columns, strict=True))
    return sent["nhs_number"].replace(" ", ""), sent["kind"], sent["start_date"]
