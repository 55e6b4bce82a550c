"""The only way Nightlight calls an address that an operator registered: subscriptions, webhooks, and clients' keys.

A URL and bytes come in; the reply, bounded in time and size, or an EndpointError comes out. A name is resolved once and what it
stands for is judged (`runtime.endpoint_addresses`) and connected to; no redirect is followed, no proxy of the environment used.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore2 as httpcore
import orjson

from domain.errors import InvalidInput, NightlightError
from runtime.endpoint_addresses import Target, parse_listed, parse_target, refusal
from runtime.settings import Settings

SECONDS = 10.0
"""For a whole call, from the name to the last byte."""

LONGEST_REPLY = 256 * 1024
"""Bytes of a body that is taken."""

_ALWAYS = {"user-agent": "Nightlight", "accept-encoding": "identity", "connection": "close"}
_TEMPORARY_STATUS = frozenset({408, 425, 429})


class EndpointError(NightlightError):
    """A registered address could not be called, or did not say yes.

    `code` is one of: bad-address, not-https, private-address, tls, redirect, too-long, not-json (`temporary` is False:
    somebody must change something); no-such-name, unreachable, slow, broken (`temporary` is True); status-NNN (either).
    Nothing of what the other side said is in it.
    """

    def __init__(self, code: str, *, temporary: bool) -> None:
        super().__init__(f"the address could not be called: {code}")
        self.code = code
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a status of 200 to 299. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoints:
    """Calls registered addresses from any number of tasks; keeps no connection and no name.

    `listed` are the hosts (or host:port) that may be private, and called without TLS where they are loopback; `context` says
    whose certificates are believed: by default, those of the authorities that this machine trusts.
    """

    def __init__(
        self,
        listed: Iterable[str] = (),
        context: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        longest: int = LONGEST_REPLY,
    ) -> None:
        self._listed = frozenset(name.lower() for name in listed)
        self._context = context or ssl.create_default_context()
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

    async def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        try:
            target = parse_target(url)
        except InvalidInput:
            raise EndpointError("bad-address", temporary=False) from None
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(method, target, {**_ALWAYS, **headers}, body)
        except (TimeoutError, httpcore.TimeoutException):
            raise EndpointError("slow", temporary=True) from None
        except httpcore.ConnectError as error:
            if _is_about_tls(error):
                raise EndpointError("tls", temporary=False) from None
            raise EndpointError("unreachable", temporary=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError):
            raise EndpointError("broken", temporary=True) from None

    async def _exchange(self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None) -> Answer:
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        to_send = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        backend = _Careful(target, self._listed)
        async with (
            httpcore.AsyncConnectionPool(self._context, max_connections=1, network_backend=backend) as pool,
            pool.stream(method, url, headers=to_send, content=body) as response,
        ):
            _check_status(response.status)
            received = b""
            async for chunk in response.aiter_stream():
                received += chunk
                if len(received) > self._longest:
                    raise EndpointError("too-long", temporary=False)
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Answer(response.status, named, received)


def endpoints(settings: Settings) -> Endpoints:
    """Made once by each process that calls. Raises OSError or ssl.SSLError where the file of authorities cannot be read."""
    context = ssl.create_default_context(cafile=settings.endpoint_ca_file or None)
    return Endpoints(parse_listed(settings.private_endpoints), context)


def read_json(answer: Answer) -> Any:
    """The body as JSON. Raises EndpointError."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise EndpointError("not-json", temporary=False) from None


def _check_status(status: int) -> None:
    if 300 <= status <= 399:
        raise EndpointError("redirect", temporary=False)
    if not 200 <= status <= 299:
        raise EndpointError(f"status-{status}", temporary=status >= 500 or status in _TEMPORARY_STATUS)


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


class _Careful(httpcore.AnyIOBackend):
    """Connects to what a name stood for when it was judged, and asks for the name once."""

    def __init__(self, target: Target, listed: frozenset[str]) -> None:
        super().__init__()
        self._target = target
        self._listed = listed

    async def connect_tcp(self, host: str, port: int, *rest: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        addresses = await _resolve(host, port)
        code = refusal(self._target, addresses, self._listed)
        if code:
            raise EndpointError(code, temporary=False)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, *rest, **options)
            except httpcore.ConnectError:
                continue
        return await super().connect_tcp(addresses[-1], port, *rest, **options)


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EndpointError("no-such-name", temporary=True) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
