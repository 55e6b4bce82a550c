"""The MLLP listener: sockets, limits, TLS handshakes, and the drain at the end.

`nightlight listener` runs one for each port with an answerer. A slow, silent or hostile peer costs bounded memory and
never stops the others: from the first byte of its handshake to the last unread acknowledgement it has a place and a time.
Source: docs/hl7.md, "Framing" and "Who may speak".
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hl7_listener.connection import Answer, Connection
from hl7_listener.keepalive import keep_alive
from hl7_listener.metrics import REFUSED
from hl7_listener.ports import Port
from hl7_listener.tls import Certificates
from runtime.logs import get_logger

_CHECK_EVERY_SECONDS = 1.0
_LOOK_AT_FILES_EVERY_SECONDS = 10.0
_ACCEPT_AGAIN_SECONDS = 0.2
_DRAIN_SECONDS = 10.0
_GOODBYE_SECONDS = 5.0
_BACKLOG = 1024

log = get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one listener takes on. Times in seconds."""

    frame_bytes: int
    connections: int
    connections_per_peer: int
    idle_seconds: float
    frame_seconds: float
    handshake_seconds: float = 10.0

    @classmethod
    def of(cls, port: Port) -> "Limits":
        """The limits of one listener."""
        return cls(
            port.max_frame_bytes,
            port.max_connections,
            port.max_connections_per_peer,
            port.idle_seconds,
            port.frame_seconds,
            port.handshake_seconds,
        )


@asynccontextmanager
async def listening(
    sock: socket.socket, answer: Answer, limits: Limits, certificates: Certificates | None = None
) -> AsyncIterator[None]:
    """Take connections on a bound socket while the block runs; at its end answer what is in hand, then close.

    With `certificates` every connection begins with a TLS handshake, under the certificates of that moment.
    """
    door = _Door(answer, limits, certificates)
    _set_options(sock)
    sock.setblocking(False)
    sock.listen(_BACKLOG)
    work = [asyncio.create_task(each) for each in (door.accept(sock), door.watch(), door.look_at_files())]
    try:
        yield
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        sock.close()
        await door.drain()


class _Door:
    """The connections of one listener: each has a place from the moment it is accepted, its handshake included."""

    def __init__(self, answer: Answer, limits: Limits, certificates: Certificates | None) -> None:
        self._answer = answer
        self._limits = limits
        self._certificates = certificates
        self._connections: set[Connection] = set()
        self._greetings: set[asyncio.Task[None]] = set()

    async def accept(self, listening: socket.socket) -> None:
        """Give each new connection a place, or close it where there is none."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:  # too many open files, or a peer that has gone again: others may come
                log.error("cannot accept", error=type(error).__name__)
                await asyncio.sleep(_ACCEPT_AGAIN_SECONDS)
                continue
            connection = Connection(self._answer, self._limits.frame_bytes, str(address[0]), self._connections.discard)
            if not self._has_room_for(connection):
                _refuse(connection, "too many connections")
                accepted.close()
                continue
            self._connections.add(connection)
            greeting = asyncio.create_task(self._greet(accepted, connection))
            self._greetings.add(greeting)
            greeting.add_done_callback(self._greetings.discard)

    async def watch(self) -> None:
        """Close what is too slow or too silent."""
        while True:
            await asyncio.sleep(_CHECK_EVERY_SECONDS)
            at = time.monotonic()
            for connection in list(self._connections):
                if _is_over(connection.frame_began_at, at, self._limits.frame_seconds):
                    connection.abort("a message took too long to arrive")
                elif _is_over(connection.unread_since, at, self._limits.frame_seconds):
                    connection.abort("acknowledgements were not read")
                elif _is_over(connection.heard_at, at, self._limits.idle_seconds):
                    connection.abort("silent for too long")

    async def look_at_files(self) -> None:
        """Take new certificates when the files change."""
        while self._certificates is not None:
            await asyncio.sleep(_LOOK_AT_FILES_EVERY_SECONDS)
            await asyncio.to_thread(self._certificates.refresh)

    async def drain(self) -> None:
        """Answer what is in hand and close everything."""
        for greeting in list(self._greetings):
            greeting.cancel()
        await asyncio.gather(*self._greetings, return_exceptions=True)
        leaving = list(self._connections)
        for connection in leaving:
            connection.drain()
        if leaving:
            await asyncio.wait([asyncio.create_task(each.finished()) for each in leaving], timeout=_DRAIN_SECONDS)

    def _has_room_for(self, connection: Connection) -> bool:
        from_peer = sum(each.sender.address == connection.sender.address for each in self._connections)
        return len(self._connections) < self._limits.connections and from_peer < self._limits.connections_per_peer

    async def _greet(self, accepted: socket.socket, connection: Connection) -> None:
        """Make the connection of an accepted socket, after its handshake where there is one."""
        loop = asyncio.get_running_loop()
        try:
            if self._certificates is None:
                await loop.connect_accepted_socket(lambda: connection, accepted)
            else:
                await loop.connect_accepted_socket(
                    lambda: connection,
                    accepted,
                    ssl=self._certificates.context,
                    ssl_handshake_timeout=self._limits.handshake_seconds,
                    ssl_shutdown_timeout=_GOODBYE_SECONDS,
                )
        except ConnectionResetError:  # it only knocked, as health checks do
            self._connections.discard(connection)
            log.debug("connection closed before its handshake", peer=connection.sender.address)
        except OSError as error:  # ssl.SSLError is a kind of it
            self._connections.discard(connection)
            _refuse(connection, "TLS handshake failed", error)
        except BaseException:
            self._connections.discard(connection)
            raise


def _is_over(since: float | None, at: float, most: float) -> bool:
    return since is not None and at - since > most


def _refuse(connection: Connection, reason: str, error: OSError | None = None) -> None:
    """Say what OpenSSL made of it, in its own constant words; never what the peer sent."""
    code = error.reason if isinstance(error, ssl.SSLError) else error and type(error).__name__
    REFUSED.labels(reason).inc()
    log.warning("connection refused", peer=connection.sender.address, reason=reason, code=code)


def _set_options(sock: socket.socket) -> None:
    """What accepted connections inherit: a peer that vanished is noticed by TCP; an acknowledgement waits for nothing."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    keep_alive(sock)
