"""The door of CDS Hooks as one ASGI application, which `api` mounts at /cds-services.

A request comes in, its JWT is checked, and discovery, cards or nothing but a receipt goes out. Whatever goes wrong on the way is
"we could not check", never an empty list of cards. Source: CDS Hooks 2.0.
"""

import asyncio
from dataclasses import dataclass

from domain.errors import InvalidInput, NotFound, Temporary
from fhir_adapter.cds_hooks.answering import actor_of, answer_call
from fhir_adapter.cds_hooks.calls import read_call
from fhir_adapter.cds_hooks.cards import REASONS_PATH
from fhir_adapter.cds_hooks.errors import (
    BAD_REQUEST,
    NO_REASON,
    NO_SUCH_CARD,
    NOT_ALLOWED,
    NOT_FOUND,
    TOO_LONG,
    WRONG_MEDIA_TYPE,
    WRONG_METHOD,
    Refused,
    could_not_check,
)
from fhir_adapter.cds_hooks.feedback import read_feedback
from fhir_adapter.cds_hooks.parts import CdsParts
from fhir_adapter.cds_hooks.services import DISCOVERY, SERVICES, Service
from fhir_adapter.cds_hooks.trust import Trust
from fhir_adapter.cds_hooks.wire import PREFLIGHT, respond
from fhir_adapter.errors import Refused as FhirRefused
from fhir_adapter.exchange import Answered
from fhir_adapter.http import Receive, Request, Scope, Send, read_body, read_request
from runtime.logs import get_logger
from safeguarding.cards import record_feedback
from safeguarding.cds_clients import CdsClient

LONGEST_BODY = 256 * 1024

log = get_logger()


@dataclass(frozen=True, slots=True)
class _Place:
    """What an address stands for. Without a service it is discovery."""

    route: str
    service: Service | None = None
    is_feedback: bool = False

    @property
    def method(self) -> str:
        return "POST" if self.service else "GET"


class CdsHooksDoor:
    """Answers requests from any number of tasks."""

    def __init__(self, parts: CdsParts, trust: Trust) -> None:
        self._parts = parts
        self._trust = trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange."""
        route, origin = "unknown", ""
        started = asyncio.get_running_loop().time()
        try:
            request = read_request(scope)
            async with asyncio.timeout_at(started + self._parts.patience.desk):
                origin = await self._origin(request)
            place = _find(request.path)
            route = place.route
            answered = await self._answer(request, place, receive, origin, started)
        except Exception as error:  # whatever it is, the caller hears that nobody could check
            refused = _to_refused(error)
            _note(route, refused, error)
            answered = Answered(refused.to_json(), refused.kind.status, refused.headers)
        await respond(send, answered, origin)

    async def _origin(self, request: Request) -> str:
        """Where a browser calls from, if it may."""
        origin = request.headers.get("origin", "")
        return origin if origin and await self._trust.knows_origin(origin) else ""

    async def _answer(self, request: Request, place: _Place, receive: Receive, origin: str, started: float) -> Answered:
        if request.method == "OPTIONS":
            if not origin:
                raise Refused(NOT_ALLOWED, "No EHR is registered whose browsers call from there.")
            return Answered(None, 204, PREFLIGHT)
        if request.method != place.method:
            raise Refused(WRONG_METHOD, f"This address is served by {place.method}.", {"allow": f"{place.method}, OPTIONS"})
        clock, patience = asyncio.get_running_loop(), self._parts.patience
        async with asyncio.timeout_at(started + patience.desk):
            client = await self._trust.admit(request.headers.get("authorization", ""), self._parts.address(request.path))
        if place.service is None:
            return Answered(DISCOVERY)
        waited_from = clock.time()
        body = await _read(request, receive)
        started += clock.time() - waited_from
        async with asyncio.timeout_at(started + patience.everything):
            if place.is_feedback:
                return await self._take_feedback(client, place.service, body)
            call = read_call(place.service, body)
            return Answered(await answer_call(self._parts, client, place.service, call, started + patience.desk))

    async def _take_feedback(self, client: CdsClient, service: Service, body: bytes) -> Answered:
        said = read_feedback(body, self._parts.link(REASONS_PATH))
        try:
            async with self._parts.database.transaction() as transaction:
                await record_feedback(transaction, actor_of(client), client.issuer, service.id, said)
        except NotFound:
            raise Refused(NO_SUCH_CARD, "No such card was shown.") from None
        except InvalidInput as error:
            raise Refused(NO_REASON, f"{error}.".capitalize()) from None
        return Answered({"recorded": len(said)})


def _find(path: str) -> _Place:
    if path == "":
        return _Place("/cds-services")
    service_id, _, rest = path.removeprefix("/").partition("/")
    service = SERVICES.get(service_id)
    if service is None or not path.startswith("/") or rest not in {"", "feedback"} or path.endswith("/"):
        raise Refused(NOT_FOUND, "There is no such service.")
    return _Place(f"/cds-services/{path.removeprefix('/')}", service, rest == "feedback")


async def _read(request: Request, receive: Receive) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(WRONG_MEDIA_TYPE, "The body is application/json.")
    return await read_body(receive, LONGEST_BODY)


def _to_refused(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, FhirRefused):
        kind = TOO_LONG if error.kind.status == 413 else NOT_ALLOWED if error.kind.status == 403 else BAD_REQUEST
        return Refused(kind, _WORDS[kind.code])
    if isinstance(error, InvalidInput):
        return Refused(BAD_REQUEST, "The call holds something that cannot be stored.")
    return could_not_check()


_WORDS = {
    TOO_LONG.code: f"A body has {LONGEST_BODY} bytes at most, and arrives whole.",
    NOT_ALLOWED.code: "The organisation of this EHR has no site that it can look from.",
    BAD_REQUEST.code: "The request cannot be read.",
}


def _note(route: str, refused: Refused, error: Exception) -> None:
    """Log who was kept out and what could not be answered: the route of the table, never what was asked."""
    if not isinstance(error, Refused | FhirRefused | InvalidInput | Temporary | TimeoutError):
        log.error("request failed", route=route, status=refused.kind.status, error=type(error).__name__)
    elif refused.kind.status in {401, 403, 412, 503}:
        log.warning("request refused", route=route, status=refused.kind.status)
