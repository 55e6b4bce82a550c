"""One MLLP connection: bytes in, frames to the answerer one at a time, acknowledgements out in the same order.

`hl7_listener.server` makes one for each peer that connects. What it holds is bounded: it stops reading while messages wait.
Source: HL7 MLLP release 1; docs/hl7.md, "Framing".
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from hl7_listener.answered import Answered, reject
from hl7_listener.framing import CutOff, Event, Frame, FrameReader, Junk, Oversized, frame
from hl7_listener.sender import Sender
from runtime.logs import get_logger

Answer = Callable[[bytes, Sender], Awaitable[Answered]]

_WAITING_FRAMES = 16

log = get_logger()


class Connection(asyncio.Protocol):
    """Answers a peer's messages in their order. `answer` gets a frame's content and who sent it.

    It puts itself into `connections` while it is open, if `admit` lets it.
    """

    def __init__(
        self,
        answer: Answer,
        max_frame_bytes: int,
        connections: "set[Connection]",
        admit: "Callable[[Connection], bool]" = lambda _: True,
    ) -> None:
        self._answer = answer
        self._frames = FrameReader(max_frame_bytes)
        self._connections = connections
        self._admit = admit
        self._events: deque[Event] = deque()
        self._something = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._worker: asyncio.Task[None] | None = None
        self._ended = False
        self._draining = False
        self.sender = Sender("unknown")
        self.heard_at = time.monotonic()
        self.frame_began_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are not asyncio's own
        self.sender = Sender(str((transport.get_extra_info("peername") or ("unknown",))[0]))
        if not self._admit(self):
            self.abort("too many connections")
            return
        self._connections.add(self)
        self._worker = asyncio.get_running_loop().create_task(self._work())

    def data_received(self, data: bytes) -> None:
        self.heard_at = time.monotonic()
        events = self._frames.feed(data)
        self._events.extend(events)
        if not self._frames.mid_frame:
            self.frame_began_at = None
        elif self.frame_began_at is None or events:
            self.frame_began_at = self.heard_at
        if len(self._events) >= _WAITING_FRAMES:
            self._transport.pause_reading()
            self.frame_began_at = None  # from here on it is we who are slow
        self._something.set()

    def eof_received(self) -> bool:
        """The peer sends no more, and may still read: what it sent is answered before the connection closes."""
        self._end()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._writable.set()
        self._end()

    def pause_writing(self) -> None:
        """The peer does not read its acknowledgements: nothing more is taken from it until it does."""
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def drain(self) -> None:
        """Finish the message in hand, then close."""
        self._draining = True
        self._transport.pause_reading()
        self._something.set()

    def abort(self, why: str) -> None:
        """Close at once: the peer is too slow or silent for too long. What was not whole is not acknowledged."""
        log.warning("connection closed", peer=self.sender.address, reason=why)
        self._transport.abort()

    async def finished(self) -> None:
        """Wait until everything taken is answered and the connection is closed."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            while not (self._draining or (self._ended and not self._events)):
                await self._something.wait()
                self._something.clear()
                while self._events and not self._draining:
                    if not await self._handle(self._events.popleft()):
                        return
                    if len(self._events) < _WAITING_FRAMES and not self._ended and not self._transport.is_closing():
                        self._transport.resume_reading()
        finally:
            self._transport.close()

    async def _handle(self, event: Event) -> bool:
        match event:
            case Frame(payload):
                answered = await self._answer(payload, self.sender)
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
        if not self._transport.is_closing():
            self._transport.write(b"".join(map(frame, acknowledgements)))

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._events.extend(self._frames.close())
            self._something.set()
