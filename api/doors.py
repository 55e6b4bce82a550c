"""The doors for other people's systems, mounted in front of what only the pages need: a lookup has no time for that.

`nightlight` makes their applications and hands them to `api.app`; each answers everything below its address.
"""

import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

FHIR, OAUTH, CDS_HOOKS, UPLOADS, NOTIFY = "/FHIR/R4", "/oauth2", "/cds-services", "/authorities", "/notify"
DOORS = (FHIR, OAUTH, CDS_HOOKS, NOTIFY)
"""Where each begins. `UPLOADS` has below its address only the extracts of each authority: /authorities/301/extracts."""
_OF_UPLOADS = re.compile(r"/authorities/[^/]+/extracts(/|$)")


def door_of(scope: Scope) -> str:
    """The door that a request is for, or nothing where it is for the pages."""
    path: str = scope["path"]
    found = next((door for door in DOORS if path == door or path.startswith(door + "/")), "")
    return found or (UPLOADS if _OF_UPLOADS.match(path) else "")


class DoorsFirst:
    """Hands what is for a door to its application, and everything else on."""

    def __init__(self, app: ASGIApp, doors: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = door_of(scope) if scope["type"] == "http" else ""
        if door in self._doors:
            await self._doors[door]({**scope, "root_path": door}, receive, send)
        else:
            await self._app(scope, receive, send)
