"""What protects the pages: headers on every answer, and the proof that a form came from one of our own pages.

`api.app` wraps the application in `SecurityHeaders`; every handler of a POST calls `read_form` or `check_sender` first.
Sources: OWASP CSRF Prevention Cheat Sheet; W3C CSP Level 3; Fetch Metadata (Sec-Fetch-Site).
"""

import re
import secrets
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import FormData, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.services import Services
from api.sessions import is_https
from domain.errors import InvalidInput, NotAllowed
from runtime.sessions import Session
from runtime.settings import Settings

_MOST_FIELDS = 20
_LARGEST_FORM = 64 * 1024
_ANCESTOR = re.compile(r"https?://[A-Za-z0-9.*-]+(:\d+)?")
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers then send "Origin: null" with our own forms, and no origin could be checked.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class NotFromOurPages(NotAllowed):
    """The request did not come from a page of ours, or the page is older than the sign-in."""


class SecurityHeaders:
    """Adds the headers to every answer of the pages."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._fixed = dict(_FIXED)
        if is_https(settings):
            self._fixed["Strict-Transport-Security"] = "max-age=63072000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = scope["nightlight.nonce"] = secrets.token_urlsafe(16)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), nonce, scope.get("nightlight.frame_ancestors", ()))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, nonce: str, ancestors: tuple[str, ...]) -> None:
        headers.update(self._fixed)
        headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce, ancestors=" ".join(ancestors) or "'none'")
        headers.setdefault("Cache-Control", "no-store")
        if not ancestors:
            headers["X-Frame-Options"] = "DENY"


def allow_frames(request: Request, ancestors: tuple[str, ...]) -> None:
    """Let the pages of these origins show this answer in a frame; what is not an origin is left out."""
    request.scope["nightlight.frame_ancestors"] = tuple(each for each in ancestors if _ANCESTOR.fullmatch(each))


def check_sender(request: Request, settings: Settings) -> None:
    """Raises NotFromOurPages unless the browser says that one of our own pages sent the request.

    By Sec-Fetch-Site; a browser that does not know it must send our Origin.
    """
    site, ours = request.headers.get("sec-fetch-site"), urlsplit(settings.link("/"))
    same_origin = request.headers.get("origin") == f"{ours.scheme}://{ours.netloc}"
    if site != "same-origin" and not (site is None and same_origin):
        raise NotFromOurPages("the request did not come from a page of Nightlight")


def check_token(session: Session, token: str) -> None:
    """Raises NotFromOurPages unless the token is the session's own."""
    if not secrets.compare_digest(token.encode(), session.csrf.encode()):
        raise NotFromOurPages("the page is older than the sign-in")


class TooLarge(InvalidInput):
    """More was sent than is taken."""


async def read_form(
    request: Request, services: Services, session: Session, largest: int = _LARGEST_FORM, *, most_fields: int = _MOST_FIELDS
) -> FormData:
    """The fields of a form that one of our pages sent; nothing is read before the sender is known to be ours.

    A file is written to a temporary one as it arrives. Raises NotFromOurPages, and TooLarge beyond `largest` bytes.
    """
    check_sender(request, services.settings)
    if int(request.headers.get("content-length") or 0) > largest:
        raise TooLarge("more was sent than is taken")
    form = await Request(request.scope, _limited(request.receive, largest)).form(max_files=1, max_fields=most_fields)
    try:
        check_token(session, field(form, "csrf"))
    except NotFromOurPages:
        await form.close()
        raise
    return form


def _limited(receive: Receive, largest: int) -> Receive:
    """The same body, for as long as it is not too large (its length need not be said beforehand)."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > largest:
            raise TooLarge("more was sent than is taken")
        return message

    return counting


def field(form: FormData, name: str) -> str:
    """One text field, without what no database takes (NUL, half a character); empty where it is missing or is a file."""
    value = form.get(name)
    return value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def local_path(target: str) -> str:
    """The target if it is a path of ours, else the start page: nobody is ever sent to another host."""
    parts = urlsplit(target)
    fits = target.startswith("/") and not target.startswith("//") and not parts.scheme and not parts.netloc
    return target if fits and target.isprintable() and "\\" not in target else "/"
