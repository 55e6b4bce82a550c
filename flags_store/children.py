"""Finding a child among those of one authority, by whatever its staff remember: a misspelt name, a date, a number, a local id.

`safeguarding.finding` calls it and writes down who searched. Nobody finds another authority's children, nor a sealed record.
Sources: docs/facts.md, section 3 (sealed, superseded); PostgreSQL, pg_trgm ("word similarity").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.flag import FlagKind
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from runtime.database import Transaction

LEAST_LIKENESS = 0.4
"""From 0 to 1, of a word that was typed and the likest part of a name; below it nobody would call it a typing error."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What was typed, taken apart. `words` are of names, in lower case."""

    words: tuple[str, ...] = ()
    number: NhsNumber | None = None
    birth_date: date | None = None
    local_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.number or self.birth_date or self.local_id)


@dataclass(frozen=True, slots=True)
class FoundChild:
    """One child or mother of an unborn child. `kinds` are those of the authority's plans that have no end."""

    person_id: UUID
    nhs_number: NhsNumber
    given_name: str
    family_name: str
    birth_date: date | None
    sensitive: bool
    kinds: tuple[FlagKind, ...]


@dataclass(frozen=True, slots=True)
class PlanOfChild:
    """One plan as the authority sent it. `deleted_on`: recorded in error."""

    kind: FlagKind
    start_date: date
    end_date: date | None
    deleted_on: date | None
    expected_delivery_date: date | None
    local_id: str
    match: MatchBasis
    missed_snapshots: int
    last_confirmed_at: datetime


async def find_children(transaction: Transaction, authority_code: str, sought: Sought, limit: int) -> list[FoundChild]:
    """Those who fit best come first: a number or local id that is theirs, then the more of a name and date of birth."""
    await transaction.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", (str(LEAST_LIKENESS),))
    cursor = await transaction.execute(
        _FIND,
        {
            "authority": authority_code, "words": list(sought.words), "number": sought.number, "born": sought.birth_date,
            "local": sought.local_id, "limit": limit,
        },
    )  # fmt: skip
    return [_found(row) for row in await cursor.fetchall()]


_NAME = "lower(p.given_name || ' ' || p.family_name)"
_MINE = """
    EXISTS (SELECT FROM flags f WHERE f.person_id = p.id AND f.authority_code = %(authority)s AND f.withdrawn_at IS NULL)
    AND p.sealed_at IS NULL
"""
_SHOWN = """
    p.id, p.nhs_number, p.given_name, p.family_name, p.birth_date, p.sensitive,
    ARRAY(SELECT DISTINCT f.kind FROM flags f WHERE f.person_id = p.id AND f.authority_code = %(authority)s
            AND f.end_date IS NULL AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL ORDER BY f.kind)
"""
_FIND = f"""
    WITH likely AS MATERIALIZED (
        SELECT p.id, 2 AS points FROM persons p WHERE p.nhs_number = %(number)s
        UNION ALL
        SELECT a.person_id, 2 FROM person_aliases a WHERE a.value = %(number)s AND a.facility = '' AND a.ended_at IS NULL
        UNION ALL
        SELECT f.person_id, 2 FROM flags f WHERE f.authority_code = %(authority)s AND f.local_id = %(local)s AND f.local_id <> ''
        UNION ALL
        SELECT p.id, 1 FROM persons p WHERE p.birth_date = %(born)s
        UNION ALL
        SELECT p.id, word_similarity(word, {_NAME}) / cardinality(%(words)s::text[])
        FROM unnest(%(words)s::text[]) AS word JOIN persons p ON {_NAME} %%> word
    ), ranked AS (
        SELECT id, sum(points) AS points FROM likely GROUP BY id
    )
    SELECT {_SHOWN}
    FROM ranked JOIN persons p USING (id) WHERE {_MINE}
    ORDER BY ranked.points DESC, p.family_name, p.given_name, p.id LIMIT %(limit)s
"""  # noqa: S608 (only constants are put in)


async def read_child(transaction: Transaction, authority_code: str, person_id: UUID) -> tuple[FoundChild, list[PlanOfChild]] | None:
    """The person with the authority's own plans, newest first; None where the authority has none about them."""
    cursor = await transaction.execute(
        f"SELECT {_SHOWN} FROM persons p WHERE p.id = %(person)s AND {_MINE}",  # noqa: S608 (only constants are put in)
        {"authority": authority_code, "person": person_id},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    cursor = await transaction.execute(
        """
        SELECT kind, start_date, end_date, deleted_on, expected_delivery_date, local_id, match_basis, missed_snapshots,
               last_confirmed_at
        FROM flags WHERE person_id = %s AND authority_code = %s AND withdrawn_at IS NULL ORDER BY start_date DESC, kind
        """,
        (person_id, authority_code),
    )
    plans = [
        PlanOfChild(FlagKind(kind), start, end, deleted, due, local, MatchBasis(match), missed, confirmed)
        for kind, start, end, deleted, due, local, match, missed, confirmed in await cursor.fetchall()
    ]
    return _found(row), plans


def _found(row: Sequence[Any]) -> FoundChild:
    return FoundChild(*(*row[:-1], tuple(map(FlagKind, row[-1]))))
