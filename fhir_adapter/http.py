"""The wire: an ASGI scope becomes a request, and what is answered goes out with this door's headers.

`app` calls it at both ends. Bare ASGI, because a lookup has no time for more; nothing of a request is ever logged.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from fhir_adapter.codes import FHIR_JSON
from fhir_adapter.errors import TOO_LONG, Refused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LONGEST = 8 * 1024
"""Bytes of a query string or of a form; a search needs a few hundred."""

LONGEST_RESOURCE = 64 * 1024
"""Bytes of a resource that is sent; an Encounter or a Subscription needs a few thousand."""

_ALWAYS = {"content-type": FHIR_JSON, "cache-control": "no-store", "x-content-type-options": "nosniff"}
_WITHOUT_BODY = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is within this door; header names are lower case, a repeated header's values joined by a comma."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]


def read_request(scope: Scope) -> Request:
    """The request without its body. Raises Refused where the query string is longer than any search."""
    path, root = scope["path"], scope.get("root_path", "")
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Request(scope["method"], path.removeprefix(root) if root else path, scope.get("query_string", b""), headers)


async def read_body(receive: Receive, longest: int) -> bytes:
    """The whole body. Raises Refused as soon as it is longer than that, and where the caller has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(TOO_LONG, "The request ended before its body did.")
        chunk: bytes = message.get("body", b"")
        body += chunk
        check_length(body, longest)
        if not message.get("more_body", False):
            return body


def check_length(raw: bytes, longest: int = LONGEST) -> None:
    """Raises Refused for more bytes than that: by default, than any search has."""
    if len(raw) > longest:
        raise Refused(TOO_LONG, f"{'A search' if longest == LONGEST else 'A resource'} has {longest} bytes at most.")


async def respond(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send it all. `Date` is the server's to add; a header that is given goes before what every response has.

    Nothing is sent of the body where the status allows none, nor what would describe it.
    """
    all_headers = {**_ALWAYS, **headers}
    if status in _WITHOUT_BODY:
        del all_headers["content-type"]
    else:
        all_headers["content-length"] = str(len(body))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
