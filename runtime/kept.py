"""The desk's connections, open from group to group: to take one from a pool costs as much as two statements.

`runtime.database` borrows one for each numbered transaction. A connection that was idle for long is not trusted: a firewall may
have dropped it without a word.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from runtime.pipelined import Prepared

LONGEST_IDLE_SECONDS = 30.0

Connection = psycopg.AsyncConnection[TupleRow]


@dataclass(slots=True)
class Kept:
    """One connection, and what it has prepared."""

    connection: Connection
    prepared: Prepared
    idle_since: float = field(default_factory=time.monotonic)


class KeptConnections:
    """Lends connections, the one that was used last first. `connect` opens a new one."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._idle: list[Kept] = []

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Kept]:
        """One for a transaction. Raises psycopg's errors where none can be opened."""
        kept = await self._take()
        try:
            yield kept
        finally:
            await self._put_back(kept)

    async def close(self) -> None:
        """Close those that nobody uses now."""
        while self._idle:
            await self._idle.pop().connection.close()

    async def _take(self) -> Kept:
        while self._idle and time.monotonic() - self._idle[0].idle_since > LONGEST_IDLE_SECONDS:
            await self._idle.pop(0).connection.close()
        if self._idle:
            return self._idle.pop()
        connection = await self._connect()
        return Kept(connection, Prepared(Transformer(connection.adapters)))

    async def _put_back(self, kept: Kept) -> None:
        if kept.connection.pgconn.transaction_status == TransactionStatus.IDLE:
            kept.idle_since = time.monotonic()
            self._idle.append(kept)
            return
        await kept.connection.close()
        await self.close()  # what broke this one has most likely broken the others
