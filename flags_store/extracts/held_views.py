"""What waits for a second person, to be looked at: extracts with held endings, extracts with a surge, and one held record.

`safeguarding.extracts.held` calls it for pages and commands; counts name nobody, rows are for the authority's own people.
Source: docs/facts.md, section 4 ("shrink guard"); docs/adr/0032.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from domain.actor import ActorKind
from domain.flag import FlagKind
from domain.nhs_number import NhsNumber
from flags_store.extracts.reconcile import Change
from runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent the extract: the first of two people, where it was a person."""

    kind: ActorKind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class HeldExtract:
    """What one extract would take away and is held. `others`: records that need the days of a plan that would end.

    `open_plans`: of the authority when it was judged; `waiting_since`: since the first extract that said so.
    """

    extract_id: UUID
    extracted_at: datetime
    sender: Sender
    waiting_since: datetime
    open_plans: int
    endings: int
    deletions: int
    others: int

    @property
    def records(self) -> int:
        """How many records wait."""
        return self.endings + self.deletions + self.others

    @property
    def share(self) -> float:
        """The plans that would go, as a share of those that stood open."""
        return min(1.0, (self.endings + self.deletions) / self.open_plans) if self.open_plans else 1.0


@dataclass(frozen=True, slots=True)
class SurgeOfOpenings:
    """An extract that opened abnormally many plans; `openings` of them still stand as it left them, shown to hospitals."""

    extract_id: UUID
    extracted_at: datetime
    sender: Sender
    noted_at: datetime
    open_plans: int
    openings: int


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One held record: the plan as it is held, and what the record says of it."""

    id: UUID
    nhs_number: NhsNumber
    given_name: str
    family_name: str
    birth_date: date | None
    sensitive: bool
    kind: FlagKind
    start_date: date
    local_id: str
    change: Change
    said_end: str
    said_birth_date: str
    waiting_since: datetime


async def list_held(transaction: Transaction, authority_code: str) -> list[HeldExtract]:
    """The extracts of which something is held, longest waiting first."""
    cursor = await transaction.execute(_HELD, (authority_code,))
    return [
        HeldExtract(extract, at, Sender(ActorKind(kind), who, name), *rest)
        for extract, at, kind, who, name, *rest in await cursor.fetchall()
    ]


_HELD: LiteralString = """
    SELECT h.extract_id, e.extracted_at, h.sender_kind, h.sender_id, h.sender_name, min(h.waiting_since), max(h.open_plans),
           count(*) FILTER (WHERE h.flag_id IS NOT NULL AND h.change <> 'delete'), count(*) FILTER (WHERE h.change = 'delete'),
           count(*) FILTER (WHERE h.flag_id IS NULL)
    FROM held_changes h JOIN extracts e ON e.id = h.extract_id JOIN persons p ON p.id = h.person_id
    WHERE h.authority_code = %s AND h.decision IS NULL AND p.sealed_at IS NULL
    GROUP BY h.extract_id, e.extracted_at, h.sender_kind, h.sender_id, h.sender_name
    ORDER BY min(h.waiting_since), h.extract_id
"""


async def list_surges(transaction: Transaction, authority_code: str) -> list[SurgeOfOpenings]:
    """The surges that nobody has confirmed or taken back, oldest first."""
    cursor = await transaction.execute(_SURGES, (authority_code,))
    return [
        SurgeOfOpenings(extract, at, Sender(ActorKind(kind), who, name), *rest)
        for extract, at, kind, who, name, *rest in await cursor.fetchall()
    ]


_SURGES: LiteralString = """
    SELECT s.extract_id, e.extracted_at, s.sender_kind, s.sender_id, s.sender_name, s.noted_at, s.open_plans,
           (SELECT count(*) FROM surge_openings o JOIN flags f ON f.id = o.flag_id
            WHERE o.extract_id = s.extract_id AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL)
    FROM surges s JOIN extracts e ON e.id = s.extract_id
    WHERE s.authority_code = %s AND s.decision IS NULL
    ORDER BY s.noted_at
"""


async def read_held(
    transaction: Transaction, authority_code: str, extract_id: UUID, *, limit: int, offset: int = 0
) -> Sequence[HeldRow]:
    """The held records of one extract, by name. Who shows them writes down who saw them."""
    cursor = await transaction.execute(_ROWS, (authority_code, extract_id, limit, offset))
    return [_to_row(list(row)) for row in await cursor.fetchall()]


def _to_row(columns: list[Any]) -> HeldRow:
    columns[6], columns[9] = FlagKind(columns[6]), Change(columns[9])
    return HeldRow(*columns)


# The columns of CSV are kept in their order: the fourth is the end date, the ninth the birth date.
_ROWS: LiteralString = """
    SELECT h.id, p.nhs_number, p.given_name, p.family_name, p.birth_date, p.sensitive, h.kind, h.start_date,
           coalesce(nullif(f.local_id, ''), trim(h.fields[10])), h.change, trim(h.fields[4]), trim(h.fields[9]), h.waiting_since
    FROM held_changes h JOIN persons p ON p.id = h.person_id LEFT JOIN flags f ON f.id = h.flag_id
    WHERE h.authority_code = %s AND h.extract_id = %s AND h.decision IS NULL AND p.sealed_at IS NULL
    ORDER BY p.family_name, p.given_name, p.nhs_number, h.kind, h.start_date
    LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, slots=True)
class OpenedRow:
    """One plan that a surge opened and that still stands."""

    nhs_number: NhsNumber
    given_name: str
    family_name: str
    birth_date: date | None
    sensitive: bool
    kind: FlagKind
    start_date: date
    local_id: str


async def read_openings(
    transaction: Transaction, authority_code: str, extract_id: UUID, *, limit: int, offset: int = 0
) -> Sequence[OpenedRow]:
    """The plans that a surge opened, by name. Who shows them writes down who saw them."""
    cursor = await transaction.execute(_OPENINGS, (authority_code, extract_id, limit, offset))
    return [_to_opened(list(row)) for row in await cursor.fetchall()]


def _to_opened(columns: list[Any]) -> OpenedRow:
    columns[5] = FlagKind(columns[5])
    return OpenedRow(*columns)


_OPENINGS: LiteralString = """
    SELECT p.nhs_number, p.given_name, p.family_name, p.birth_date, p.sensitive, f.kind, f.start_date, f.local_id
    FROM surges s JOIN surge_openings o ON o.extract_id = s.extract_id JOIN flags f ON f.id = o.flag_id
    JOIN persons p ON p.id = f.person_id
    WHERE s.authority_code = %s AND s.extract_id = %s AND s.decision IS NULL AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL
    ORDER BY p.family_name, p.given_name, p.nhs_number, f.kind, f.start_date
    LIMIT %s OFFSET %s
"""
