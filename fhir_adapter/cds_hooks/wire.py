"""The wire: what is answered goes out as JSON, with the headers that let a registered EHR's browser read it (CORS).

`door` calls it. Source: Fetch Standard, "CORS protocol"; CDS Hooks 2.0, "Cross-Origin Resource Sharing".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from fhir_adapter.codes import Json
from fhir_adapter.http import Send

_ALWAYS = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Origin"),
)
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "Authorization, Content-Type",
    "access-control-max-age": "600",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back; without a body there is none to send."""

    body: Json | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


async def respond(send: Send, answered: Answered, origin: str) -> None:
    """Send it all. `origin` is who may read it in a browser, or nothing. `Date` is the server's to add."""
    body = b"" if answered.body is None else orjson.dumps(answered.body)
    allowed = {"access-control-allow-origin": origin} if origin else {}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in {**answered.headers, **allowed}.items()]
    headers = [*_ALWAYS, (b"content-length", str(len(body)).encode()), *raw]
    await send({"type": "http.response.start", "status": answered.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
