"""A subscriber's endpoint on loopback, really listening: it keeps what it is told, and answers as the test says."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Told:
    """One POST as it came."""

    path: str
    headers: dict[str, str]
    body: Any

    @property
    def parameters(self) -> list[dict[str, Any]]:
        resource = self.body["entry"][0]["resource"]
        assert resource["resourceType"] == "Parameters"
        return list(resource["parameter"])

    def value(self, name: str) -> Any:
        """The value of one of the status's parameters, or None."""
        found = [each for each in self.parameters if each["name"] == name]
        return next((value for key, value in found[0].items() if key.startswith("value")), None) if found else None

    @property
    def kind(self) -> str:
        return str(self.value("type"))

    @property
    def numbers(self) -> list[int]:
        """Of the events in it."""
        events = [each["part"] for each in self.parameters if each["name"] == "notification-event"]
        return [int(part["valueString"]) for parts in events for part in parts if part["name"] == "event-number"]

    @property
    def focus(self) -> str:
        """Where its one event leads."""
        [event] = [each["part"] for each in self.parameters if each["name"] == "notification-event"]
        [reference] = [part["valueReference"]["reference"] for part in event if part["name"] == "focus"]
        return str(reference)


@dataclass(slots=True)
class Receiver:
    """What it was told, and how it answers: `status`, or nothing at all where that is 0."""

    status: int = 200
    scheme: str = "http"
    port: int = 0
    path: str = "/notify"
    told: list[Told] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}{self.path}"

    def of_kind(self, kind: str) -> list[Told]:
        return [each for each in self.told if each.kind == kind]

    @property
    def events(self) -> list[Told]:
        return self.of_kind("event-notification")

    @property
    def numbers(self) -> list[int]:
        """Of all events, in the order in which they came."""
        return [number for each in self.events for number in each.numbers]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.told.append(Told(first.split()[1], headers, json.loads(body)))
            if self.status:
                writer.write(f"HTTP/1.1 {self.status} Whatever\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
            else:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(path: str = "/notify", context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a port of the system's choice, with TLS where it is given a context."""
    receiver = Receiver(path=path, scheme="https" if context else "http")
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
