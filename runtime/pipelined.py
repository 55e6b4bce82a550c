"""The desk's transaction on the wire: statements are queued, and go out together when an answer is waited for.

`runtime.database` makes one for each numbered transaction. It works libpq's pipeline itself: the driver's own converts, sends and
waits for each statement by itself, which at the desk was half of all the work
([decision 23](../docs/adr/0023-the-desk-works-the-pipeline-itself.md)).
Source: PostgreSQL, "Pipeline Mode"; psycopg 3, "psycopg.pq" and "psycopg.adapt".
"""

import asyncio
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, LiteralString

import psycopg
from psycopg.abc import Transformer
from psycopg.adapt import PyFormat
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from runtime.arrays import array_literal
from runtime.recordset import Recordset

Parameters = Sequence[Any] | Mapping[str, Any]

_ROWS = frozenset({Recordset, list})
_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED})
_PLACEHOLDER = re.compile(rb"%(?:s|\((\w+)\)s)")


@dataclass(slots=True)
class Prepared:
    """What one connection keeps from transaction to transaction: its prepared statements, by their text and types."""

    adapt: Transformer
    names: dict[tuple[LiteralString | bytes, tuple[int, ...]], bytes] = field(default_factory=dict)


class Answer:
    """What one statement gives. It is waited for when its rows are asked for."""

    __slots__ = ("_pipelined", "result")

    def __init__(self, pipelined: "Pipelined") -> None:
        self._pipelined = pipelined
        self.result: PGresult | None = None

    async def fetchall(self) -> list[TupleRow]:
        """All rows. Raises psycopg's errors: this statement's, or those of one before it."""
        return self._pipelined.to_rows(self.result or await self._pipelined.receive(self))

    async def fetchone(self) -> TupleRow | None:
        """The first row, or None where there is none. Raises as `fetchall` does."""
        rows = await self.fetchall()
        return rows[0] if rows else None


class Pipelined:
    """One transaction's statements, on a connection that nobody else uses until `commit` or `abandon` has ended."""

    def __init__(self, connection: psycopg.AsyncConnection[TupleRow], prepared: Prepared) -> None:
        self._libpq = connection.pgconn
        self._prepared = prepared
        self._awaited: deque[Answer] = deque()
        self._synced = self._failed = False
        self._libpq.enter_pipeline_mode()

    async def execute(self, query: LiteralString | bytes, params: Parameters | None = None, *, binary: bool = False) -> Answer:
        """Queue a statement. `binary` asks for rows in binary form, which are quicker to read and mean the same."""
        text, order = _numbered(query)
        values = [params[name] for name in order] if isinstance(params, Mapping) else params or ()
        dumped, types, formats = self._dump(values)
        name = self._prepared.names.get((query, types))
        if name is None:
            name = self._prepared.names[query, types] = b"desk%d" % len(self._prepared.names)
            self._libpq.send_prepare(name, text, types)
            self._awaited.append(Answer(self))
        self._libpq.send_query_prepared(name, dumped, formats, Format.BINARY if binary else Format.TEXT)
        answer = Answer(self)
        self._awaited.append(answer)
        return answer

    async def receive(self, wanted: Answer) -> PGresult:
        """Send what is queued, and take what comes until this answer is there. Raises psycopg's errors."""
        self._libpq.send_flush_request()
        while wanted.result is None:
            await self._take()
        return wanted.result

    async def commit(self) -> bool:
        """Send what is left with COMMIT, and wait for all of it. Returns whether it was committed. Raises psycopg's errors."""
        commit = await self.execute("COMMIT")
        self._sync()
        while self._awaited:
            await self._take()
        while await self._next_result() is None:  # the sync's own comes last
            pass
        self._libpq.exit_pipeline_mode()
        return commit.result is not None and commit.result.command_status == b"COMMIT"

    async def abandon(self) -> bool:
        """Wait for what is under way and forget it: the connection can be used again, its transaction is still open.

        Returns whether a statement had failed: then nobody knows which of the new ones are prepared.
        Raises psycopg's errors where the connection is lost.
        """
        self._sync()
        while (result := await self._next_result()) is None or result.status != ExecStatus.PIPELINE_SYNC:
            self._failed = self._failed or (result is not None and result.status in _FAILED)
        self._libpq.exit_pipeline_mode()
        return self._failed

    def to_rows(self, result: PGresult) -> list[TupleRow]:
        """The rows of a result as Python values."""
        if not result.ntuples:
            return []
        adapt = self._prepared.adapt
        adapt.set_pgresult(result)
        return adapt.load_rows(0, result.ntuples, tuple)

    def _dump(self, values: Sequence[Any]) -> tuple[Sequence[Any], tuple[int, ...], Sequence[Format] | None]:
        """The values as libpq sends them, their types and formats. The driver is not asked about rows and lists."""
        if _ROWS.issuperset(map(type, values)):
            return [value.literal if type(value) is Recordset else array_literal(value) for value in values], (), None
        adapt = self._prepared.adapt
        return adapt.dump_sequence(values, [PyFormat.AUTO] * len(values)), adapt.types or (), adapt.formats

    def _sync(self) -> None:
        if not self._synced:
            self._synced = True
            self._libpq.pipeline_sync()

    def _check(self, result: PGresult) -> None:
        if result.status not in _FAILED:
            return
        self._failed = True
        if not result.error_field(DiagnosticField.SQLSTATE):  # not the server's word: there is no server
            raise psycopg.OperationalError("the connection is lost")
        raise psycopg.errors.error_from_result(result)

    async def _take(self) -> None:
        """Wait until something has come, and take all of it: the statements' results, the oldest first."""
        await self._until_something_came()
        while self._awaited and not self._libpq.is_busy():
            result = self._libpq.get_result()
            if result is not None:  # None: there is no more of the statement before
                self._awaited.popleft().result = result
                self._check(result)

    async def _next_result(self) -> PGresult | None:
        await self._until_something_came()
        return self._libpq.get_result()

    async def _until_something_came(self) -> None:
        while self._libpq.flush():
            await self._until_ready(for_writing=True)
        while self._libpq.is_busy():
            await self._until_ready()

    async def _until_ready(self, *, for_writing: bool = False) -> None:
        loop, socket = asyncio.get_running_loop(), self._libpq.socket
        ready = loop.create_future()
        loop.add_reader(socket, _wake, ready)
        if for_writing:
            loop.add_writer(socket, _wake, ready)
        try:
            await ready
        finally:
            loop.remove_reader(socket)
            if for_writing:
                loop.remove_writer(socket)
        self._libpq.consume_input()


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


@lru_cache(maxsize=256)
def _numbered(query: LiteralString | bytes) -> tuple[bytes, tuple[str, ...]]:
    """The statement with $1, $2 … in the place of %s or %(name)s, and the names in that order."""
    text = query if isinstance(query, bytes) else query.encode()
    places: dict[bytes, int] = {}

    def number(found: re.Match[bytes]) -> bytes:
        place = places.setdefault(found[1] or b"%d" % len(places), len(places) + 1)
        return b"$%d" % place

    return _PLACEHOLDER.sub(number, text).replace(b"%%", b"%"), tuple(name.decode() for name in places)
