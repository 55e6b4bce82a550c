"""The MLLP listener: sockets, limits, and the drain at the end.

`nightlight listener` runs it with an answerer. A slow, silent or hostile peer costs bounded memory and never stops the others.
Source: docs/hl7.md, "Framing" and "Who may speak".
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.errors import InvalidInput
from hl7_listener.connection import Answer, Connection
from runtime.logs import get_logger
from runtime.settings import Settings

_CHECK_EVERY_SECONDS = 1.0
_DRAIN_SECONDS = 10.0
_KEEPALIVE = ((socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))

log = get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one listener takes on. Times in seconds."""

    frame_bytes: int
    connections: int
    connections_per_peer: int
    idle_seconds: float
    frame_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits that the settings name."""
        return cls(
            settings.mllp_max_frame_bytes,
            settings.mllp_max_connections,
            settings.mllp_max_connections_per_peer,
            settings.mllp_idle_seconds,
            settings.mllp_frame_seconds,
        )


def check_address(host: str, *, any_address: bool) -> None:
    """Raises InvalidInput where a listener without TLS would be reachable from elsewhere."""
    if not any_address and not ipaddress.ip_address(host or "0.0.0.0").is_loopback:  # noqa: S104
        raise InvalidInput("without TLS the listener binds to loopback only; NIGHTLIGHT_MLLP_ANY_ADDRESS=true overrides this")


@asynccontextmanager
async def listening(sock: socket.socket, answer: Answer, limits: Limits) -> AsyncIterator[None]:
    """Take connections on a bound socket while the block runs; at its end answer what is in hand, then close."""
    connections: set[Connection] = set()

    def admit(connection: Connection) -> bool:
        from_peer = sum(1 for each in connections if each.sender.address == connection.sender.address)
        return len(connections) < limits.connections and from_peer < limits.connections_per_peer

    def connect() -> Connection:
        return Connection(answer, limits.frame_bytes, connections, admit)

    _keep_alive(sock)

    server = await asyncio.get_running_loop().create_server(connect, sock=sock, backlog=128)
    watching = asyncio.create_task(_watch(connections, limits))
    try:
        yield
    finally:
        watching.cancel()
        server.close()
        leaving = list(connections)
        for connection in leaving:
            connection.drain()
        if leaving:
            await asyncio.wait([asyncio.create_task(each.finished()) for each in leaving], timeout=_DRAIN_SECONDS)


def _keep_alive(sock: socket.socket) -> None:
    """A peer that vanished without a word is noticed by TCP; accepted connections inherit this."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _watch(connections: set[Connection], limits: Limits) -> None:
    while True:
        await asyncio.sleep(_CHECK_EVERY_SECONDS)
        at = time.monotonic()
        for connection in list(connections):
            if connection.frame_began_at is not None and at - connection.frame_began_at > limits.frame_seconds:
                connection.abort("a message took too long to arrive")
            elif at - connection.heard_at > limits.idle_seconds:
                connection.abort("silent for too long")
