"""The plans that are missing, as work for a person: listed, turned into a record that settles one, and written down.

`safeguarding.extracts.missing` calls it; `missing` marks them. Source: docs/facts.md, section 4 ("absent from two full snapshots").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from domain.errors import NotFound
from domain.flag import FlagKind
from domain.nhs_number import NhsNumber
from flags_store.extracts.missing import WORK_AFTER
from flags_store.extracts.open_plans import OPEN, RULES
from flags_store.extracts.record import Extras
from runtime.database import Transaction


class Settled(StrEnum):
    """What a person found out about a missing plan."""

    STILL_OPEN = "still-open"
    ENDED = "ended"
    RECORDED_IN_ERROR = "recorded-in-error"


@dataclass(frozen=True, slots=True)
class MissingPlan:
    """An open plan that full snapshots have not named. `last_confirmed_at`: when the authority last did."""

    flag_id: UUID
    nhs_number: NhsNumber
    given_name: str
    family_name: str
    birth_date: date | None
    sensitive: bool
    kind: FlagKind
    start_date: date
    end_date: date | None
    expected_delivery_date: date | None
    local_id: str
    plan_id: str
    missed_snapshots: int
    missing_since: datetime
    last_confirmed_at: datetime

    def said(self, *, end: date | None, deleted: date | None) -> tuple[tuple[str, ...], Extras]:
        """A record about it: as it is held, with this end date and this delete date."""
        days = (self.start_date, end, deleted, self.expected_delivery_date)
        started, *others = (day.isoformat() if day else "" for day in days)
        born = self.birth_date.isoformat() if self.birth_date else ""
        names = (self.given_name, self.family_name, born, self.local_id)
        return (self.nhs_number, self.kind.value, started, *others, *names), Extras(plan_id=self.plan_id)


async def count_missing(transaction: Transaction, authority_code: str, today: date) -> tuple[int, int]:
    """How many open plans the latest full snapshot did not name, and how many of them are work for a person."""
    values = {"authority": authority_code, "today": today, "work": WORK_AFTER, **RULES}
    row = await (await transaction.execute(_COUNT, values)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


async def list_missing(
    transaction: Transaction, authority_code: str, today: date, *, limit: int, offset: int = 0
) -> Sequence[MissingPlan]:
    """The plans that are work for a person, longest missing first. Who shows them writes down who saw them."""
    values = {"authority": authority_code, "today": today, "work": WORK_AFTER, "limit": limit, "offset": offset, **RULES}
    return [_to_plan(row) for row in await (await transaction.execute(_LIST, values)).fetchall()]


async def read_missing(transaction: Transaction, authority_code: str, flag_id: UUID, today: date) -> MissingPlan:
    """One of them. Raises NotFound where it is none, or of another authority."""
    values = {"authority": authority_code, "today": today, "work": WORK_AFTER, "flag": flag_id, **RULES}
    row = await (await transaction.execute(_ONE, values)).fetchone()
    if row is None:
        raise NotFound("this plan is not missing")
    return _to_plan(row)


def _to_plan(row: Sequence[Any]) -> MissingPlan:
    columns = list(row)
    columns[6] = FlagKind(columns[6])
    return MissingPlan(*columns)


_COLUMNS: LiteralString = """
    SELECT f.id, p.nhs_number, p.given_name, p.family_name, p.birth_date, p.sensitive, f.kind, f.start_date, f.end_date,
           f.expected_delivery_date, f.local_id, f.plan_id, f.missed_snapshots, f.missing_since, f.last_confirmed_at
"""
_MISSING: LiteralString = f"""
    FROM flags f JOIN persons p ON p.id = f.person_id
    WHERE f.authority_code = %(authority)s AND f.missed_snapshots > 0 AND {OPEN}
"""
_COUNT: LiteralString = f"SELECT count(*), count(*) FILTER (WHERE f.missed_snapshots >= %(work)s) {_MISSING}"
_LIST: LiteralString = f"""
    {_COLUMNS} {_MISSING} AND f.missed_snapshots >= %(work)s
    ORDER BY f.missing_since, p.family_name, p.given_name, f.id LIMIT %(limit)s OFFSET %(offset)s
"""
_ONE: LiteralString = f"{_COLUMNS} {_MISSING} AND f.missed_snapshots >= %(work)s AND f.id = %(flag)s"


async def record_settled(transaction: Transaction, flag_id: UUID, outcome: Settled, reason: str, settled_by: str) -> None:
    """Write down what was found out; the plan is not missing before two more snapshots have left it out."""
    await transaction.execute(
        "INSERT INTO missing_settled (flag_id, outcome, reason, settled_by) VALUES (%s, %s, %s, %s)",
        (flag_id, outcome.value, reason, settled_by),
    )
    await transaction.execute("UPDATE flags SET missed_snapshots = 0, missing_since = NULL WHERE id = %s", (flag_id,))
