"""The desk's transaction: the same rows as the driver gives, errors where they belong, and a connection that survives them."""

# ruff: noqa: PT012 (what is to fail is a transaction, and its block is several statements)

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.errors import CouldNotReachStore
from runtime.database import Database, Transaction
from tests.conftest import FreshDatabase

A_HOSPITAL = "INSERT INTO organisations (ods_code, name) VALUES (%s, 'A hospital')"
VALUES = {
    "text": 'Zoë "O\'Hara" \\ %s',
    "empty": "",
    "none": None,
    "number": 7,
    "large number": 2**40,
    "truth": True,
    "moment": datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
    "day": date(2024, 2, 29),
    "key": UUID("01990000-0000-7000-8000-000000000001"),
    "bytes": b"\x00\x1c\\",
}


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(fresh_database.service_url) as database:
        yield database


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """For a socket, whose path may have some hundred characters only."""
    with tempfile.TemporaryDirectory(prefix="nl-") as folder:
        yield Path(folder)


async def backend(transaction: Transaction) -> int:
    row = await (await transaction.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


async def hospitals(database: Database) -> int:
    async with database.transaction() as transaction:
        row = await (await transaction.execute("SELECT count(*) FROM organisations")).fetchone()
    assert row is not None
    return int(row[0])


async def test_an_error_is_raised_where_its_answer_is_waited_for(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with database.numbered_transaction() as transaction:
            await transaction.execute(A_HOSPITAL, ("R0A",))
            await (await transaction.execute("SELECT 1 / %s::int", (0,))).fetchall()
    assert await hospitals(database) == 0


async def test_an_error_that_nobody_waited_for_is_raised_at_the_end_and_nothing_is_kept(database: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with database.numbered_transaction() as transaction:
            await transaction.execute(A_HOSPITAL, ("R0A",))
            await transaction.execute(A_HOSPITAL, ("R0A",))
            await transaction.execute(A_HOSPITAL, ("R0B",))
    assert await hospitals(database) == 0


async def test_an_error_raised_by_an_earlier_statement_is_the_one_that_is_told(database: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with database.numbered_transaction() as transaction:
            await transaction.execute(A_HOSPITAL, ("R0A",))
            await transaction.execute(A_HOSPITAL, ("R0A",))
            await (await transaction.execute("SELECT 1")).fetchall()


@pytest.mark.parametrize("waits", [False, True])
async def test_a_caller_that_gives_up_rolls_back_and_leaves_the_connection_good(database: Database, waits: bool) -> None:
    class GivesUp(Exception):
        pass

    with pytest.raises(GivesUp):
        async with database.numbered_transaction() as transaction:
            process = await backend(transaction) if waits else None
            await transaction.execute(A_HOSPITAL, ("R0A",))
            raise GivesUp
    async with database.numbered_transaction() as transaction:
        assert process in {None, await backend(transaction)}
    assert await hospitals(database) == 0


async def test_after_an_error_the_same_statements_work_on_the_same_connection(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with database.numbered_transaction() as transaction:
            process = await backend(transaction)
            await transaction.execute("SELECT 1 / %s::int", (0,))
            await transaction.execute(A_HOSPITAL, ("R0A",))  # prepared behind the failure, so not at all
    async with database.numbered_transaction() as transaction:
        assert await backend(transaction) == process
        await transaction.execute(A_HOSPITAL, ("R0B",))
        assert await (await transaction.execute("SELECT 1 / %s::int", (1,))).fetchall() == [(1,)]
    assert await hospitals(database) == 1


async def test_a_server_process_that_dies_is_a_store_that_could_not_be_reached(database: Database) -> None:
    with pytest.raises(CouldNotReachStore):
        async with database.numbered_transaction() as transaction:
            process = await backend(transaction)
            async with database.transaction() as other:
                await other.execute("SELECT pg_terminate_backend(%s)", (process,))
            await (await transaction.execute("SELECT pg_sleep(5)")).fetchall()
    async with database.numbered_transaction() as transaction:
        assert await backend(transaction) != process


async def test_a_server_process_that_dies_before_the_commit_is_a_store_that_could_not_be_reached(database: Database) -> None:
    with pytest.raises(CouldNotReachStore):
        async with database.numbered_transaction() as transaction:
            process = await backend(transaction)
            await transaction.execute(A_HOSPITAL, ("R0A",))
            async with database.transaction() as other:
                await other.execute("SELECT pg_terminate_backend(%s)", (process,))
    assert await hospitals(database) == 0


async def test_a_task_that_is_cancelled_while_it_waits_spoils_nothing(database: Database) -> None:
    waiting = asyncio.Event()

    async def wait() -> None:
        async with database.numbered_transaction() as transaction:
            await transaction.execute(A_HOSPITAL, ("R0A",))
            answer = await transaction.execute("SELECT pg_sleep(0.2)")
            waiting.set()
            await answer.fetchall()

    task = asyncio.create_task(wait())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.numbered_transaction() as transaction:
        assert await (await transaction.execute("SELECT 7")).fetchall() == [(7,)]
    assert await hospitals(database) == 0


async def test_more_than_the_network_takes_at_once_goes_both_ways(database: Database) -> None:
    large = "x" * 3_000_000
    async with database.numbered_transaction() as transaction:
        answers = [await transaction.execute("SELECT %s::text", (large,)) for _ in range(3)]
        assert [await answer.fetchall() for answer in answers] == [[(large,)]] * 3


async def test_answers_are_fetched_in_any_order(database: Database) -> None:
    async with database.numbered_transaction() as transaction:
        first = await transaction.execute("SELECT 1")
        second = await transaction.execute("SELECT 2")
        assert await second.fetchone() == (2,)
        assert await first.fetchone() == (1,)
        assert await (await transaction.execute("SELECT 3 WHERE false")).fetchone() is None


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", VALUES)
async def test_a_value_comes_back_as_it_went(database: Database, name: str, binary: bool) -> None:
    kinds = {"number": "int", "large number": "bigint", "truth": "boolean", "moment": "timestamptz", "day": "date", "key": "uuid"}
    kind = {**kinds, "bytes": "bytea"}.get(name, "text")
    query = f"SELECT %s::{kind}, (%s::{kind}[])[1], '%%'".encode()
    async with database.numbered_transaction() as transaction:
        rows = await (await transaction.execute(query, (VALUES[name], [VALUES[name]]), binary=binary)).fetchall()
    assert rows == [(VALUES[name], VALUES[name], "%")]


async def test_parameters_by_name_are_used_as_often_as_they_are_named(database: Database) -> None:
    async with database.numbered_transaction() as transaction:
        answer = await transaction.execute("SELECT %(b)s::int, %(a)s::int, %(b)s::int", {"a": 1, "b": 2})
        assert await answer.fetchall() == [(2, 1, 2)]


async def test_a_statement_is_prepared_once_for_a_connection(database: Database) -> None:
    for _ in range(3):
        async with database.numbered_transaction() as transaction:
            await transaction.execute("SELECT %s::text", ("once",))
    async with database.numbered_transaction() as transaction:
        answer = await transaction.execute(
            "SELECT count(*)::int FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::text%'"
        )
        assert await answer.fetchone() == (1,)


async def test_a_text_that_postgresql_cannot_hold_is_a_data_error(database: Database) -> None:
    with pytest.raises(psycopg.DataError):
        async with database.numbered_transaction() as transaction:
            await transaction.execute("SELECT %s::text[]", (["a\0b"],))


@asynccontextmanager
async def proxy(database: FreshDatabase, folder: Path) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to the server, and what makes it swallow every byte of the connections that are open by then."""
    socket = next(Path(str(conninfo_to_dict(database.service_url)["host"])).glob(".s.PGSQL.*[0-9]"))
    swallowing = asyncio.Event()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, came_late: bool) -> None:
        while data := await source.read(65_536):
            if came_late or not swallowing.is_set():
                sink.write(data)
        sink.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(str(socket))
        late = swallowing.is_set()
        await asyncio.gather(pump(reader, to_server, came_late=late), pump(from_server, writer, came_late=late))

    server = await asyncio.start_unix_server(connect, str(folder / socket.name))
    try:
        yield make_conninfo(database.service_url, host=str(folder)), swallowing
    finally:
        server.close()


async def test_a_connection_that_was_dropped_without_a_word_hangs_nobody(fresh_database: FreshDatabase, short_folder: Path) -> None:
    async def ask(database: Database) -> int:
        async with database.numbered_transaction() as transaction:
            return await backend(transaction)

    async with proxy(fresh_database, short_folder) as (url, swallowing), Database(url) as database:
        before = {await process for process in [asyncio.create_task(ask(database)) for _ in range(3)]}
        swallowing.set()
        with patch("runtime.database.LONGEST_SECONDS", 0.3), pytest.raises(CouldNotReachStore):
            await ask(database)
        assert await ask(database) not in before, "the others of its time are not trusted either"


async def test_a_connection_that_was_idle_for_long_is_not_used_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database.numbered_transaction() as transaction:
        process = await backend(transaction)
    monkeypatch.setattr("runtime.kept.LONGEST_IDLE_SECONDS", 0.0)
    async with database.numbered_transaction() as transaction:
        assert await backend(transaction) != process


async def test_after_the_server_came_back_one_transaction_fails_at_most(database: Database) -> None:
    begun = asyncio.Barrier(3)

    async def together() -> int:
        async with database.numbered_transaction() as transaction:
            await begun.wait()
            return await backend(transaction)

    processes = await asyncio.gather(*(together() for _ in range(3)))
    async with database.transaction() as other:
        await other.execute("SELECT pg_terminate_backend(process) FROM unnest(%s::int[]) AS process", (processes,))
    with pytest.raises(CouldNotReachStore):
        async with database.numbered_transaction() as transaction:
            await backend(transaction)
    async with database.numbered_transaction() as transaction:
        assert await backend(transaction) not in processes
