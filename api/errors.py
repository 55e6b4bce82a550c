"""What a person reads when something does not work: pages without any patient, and a log line without any either.

`api.app` registers these. What one may not see and what does not exist give the same page.
"""

from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.doors import door_of
from api.security import NotFromOurPages, TooLarge
from api.services import services_of
from api.sessions import NotSignedIn
from domain.errors import NotFound, Temporary
from runtime.logs import get_logger

LONGEST_NEXT = 1_000
"""Of the address that somebody comes back to, in characters: a cookie keeps it during the sign-in."""

log = get_logger()


def add_error_pages(app: FastAPI) -> None:
    """Give every error that a page can meet its page."""
    app.add_exception_handler(NotSignedIn, _sign_in)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(RequestValidationError, _not_found)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(NotFromOurPages, _refused)
    app.add_exception_handler(TooLarge, _too_large)
    app.add_exception_handler(Temporary, _could_not_reach)


async def _sign_in(request: Request, _: Exception) -> Response:
    """A person who opens a page is sent to sign in; a script or a form is told, and nothing was done."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        path = asked if len(asked) <= LONGEST_NEXT else request.url.path
        return RedirectResponse(f"/sign-in?next={quote(path)}", 303)
    return await _page(request, "error_signed_out.jinja", 401)


async def _not_found(request: Request, _: Exception) -> Response:
    return await _page(request, "error_not_found.jinja", 404)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return await _not_found(request, error)
    return await _page(request, "error_refused.jinja", status)


async def _refused(request: Request, _: Exception) -> Response:
    log.warning("request refused", route=route_of(request.scope))
    return await _page(request, "error_refused.jinja", 403)


async def _too_large(request: Request, _: Exception) -> Response:
    return await _page(request, "error_refused.jinja", 413)


async def _could_not_reach(request: Request, error: Exception) -> Response:
    """About an encounter, trouble of ours is "we could not check", and never looks like an answer."""
    log.warning("page could not be given", route=route_of(request.scope), error=type(error).__name__)
    about_a_child = route_of(request.scope).startswith("/encounters/{")
    template = "error_could_not_check.jinja" if about_a_child else "error_could_not_reach.jinja"
    response = await _page(request, template, 503)
    response.headers["Retry-After"] = "5"
    return response


async def _page(request: Request, template: str, status: int) -> Response:
    services = await services_of(request)
    return await services.pages.page(request, template, request.scope.get("nightlight.session"), status)


def route_of(scope: Scope) -> str:
    """The template of the route, such as /alerts/{alert_id}: what may be logged and counted of an address."""
    return door_of(scope) or getattr(scope.get("route"), "path", None) or "other"


class CatchAll:
    """Around the application: what nobody expected becomes a page and one log line."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            log.error("page failed", route=route_of(scope), error=type(error).__name__)
            response = await _page(Request(scope, receive), "error_unexpected.jinja", 500)
            await response(scope, receive, send)
