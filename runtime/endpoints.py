"""The only way Nightlight calls an address that somebody registered: subscriptions, webhooks, and clients' keys.

A URL and bytes come in; the reply, bounded in time and size, or an EndpointError comes out. For each connection a name is resolved
once and what it stands for is judged (`runtime.endpoint_addresses`) and connected to; no redirect is followed, no proxy used.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore2 as httpcore
import orjson

from domain.errors import InvalidInput
from runtime.clock import now
from runtime.endpoint_addresses import Target, parse_listed, parse_target
from runtime.endpoint_connections import Connections, EndpointError
from runtime.settings import Settings

__all__ = ["LONGEST_REPLY", "SECONDS", "Answer", "EndpointError", "Endpoints", "endpoints", "read_json"]

SECONDS = 10.0
"""For a whole call, from the name to the last byte; where connections are kept, from its turn on one of them."""

LONGEST_REPLY = 256 * 1024
"""Bytes of a body that is taken."""

_ALWAYS = {"user-agent": "Nightlight", "accept-encoding": "identity"}
_LONGEST_NUMBER = 6
_TEMPORARY_STATUS = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a status of 200 to 299. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoints:
    """Calls registered addresses from any number of tasks; keeps no name, and no connection unless it is told to.

    `listed` are the hosts (or host:port) that may be private, and called without TLS where they are loopback; `context` says
    whose certificates are believed: by default, those of the authorities that this machine trusts. With `kept`, so many calls
    to one host share connections that stay open for a few seconds; then somebody must call `close`.
    """

    def __init__(
        self,
        listed: Iterable[str] = (),
        context: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        longest: int = LONGEST_REPLY,
        kept: int = 0,
    ) -> None:
        self._listed = frozenset(name.lower() for name in listed)
        self._connections = Connections(context or ssl.create_default_context(), self._listed, kept)
        self._headers = _ALWAYS if kept else {**_ALWAYS, "connection": "close"}
        self._seconds = seconds
        self._longest = longest

    def check(self, url: str) -> None:
        """What can be known when an address is registered, without calling it. Raises InvalidInput in words for an operator."""
        target = parse_target(url)
        if target.scheme != "https" and self._listed.isdisjoint(target.names):
            raise InvalidInput("an address begins with https:// unless NIGHTLIGHT_PRIVATE_ENDPOINTS lists its host")

    async def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON at an address. Raises EndpointError."""
        return read_json(await self.get(url, headers))

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET an address. Raises EndpointError for all but a status of 200 to 299."""
        return await self._call("GET", url, {"accept": "application/json", **(headers or {})}, None)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST bytes, with headers that say what they are. Raises EndpointError for all but a status of 200 to 299."""
        return await self._call("POST", url, headers, body)

    async def close(self) -> None:
        """Close the connections that are kept. Calls that are under way are cut off."""
        await self._connections.close()

    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        try:
            target = parse_target(url)
        except InvalidInput:
            raise EndpointError("bad-address", temporary=False) from None
        try:
            async with self._connections.lend(target) as connection, asyncio.timeout(self._seconds):
                return await self._exchange(connection, method, target, {**self._headers, **headers}, body)
        except (TimeoutError, httpcore.TimeoutException):
            raise EndpointError("slow", temporary=True) from None
        except httpcore.ConnectError as error:
            if _is_about_tls(error):
                raise EndpointError("tls", temporary=False) from None
            raise EndpointError("unreachable", temporary=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError):
            raise EndpointError("broken", temporary=True) from None

    async def _exchange(
        self, connection: httpcore.AsyncHTTPConnection, method: str, target: Target, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        to_send = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        async with connection.stream(method, url, headers=to_send, content=body) as response:
            named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            _check_status(response.status, named)
            received = b""
            async for chunk in response.aiter_stream():
                received += chunk
                if len(received) > self._longest:
                    raise EndpointError("too-long", temporary=False)
        return Answer(response.status, named, received)


def endpoints(settings: Settings, kept: int = 0) -> Endpoints:
    """Made once by each process that calls. Raises OSError or ssl.SSLError where the file of authorities cannot be read."""
    context = ssl.create_default_context(cafile=settings.endpoint_ca_file or None)
    return Endpoints(parse_listed(settings.private_endpoints), context, kept=kept)


def read_json(answer: Answer) -> Any:
    """The body as JSON. Raises EndpointError."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise EndpointError("not-json", temporary=False) from None


def _check_status(status: int, headers: Mapping[str, str]) -> None:
    if 300 <= status <= 399:
        raise EndpointError("redirect", temporary=False)
    if not 200 <= status <= 299:
        is_temporary = status >= 500 or status in _TEMPORARY_STATUS
        raise EndpointError(f"status-{status}", temporary=is_temporary, again_in=_seconds_in(headers.get("retry-after", "")))


def _seconds_in(text: str) -> float | None:
    """What a Retry-After says (RFC 9110, section 10.2.3): seconds, or an instant; None where it says nothing that can be read."""
    if text.isascii() and text.isdigit():
        return float(text[:_LONGEST_NUMBER])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now()).total_seconds())


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None
