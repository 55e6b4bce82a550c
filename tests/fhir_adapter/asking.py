"""Asks an ASGI application without a network, byte for byte as it is written: nothing is tidied up on the way."""

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fhir_adapter.app import FhirDoor


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def spine_code(self) -> str:
        """The code of the one issue of an error."""
        [issue] = self.json["issue"]
        return str(issue["details"]["coding"][0]["code"])

    @property
    def diagnostics(self) -> str:
        [issue] = self.json["issue"]
        return str(issue["diagnostics"])


async def ask(
    app: FhirDoor,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    root_path: str = "",
) -> Response:
    """One exchange. `target` is the path with its query string, as it would stand in the request line."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": root_path + unquote(path),
        "root_path": root_path,
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, content = sent
    return Response(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, content["body"])
