"""Connections to registered addresses: each is made to what its name stood for when that was judged, and some are kept open.

`runtime.endpoints` borrows a connection for each call. What is kept for a host is left after a minute, so that a name that has
moved, or that now stands for an address which may not be called, is asked for again.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpcore2 as httpcore

from domain.errors import NightlightError
from runtime.endpoint_addresses import Target, refusal

POOL_SECONDS = 60.0
"""For so long a host's name is not asked for again by whoever finds a connection that is open."""

IDLE_SECONDS = 4.0
"""A connection that nobody needs is closed after these: before most servers do it, which would fail a call."""

_Host = tuple[str, str, int]
"""Scheme, name and port."""


class EndpointError(NightlightError):
    """A registered address could not be called, or did not say yes.

    `code` is one of: bad-address, not-https, private-address, tls, redirect, too-long, not-json (`temporary` is False:
    somebody must change something); no-such-name, unreachable, slow, broken (`temporary` is True); status-NNN (either).
    `again_in` are the seconds after which the other side wishes to be called again, where it named any.
    Nothing of what the other side said is in it.
    """

    def __init__(self, code: str, *, temporary: bool, again_in: float | None = None) -> None:
        super().__init__(f"the address could not be called: {code}")
        self.code = code
        self.temporary = temporary
        self.again_in = again_in


class _Pool:
    """The connections to one host: those that nobody uses just now, and turns for those that may be open."""

    def __init__(self, most: int, until: float) -> None:
        self.until = until
        self.turns = asyncio.Semaphore(most)
        self.idle: list[httpcore.AsyncHTTPConnection] = []
        self.calls = 0
        self.closing: asyncio.TimerHandle | None = None

    async def take(self) -> httpcore.AsyncHTTPConnection | None:
        """The one that was used last, if one is open; those that have ended are closed."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    async def close(self) -> None:
        """Close those that nobody uses."""
        idle, self.idle = self.idle, []
        for connection in idle:
            await connection.aclose()


class Connections:
    """Connections by host. With `kept` at zero each call has a connection of its own, which is closed after it."""

    def __init__(self, context: ssl.SSLContext, listed: frozenset[str], kept: int) -> None:
        self._context = context
        self._listed = listed
        self._kept = kept
        self._pools: dict[_Host, _Pool] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lend(self, target: Target) -> AsyncIterator[httpcore.AsyncHTTPConnection]:
        """A connection for one call to this host. Waits for a turn where as many calls are under way as may be."""
        if not self._kept:
            async with self._connection(target) as connection:
                yield connection
            return
        pool = self._pool(target)
        pool.calls += 1
        if pool.closing:
            pool.closing.cancel()
            pool.closing = None
        try:
            async with pool.turns:
                connection = await pool.take() or self._connection(target)
                try:
                    yield connection
                finally:
                    if connection.is_idle():
                        pool.idle.append(connection)
                    else:
                        await connection.aclose()
        finally:
            pool.calls -= 1
            if pool.calls == 0:
                seconds = IDLE_SECONDS if self._pools.get(_host(target)) is pool else 0
                pool.closing = asyncio.get_running_loop().call_later(seconds, self._leave, _host(target), pool)

    async def close(self) -> None:
        """Close every connection that nobody uses. Whoever still calls closes its own."""
        for host, pool in list(self._pools.items()):
            if pool.closing:
                pool.closing.cancel()
            self._leave(host, pool)
        await asyncio.gather(*self._closing)

    def _pool(self, target: Target) -> _Pool:
        host = _host(target)
        pool = self._pools.get(host)
        if pool is not None and pool.until <= time.monotonic():
            self._leave(host, pool)
            pool = None
        if pool is None:
            pool = self._pools[host] = _Pool(self._kept, time.monotonic() + POOL_SECONDS)
        return pool

    def _leave(self, host: _Host, pool: _Pool) -> None:
        """What it holds is closed now; the calls that are under way close theirs when the last of them ends."""
        if self._pools.get(host) is pool:
            del self._pools[host]
        if pool.idle:
            task = asyncio.create_task(pool.close(), name="close what nobody needs")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _connection(self, target: Target) -> httpcore.AsyncHTTPConnection:
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        backend = _Careful(target, self._listed)
        return httpcore.AsyncHTTPConnection(origin, self._context, keepalive_expiry=IDLE_SECONDS, network_backend=backend)


def _host(target: Target) -> _Host:
    return target.scheme, target.host, target.port


class _Careful(httpcore.AnyIOBackend):
    """Connects to what a name stood for when it was judged, and asks for the name once."""

    def __init__(self, target: Target, listed: frozenset[str]) -> None:
        super().__init__()
        self._target = target
        self._listed = listed

    async def connect_tcp(self, host: str, port: int, *rest: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        addresses = await _resolve(host, port)
        code = refusal(self._target, addresses, self._listed)
        if code:
            raise EndpointError(code, temporary=False)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, *rest, **options)
            except httpcore.ConnectError:
                continue
        return await super().connect_tcp(addresses[-1], port, *rest, **options)


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EndpointError("no-such-name", temporary=True) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
