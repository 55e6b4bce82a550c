"""Those who are told, outside the service: a mail server, a system that takes webhooks, Notify, MESH.

Each can go away in the middle of a word and come back at the same address. Each counts ids, as whoever makes repeats one does.
"""

import asyncio
import gc
import socket
import threading
from collections import Counter
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.alerts.mail import Mailbox, mail_server
from tests.alerts.notify_stand_in import NotifyStandIn, notify_stand_in
from tests.alerts.webhook_server import WebhookServer
from tests.mesh.sandbox import AMBERSHIRE, Sandbox
from tests.ports import bound


class Host(Protocol):
    """Somebody whom the service tells."""

    def start(self) -> None:
        """Answer, at the same address as ever."""

    def stop(self) -> None:
        """Be gone, at once."""

    def times(self) -> Counter[str]:
        """How often each delivery came, by its id."""
        ...


class Loop:
    """An event loop in a thread of its own, on which the servers of this module run, and the ports that are theirs."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for it."""
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result(30)

    def listener(self, port: int) -> socket.socket:
        """A socket on this port of loopback; or on a free one, which stays ours while nobody listens at it."""
        if port == 0:
            self._held.append(bound())
            port = self._held[-1].getsockname()[1]
        return bound(port)

    def close(self) -> None:
        """End it, and what still runs on it."""
        self.run(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for held in self._held:
            held.close()
        gc.collect()  # what nobody closed is warned of here, and not in another test

    async def _cancel_all(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)  # what was cut off closes its sockets a moment later


@dataclass
class MailHost:
    """A mail server, and what reached its mailbox."""

    loop: Loop
    mailbox: Mailbox = field(default_factory=Mailbox)
    port: int = 0
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.loop.run(self._start())

    async def _start(self) -> None:
        sock = self.loop.listener(self.port)
        self.port = sock.getsockname()[1]
        await self._running.enter_async_context(mail_server(self.mailbox, sock))

    def stop(self) -> None:
        self.loop.run(self._running.aclose())

    def times(self) -> Counter[str]:
        return Counter(str(letter["Message-ID"]).strip("<>").split("@")[0] for letter in self.mailbox.letters)


@dataclass
class WebhookHost:
    """An authority's own system."""

    loop: Loop
    server: WebhookServer = field(default_factory=WebhookServer)
    _listening: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def start(self) -> None:
        self.loop.run(self._start())

    async def _start(self) -> None:
        sock = self.loop.listener(self.server.port)
        self.server.port = sock.getsockname()[1]
        self._listening = await asyncio.start_server(self._serve, sock=sock)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self.server.serve(reader, writer)
        finally:
            self._open.discard(writer)

    def stop(self) -> None:
        self.loop.run(self._stop())

    async def _stop(self) -> None:
        assert self._listening is not None
        self._listening.close()
        for writer in list(self._open):
            writer.transport.abort()

    def times(self) -> Counter[str]:
        return Counter(self.server.times)


@dataclass
class NotifyHost:
    """GOV.UK Notify's stand-in, which forgets nothing, behind a line that breaks."""

    loop: Loop
    stand_in: NotifyStandIn | None = None
    port: int = 0
    _kept: AsyncExitStack = field(default_factory=AsyncExitStack)
    _line: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.loop.run(self._start())

    async def _start(self) -> None:
        if self.stand_in is None:
            self.stand_in = await self._kept.enter_async_context(notify_stand_in())
        sock = self.loop.listener(self.port)
        self.port = sock.getsockname()[1]
        self._line = await asyncio.start_server(self._relay, sock=sock)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self.stand_in is not None
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(self.stand_in.url.rsplit(":", 1)[1]))
        both = {writer, far_writer}
        self._open |= both
        try:
            await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))
        finally:
            self._open -= both
            for each in both:
                each.transport.abort()

    def stop(self) -> None:
        self.loop.run(self._stop())

    async def _stop(self) -> None:
        assert self._line is not None
        self._line.close()
        for writer in list(self._open):
            writer.transport.abort()

    def close(self) -> None:
        """Be gone for good."""
        self.stop()
        self.loop.run(self._close())

    async def _close(self) -> None:
        await self._kept.aclose()

    def times(self) -> Counter[str]:
        assert self.stand_in is not None
        return Counter(str(message.reference) for message in self.stand_in.messages)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


@dataclass
class MeshHost:
    """NHS England's MESH sandbox. The authority's system fetches when everything is over."""

    sandbox: Sandbox
    _times: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        self.sandbox.start()

    def stop(self) -> None:
        self.sandbox.stop()

    def times(self) -> Counter[str]:
        """From its files: what the sandbox takes while it starts is on its disk, and not always in its list."""
        self.stop()
        self.start()
        self._times.update(headers["localid"] for headers, _ in self.sandbox.fetch(AMBERSHIRE))
        return self._times
