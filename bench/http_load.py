"""Load over HTTP, for the clients of the doors for systems: connections that stay open, one request in flight on each.

`fhir_client`, `token_client` and `cards_client` say what is asked and what an answer must be; this asks, counts and takes the time.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from bench.figures import percentiles
from bench.http11 import Response, ResponseReader

Exchange = tuple[bytes, Callable[[Response], bool]]
"""A request, and whether a response to it says what is true."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is asked. With `per_second` that many requests fall due, whether they are answered or not; else as fast as they are.

    Every `looked_into`-th body is held against what it must say.
    """

    port: int
    connections: int
    warm_seconds: float
    seconds: float
    per_second: float = 0
    looked_into: int = 50

    @property
    def most(self) -> int:
        """How many requests can fall due. Only with `per_second`."""
        return round((self.warm_seconds + self.seconds) * self.per_second) + 1


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._responses = ResponseReader()
        self._is_right: Callable[[Response], bool] | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def ask(self, exchange: Exchange, since: float) -> None:
        sent, self._is_right = exchange
        self._since = since
        self._transport.write(sent)

    def data_received(self, data: bytes) -> None:
        response = self._responses.feed(data)
        if response is not None and self._is_right is not None:
            is_right, self._is_right = self._is_right, None
            self._load.answered(self, is_right, response, self._since)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += self._is_right is not None

    def close(self) -> None:
        self._is_right = None
        self._transport.close()


class _Load:
    """All connections together, and what is counted."""

    def __init__(self, pace: Pace, exchanges: Iterator[Exchange]) -> None:
        self._pace = pace
        self._exchanges = exchanges
        self._idle: deque[_Line] = deque()
        self._due: deque[float] = deque()
        self._count_from = self._stop_at = 0.0
        self.latencies: list[float] = []
        self.answers = self.refused = self.wrong = self.lost = 0

    async def run(self) -> None:
        pace, loop = self._pace, asyncio.get_running_loop()
        made = [await loop.create_connection(lambda: _Line(self), "127.0.0.1", pace.port) for _ in range(pace.connections)]
        lines = [line for _, line in made]
        self._count_from = time.perf_counter() + pace.warm_seconds
        self._stop_at = self._count_from + pace.seconds
        if pace.per_second:
            self._idle.extend(lines)
            await self._offer()
        else:
            for line in lines:
                self._ask(line, time.perf_counter())
            await asyncio.sleep(self._stop_at - time.perf_counter())
        for line in lines:
            line.close()

    async def _offer(self) -> None:
        """Requests fall due at the pace; one for which no connection is free waits, and its time runs."""
        first = self._count_from - self._pace.warm_seconds
        for number in range(self._pace.most):
            due = first + number / self._pace.per_second
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if due >= self._stop_at:
                return
            if self._idle:
                self._ask(self._idle.popleft(), due)
            else:
                self._due.append(due)

    def _ask(self, line: _Line, since: float) -> None:
        line.ask(next(self._exchanges), since)

    def answered(self, line: _Line, is_right: Callable[[Response], bool], response: Response, since: float) -> None:
        at = time.perf_counter()
        self.answers += 1
        if response.status != 200:
            self.refused += 1
        elif self.answers % self._pace.looked_into == 0:
            self.wrong += not is_right(response)
        if response.status == 200 and since >= self._count_from and at <= self._stop_at:
            self.latencies.append(at - since)
        if at >= self._stop_at:
            return
        if not self._pace.per_second:
            self._ask(line, at)
        elif self._due:
            self._ask(line, self._due.popleft())
        else:
            self._idle.append(line)


async def run_load(pace: Pace, exchanges: Iterator[Exchange]) -> dict[str, Any]:
    """Ask at this pace, and say how it went. Latencies in seconds."""
    load = _Load(pace, exchanges)
    await load.run()
    return {
        "per_second": len(load.latencies) / pace.seconds,
        "latency": percentiles(load.latencies),
        "accepted": load.answers - load.refused,
        "refused": load.refused,
        "wrong": load.wrong,
        "lost": load.lost,
    }
