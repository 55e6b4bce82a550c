"""What the HTTP door counts, for Prometheus: requests by route template, never by address.

`api.app` puts `measured` around the application; `api.health` serves `/metrics`. Where PROMETHEUS_MULTIPROC_DIR is set,
what the other processes of this machine count is served too.
"""

import os
import time

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
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
                route = route_of(scope)
                method = scope["method"] if scope["method"] in _METHODS else "other"
                REQUESTS.labels(route, method, message["status"]).inc()
                SECONDS.labels(route).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, counting)


def counted() -> bytes:
    """Everything that was counted, in Prometheus' text format."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def ages(gauges: dict[str, tuple[str, str, dict[str, float]]]) -> bytes:
    """Gauges that are read at this moment: name to (help, label, value by label value)."""
    registry = CollectorRegistry()
    for name, (words, label, values) in gauges.items():
        gauge = Gauge(name, words, [label], registry=registry)
        for each, value in values.items():
            gauge.labels(each).set(value)
    return generate_latest(registry)
