"""What the HTTP door counts, for Prometheus: requests by route template, never by address.

`api.app` puts `measured` around the application; `api.health` serves `/metrics`. Where PROMETHEUS_MULTIPROC_DIR is set,
what the other processes of this machine count is served too.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import route_of

REQUESTS = Counter("nightlight_http_requests", "Requests answered, by route, method and status.", ["route", "method", "status"])
SECONDS = Histogram("nightlight_http_seconds", "Seconds until an answer began, by route.", ["route"])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measured:
    """Counts and times every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                requests, seconds = _counters(route_of(scope), _method(scope), message["status"])
                requests.inc()
                seconds.observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, counting)


@cache
def _counters(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """The two lines of a route; finding them anew costs more than counting."""
    return REQUESTS.labels(route, method, status), SECONDS.labels(route)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def counted() -> bytes:
    """Everything that was counted, in Prometheus' text format."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def ages(families: Sequence[GaugeMetricFamily]) -> bytes:
    """Gauges that were read at this moment, in the same format. They are nobody's to keep: no other process sums them."""
    registry = CollectorRegistry()
    registry.register(_AsRead(families))
    return generate_latest(registry)


def gauge(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    """One gauge with a value for each value of its label."""
    family = GaugeMetricFamily(name, words, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def gauge_by(name: str, words: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> GaugeMetricFamily:
    """One gauge with a value for each set of values of its labels."""
    family = GaugeMetricFamily(name, words, labels=labels)
    for each, value in values:
        family.add_metric(each, value)
    return family


@dataclass(frozen=True, eq=False)
class _AsRead(Collector):
    families: Sequence[GaugeMetricFamily]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self.families
