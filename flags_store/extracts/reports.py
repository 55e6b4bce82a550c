"""Reports: what became of an extract, for the people who sent it.

`safeguarding.extracts.loading` hands them on to the pages and the command line. An authority sees its own extracts and no others;
the rejected records name people, so whoever reads those is written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, kwargs_row

from domain.actor import Actor
from domain.errors import NotFound
from domain.extract import CameBy, Cause, FileFormat, Scope
from flags_store.extracts.notes import ExtractNote, to_note
from flags_store.extracts.record import RowError
from flags_store.extracts.rejected_keys import SEALED_CODES
from runtime.audit import record_audit
from runtime.clock import ENGLAND
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """One extract and its counts, which add up: `records` changed something, changed nothing, were rejected, or are held.

    `state` is "loading", "loaded", "nothing-loaded", or "interrupted" (the load died; nothing of it was loaded). `missing`: open
    plans that a full extract did not name; they go on showing.
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
    held: int = 0
    missing: int = 0
    file_format: FileFormat = FileFormat.CSV
    scope: Scope = Scope.PARTIAL
    came_by: CameBy = CameBy.COMMAND
    cause: Cause = Cause.EXTRACT
    sequence_number: int | None = None
    notes: tuple[ExtractNote, ...] = ()
    already_loaded: bool = False
    """The same content had been loaded before: this is the report of that time, and nothing was changed now."""

    @property
    def accepted(self) -> int:
        """How many records are good."""
        return self.opened + self.amended + self.ended + self.deleted + self.unchanged

    @property
    def about(self) -> str:
        """What it is, for a heading: "HL7 V3 XML, only what changed, number 7, over MESH"."""
        number = "" if self.sequence_number is None else f", number {self.sequence_number}"
        if self.cause is not Cause.EXTRACT:
            return _CAUSE_WORDS[self.cause]
        return f"{self.file_format.words}, {_SCOPE_WORDS[self.scope]}{number}, {_CAME_BY_WORDS[self.came_by]}"

    @property
    def words(self) -> str:
        """The report in a few sentences."""
        if self.already_loaded:
            day = self.received_at.astimezone(ENGLAND)
            return f"Already loaded on {day.day} {day:%B %Y at %H:%M}; nothing changed."
        if self.state == "interrupted":
            return f"{self.records} records. Interrupted: nothing of it was loaded. Send the same again."
        names = (*_COUNTS, "held") if self.held else _COUNTS
        counts = ", ".join(f"{getattr(self, name)} {name}" for name in names)
        return f"{self.records} records: {counts}.{_AFTERWORDS.get(self.state, '')}{self._if_unchanged()}{self._sayings()}"

    def _if_unchanged(self) -> str:
        return " Nothing changed." if 0 < self.accepted == self.unchanged else ""

    def _sayings(self) -> str:
        held = f" {_counted(self.held, 'record waits', 'records wait')} for a second person." if self.held else ""
        missing = f" {_counted(self.missing, 'open plan was', 'open plans were')} not in it." if self.missing else ""
        return held + missing + "".join(f" {each.words}{_times(each.count)}" for each in self.notes)


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


_COUNTS = ("opened", "amended", "ended", "deleted", "unchanged", "rejected")
_AFTERWORDS = {"loading": " Not finished.", "nothing-loaded": " Nothing was loaded."}
_SCOPE_WORDS = {Scope.FULL: "all that is held", Scope.PARTIAL: "only what changed"}
_CAME_BY_WORDS = {
    CameBy.PAGE: "by the page", CameBy.COMMAND: "by command", CameBy.API: "by the authority’s system", CameBy.MESH: "over MESH",
}  # fmt: skip
_CAUSE_WORDS = {
    Cause.MENDED: "A rejected record, corrected by a person",
    Cause.RELEASED: "Held records, released by a second person",
    Cause.SETTLED: "A missing plan, settled by a person",
}


async def read_report(transaction: Connection, authority_code: str, extract_id: UUID) -> ExtractReport:
    """The report of one extract of the authority. Raises NotFound."""
    cursor = transaction.cursor(row_factory=kwargs_row(_to_report))
    await cursor.execute(f"{_REPORT} AND id = %s", (authority_code, extract_id))
    report = await cursor.fetchone()
    if report is None:
        raise NotFound("there is no such extract")
    return report


async def list_reports(transaction: Connection, authority_code: str, *, limit: int = 50, offset: int = 0) -> list[ExtractReport]:
    """The authority's extracts, newest first."""
    cursor = transaction.cursor(row_factory=kwargs_row(_to_report))
    await cursor.execute(f"{_REPORT} ORDER BY received_at DESC, id DESC LIMIT %s OFFSET %s", (authority_code, limit, offset))
    return await cursor.fetchall()


def _to_report(**values: Any) -> ExtractReport:
    notes = tuple(to_note(code, detail, count) for code, detail, count in values.pop("notes"))
    said = {"file_format": FileFormat, "scope": Scope, "came_by": CameBy, "cause": Cause}
    return ExtractReport(**{**values, **{name: kind(values[name]) for name, kind in said.items()}, "notes": notes})


# A load whose lease has run out has died, and its transaction with it, whether somebody has written that down already or not.
_REPORT = """
    SELECT id, authority_code, CASE WHEN state = 'loading' AND lease_until <= now() THEN 'interrupted' ELSE state END AS state,
           extracted_at, received_at, completed_at, sensitive, sent_by,
           records, opened, amended, ended, deleted, unchanged, rejected, held, missing,
           file_format, scope, came_by, cause, sequence_number,
           coalesce((SELECT jsonb_agg(jsonb_build_array(code, detail, times) ORDER BY code, detail) FROM (
               SELECT code, detail, sum(count) AS times FROM extract_notes WHERE extract_id = extracts.id GROUP BY code, detail
           ) AS noted), '[]') AS notes
    FROM extracts WHERE authority_code = %s
"""


async def read_notes(
    transaction: Connection, authority_code: str, extract_id: UUID, *, limit: int = 100, offset: int = 0
) -> list[ExtractNote]:
    """What is said of one extract of the authority, with its places in the file. Raises NotFound."""
    await read_report(transaction, authority_code, extract_id)
    cursor = await transaction.execute(
        "SELECT code, detail, count, place FROM extract_notes WHERE extract_id = %s ORDER BY id LIMIT %s OFFSET %s",
        (extract_id, limit, offset),
    )
    return [to_note(*row) for row in await cursor.fetchall()]


async def read_rejects(
    transaction: Connection, actor: Actor, authority_code: str, extract_id: UUID, *, limit: int = 100, offset: int = 0
) -> list[RowError]:
    """The rejected records of one extract of the authority, by line, as they were sent. Raises NotFound."""
    await read_report(transaction, authority_code, extract_id)
    cursor = transaction.cursor(row_factory=class_row(RowError))
    await cursor.execute(
        """
        SELECT line, field, code, reason, record, place FROM extract_rejects WHERE extract_id = %s
        ORDER BY line LIMIT %s OFFSET %s
        """,
        (extract_id, limit, offset),
    )
    rejects = await cursor.fetchall()
    await record_audit(transaction, actor, "extract.read-rejects", "extract", str(extract_id), records=len(rejects))
    return rejects


async def read_hidden(transaction: Connection, extract_id: UUID, rejects: Sequence[RowError]) -> frozenset[int]:
    """The lines of those rejected records that no list may show: who is in them is sensitive, or sealed."""
    cursor = await transaction.execute(
        """
        SELECT reject.line FROM extract_rejects reject JOIN extracts ON extracts.id = reject.extract_id
        WHERE reject.extract_id = %s AND reject.line = ANY(%s::integer[]) AND (
            extracts.sensitive OR reject.code = ANY(%s::text[]) OR EXISTS (
                SELECT FROM persons
                WHERE persons.nhs_number = regexp_replace(
                    coalesce(reject.record ->> 'nhs_number', reject.record ->> 'pers_single_unique_id'), '[^0-9]', '', 'g'
                ) AND (persons.sensitive OR persons.sealed_at IS NOT NULL)
            )
        )
        """,
        (extract_id, [each.line for each in rejects], sorted(SEALED_CODES)),
    )
    return frozenset(line for (line,) in await cursor.fetchall())
