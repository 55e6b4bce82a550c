"""Writes that go out together: each is counted, and one that came too late is told."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import psycopg
import pytest

from runtime.database import Database, Transaction
from runtime.writes import Write, write_together
from tests.conftest import FreshDatabase

Begin = Callable[[Database], AbstractAsyncContextManager[Transaction]]

HOSPITALS = "INSERT INTO organisations (ods_code, name) SELECT unnest(%s::text[]), 'A hospital' ON CONFLICT DO NOTHING"
SITES = (
    "INSERT INTO sites (ods_code, organisation_code, name, setting) SELECT unnest(%s::text[]), %s, 'A site', 'emergency-department'"
)


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(fresh_database.service_url) as database:
        yield database


async def count(database: Database, table: str) -> int:
    async with database.single() as transaction:
        row = await (await transaction.execute(f"SELECT count(*) FROM {table}".encode())).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("begin", [Database.transaction, Database.numbered_transaction])
async def test_a_write_that_came_too_late_keeps_nothing(database: Database, begin: Begin) -> None:
    async with database.transaction() as transaction:
        await write_together(transaction, [Write(HOSPITALS, [["R0A"]], 1)])
    with pytest.raises(psycopg.errors.SerializationFailure):
        async with begin(database) as transaction:
            await write_together(transaction, [Write(HOSPITALS, [["R0A", "R0B"]], 2)])
    assert await count(database, "organisations") == 1


@pytest.mark.parametrize("begin", [Database.transaction, Database.numbered_transaction])
async def test_several_tables_are_written_by_one_statement_foreign_keys_and_all(database: Database, begin: Begin) -> None:
    writes = [Write(HOSPITALS, [["R0A"]], 1), Write(SITES, [["R0A01", "R0A02"], "R0A"], 2)]
    async with begin(database) as transaction:
        await write_together(transaction, writes)
    assert (await count(database, "organisations"), await count(database, "sites")) == (1, 2)


async def test_nothing_to_write_is_written(database: Database) -> None:
    async with database.transaction() as transaction:
        await write_together(transaction, [])
