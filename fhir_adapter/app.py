"""The FHIR R4 door as one ASGI application, which `api` mounts at /FHIR/R4.

A request comes in, is admitted, understood and looked up at the desk; a Bundle or an OperationOutcome goes out.
Whatever goes wrong on the way is "we could not check", never an empty Bundle.
"""

import orjson

from domain.errors import InvalidInput, Temporary
from fhir_adapter.access import Access
from fhir_adapter.capability import capability_statement, flag_code_parameter
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
from fhir_adapter.headers import mirrored, read_headers
from fhir_adapter.http import Receive, Request, Scope, Send, read_body, read_request, respond
from fhir_adapter.interactions import BY_PATH, Interaction
from fhir_adapter.lookup import look_up
from fhir_adapter.negotiation import check_acceptable, check_form
from fhir_adapter.parameters import Pairs, read_pairs
from fhir_adapter.search import FORMAT, parse_search
from runtime.clients import ClientReader, TokenVerifier
from runtime.logs import get_logger
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader

log = get_logger()


def create_app(desk: Desk, directory: DirectoryReader, verifier: TokenVerifier, clients: ClientReader, base_url: str) -> "FhirDoor":
    """The application. `base_url` is the address by which callers reach it, such as https://host/FHIR/R4."""
    return FhirDoor(desk, directory, Access(verifier, clients), base_url.rstrip("/"))


class FhirDoor:
    """Answers requests from any number of tasks; holds no state but the tokens that `Access` remembers."""

    def __init__(self, desk: Desk, directory: DirectoryReader, access: Access, base_url: str) -> None:
        self._desk = desk
        self._directory = directory
        self._access = access
        self._base_url = base_url
        self._published = {
            "capabilities": orjson.dumps(capability_statement(base_url)),
            "read": orjson.dumps(flag_code_parameter()),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange. Every response carries the ids of its request."""
        request = read_request(scope)
        headers = mirrored(request.headers)
        try:
            body = await self._answer(request, receive, headers["x-request-id"])
        except Exception as error:  # whatever it is, the caller hears that nobody could check
            refused = _to_refused(error)
            _note(request, refused, error)
            await respond(send, refused.kind.status, orjson.dumps(refused.to_operation_outcome()), headers | refused.headers)
        else:
            await respond(send, 200, body, headers)

    async def _answer(self, request: Request, receive: Receive, request_id: str) -> bytes:
        interaction = _find(request)
        if not interaction.scope:
            check_acceptable(request.headers.get("accept", ""), _format_asked(read_pairs(request.query)))
            return self._published[interaction.code]
        client = await self._access.admit(request.headers.get("authorization", ""), interaction.scope)
        pairs = await _read_parameters(request, receive)
        check_acceptable(request.headers.get("accept", ""), _format_asked(pairs))
        asked = read_headers(request.headers, request_id)
        search = parse_search(interaction.resource, pairs, strict=asked.strict)
        self_link = search.link(self._base_url, by_post=request.method == "POST")
        bundle = await look_up(self._desk, self._directory, client, asked, search, self._base_url, self_link)
        return orjson.dumps(bundle)


def _find(request: Request) -> Interaction:
    by_method = BY_PATH.get(request.path)
    if by_method is None:
        raise Refused(NOT_FOUND, "There is nothing at this address.")
    interaction = by_method.get(request.method)
    if interaction is None:
        allowed = ", ".join(by_method)
        raise Refused(WRONG_METHOD, f"This address is served by {allowed}.", {"allow": allowed})
    return interaction


async def _read_parameters(request: Request, receive: Receive) -> Pairs:
    pairs = read_pairs(request.query)
    if request.method == "POST":
        check_form(request.headers.get("content-type", ""))
        pairs += read_pairs(await read_body(receive))
    return pairs


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
    route = request.path if request.path in BY_PATH else "unknown"
    if not isinstance(error, Refused | InvalidInput | Temporary):
        log.error("request failed", route=route, status=refused.kind.status, error=type(error).__name__)
    elif refused.kind in _LOGGED:
        log.warning("request refused", route=route, status=refused.kind.status)


_LOGGED = frozenset({NOT_AUTHENTICATED, NOT_ALLOWED, UNAVAILABLE})
