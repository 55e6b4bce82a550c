"""The wire: what is answered goes out as JSON, with the headers that let a registered EHR's browser read it (CORS).

`door` calls it. Source: Fetch Standard, "CORS protocol"; CDS Hooks 2.0, "Cross-Origin Resource Sharing".
"""

import orjson

from fhir_adapter import http
from fhir_adapter.exchange import Answered
from fhir_adapter.http import Send

_ALWAYS = {"content-type": "application/json", "vary": "Origin"}
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "Authorization, Content-Type",
    "access-control-max-age": "600",
}


async def respond(send: Send, answered: Answered, origin: str) -> None:
    """Send it all. `origin` is who may read it in a browser, or nothing."""
    body = b"" if answered.body is None else orjson.dumps(answered.body)
    allowed = {"access-control-allow-origin": origin} if origin else {}
    await http.respond(send, answered.status, body, {**_ALWAYS, **answered.headers, **allowed})
