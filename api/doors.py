"""The doors for other people's systems, mounted in front of what only the pages need: a lookup has no time for that.

`nightlight` makes the applications of `fhir_adapter` and hands them to `api.app`; each answers everything below its address.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

FHIR, OAUTH, CDS_HOOKS = "/FHIR/R4", "/oauth2", "/cds-services"
DOORS = (FHIR, OAUTH, CDS_HOOKS)
"""Where each begins."""


def door_of(scope: Scope) -> str:
    """The door that a request is for, or nothing where it is for the pages."""
    path: str = scope["path"]
    return next((door for door in DOORS if path == door or path.startswith(door + "/")), "")


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
