"""The door for authorities' own systems: an extract is sent by POST and kept, and what became of it is read afterwards.

`nightlight` makes it, `api.doors` mounts it before the pages. 202 means that it is on disk, and no more. Sources: RFC 9110 (202,
Location), RFC 9457 (problems), RFC 6750 (bearer tokens); docs/authority/sending.md.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.problems import BAD_REQUEST, NOT_FOUND, NOT_READY, TOO_MANY, TOO_SLOW, UNAVAILABLE, Problem, problem_response
from api.upload_request import Asked, begun, check_sent, read_address, read_declaration, too_large
from api.upload_views import Json, reject_view, upload_view
from domain.actor import Actor, ActorKind
from domain.errors import NotFound, Temporary
from domain.extract import CameBy, FileFormat
from fhir_adapter.access import Access
from fhir_adapter.errors import Refused
from runtime.clients import EXTRACTS
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.extracts.loading import read_rejects, read_report
from safeguarding.extracts.uploads import TooManyWaiting, Upload, UploadTooLarge, keep_upload, read_response, read_upload

REJECTS_ON_A_PAGE = 100
AT_ONCE = 8
AT_ONCE_EACH = 6
"""Of one authority: however slowly its systems send, others can send too."""
LONGEST_SECONDS = 900.0
_RETRY = {"retry-after": "5"}

log = get_logger()


class UploadsDoor:
    """Answers requests from any number of tasks. `largest`: bytes of an extract; `link` makes an absolute address of a path."""

    def __init__(
        self, database: Database, access: Access, check_pace: Callable[[str], None], largest: int, link: Callable[[str], str]
    ) -> None:
        self._database = database
        self._access = access
        self._check_pace = check_pace
        self._largest = largest
        self._link = link
        self._receiving = asyncio.Semaphore(AT_ONCE)
        self._sending: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange."""
        try:
            response = await self._answer(Request({**scope, "root_path": ""}, receive))
        except Exception as error:
            response = _to_response(error)
            _note(response, error)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        asked = read_address(request)
        actor = await self._admit(request, asked)
        if asked.upload_id is None:
            return await self._take(request, actor, asked)
        if asked.more == "rejects":
            return await self._rejects(request, actor, asked)
        if asked.more == "response":
            return await self._response(actor, asked)
        return _json(await self._view(asked.authority_code, asked))

    async def _admit(self, request: Request, asked: Asked) -> Actor:
        """Who asks. An authority that is not the client's own does not exist for it. Raises Refused, and Problem."""
        client = await self._access.admit(request.headers.get("authorization", ""), EXTRACTS, asked.letter)
        if client.authority_code is None or client.authority_code != asked.authority_code:
            raise Problem(NOT_FOUND, "There is no such authority for this client.")
        self._check_pace(client.id)
        return Actor(ActorKind.SYSTEM, client.id, client.id, client.authority_code)

    async def _take(self, request: Request, actor: Actor, asked: Asked) -> Response:
        declaration = read_declaration(request)
        check_sent(request, self._largest)
        if self._receiving.locked() or self._sending[asked.authority_code] >= AT_ONCE_EACH:
            raise Problem(UNAVAILABLE, "Too many extracts are arriving just now. Send it again in a minute.", {"retry-after": "60"})
        self._sending[asked.authority_code] += 1
        try:
            async with self._receiving, asyncio.timeout(LONGEST_SECONDS):
                upload = await keep_upload(
                    self._database, actor, asked.authority_code, begun(request, declaration), declaration, CameBy.API,
                    largest=self._largest,
                )  # fmt: skip
        finally:
            self._sending[asked.authority_code] -= 1
        status = HTTPStatus.OK if upload.known else HTTPStatus.ACCEPTED
        return _json(await self._view(asked.authority_code, asked, upload), status, {"location": self._address(upload)})

    async def _view(self, authority_code: str, asked: Asked, upload: Upload | None = None) -> Json:
        async with self._database.transaction() as transaction:
            if upload is None:
                assert asked.upload_id is not None
                upload = await read_upload(transaction, authority_code, asked.upload_id)
            report = await read_report(transaction, authority_code, upload.extract_id) if upload.extract_id else None
        address = self._address(upload)
        links = {"self": address}
        if report is not None:
            links |= {"rejects": f"{address}/rejects", "page": self._link(f"/extracts/{report.id}")}
            if report.file_format is FileFormat.V3:
                links["response"] = f"{address}/response"
        return {**upload_view(upload, report), "links": links}

    async def _rejects(self, request: Request, actor: Actor, asked: Asked) -> Response:
        """A page of the rejected records; it is written down that they were read."""
        assert asked.upload_id is not None
        number = _page_number(request)
        async with self._database.transaction() as transaction:
            upload = await read_upload(transaction, asked.authority_code, asked.upload_id)
            extract_id = _loaded_as(upload)
            report = await read_report(transaction, asked.authority_code, extract_id)
            rejects = await read_rejects(
                transaction, actor, asked.authority_code, extract_id,
                limit=REJECTS_ON_A_PAGE, offset=(number - 1) * REJECTS_ON_A_PAGE,
            )  # fmt: skip
        links = {"self": f"{self._address(upload)}/rejects?page={number}"}
        if number * REJECTS_ON_A_PAGE < report.rejected:
            links["next"] = f"{self._address(upload)}/rejects?page={number + 1}"
        return _json({"rejected": report.rejected, "records": [reject_view(each) for each in rejects], "links": links})

    async def _response(self, actor: Actor, asked: Asked) -> Response:
        """The national response file; it is written down that it was read."""
        assert asked.upload_id is not None
        async with self._database.transaction() as transaction:
            upload = await read_upload(transaction, asked.authority_code, asked.upload_id)
            content = await read_response(transaction, actor, asked.authority_code, _loaded_as(upload))
        return Response(content, 200, {"cache-control": "no-store"}, "application/xml")

    def _address(self, upload: Upload) -> str:
        return self._link(f"/authorities/{upload.authority_code}/extracts/{upload.id}")


def _loaded_as(upload: Upload) -> UUID:
    if upload.extract_id is None:
        raise Problem(NOT_READY, "The extract is not loaded: its status says whether it waits or was refused.")
    return upload.extract_id


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1_000_000):
        raise Problem(BAD_REQUEST, "The page is a number from 1.")
    return int(text)


def _json(content: Json, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), int(status), {"cache-control": "no-store", **(headers or {})}, "application/json")


def _to_response(error: Exception) -> Response:
    if isinstance(error, Refused):  # by the token, or for its pace
        status = HTTPStatus(error.kind.status)
        return problem_response(status, status.phrase.lower().replace(" ", "-"), error.words, error.headers)
    return _to_problem(error).to_response()


def _to_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, UploadTooLarge):
        return too_large(error.largest)
    if isinstance(error, TooManyWaiting):
        return Problem(
            TOO_MANY, "Too many extracts of this authority wait to be loaded. Send no more for now.", {"retry-after": "300"}
        )
    if isinstance(error, NotFound):
        return Problem(NOT_FOUND, "There is no such upload.")
    if isinstance(error, TimeoutError):
        return Problem(TOO_SLOW, f"The extract did not arrive in {LONGEST_SECONDS / 60:.0f} minutes. Nothing of it was kept.")
    return Problem(UNAVAILABLE, "The extract was not kept. Send it again: nothing happens twice.", _RETRY)


def _note(response: Response, error: Exception) -> None:
    """Log who was kept out and what failed; never what was sent."""
    if not isinstance(error, Problem | Refused | NotFound | UploadTooLarge | TooManyWaiting | Temporary | TimeoutError):
        log.error("upload failed", status=response.status_code, error=type(error).__name__)
    elif response.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
        log.warning("upload refused", status=response.status_code)
