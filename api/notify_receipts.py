"""The door by which GOV.UK Notify says what became of a message: one bearer token, one small JSON object.

`nightlight` makes it, `api.doors` mounts it before the pages. Notify repeats what is answered with 5xx, and nothing else.
Sources: docs.notifications.service.gov.uk, "callbacks"; RFC 6750 (bearer tokens); docs/notify.md.
"""

import hmac
from collections.abc import Mapping
from http import HTTPStatus

import orjson
import psycopg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.problems import (
    BAD_REQUEST,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    WRONG_MEDIA_TYPE,
    WRONG_METHOD,
    Kind,
    Problem,
)
from domain.errors import InvalidInput, Temporary
from runtime.clock import now
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.telling.receipts import Heard, take_receipt

UNAUTHORISED = Kind(HTTPStatus.UNAUTHORIZED, "unauthorised")
LARGEST = 16_384
SHORTEST_TOKEN = 10
"""As Notify asks for."""

log = get_logger()


class NotifyReceiptsDoor:
    """Answers POST /notify/receipts from any number of tasks; without a token, nobody. Raises ValueError for a short one."""

    def __init__(self, database: Database, token: str) -> None:
        if token and len(token) < SHORTEST_TOKEN:
            raise ValueError(f"NIGHTLIGHT_NOTIFY_CALLBACK_TOKEN must have {SHORTEST_TOKEN} characters or more")
        self._database = database
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange."""
        try:
            await self._take(Request(scope, receive))
            response = Response(status_code=HTTPStatus.NO_CONTENT, headers={"cache-control": "no-store"})
        except Problem as problem:
            log.warning("receipt refused", status=int(problem.kind.status))
            response = problem.to_response()
        except (Temporary, psycopg.Error) as error:
            log.warning("receipt not taken", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
            response = _later().to_response()
        await response(scope, receive, send)

    async def _take(self, request: Request) -> None:
        if request.scope["path"] != "/notify/receipts":
            raise Problem(NOT_FOUND, "There is nothing at this address.")
        if request.method != "POST":
            raise Problem(WRONG_METHOD, "A receipt is posted.", {"allow": "POST"})
        self._check_token(request.headers.get("authorization", ""))
        said = await _read(request)
        try:
            async with self._database.transaction() as transaction:
                heard = await take_receipt(transaction, said, now())
        except InvalidInput as error:
            raise Problem(BAD_REQUEST, f"{error.sentence}.") from None
        if heard is Heard.LATER:
            raise _later()

    def _check_token(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        is_ours = hmac.compare_digest(given.encode(), self._token)  # in constant time
        if scheme.lower() != "bearer" or not self._token or not is_ours:
            raise Problem(UNAUTHORISED, "The bearer token is not the one that was agreed.", {"www-authenticate": "Bearer"})


def _later() -> Problem:
    return Problem(UNAVAILABLE, "The receipt was not taken. Send it again: nothing happens twice.", {"retry-after": "60"})


async def _read(request: Request) -> Mapping[str, object]:
    """The JSON object. Raises Problem for any other body, and for one that is too long, before it is all here."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(WRONG_MEDIA_TYPE, "A receipt is JSON.")
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                raise Problem(TOO_LARGE, f"A receipt has {LARGEST // 1024} KB at most.")
        said = orjson.loads(body)
    except ClientDisconnect:
        raise Problem(BAD_REQUEST, "The request ended before its body did.") from None
    except orjson.JSONDecodeError:
        raise Problem(BAD_REQUEST, "The body is no JSON.") from None
    if not isinstance(said, dict):
        raise Problem(BAD_REQUEST, "A receipt is a JSON object.")
    return said
