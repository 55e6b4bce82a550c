"""Whatever is written as rows comes back as it was: against real PostgreSQL, by the pool's connections and by the desk's."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.care_setting import CareSetting
from runtime.database import Database
from runtime.recordset import Columns
from tests.runtime.conftest import TEXTS

PAIRS = Columns("number int, words text")


async def echoed(database: Database, columns: Columns, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What the server reads, by both kinds of connection: they must agree."""
    statement = f"SELECT * FROM {columns.table('given')}".encode()
    async with database.transaction() as transaction:
        by_pool = await (await transaction.execute(statement, [columns.rows(rows)])).fetchall()
    async with database.numbered_transaction() as desk:
        by_desk = await (await desk.execute(statement, [columns.rows(rows)])).fetchall()
    assert by_pool == by_desk
    return by_pool


@pytest.mark.parametrize("refused", ["a\0b", "\ud800", 1j, 2**70])
async def test_what_no_row_holds_is_refused(database: Database, refused: Any) -> None:
    with pytest.raises(psycopg.DataError):
        await echoed(database, PAIRS, [(1, "well"), (2, refused)])
    assert await echoed(database, PAIRS, [(1, "well")]) == [(1, "well")]


async def test_a_refusal_names_no_value() -> None:
    with pytest.raises(psycopg.DataError) as refusal:
        PAIRS.rows([(1, "9990000018 \ud800")])
    assert "999" not in str(refusal.value)


@pytest.mark.parametrize("row", [(1,), (1, "one", "more")])
def test_a_row_that_is_too_short_or_too_long_is_a_mistake_of_ours(row: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        PAIRS.rows([row])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.none() | TEXTS))
async def test_any_text_comes_back_unchanged_and_in_its_place(database: Database, words: list[str | None]) -> None:
    assert await echoed(database, PAIRS, list(enumerate(words))) == list(enumerate(words))


@pytest.mark.parametrize(
    "text", ["", "NULL", "null", "{}", "a,b", ' " ', "\\", "\\u0000", "\\x00", "a\nb", "\x0b", "\x7f", "é", "👶"]
)
async def test_text_that_looks_like_syntax_comes_back_unchanged(database: Database, text: str) -> None:
    assert await echoed(database, PAIRS, [(1, text), (2, None)]) == [(1, text), (2, None)]


@pytest.mark.parametrize(
    "kind, values",
    [
        ("text", [CareSetting.EMERGENCY_DEPARTMENT]),
        ("uuid", [UUID(int=7), None]),
        ("bytea", [b"", b'\x00\xff\\"', b"\\x00", None]),
        ("boolean", [True, False, None]),
        ("int", [0, -1, None]),
        ("bigint", [9_999_999_999_999_999, -(2**63), None]),
        ("float8", [0.1, 1e300, None]),
        ("date", [date(2026, 2, 28), date(1, 1, 1), None]),
        (
            "timestamptz",
            [datetime(2026, 3, 3, 14, 0, 0, 5, tzinfo=UTC), datetime(2026, 7, 1, 9, 30, tzinfo=ZoneInfo("Europe/London")), None],
        ),
    ],
)
async def test_every_kind_of_value_comes_back_unchanged(database: Database, kind: str, values: list[Any]) -> None:
    assert await echoed(database, Columns(f"value {kind}"), [(value,) for value in values]) == [(value,) for value in values]


async def test_no_rows_are_no_rows(database: Database) -> None:
    assert await echoed(database, PAIRS, []) == []
