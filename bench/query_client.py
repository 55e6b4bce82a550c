"""The query load client, a process of its own: QBP^Q22 over MLLP and mutual TLS, one query in flight on each connection.

`rounds` runs it by `clients.run`. Like `mllp_client` it stands apart from `hl7_listener`'s own code. Every response must carry its
query's control ID and say of the child what is true: OK with a plan, or NF with the coverage.
"""

import asyncio
import time
from dataclasses import dataclass
from itertools import count, cycle
from typing import Any, cast

from bench.certificates import NAME, client_context
from bench.clients import serve_order
from bench.figures import percentiles
from bench.people import Patient, patients_met

_START, _END = b"\x0b", b"\x1c\r"
_LEFT_OFF_SECONDS = 10.0
_QUERY = (
    "MSH|^~\\&|EHR|{site}|NIGHTLIGHT|R0A|20261105101530||QBP^Q22^QBP_Q21|{control_id}|P|2.5\r"
    "QPD|IHE PDQ Query|T{control_id}|@PID.3.1^{number}~@PID.3.4^NHS\r"
    "RCP|I|1^RD\r"
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `sites` ask in turn; `flagged` is how many children have a plan; the last two are PEM files."""

    port: int
    name: str
    seed: int
    connections: int
    sites: list[str]
    warm_seconds: float
    seconds: float
    flagged: int
    authority: str
    client: str


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._received = b""
        self._asked: tuple[Patient, str] | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def ask(self) -> None:
        child, control_id, query = self._load.next()
        self._asked, self._sent_at = (child, control_id), time.perf_counter()
        self._transport.write(_START + query + _END)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(_END):
            return
        response, self._received = self._received, b""
        asked, self._asked = self._asked, None
        if asked is not None:
            self._load.answered(self, *asked, response, self._sent_at)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += self._asked is not None

    def close(self) -> None:
        self._transport.close()


class _Load:
    """All connections together, and what is counted."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._met = patients_met(order.seed, order.flagged)
        self._sites = cycle(order.sites)
        self._count = count(1)
        self._finished = 0
        self._count_from = self._stop_at = 0.0
        self.latencies: list[float] = []
        self.answers = self.wrong = self.lost = 0

    def next(self) -> tuple[Patient, str, bytes]:
        child, control_id = next(self._met), f"{self._order.name}{next(self._count):07}"
        query = _QUERY.format(site=next(self._sites), control_id=control_id, number=child.number)
        return child, control_id, query.encode("ascii")

    async def run(self) -> None:
        order, loop = self._order, asyncio.get_running_loop()
        context = client_context(order.authority, order.client)
        made = [
            await loop.create_connection(lambda: _Line(self), "127.0.0.1", order.port, ssl=context, server_hostname=NAME)
            for _ in range(order.connections)
        ]
        self._count_from = time.perf_counter() + order.warm_seconds
        self._stop_at = self._count_from + order.seconds
        for _, line in made:
            line.ask()
        await asyncio.sleep(self._stop_at - time.perf_counter())
        until = time.perf_counter() + _LEFT_OFF_SECONDS
        while self._finished + self.lost < len(made) and time.perf_counter() < until:  # noqa: ASYNC110 -- nothing is measured
            await asyncio.sleep(0.01)
        for _, line in made:
            line.close()

    def answered(self, line: _Line, child: Patient, control_id: str, response: bytes, sent_at: float) -> None:
        at = time.perf_counter()
        self.answers += 1
        right = says_right(child, control_id, response)
        self.wrong += not right
        if right and sent_at >= self._count_from and at <= self._stop_at:
            self.latencies.append(at - sent_at)
        if at < self._stop_at:
            line.ask()
        else:
            self._finished += 1


def says_right(child: Patient, control_id: str, response: bytes) -> bool:
    """Whether the response answers this query, says of the child what is true, and how far that reaches."""
    status = "OK" if child.flagged else "NF"
    begin = f"\rMSA|AA|{control_id}\rQAK|T{control_id}|{status}|".encode()
    return begin in response and (b"\rOBX|1|ST|" in response) is child.flagged and b"|coverage^Coverage^L\r" in response


async def load(order: Order) -> dict[str, Any]:
    """Do what is ordered. Latencies in seconds."""
    work = _Load(order)
    await work.run()
    return {
        "per_second": len(work.latencies) / order.seconds,
        "latency": percentiles(work.latencies),
        "accepted": work.answers - work.wrong,
        "wrong": work.wrong,
        "lost": work.lost,
    }


if __name__ == "__main__":
    serve_order(Order, load)
