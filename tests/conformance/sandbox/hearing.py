"""What a browser says to Nightlight, preflights too, and the same in general terms: a recording that can be said again.

`test_sandbox` listens by Chromium's DevTools protocol, since a route of Playwright's would answer preflights itself;
`test_recorded` says again what was recorded. In a recording `$NAMES` stand for what differs from one time to the next.
"""

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page

Request = dict[str, Any]

RECORDING = Path(__file__).parent / "recorded.json"
ISSUER = "https://sandbox.cds-hooks.org"
JKU = f"{ISSUER}/.well-known/jwks.json"
_PATIENCE = 30
_KEPT = re.compile("accept|content-type|origin|access-control-.+")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@dataclass(slots=True)
class Ear:
    """What pages send to the doors of one origin, by the numbers that the browser gives its requests."""

    origin: str
    _heard: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def listen(self, page: Page) -> None:
        session = await page.context.new_cdp_session(page)
        for event, part in (
            ("requestWillBeSent", "request"),
            ("requestWillBeSentExtraInfo", "headers"),
            ("responseReceived", "response"),
        ):
            session.on(f"Network.{event}", lambda said, part=part: self._note(said["requestId"], part, said[part]))
        await session.send("Network.enable")

    def _note(self, number: str, part: str, said: Any) -> None:
        self._heard.setdefault(number, {})[part] = said

    async def requests(self) -> list[Request]:
        """Each as method, path, headers and body with the status that answered it; once all are answered."""
        async with asyncio.timeout(_PATIENCE):
            while not all({"request", "headers", "response"} <= heard.keys() for heard in self._of_doors()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)  # Playwright may be told of an answer before this ear is
        return [_to_request(heard, self.origin) for heard in self._of_doors()]

    def _of_doors(self) -> list[dict[str, Any]]:
        doors = f"{self.origin}/cds-services"
        return [heard for heard in self._heard.values() if heard.get("request", {}).get("url", "").startswith(doors)]


def _to_request(heard: dict[str, Any], origin: str) -> Request:
    return {
        "method": heard["request"]["method"],
        "path": heard["request"]["url"].removeprefix(origin),
        "headers": {name.lower(): value for name, value in heard["headers"].items()},
        "body": heard["request"].get("postData"),
        "status": heard["response"]["status"],
    }


def in_general(request: Request, addresses: Mapping[str, str]) -> Request:
    """The same without what differs each time; `addresses` are those of this time, by the names that stand for them."""
    headers, body = request["headers"], request["body"]
    said: Request = {"method": request["method"], "path": request["path"], "status": request["status"]}
    said["headers"] = {name: value for name, value in sorted(headers.items()) if _KEPT.fullmatch(name)}
    if "authorization" in headers:
        said["token"] = _token_in_general(headers["authorization"])
    if body is not None:
        said["body"] = _body_in_general(json.loads(body))
    text = json.dumps(said)
    for name, address in addresses.items():
        text = text.replace(address, name)
    generalised: Request = json.loads(text)
    return generalised


def again(recorded: Request, values: Mapping[str, str]) -> Request:
    """A recorded request, to be sent now: each name is replaced by its value. The token is still to be signed."""
    text = json.dumps(recorded)
    for name, value in values.items():
        text = text.replace(name, value)
    request: Request = json.loads(text)
    return request


def _token_in_general(authorization: str) -> dict[str, Any]:
    scheme, _, token = authorization.partition(" ")
    head, claims = (_decoded(part) for part in token.split(".")[:2])
    claims |= {"iat": "$NOW", "exp": f"$NOW+{claims['exp'] - claims['iat']}", "jti": _UUID.sub("$UUID", claims["jti"])}
    return {"scheme": scheme, "header": head, "claims": claims}


def _body_in_general(body: Any) -> Any:
    for each in body.get("feedback", ()):
        each |= {"card": _UUID.sub("$CARD", each["card"]), "outcomeTimestamp": "$MOMENT"}
        for suggestion in each.get("acceptedSuggestions", ()):
            suggestion["id"] = _UUID.sub("$SUGGESTION", suggestion["id"])
    if "hookInstance" in body:
        body["hookInstance"] = _UUID.sub("$UUID", body["hookInstance"])
    return body


def _decoded(part: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return said
