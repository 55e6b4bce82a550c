"""The work on rejected records as people read it: an authority sees its own and no others, and every look is written down.

`safeguarding.extracts.mending` hands it on to the pages. Source: docs/facts.md, section 4; docs/authority/rejected-records.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import NotFound
from flags_store.extracts.record import COLUMNS
from flags_store.extracts.rejected_keys import SEALED_CODES
from runtime.audit import record_audit
from runtime.database import Connection

CLOSED_SHOWN = timedelta(days=90)


class Shown(StrEnum):
    """Which work: what waits; what was mended here and still comes wrong from the source; what was done lately, however."""

    OPEN = "open"
    STILL_SENT = "still-sent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """One piece of work. `record` is what was sent, `corrected` what a person made of it: nothing, or the ten columns.

    `state`: "open", "mended" (here), "accepted" (mended at the source), "not-sent" (a full extract no longer has it), "dismissed".
    `tried_…` say why the correction was refused. `flag_id`: a plan that is held, and that PDS contradicts.
    """

    id: UUID
    state: str
    sensitive: bool
    flag_id: UUID | None
    first_rejected_at: datetime
    last_rejected_at: datetime
    times_seen: int
    last_extract_id: UUID | None
    line: int
    place: str
    field: str
    code: str
    reason: str
    record: dict[str, str]
    fields: list[str]
    plan_id: str
    adopted: bool
    corrected: list[str]
    corrected_at: datetime | None
    corrected_by: str | None
    tried_field: str | None
    tried_code: str | None
    tried_reason: str | None
    closed_at: datetime | None
    closed_by: str | None
    close_reason: str | None

    @property
    def is_still_sent(self) -> bool:
        """Whether the authority has sent it again, as wrong as before, since a person was done with it."""
        return self.state in {"mended", "dismissed"} and self.closed_at is not None and self.last_rejected_at > self.closed_at

    @property
    def is_sealed(self) -> bool:
        """Whether it is of a number that is sealed: it is not corrected, lest old and new number stand side by side."""
        return self.code in SEALED_CODES

    @property
    def columns(self) -> dict[str, str]:
        """What stands in the form: the correction where there is one, else what was sent; empty where it had no columns."""
        values = self.corrected or self.fields or [""] * len(COLUMNS)
        return dict(zip(COLUMNS, values, strict=True))

    @property
    def sent(self) -> dict[str, str]:
        """What was sent, the columns of CSV in their order (the database keeps none), then whatever else there is."""
        first = [name for name in COLUMNS if name in self.record]
        return {name: self.record[name] for name in (*first, *sorted(self.record.keys() - set(first)))}

    @property
    def where(self) -> str:
        """Where it stood in the last extract that brought it."""
        return self.place or (f"line {self.line}" if self.line else "")


@dataclass(frozen=True, slots=True)
class WorkList:
    """A page of the list; `by_code` counts all of this kind, before the list is narrowed to one code."""

    rows: tuple[RejectedRecord, ...]
    by_code: dict[str, int]
    total: int


async def list_rejected(
    transaction: Connection,
    actor: Actor,
    authority_code: str,
    shown: Shown = Shown.OPEN,
    code: str = "",
    *,
    limit: int = 50,
    offset: int = 0,
) -> WorkList:
    """The authority's work: what waits oldest first, what is done newest first."""
    values = {
        "authority": authority_code, "shown": shown, "code": code, "since": CLOSED_SHOWN, "limit": limit, "offset": offset,
    }  # fmt: skip
    cursor = transaction.cursor(row_factory=class_row(RejectedRecord))
    rows = await (await cursor.execute(_LIST, values)).fetchall()
    counts: dict[str, int] = dict(await (await transaction.execute(_BY_CODE, values)).fetchall())
    total = counts.get(code, 0) if code else sum(counts.values())
    await record_audit(
        transaction, actor, "rejected.list", "authority", authority_code, shown=shown, code=code, records=len(rows)
    )  # fmt: skip
    return WorkList(tuple(rows), counts, total)


async def read_rejected(transaction: Connection, authority_code: str, work_id: UUID, *, lock: bool = False) -> RejectedRecord:
    """One piece of the authority's work; with `lock` nobody else can decide about it meanwhile. Raises NotFound."""
    cursor = transaction.cursor(row_factory=class_row(RejectedRecord))
    await cursor.execute(_ONE_LOCKED if lock else _ONE, (authority_code, work_id))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such rejected record")
    return found


_COLUMNS = """
    SELECT id, state, sensitive, flag_id, first_rejected_at, last_rejected_at, times_seen, last_extract_id, line, place, field,
           code, reason, record, fields, plan_id, adopted, corrected, corrected_at, corrected_by,
           tried_field, tried_code, tried_reason, closed_at, closed_by, close_reason
    FROM rejected_records
"""
_ONE = _COLUMNS + " WHERE authority_code = %s AND id = %s"
_ONE_LOCKED = _ONE + " FOR UPDATE"
_LIST = (
    _COLUMNS
    + """
    WHERE authority_code = %(authority)s AND CASE %(shown)s::text
        WHEN 'open' THEN state = 'open'
        WHEN 'still-sent' THEN state = 'mended' AND last_rejected_at > closed_at
        ELSE state <> 'open' AND closed_at > now() - %(since)s END
      AND (%(code)s = '' OR code = %(code)s)
    ORDER BY CASE WHEN %(shown)s::text = 'done' THEN closed_at END DESC, first_rejected_at, line, id
    LIMIT %(limit)s OFFSET %(offset)s
"""
)
_BY_CODE = """
    SELECT code, count(*)::integer FROM rejected_records
    WHERE authority_code = %(authority)s AND CASE %(shown)s::text
        WHEN 'open' THEN state = 'open'
        WHEN 'still-sent' THEN state = 'mended' AND last_rejected_at > closed_at
        ELSE state <> 'open' AND closed_at > now() - %(since)s END
    GROUP BY code ORDER BY count(*) DESC, code
"""
