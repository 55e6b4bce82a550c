"""A small web server on loopback, for what an EHR publishes: its keys, and its patients. It remembers who asked for what."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Web:
    """`pages` are JSON by path; what is not there is 404. `asked` are the paths, with the headers of each request."""

    port: int
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    waits: asyncio.Event | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "") -> str:
        return f"http://{self.host}{path}"


@asynccontextmanager
async def serving() -> AsyncIterator[Web]:
    """The server, until the block ends. Where `waits` is set it answers when that event comes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        path = first.split(" ")[1]
        web.asked.append((path, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}))
        if web.waits is not None:
            await web.waits.wait()
        body = json.dumps(web.pages.get(path, {})).encode()
        status = "200 OK" if path in web.pages else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    web = Web(server.sockets[0].getsockname()[1])
    async with server:
        yield web
