"""The FHIR R4 door as one ASGI application, which `api` mounts at /FHIR/R4.

A request comes in, is admitted, understood and looked up at the desk; a Bundle or an OperationOutcome goes out.
Whatever goes wrong on the way is "we could not check", never an empty Bundle.
"""

import orjson

from domain.errors import InvalidInput, Temporary
from fhir_adapter.access import Access
from fhir_adapter.capability import capability_statement, search_parameters
from fhir_adapter.errors import (
    INVALID_SEARCH,
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    UNAVAILABLE,
    WRONG_METHOD,
    Refused,
    could_not_check,
)
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.handlers import HANDLERS
from fhir_adapter.headers import mirrored, read_headers
from fhir_adapter.http import LONGEST, LONGEST_RESOURCE, Receive, Request, Scope, Send, read_body, read_request, respond
from fhir_adapter.interactions import BY_PATH, Interaction, route
from fhir_adapter.negotiation import check_acceptable, check_form, check_json
from fhir_adapter.openapi.document import openapi
from fhir_adapter.parameters import Pairs, read_pairs
from fhir_adapter.search_parameters import FORMAT
from fhir_adapter.smart.configuration import smart_configuration
from fhir_adapter.throttle import Throttle
from runtime.logs import get_logger

log = get_logger()

_PLAIN = {"content-type": "application/json"}


class FhirDoor:
    """Answers requests from any number of tasks; holds no state but the tokens that `Access` remembers, and how fast who asks.

    `parts.base_url` is the address by which callers reach it, such as https://host/FHIR/R4.
    """

    def __init__(self, parts: Parts, access: Access, throttle: Throttle | None = None) -> None:
        self._parts = parts
        self._access = access
        self._throttle = throttle or Throttle()
        self._published = {
            "capabilities": Answered(capability_statement(parts.base_url)),
            "openapi": Answered(openapi(parts.base_url), headers=_PLAIN),
            "smart-configuration": Answered(smart_configuration(parts.base_url), headers=_PLAIN),
        }
        self._search_parameters = {each["id"]: Answered(each) for each in search_parameters(parts.base_url)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange. Every response carries the ids of its request."""
        request = read_request(scope)
        headers = mirrored(request.headers)
        try:
            answered = await self._answer(request, receive, headers["x-request-id"])
        except Exception as error:  # whatever it is, the caller hears that nobody could check
            refused = _to_refused(error)
            _note(request, refused, error)
            answered = Answered(refused.to_operation_outcome(), refused.kind.status, refused.headers)
        body = b"" if answered.body is None else orjson.dumps(answered.body)
        await respond(send, answered.status, body, {**headers, **answered.headers})

    async def _answer(self, request: Request, receive: Receive, request_id: str) -> Answered:
        interaction, resource_id = _find(request)
        if not interaction.scope:
            check_acceptable(request.headers.get("accept", ""), _format_asked(read_pairs(request.query)))
            return self._public(interaction, resource_id)
        client = await self._access.admit(request.headers.get("authorization", ""), interaction.scope, interaction.letter)
        self._throttle.check(client.id)
        pairs, body = await _read(request, receive, interaction)
        check_acceptable(request.headers.get("accept", ""), _format_asked(pairs))
        asked = read_headers(request.headers, request_id)
        call = Call(interaction, request.method, client, asked, request.headers, pairs, resource_id, body)
        return await HANDLERS[interaction.resource, interaction.code](self._parts, call)

    def _public(self, interaction: Interaction, resource_id: str) -> Answered:
        """What anybody may see."""
        if not resource_id:
            return self._published[interaction.code]
        if resource_id not in self._search_parameters:
            raise Refused(NOT_FOUND, "There is nothing at this address.")
        return self._search_parameters[resource_id]


def _find(request: Request) -> tuple[Interaction, str]:
    path, resource_id = route(request.path)
    by_method = BY_PATH.get(path)
    if by_method is None:
        raise Refused(NOT_FOUND, "There is nothing at this address.")
    interaction = by_method.get(request.method)
    if interaction is None:
        allowed = ", ".join(by_method)
        raise Refused(WRONG_METHOD, f"This address is served by {allowed}.", {"allow": allowed})
    return interaction, resource_id


async def _read(request: Request, receive: Receive, interaction: Interaction) -> tuple[Pairs, bytes]:
    """The parameters of the address and of a form, and the body where it is a resource."""
    pairs = read_pairs(request.query)
    if request.method not in {"POST", "PUT"}:
        return pairs, b""
    if interaction.code == "search-type":
        check_form(request.headers.get("content-type", ""))
        return pairs + read_pairs(await read_body(receive, LONGEST)), b""
    check_json(request.headers.get("content-type", ""))
    return pairs, await read_body(receive, LONGEST_RESOURCE)


def _format_asked(pairs: Pairs) -> str | None:
    return next((value for name, value in pairs if name == FORMAT), None)


def _to_refused(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, InvalidInput):
        return Refused(INVALID_SEARCH, "The search holds something that cannot be stored.")
    return could_not_check()


def _note(request: Request, refused: Refused, error: Exception) -> None:
    """Log who was kept out and what could not be answered: the route of the table, never what was asked."""
    path, _ = route(request.path)
    known = path if path in BY_PATH else "unknown"
    if not isinstance(error, Refused | InvalidInput | Temporary):
        log.error("request failed", route=known, status=refused.kind.status, error=type(error).__name__)
    elif refused.kind in _LOGGED:
        log.warning("request refused", route=known, status=refused.kind.status)


_LOGGED = frozenset({NOT_AUTHENTICATED, NOT_ALLOWED, UNAVAILABLE})
