"""The MLLP load client, a process of its own: bare asyncio on uvloop, one message in flight on each connection.

`rounds` runs it by `clients.run`: an Order comes in as JSON, figures go out. It stands apart from `hl7_listener`'s own framing,
so that a mistake there cannot hide here. Only an AA that carries the message's own control ID counts.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from bench.adt import Registration, registrations
from bench.clients import serve_order
from bench.figures import percentiles
from bench.people import patients_met
from runtime.clock import now

_START, _END = b"\x0b", b"\x1c\r"
_DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `per_second` is the offered load; 0 means that each connection sends as soon as it has its answer.

    `name` makes the messages unlike all others, `sites` send them in turn, `most` are made ready beforehand; `flagged` is how many
    children have a plan. `each`: every message's latency is told, too.
    """

    port: int
    name: str
    seed: int
    connections: int
    sites: list[str]
    warm_seconds: float
    seconds: float
    most: int
    flagged: int
    per_second: float = 0
    each: bool = False


class _Line(asyncio.Protocol):
    """One connection, with at most one message in flight."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._received = b""
        self._sent: Registration | None = None
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def send(self, registration: Registration, due: float) -> None:
        self._sent, self.due = registration, due
        self._transport.write(_START + registration.message + _END)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(_END):
            return
        answer, self._received = self._received, b""
        sent, self._sent = self._sent, None
        if sent is not None:
            self._load.answered(self, sent, accepted=f"\rMSA|AA|{sent.control_id}".encode() in answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self._sent is not None:
            self._load.lost += 1

    def close(self) -> None:
        self._transport.close()


class _Load:
    """All connections together, and what is counted."""

    def __init__(self, order: Order) -> None:
        self._order = order
        made = registrations(order.name, order.sites, patients_met(order.seed, order.flagged), now())
        self._ready = deque(islice(made, order.most))
        self._waiting: deque[tuple[Registration, float]] = deque()
        self._idle: list[_Line] = []
        self._count_from = self._stop_at = 0.0
        self.counted: list[tuple[float, float]] = []
        self.accepted = self.flagged = self.refused = self.lost = 0
        self.ran_out = False
        self.due_at: dict[str, float] = {}

    async def run(self) -> None:
        order, loop = self._order, asyncio.get_running_loop()
        for _ in range(order.connections):
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", order.port)
            self._idle.append(line)
        lines, self._idle = self._idle, []
        self._count_from = time.perf_counter() + order.warm_seconds
        self._stop_at = self._count_from + order.seconds
        if order.per_second:
            self._idle = list(lines)
            await self._offer()
        else:
            for line in lines:
                self._next(line)
            await asyncio.sleep(self._stop_at - time.perf_counter())
        await self._drain(len(lines))
        for line in lines:
            line.close()

    def _next(self, line: _Line) -> None:
        at = time.perf_counter()
        if at < self._stop_at and self._ready:
            line.send(self._ready.popleft(), at)
        else:
            self.ran_out |= at < self._stop_at
            self._idle.append(line)

    async def _offer(self) -> None:
        """Messages fall due by the clock, whether or not the ones before are answered: a delay is counted, never hidden."""
        began, wall = time.perf_counter(), time.time()
        every = 1 / self._order.per_second
        count = 0
        while (due := began + count * every) < self._stop_at:
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            registration = self._ready.popleft()
            if registration.flagged and due >= self._count_from:
                self.due_at[registration.visit] = wall + (due - began)
            self._waiting.append((registration, due))
            self._send_waiting()
            count += 1

    def _send_waiting(self) -> None:
        while self._waiting and self._idle:
            self._idle.pop().send(*self._waiting.popleft())

    async def _drain(self, lines: int) -> None:
        """Wait for the answers that are still on their way."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while self._waiting or len(self._idle) + self.lost < lines:  # noqa: ASYNC110 -- nothing is measured any more
                    await asyncio.sleep(0.01)

    def answered(self, line: _Line, registration: Registration, *, accepted: bool) -> None:
        """The line has its answer and is free again."""
        at = time.perf_counter()
        self.accepted += accepted
        self.flagged += accepted and registration.flagged
        self.refused += not accepted
        if accepted and line.due >= self._count_from and at <= self._stop_at:
            self.counted.append((line.due, at - line.due))
        if self._order.per_second:
            self._idle.append(line)
            self._send_waiting()
        else:
            self._next(line)


async def load(order: Order) -> dict[str, Any]:
    """Do what is ordered. Latencies in seconds; `due_at` gives, for each flagged visit, its Unix time; `each` is pairs of a
    message's Unix time and its latency."""
    work = _Load(order)
    wall = time.time() - time.perf_counter()
    await work.run()
    if work.ran_out:
        raise RuntimeError("too few messages were made ready: raise Order.most")
    return {
        "per_second": len(work.counted) / order.seconds,
        "latency": percentiles([latency for _, latency in work.counted]),
        "accepted": work.accepted,
        "flagged": work.flagged,
        "refused": work.refused,
        "lost": work.lost,
        "due_at": work.due_at,
        "each": [(wall + due, latency) for due, latency in work.counted] if order.each else [],
    }


if __name__ == "__main__":
    serve_order(Order, load)
