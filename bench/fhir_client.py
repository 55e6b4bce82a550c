"""The FHIR load client, a process of its own: `POST Flag/_search` on connections that stay open, one request in flight on each.

`rounds` runs it by `clients.run`. Every status is checked, and of every fiftieth body what it says of the child.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

from bench.clients import serve_order
from bench.figures import percentiles
from bench.http11 import Response, ResponseReader, request
from bench.people import Patient, patients_met

_LOOKED_INTO_EVERY = 50


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `flagged` is how many children have a plan."""

    port: int
    token: str
    seed: int
    connections: int
    warm_seconds: float
    seconds: float
    flagged: int


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._responses = ResponseReader()
        self._asked: Patient | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def ask(self) -> None:
        self._asked, sent = self._load.next()
        self._sent_at = time.perf_counter()
        self._transport.write(sent)

    def data_received(self, data: bytes) -> None:
        response = self._responses.feed(data)
        if response is not None and self._asked is not None:
            asked, self._asked = self._asked, None
            self._load.answered(self, asked, response, self._sent_at)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost += self._asked is not None

    def close(self) -> None:
        self._asked = None
        self._transport.close()


class _Load:
    """All connections together, and what is counted."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._asked = patients_met(order.seed, order.flagged)
        self._headers = {
            "authorization": f"Bearer {order.token}",
            "accept": "application/fhir+json",
            "content-type": "application/x-www-form-urlencoded",
            "x-request-id": str(uuid4()),
        }
        self._count_from = self._stop_at = 0.0
        self.latencies: list[float] = []
        self.answers = self.refused = self.wrong = self.lost = 0

    def next(self) -> tuple[Patient, bytes]:
        child = next(self._asked)
        return child, request("POST", "/FHIR/R4/Flag/_search", self._headers, f"patient={child.number}".encode())

    async def run(self) -> None:
        order, loop = self._order, asyncio.get_running_loop()
        made = [await loop.create_connection(lambda: _Line(self), "127.0.0.1", order.port) for _ in range(order.connections)]
        self._count_from = time.perf_counter() + order.warm_seconds
        self._stop_at = self._count_from + order.seconds
        for _, line in made:
            line.ask()
        await asyncio.sleep(self._stop_at - time.perf_counter())
        for _, line in made:
            line.close()

    def answered(self, line: _Line, child: Patient, response: Response, sent_at: float) -> None:
        at = time.perf_counter()
        self.answers += 1
        if response.status != 200:
            self.refused += 1
        elif self.answers % _LOOKED_INTO_EVERY == 0:
            self.wrong += not says_right(child, response.body)
        if response.status == 200 and sent_at >= self._count_from and at <= self._stop_at:
            self.latencies.append(at - sent_at)
        if at < self._stop_at:
            line.ask()


def says_right(child: Patient, body: bytes) -> bool:
    """Whether the Bundle says of the child what is true, and how far it reaches."""
    bundle = json.loads(body)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    matches = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"]
    about = {match["subject"]["identifier"]["value"] for match in matches}
    return bool(
        bundle["type"] == "searchset"
        and bundle["total"] == len(matches) == int(child.flagged)
        and about == ({child.number} if child.flagged else set())
        and "OperationOutcome" in kinds
    )


async def load(order: Order) -> dict[str, Any]:
    """Do what is ordered. Latencies in seconds."""
    work = _Load(order)
    await work.run()
    return {
        "per_second": len(work.latencies) / order.seconds,
        "latency": percentiles(work.latencies),
        "accepted": work.answers - work.refused,
        "refused": work.refused,
        "wrong": work.wrong,
        "lost": work.lost,
    }


if __name__ == "__main__":
    serve_order(Order, load)
