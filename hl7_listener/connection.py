"""One MLLP connection: bytes in, frames to the answerer one at a time, acknowledgements out in the same order.

`hl7_listener.server` makes one for each peer that connects. What it holds is bounded: it stops reading while messages wait.
Source: HL7 MLLP release 1; docs/hl7.md, "Framing".
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import cast

from hl7_listener.answered import Answered, reject
from hl7_listener.framing import CutOff, Event, Frame, FrameReader, Junk, Oversized, frame
from hl7_listener.sender import Sender
from hl7_listener.tls import fingerprint_of
from runtime.logs import get_logger

Answer = Callable[[bytes, Sender], Awaitable[Answered]]

_WAITING_FRAMES = 16
_TLS_RECORD = b"\x16\x03"  # how every TLS client begins

log = get_logger()


class Connection(asyncio.Protocol):
    """Answers a peer's messages in their order. `answer` gets a frame's content and who sent it.

    `on_lost` hears when it has closed. Times are of the monotonic clock; None where nothing is awaited.
    """

    def __init__(self, answer: Answer, max_frame_bytes: int, address: str, on_lost: "Callable[[Connection], None]") -> None:
        self._answer = answer
        self._frames = FrameReader(max_frame_bytes)
        self._most_waiting = max_frame_bytes
        self._on_lost = on_lost
        self._events: deque[Event] = deque()
        self._waiting_bytes = 0
        self._something = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self._worker: asyncio.Task[None] | None = None
        self._secure = False
        self._ended = False
        self._draining = False
        self.sender = Sender(address)
        self.heard_at = time.monotonic()
        self.frame_began_at: float | None = None
        self.unread_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are not asyncio's own
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._secure = True
            certificate = tls.getpeercert(binary_form=True)
            if certificate:
                self.sender = replace(self.sender, certificate=fingerprint_of(certificate), mutual=True)
        self.heard_at = time.monotonic()
        self._worker = asyncio.get_running_loop().create_task(self._work(self._transport))

    def data_received(self, data: bytes) -> None:
        if self.frame_began_at is None and not self._secure and data.startswith(_TLS_RECORD) and not self._frames.mid_frame:
            self.abort("TLS was spoken to a listener without it")
            return
        self.heard_at = time.monotonic()
        events = self._frames.feed(data)
        self._queue(events)
        if not self._frames.mid_frame:
            self.frame_began_at = None
        elif self.frame_began_at is None or events:
            self.frame_began_at = self.heard_at
        if self._has_enough() and self._transport is not None:
            self._transport.pause_reading()
            self.frame_began_at = None  # from here on it is we who are slow
        self._something.set()

    def eof_received(self) -> bool:
        """The peer sends no more, and may still read: what it sent is answered before the connection closes.

        Not so with TLS: there an end is the end of both directions, and what was not answered will be sent again.
        """
        self._end()
        return not self._secure

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._writable.set()
        self._end()
        self._leave()

    def pause_writing(self) -> None:
        """The peer does not read its acknowledgements: nothing more is taken from it until it does."""
        self._writable.clear()
        self.unread_since = time.monotonic()

    def resume_writing(self) -> None:
        self._writable.set()
        self.unread_since = None

    def drain(self) -> None:
        """Finish the message in hand, then close."""
        self._draining = True
        if self._transport is not None:
            self._transport.pause_reading()
        self._something.set()

    def abort(self, why: str) -> None:
        """Close at once: the peer is too slow or silent for too long. What was not whole is not acknowledged."""
        log.warning("connection closed", peer=self.sender.address, reason=why)
        if self._transport is not None:
            self._transport.abort()

    async def finished(self) -> None:
        """Wait until everything taken is answered and the connection is closed."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self, transport: asyncio.Transport) -> None:
        try:
            while not (self._draining or (self._ended and not self._events)):
                await self._something.wait()
                self._something.clear()
                while self._events and not self._draining:
                    if not await self._handle(self._next()):
                        return
                    if not self._ended and not self._has_enough() and not transport.is_closing():
                        transport.resume_reading()
        finally:
            self._worker = None
            self.unread_since = self.unread_since or time.monotonic()  # to close, too, waits for what is unread
            transport.close()
            self._leave()

    async def _handle(self, event: Event) -> bool:
        match event:
            case Frame(payload):
                answered = await self._answer(payload, self.sender)
                if answered.frames:
                    await self._send(answered.frames)
                return not answered.close
            case Oversized(head):
                log.warning("frame too long", peer=self.sender.address)
                await self._send(reject(head, "the message is longer than this listener takes"))
                return False
            case Junk(count):
                log.warning("bytes between frames skipped", peer=self.sender.address, count=count)
            case CutOff(count):
                log.warning("message cut off", peer=self.sender.address, count=count)
        return True

    async def _send(self, acknowledgements: Sequence[bytes]) -> None:
        await self._writable.wait()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(map(frame, acknowledgements)))

    def _queue(self, events: list[Event]) -> None:
        self._events.extend(events)
        self._waiting_bytes += sum(map(_size, events))

    def _next(self) -> Event:
        event = self._events.popleft()
        self._waiting_bytes -= _size(event)
        return event

    def _has_enough(self) -> bool:
        return len(self._events) >= _WAITING_FRAMES or self._waiting_bytes >= self._most_waiting

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._queue(self._frames.close())
            self._something.set()

    def _leave(self) -> None:
        """It counts until it is closed and everything it sent is answered: memory of one that is gone is memory too."""
        if self._transport is None and self._worker is None:
            self._on_lost(self)


def _size(event: Event) -> int:
    return len(event.payload) if isinstance(event, Frame) else 0
