"""PostgreSQL: one pool a process, transactions, and the refusal to start on a server that could lose a child.

Doors open transactions, use cases take them and never commit (docs/architecture.md, "Who owns the commit").
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import LiteralString, Protocol, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from domain.errors import CouldNotReachStore, NightlightError
from runtime.arrays import ArrayDumper
from runtime.kept import Kept, KeptConnections
from runtime.logs import get_logger
from runtime.pipelined import Parameters, Pipelined
from runtime.recordset import Recordset, RecordsetDumper

Connection = psycopg.AsyncConnection[TupleRow]
Connected = TypeVar("Connected")


class Rows(Protocol):
    """What a statement gave."""

    async def fetchall(self) -> list[TupleRow]:
        """All rows."""

    async def fetchone(self) -> TupleRow | None:
        """The first row, or the next; None where there is none."""


class Transaction(Protocol):
    """What a use case does its work with: a Connection in a transaction, or the desk's (`runtime.pipelined`)."""

    async def execute(self, query: LiteralString | bytes, params: Parameters | None = None, *, binary: bool = False) -> Rows:
        """Execute a statement, or send it on its way."""


log = get_logger()

LOCK_TIMEOUT_MS = 500
TRANSACTION_TIMEOUT_MS = 5_000
_GONE = (psycopg.OperationalError, psycopg.InterfaceError)


class UnsafeServer(NightlightError):
    """The database server or role is set up so that it could lose or change what must stay."""


class Database:
    """Connections of the service role, the desk's apart from all others. Use it as `async with Database(url) as database`.

    `on_connect` is shown each of the others as soon as it stands.
    """

    def __init__(
        self,
        url: str,
        connections: int = 10,
        application: str = "nightlight",
        *,
        on_connect: Callable[[Connection], None] = lambda _: None,
    ) -> None:
        url = _with_keepalive(url)
        self._pool = _pool(url, connections, application, _SESSION, on_connect)
        self._desk = KeptConnections(lambda: _connect_desk(url, application))

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._desk.close()
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One READ COMMITTED transaction: committed when the block ends, rolled back when it raises.

        Raises CouldNotReachStore where the server is away or the commit is not confirmed. Other psycopg errors pass.
        """
        async with self._connected(self._pool.connection()) as connection:
            try:
                await connection.execute("BEGIN")
                yield connection
                commit = await connection.execute("COMMIT")
            except BaseException:
                await _roll_back(connection)
                raise
            if commit.statusmessage != "COMMIT":  # an error in it was passed over
                raise CouldNotReachStore("the transaction could not be committed")

    @asynccontextmanager
    async def numbered_transaction(self) -> AsyncIterator[Transaction]:
        """The desk's: it takes its transaction id before it reads anything, so that a sweep can wait for it to end.

        It has connections that nobody else waits for. What it executes goes out when rows are asked for, or at the end: an
        error may show that late. Raises as `transaction` does.
        """
        async with self._connected(self._desk.lend()) as kept:
            pipelined = Pipelined(kept.connection, kept.prepared)
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    await pipelined.execute("BEGIN")
                    await pipelined.execute("SELECT pg_current_xact_id()")
                    yield pipelined
                    committed = await pipelined.commit()
            except TimeoutError:
                await kept.connection.close()
                log.warning("database silent")
                raise CouldNotReachStore("the database does not answer") from None
            except Exception:
                await _abandon(kept, pipelined)
                raise
            except BaseException:  # who is cancelled does not wait for an answer
                await kept.connection.close()
                raise
            if not committed:
                raise CouldNotReachStore("the transaction could not be committed")

    def single(self) -> AbstractAsyncContextManager[Connection]:
        """For one statement, which is a transaction by itself. Raises as `transaction` does."""
        return self._connected(self._pool.connection())

    @asynccontextmanager
    async def _connected(self, connecting: AbstractAsyncContextManager[Connected]) -> AsyncIterator[Connected]:
        task = asyncio.current_task()
        cancelled = task.cancelling() if task else 0
        try:
            async with connecting as connection:
                if task and task.cancelling() > cancelled:  # waiting for a connection can swallow it
                    raise asyncio.CancelledError
                yield connection
        except _GONE as error:
            if not _is_connection_trouble(error):
                raise
            log.warning("database away", sqlstate=getattr(error, "sqlstate", None), error=type(error).__name__)
            raise CouldNotReachStore("the database is away") from None

    async def check_server(self) -> None:
        """Raises UnsafeServer where commits are not durable, the role could change the trail, or the version is old."""
        async with self.transaction() as transaction:
            row = await (await transaction.execute(_SERVER_FACTS)).fetchone()
        assert row is not None
        version, fsync, synchronous, superuser, may_change = row
        if version < 180000:
            raise UnsafeServer("PostgreSQL 18 or newer is needed")
        if fsync == "off" or synchronous == "off":
            raise UnsafeServer("fsync and synchronous_commit must be on: an acknowledged message could be lost")
        if superuser:
            raise UnsafeServer("NIGHTLIGHT_DATABASE_URL must not name a superuser")
        if may_change:
            raise UnsafeServer("NIGHTLIGHT_DATABASE_URL must name the service role: this one could change the audit trail")


_SERVER_FACTS = """
    SELECT current_setting('server_version_num')::int, current_setting('fsync'), current_setting('synchronous_commit'),
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
           coalesce(has_table_privilege(to_regclass('accesses'), 'UPDATE'), false)
"""


_SESSION = (
    f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT_MS} -c transaction_timeout={TRANSACTION_TIMEOUT_MS}"
    f" -c idle_in_transaction_session_timeout={TRANSACTION_TIMEOUT_MS}"
)
# The desk asks for a few rows by their keys, always. So: planned once for any values, since planning takes longer than
# answering; and by the keys' indexes, since a young store's tables look small enough to be read whole, and do not stay so.
_BY_KEYS = " -c plan_cache_mode=force_generic_plan" + "".join(
    f" -c enable_{way}=off" for way in ("seqscan", "bitmapscan", "material", "memoize", "hashjoin", "mergejoin")
)
_CONNECT_SECONDS = 2
_POOL_SECONDS = 2.0
LONGEST_SECONDS = TRANSACTION_TIMEOUT_MS / 1000 + 2
"""For the desk's whole transaction: the server ends it sooner, unless nothing comes from there any more."""
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}


async def _connect_desk(url: str, application: str) -> Connection:
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=None, application_name=application, options=_SESSION + _BY_KEYS,
        connect_timeout=_CONNECT_SECONDS,
    )  # fmt: skip
    await _configure(connection)
    return connection


def _with_keepalive(url: str) -> str:
    """The URL, with the system's own watch over connections that were dropped without a word, unless the URL says its own."""
    return make_conninfo("", **{**_KEEPALIVE, **conninfo_to_dict(url)})


def _pool(
    url: str, connections: int, application: str, options: str, on_connect: Callable[[Connection], None]
) -> AsyncConnectionPool:
    async def configure(connection: Connection) -> None:
        await _configure(connection)
        on_connect(connection)

    return AsyncConnectionPool(
        url,
        min_size=0,
        max_size=connections,
        open=False,
        timeout=_POOL_SECONDS,
        reconnect_timeout=5.0,
        max_idle=60.0,
        check=None,
        configure=configure,
        kwargs={"application_name": application, "options": options, "prepare_threshold": 2, "autocommit": True},
    )


async def _configure(connection: Connection) -> None:
    connection.adapters.register_dumper(list, ArrayDumper)
    connection.adapters.register_dumper(Recordset, RecordsetDumper)


async def _abandon(kept: Kept, pipelined: Pipelined) -> None:
    """Make the connection fit for use again, or close it."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            failed = await pipelined.abandon()
            await kept.connection.execute("ROLLBACK")
            if failed:
                kept.prepared.names.clear()
                await kept.connection.execute("DEALLOCATE ALL")
    except (psycopg.Error, TimeoutError):
        await kept.connection.close()


async def _roll_back(connection: Connection) -> None:
    if connection.closed:
        return
    try:
        await connection.execute("ROLLBACK")
    except psycopg.Error:
        await connection.close()  # the pool makes a new one; this one's state is not known


def _is_connection_trouble(error: psycopg.Error) -> bool:
    """Whether the connection or the server is at fault (classes 08, 53, 57, 58), not what was asked of it."""
    state = error.sqlstate
    return state is None or state[:2] in {"08", "53", "57", "58"} or state == "25P04"
