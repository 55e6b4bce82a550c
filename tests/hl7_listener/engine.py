"""A hospital's engine on a real socket, that answers as the test tells it: also late, twice, with junk, or never."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hl7_listener.framing import Frame, FrameReader, frame
from hl7_listener.reader import parse

Answering = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def ack(code: str, control_id: str) -> bytes:
    """An acknowledgement between its marks."""
    return frame(
        rf"MSH|^~\&|PAS|R0A01|NIGHTLIGHT|NIGHTLIGHT|20261121||ACK^R01|E1|P|2.4{chr(13)}MSA|{code}|{control_id}{chr(13)}".encode()
    )


def control_id_in(message: bytes) -> str:
    return parse(message).control_id


async def accept(message: bytes, writer: asyncio.StreamWriter) -> None:
    """AA, at once."""
    writer.write(ack("AA", control_id_in(message)))


@dataclass(slots=True)
class TestEngine:
    """What came, and how it answers. `answering` may be changed while it runs."""

    __test__ = False

    port: int = 0
    answering: Answering = accept
    received: list[bytes] = field(default_factory=list)
    connections: int = 0
    open_now: set[asyncio.StreamWriter] = field(default_factory=set)
    at_work: int = 0
    most_at_work: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now.add(writer)
        frames = FrameReader(1_000_000)
        try:
            while data := await reader.read(65_536):
                for event in frames.feed(data):
                    if isinstance(event, Frame):
                        await self._take(event.payload, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.open_now.discard(writer)
            writer.transport.abort()

    async def _take(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        self.received.append(message)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await self.answering(message, writer)
        finally:
            self.at_work -= 1

    @property
    def control_ids(self) -> list[str]:
        return [control_id_in(message) for message in self.received]


@asynccontextmanager
async def running_engine(context: ssl.SSLContext | None = None, answering: Answering = accept) -> AsyncIterator[TestEngine]:
    """On a port of the system's choice, until the block ends."""
    engine = TestEngine(answering=answering)
    server = await asyncio.start_server(engine.serve, "127.0.0.1", 0, ssl=context)
    engine.port = server.sockets[0].getsockname()[1]
    try:
        yield engine
    finally:
        server.close()
        for writer in list(engine.open_now):
            writer.transport.abort()
        await server.wait_closed()
