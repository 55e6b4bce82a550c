"""Connections that stay open: what is judged again, what is closed, and who shares. Real servers, real TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime

import pytest
import trustme

from runtime import endpoint_connections
from runtime.clock import now
from runtime.endpoints import EndpointError, Endpoints
from tests.runtime.answering import answering, http

AUTHORITY = trustme.CA()
LISTED = ("localhost", "127.0.0.1")


@dataclass(slots=True)
class Keeping:
    """A server whose connections stay open: it counts them, and how many calls each had."""

    answer: bytes
    port: int = 0
    calls: list[int] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(self.calls)
        self.calls.append(0)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
                await reader.readexactly(length)
                self.calls[place] += 1
                self.heads.append(head.lower())
                await self.release.wait()
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.closed.set()
        finally:
            writer.close()


@asynccontextmanager
async def keeping(
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n", context: ssl.SSLContext | None = None
) -> AsyncIterator[Keeping]:
    served = Keeping(answer)
    served.release.set()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=context)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()


@asynccontextmanager
async def calling(kept: int = 4, context: ssl.SSLContext | None = None) -> AsyncIterator[Endpoints]:
    caller = Endpoints(LISTED, context, kept=kept)
    try:
        yield caller
    finally:
        await caller.close()


async def test_a_name_that_may_not_be_called_any_more_is_refused_although_a_connection_was_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint_connections, "POOL_SECONDS", 0.0)
    async with keeping() as server, calling() as caller:
        await caller.post(f"http://localhost:{server.port}/", b"x", {})
        monkeypatch.setattr(endpoint_connections, "refusal", lambda *_: "private-address")  # the name has moved
        with pytest.raises(EndpointError, match="private-address"):
            await caller.post(f"http://localhost:{server.port}/", b"x", {})
    assert server.calls == [1]


async def test_a_host_that_is_not_listed_is_refused_with_kept_connections_too() -> None:
    async with keeping() as server:
        caller = Endpoints((), kept=4)
        with pytest.raises(EndpointError, match="not-https"):
            await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
        with pytest.raises(EndpointError, match="private-address"):
            await caller.post(f"https://127.0.0.1:{server.port}/", b"x", {})
        await caller.close()
    assert server.calls == []


async def test_calls_that_follow_each_other_share_one_connection_over_tls() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    believing = ssl.create_default_context()
    AUTHORITY.configure_trust(believing)
    async with keeping(context=context) as server, calling(context=believing) as caller:
        for _ in range(3):
            await caller.post(f"https://localhost:{server.port}/", b"x", {})
    assert server.calls == [3]
    assert all(b"connection: close" not in head for head in server.heads)


async def test_calls_that_run_at_once_open_no_more_connections_than_are_allowed() -> None:
    async with keeping() as server, calling(kept=2) as caller:
        server.release.clear()
        tasks = [asyncio.create_task(caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})) for _ in range(6)]
        while sum(server.calls) < 2:  # noqa: ASYNC110 (the server has no event for it)
            await asyncio.sleep(0.01)
        server.release.set()
        await asyncio.gather(*tasks)
    assert len(server.calls) == 2
    assert sum(server.calls) == 6


@pytest.mark.parametrize("answer", [http(b"no", "503 Oh"), http(b"x" * 2000)], ids=["refused", "too long"])
async def test_a_connection_on_which_something_was_left_unread_is_not_used_again(answer: bytes) -> None:
    async with keeping(answer) as server:
        caller = Endpoints(LISTED, longest=1000, kept=4)
        for _ in range(2):
            with pytest.raises(EndpointError):
                await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
        await caller.close()
    assert server.calls == [1, 1]


async def test_a_connection_that_the_other_side_has_closed_is_not_used_again() -> None:
    async with answering(http(b"")) as server, calling() as caller:
        for _ in range(3):
            await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert len(server.asked) == 3


async def test_connections_that_nobody_needs_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_connections, "IDLE_SECONDS", 0.01)
    async with keeping() as server, calling() as caller:
        await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
        await server.closed.wait()
        await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert server.calls == [1, 1]


async def test_a_name_is_asked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_connections, "POOL_SECONDS", 0.0)
    async with keeping() as server, calling() as caller:
        for _ in range(2):
            await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert server.calls == [1, 1]


@pytest.mark.parametrize(
    "said, seconds",
    [
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 40, 999_999.0),
        (format_datetime(now() - timedelta(hours=1)), 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("Mon, 05 Jan 99999999999 08:00:00 GMT", None),
        ("Mon, 05 Jan 2026 08:00:00 +99999999999999", None),
    ],
    ids=["seconds", "none", "for ever", "past", "words", "negative", "nothing", "no year", "no zone"],
)
async def test_when_the_other_side_wishes_to_be_called_again_is_read(said: str, seconds: float | None) -> None:
    async with answering(http(b"", "429 Later", f"retry-after: {said}")) as server, calling() as caller:
        with pytest.raises(EndpointError) as refused:
            await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert (refused.value.code, refused.value.temporary, refused.value.again_in) == ("status-429", True, seconds)


async def test_an_instant_at_which_to_call_again_is_read_as_seconds() -> None:
    said = format_datetime(now() + timedelta(hours=1), usegmt=True)
    async with answering(http(b"", "503 Later", f"retry-after: {said}")) as server, calling() as caller:
        with pytest.raises(EndpointError) as refused:
            await caller.post(f"http://127.0.0.1:{server.port}/", b"x", {})
    assert refused.value.again_in is not None
    assert 3_000 < refused.value.again_in <= 3_600
