"""As much of HTTP/1.1 as the load clients need: requests as bytes, responses with a length or in chunks (RFC 9112).

A client of its own, because every library costs more than the lookup that it asks for.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Response:
    """Status and whole body."""

    status: int
    body: bytes


class NotUnderstood(Exception):
    """The server said what this client does not read."""


def request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request on a connection that stays open."""
    lines = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode("ascii") + _HEAD_END + body


class ResponseReader:
    """Fed bytes, gives the response when it is whole; for one response with a length at a time."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> Response | None:
        """Raises NotUnderstood for a response without a length."""
        self._received += data
        end = self._received.find(_HEAD_END)
        if end == -1:
            return None
        head = self._received[: end + 2]
        status, length = _status(head), _LENGTH.search(head)
        if length is None and status not in {204, 304}:
            raise NotUnderstood("no length")
        until = end + len(_HEAD_END) + (int(length[1]) if length else 0)
        if len(self._received) < until:
            return None
        body, self._received = self._received[end + len(_HEAD_END) : until], self._received[until:]
        return Response(status, body)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Response:
    """Send a request and read the whole response. Raises NotUnderstood, or EOFError where the server closes."""
    writer.write(sent)
    responses = ResponseReader()
    while data := await reader.read(65_536):
        if (response := responses.feed(data)) is not None:
            return response
    raise EOFError("the server closed the connection")


async def events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> AsyncIterator[tuple[str, str]]:
    """Send a request for server-sent events and give (event, data) as they come. Raises NotUnderstood, EOFError."""
    writer.write(sent)
    head = await reader.readuntil(_HEAD_END)
    if _status(head) != 200 or not _CHUNKED.search(head):
        raise NotUnderstood(f"status {_status(head)}")
    text = ""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        text += (await reader.readexactly(size + 2))[:-2].decode().replace("\r\n", "\n")
        if size == 0:
            raise EOFError("the stream ended")
        *whole, text = text.split("\n\n")
        for each in whole:
            fields = dict(line.partition(": ")[::2] for line in each.split("\n"))
            if "event" in fields:
                yield fields["event"], fields.get("data", "")


def _status(head: bytes) -> int:
    return int(head[9:12])
