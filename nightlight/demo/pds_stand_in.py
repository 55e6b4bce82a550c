"""A stand-in for the national register, PDS: invented people only, on loopback only, for the demo and the tests.

It behaves as the public specification says of the application-restricted access mode: a token for a signed assertion, one patient
by number, a search that gives a unique match or none, and errors in PDS's own codes.
Source: NHSDigital/personal-demographics-service-api (specification and sandbox), paraphrased.
"""

import ipaddress
import re
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import InvalidNhsNumber
from domain.nhs_number import parse_nhs_number
from nightlight.demo.pds_people import Registered, to_patient
from nightlight.demo.pds_tokens import TokenDesk

BASE = "/personal-demographics/FHIR/R4"
TOKEN = "/oauth2/token"  # noqa: S105 -- a path
_CODES = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
_PARAMETERS = frozenset(
    {
        "_fuzzy-match", "_exact-match", "_history", "_max-results", "family", "given", "gender", "birthdate", "death-date",
        "address-postalcode", "address-postcode", "general-practitioner", "email", "phone",
    }
)  # fmt: skip
_DATE = re.compile(r"(eq|ge|le)?(\d{4}-\d{2}-\d{2})")


@dataclass(slots=True)
class StandIn:
    """The register. `troubles`: statuses that the next requests for patients are answered with, in turn, whatever they ask."""

    people: Sequence[Registered]
    tokens: TokenDesk
    troubles: deque[int] = field(default_factory=deque)
    asked: deque[str] = field(default_factory=lambda: deque(maxlen=100))
    """What was asked last, of invented people: path and query of each request, for the tests."""

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route(TOKEN, self.token, methods=["POST"]),
                Route(f"{BASE}/Patient", self.search),
                Route(f"{BASE}/Patient/{{id}}", self.retrieve),
            ]
        )

    async def token(self, request: Request) -> Response:
        """A token for an assertion."""
        status, body = self.tokens.exchange(dict(await request.form()))
        return JSONResponse(body, status)

    async def retrieve(self, request: Request) -> Response:
        """`GET /Patient/{id}`: the patient, the one who superseded them, or why there is none."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            number = parse_nhs_number(request.path_params["id"])
        except InvalidNhsNumber:
            return _error(request, 400, "INVALID_RESOURCE_ID", "Resource Id is invalid", "value")
        person = self._person(number)
        if person and person.superseded_by:
            person = self._person(person.superseded_by)
        if person is None:
            return _error(request, 404, "RESOURCE_NOT_FOUND", "Resource not found", "not-found", severity="information")
        if person.invalid:
            display = "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved"
            return _error(request, 404, "INVALIDATED_RESOURCE", display, "processing")
        return _answer(request, 200, to_patient(person), etag='W/"2"')

    async def search(self, request: Request) -> Response:
        """`GET /Patient?…`: a Bundle of one or none, or TOO_MANY_MATCHES."""
        refused = self._refused(request) or _bad_search(request)
        if refused is not None:
            return refused
        found = [person for person in self.people if _fits(person, request)]
        if len(found) > 1:
            return _error(request, 200, "TOO_MANY_MATCHES", "Too Many Matches", "multiple-matches", severity="information")
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        bundle["timestamp"] = datetime.now(UTC).isoformat(timespec="seconds")
        if found:
            url = f"https://api.service.nhs.uk{BASE}/Patient/{found[0].number}"
            bundle["entry"] = [{"fullUrl": url, "search": {"score": 1}, "resource": to_patient(found[0])}]
        return _answer(request, 200, bundle)

    def _person(self, number: str) -> Registered | None:
        return next((person for person in self.people if person.number == number), None)

    def _refused(self, request: Request) -> Response | None:
        """What every request needs: a token that is good, and an X-Request-ID."""
        self.asked.append(f"{request.url.path.removeprefix(BASE)}?{request.url.query}".rstrip("?"))
        if self.troubles:
            return _trouble(request, self.troubles.popleft())
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or not self.tokens.is_good(value):
            said = "Invalid Access Token" if value else "Missing access token"
            return _error(request, 401, "ACCESS_DENIED", "Access Denied - Unauthorised", "forbidden", said)
        request_id = request.headers.get("x-request-id", "")
        if not request_id:
            said = "Invalid request with error - X-Request-ID header must be supplied to access this resource"
            return _missing_value(request, said)
        if not _is_uuid(request_id):
            return _invalid_value(request, f"'{request_id}' in header 'X-Request-ID'")
        return None


def _fits(person: Registered, request: Request) -> bool:
    asked = request.query_params
    postcode = asked.get("address-postalcode") or asked.get("address-postcode")
    if person.invalid or person.superseded_by or person.bare or (postcode and person.confidentiality != "U"):
        return False
    given = asked.getlist("given")
    return (
        _same(asked["family"], person.family)
        and all(any(_same(each, name) for name in person.given) for each in given)
        and asked.get("gender", person.gender) == person.gender
        and (not postcode or _same(postcode.replace(" ", ""), person.postcode.replace(" ", "")))
        and all(_in_range(each, person.birth_date.isoformat()) for each in asked.getlist("birthdate"))
    )


def _same(asked: str, held: str) -> bool:
    """Case makes no difference, and an asterisk stands for anything from the third character on."""
    if "*" in asked[2:]:
        return held.casefold().startswith(asked.casefold().partition("*")[0])
    return asked.casefold() == held.casefold()


def _in_range(asked: str, held: str) -> bool:
    found = _DATE.fullmatch(asked)
    assert found is not None  # checked before
    return held >= found[2] if found[1] == "ge" else held <= found[2] if found[1] == "le" else held == found[2]


def _bad_search(request: Request) -> Response | None:
    return next(_wrong_with_search(request), None)


def _wrong_with_search(request: Request) -> Iterator[Response]:
    asked = request.query_params
    unknown = sorted(set(asked) - _PARAMETERS)
    if not asked:
        yield _error(request, 400, "UNSUPPORTED_SERVICE", "Unsupported Service", "processing")
    if unknown:
        said = f"Invalid request with error - Additional properties are not allowed ('{unknown[0]}' was unexpected)"
        yield _error(request, 400, "ADDITIONAL_PROPERTIES", "Additional properties are not allowed", "value", said)
    if asked.get("_max-results", "1") != "1":
        display = "Cannot retrieve more than one result with application-restricted access token"
        said = "Your app has insufficient permissions to perform this search. Please contact support."
        yield _error(request, 403, "INVALID_VALUE", display, "token", said)
    for wrong in (each for each in asked.getlist("birthdate") if not _DATE.fullmatch(each)):
        yield _invalid_value(request, f"'{wrong}' in field 'birthdate'")
    if "birthdate" not in asked:
        yield _missing_value(request, "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'")
    if "family" not in asked:
        said = "Invalid search data provided - the search criteria did not meet the minimum requirements"
        yield _error(request, 400, "INVALID_SEARCH_DATA", "Search data is invalid", "value", said)


def _missing_value(request: Request, said: str) -> Response:
    return _error(request, 400, "MISSING_VALUE", "Required value is missing", "required", said)


def _invalid_value(request: Request, what: str) -> Response:
    return _error(request, 400, "INVALID_VALUE", "Provided value is invalid", "value", f"Invalid value - {what}")


def _trouble(request: Request, status: int) -> Response:
    if status == 429:
        said = "Your application has created a spike in traffic and is being rate limited."
        return _error(request, 429, "TOO_MANY_REQUESTS", "Too many requests", "value", said, retry_after="1")
    if status == 401:
        return _error(request, 401, "ACCESS_DENIED", "Access Denied - Unauthorised", "forbidden", "Invalid Access Token")
    return _error(request, status, "UNABLE_TO_CALL_SERVICE", "Unable to call service", "processing")


def _error(
    request: Request, status: int, code: str, display: str, kind: str, said: str = "", *, severity: str = "error", **headers: str
) -> Response:
    coding = {"system": _CODES, "version": "1", "code": code, "display": display}
    issue = {"severity": severity, "code": kind, "details": {"coding": [coding]}, **({"diagnostics": said} if said else {})}
    return _answer(request, status, {"resourceType": "OperationOutcome", "issue": [issue]}, **headers)


def _answer(request: Request, status: int, body: dict[str, Any], **headers: str) -> Response:
    """The body, with the two ids of the request mirrored."""
    mirrored = {name: request.headers[name] for name in ("x-request-id", "x-correlation-id") if name in request.headers}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse(body, status, {**mirrored, **named}, media_type="application/fhir+json")


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False


def serve(stand_in: StandIn, sock: socket.socket) -> None:
    """Serve until SIGTERM. Raises ValueError for a socket that others than this machine can reach."""
    server_on(stand_in, sock).run([sock])


def server_on(stand_in: StandIn, sock: socket.socket) -> uvicorn.Server:
    """A server without an access log: addresses hold numbers. Raises ValueError as `serve` does."""
    if not ipaddress.ip_address(sock.getsockname()[0]).is_loopback:
        raise ValueError("the stand-in for PDS is for this machine alone")
    config = uvicorn.Config(stand_in.app(), log_config=None, access_log=False, lifespan="off", server_header=False)
    return uvicorn.Server(config)
