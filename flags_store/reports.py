"""Reports: what became of an extract, for the people who sent it.

`safeguarding.extracts` hands them on to the pages and the command line. An authority sees its own extracts and no others;
the rejected records name people, so whoever reads those is written down.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import NotFound
from flags_store.extract_record import RowError
from runtime.audit import record_audit
from runtime.clock import ENGLAND
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """One extract and its counts, which add up: `records` are those that changed something, changed nothing or were rejected.

    `state` is "loading", "loaded", "nothing-loaded", or "interrupted" (only a part of it was applied, and a newer one came).
    """

    id: UUID
    authority_code: str
    state: str
    extracted_at: datetime
    received_at: datetime
    completed_at: datetime | None
    sensitive: bool
    sent_by: str
    records: int
    opened: int
    amended: int
    ended: int
    deleted: int
    unchanged: int
    rejected: int
    already_loaded: bool = False
    """The same content had been loaded before: this is the report of that time, and nothing was changed now."""

    @property
    def accepted(self) -> int:
        """How many records are good."""
        return self.opened + self.amended + self.ended + self.deleted + self.unchanged

    @property
    def words(self) -> str:
        """The report in a sentence or two."""
        if self.already_loaded:
            day = self.received_at.astimezone(ENGLAND)
            return f"Already loaded on {day.day} {day:%B %Y at %H:%M}; nothing changed."
        counts = ", ".join(f"{getattr(self, name)} {name}" for name in _COUNTS)
        return f"{self.records} records: {counts}.{_AFTERWORDS.get(self.state, '')}{self._if_unchanged()}"

    def _if_unchanged(self) -> str:
        return " Nothing changed." if 0 < self.accepted == self.unchanged else ""


_COUNTS = ("opened", "amended", "ended", "deleted", "unchanged", "rejected")
_AFTERWORDS = {
    "loading": " Not finished.",
    "nothing-loaded": " Nothing was loaded.",
    "interrupted": " Interrupted: only a part was loaded, before a newer extract came.",
}


async def read_report(transaction: Connection, authority_code: str, extract_id: UUID) -> ExtractReport:
    """The report of one extract of the authority. Raises NotFound."""
    cursor = transaction.cursor(row_factory=class_row(ExtractReport))
    await cursor.execute(f"{_REPORT} AND id = %s", (authority_code, extract_id))
    report = await cursor.fetchone()
    if report is None:
        raise NotFound("there is no such extract")
    return report


async def list_reports(transaction: Connection, authority_code: str, *, limit: int = 50, offset: int = 0) -> list[ExtractReport]:
    """The authority's extracts, newest first."""
    cursor = transaction.cursor(row_factory=class_row(ExtractReport))
    await cursor.execute(f"{_REPORT} ORDER BY received_at DESC, id DESC LIMIT %s OFFSET %s", (authority_code, limit, offset))
    return await cursor.fetchall()


_REPORT = """
    SELECT id, authority_code, state, extracted_at, received_at, completed_at, sensitive, sent_by,
           records, opened, amended, ended, deleted, unchanged, rejected
    FROM extracts WHERE authority_code = %s
"""


async def read_rejects(
    transaction: Connection, actor: Actor, authority_code: str, extract_id: UUID, *, limit: int = 100, offset: int = 0
) -> list[RowError]:
    """The rejected records of one extract of the authority, by line, as they were sent. Raises NotFound."""
    await read_report(transaction, authority_code, extract_id)
    cursor = transaction.cursor(row_factory=class_row(RowError))
    await cursor.execute(
        """
        SELECT line, field, code, reason, record FROM extract_rejects WHERE extract_id = %s
        ORDER BY line LIMIT %s OFFSET %s
        """,
        (extract_id, limit, offset),
    )
    rejects = await cursor.fetchall()
    await record_audit(transaction, actor, "extract.read-rejects", "extract", str(extract_id), records=len(rejects))
    return rejects
