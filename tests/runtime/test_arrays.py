"""Whatever is written as an array comes back as it was: against real PostgreSQL, element by element."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.care_setting import CareSetting
from runtime.database import Database
from tests.runtime.conftest import TEXTS


async def echoed(database: Database, statement: LiteralString, values: list[Any]) -> list[Any]:
    async with database.transaction() as transaction:
        row = await (await transaction.execute(statement, (values,))).fetchone()
    assert row is not None
    return list(row[0])


@pytest.mark.parametrize("refused, error", [(["a\0b"], psycopg.DataError), ([Decimal(1)], psycopg.ProgrammingError)])
async def test_what_no_array_holds_is_refused(database: Database, refused: list[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        await echoed(database, "SELECT %s::text[]", refused)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.none() | TEXTS))
async def test_any_text_comes_back_unchanged(database: Database, values: list[str | None]) -> None:
    assert await echoed(database, "SELECT %s::text[]", values) == values


@pytest.mark.parametrize("text", ["", "NULL", "null", "{}", "a,b", ' " ', "\\", "\\N", "a\nb", "\x0b", "é", "👶"])
async def test_text_that_looks_like_syntax_comes_back_unchanged(database: Database, text: str) -> None:
    assert await echoed(database, "SELECT %s::text[]", [text, None, text]) == [text, None, text]


@pytest.mark.parametrize(
    "statement, values",
    [
        ("SELECT %s::text[]", []),
        ("SELECT %s::text[]", [CareSetting.EMERGENCY_DEPARTMENT]),
        ("SELECT %s::uuid[]", [UUID(int=7), None]),
        ("SELECT %s::bytea[]", [b"", b'\x00\xff\\"', None]),
        ("SELECT %s::boolean[]", [True, False, None]),
        ("SELECT %s::int[]", [0, -1, None]),
        ("SELECT %s::date[]", [date(2026, 2, 28), None]),
        ("SELECT %s::timestamptz[]", [datetime(2026, 3, 3, 14, 0, 0, 5, tzinfo=UTC), None]),
    ],
)
async def test_every_kind_of_element_comes_back_unchanged(database: Database, statement: LiteralString, values: list[Any]) -> None:
    assert await echoed(database, statement, values) == values


async def test_a_column_may_be_compared_with_a_list(database: Database) -> None:
    async with database.transaction() as transaction:
        cursor = await transaction.execute("SELECT count(*) FROM store WHERE kind = ANY(%s)", (["test", "production"],))
        assert await cursor.fetchone() == (1,)
