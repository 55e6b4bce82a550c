"""An authority's system: a real HTTP server on loopback that verifies each notice, keeps it, and makes repeats one by their ids."""

import asyncio
import base64
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


def status(line: str, *headers: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {line}", "content-length: 0", *headers, "", ""]).encode()


@dataclass(frozen=True, slots=True)
class Received:
    """One attempt as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """By which repeats are one."""
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        """The body."""
        read: dict[str, Any] = json.loads(self.body)
        return read

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures was made with this secret (whsec_…). Written by hand from the specification."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()
        return any(hmac.compare_digest(each, f"v1,{wanted}") for each in self.headers["webhook-signature"].split(" "))


@dataclass(slots=True)
class WebhookServer:
    """What it was sent. `answer` is what it says to each attempt; without one it says nothing, and waits."""

    answer: bytes | None = TAKEN
    port: int = 0
    connections: int = 0
    received: list[Received] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """Where notices go."""
        return f"http://127.0.0.1:{self.port}/hooks/nightlight"

    async def until(self, number: int) -> None:
        """Wait until so many notices came, each counted once."""
        async with asyncio.timeout(60), self.came:
            await self.came.wait_for(lambda: len(self.times) >= number)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                received = Received(head[0].split(" ")[1], headers, body)
                async with self.came:
                    self.received.append(received)
                    self.times[received.id] += 1
                    self.came.notify_all()
                if self.answer is None:
                    await reader.read()
                    return
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def webhook_server(answer: bytes | None = TAKEN) -> AsyncIterator[WebhookServer]:
    """Serve until the block ends."""
    served = WebhookServer(answer)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
