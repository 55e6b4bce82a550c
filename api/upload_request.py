"""What a system asks of the authorities' door: the address, what it says of an extract, and its bytes as they arrive.

`api.uploads_door` calls these before anything is kept. Sources: docs/authority/sending.md; RFC 9110, RFC 9457.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import ClientDisconnect, Request

from api.problems import (
    BAD_DECLARATION,
    BAD_REQUEST,
    EMPTY,
    NOT_FOUND,
    TOO_LARGE,
    WRONG_MEDIA_TYPE,
    WRONG_METHOD,
    Problem,
)
from domain.errors import InvalidInput
from domain.extract import Declaration, Scope
from safeguarding.extracts.declaring import read_counts, read_instant, says_when_it_was_taken

MEDIA_TYPES = (
    "text/csv", "application/csv", "application/zip", "application/x-zip-compressed", "application/xml", "text/xml",
    "application/octet-stream",
)  # fmt: skip
PARAMETERS = ("extracted_at", "scope", "counts", "sensitive")
_PATH = re.compile(r"/authorities/(?P<authority>[^/]+)/extracts(?:/(?P<upload>[^/]+)(?:/(?P<more>rejects|response))?)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which address was asked: all extracts of an authority, one upload, or more of it: its `rejects`, its `response` file."""

    authority_code: str
    upload_id: UUID | None = None
    more: str = ""

    @property
    def letter(self) -> str:
        """What the client must be allowed: c to send, r to read."""
        return "r" if self.upload_id else "c"


def read_address(request: Request) -> Asked:
    """The address. Raises Problem for one that is not there, and for a method that it does not serve."""
    found = _PATH.fullmatch(request.url.path)
    if found is None:
        raise Problem(NOT_FOUND, "There is nothing at this address.")
    try:
        upload_id = UUID(found["upload"]) if found["upload"] else None
    except ValueError:
        raise Problem(NOT_FOUND, "There is no such upload.") from None
    allowed = "GET" if upload_id else "POST"
    if request.method != allowed:
        raise Problem(WRONG_METHOD, f"This address is served by {allowed}.", {"allow": allowed})
    return Asked(found["authority"], upload_id, found["more"] or "")


def read_declaration(request: Request) -> Declaration:
    """What is said of the extract in the query. Raises Problem for anything that is not understood, a misspelt name too."""
    said = _each_once(request)
    try:
        return Declaration(
            read_instant(said["extracted_at"]) if "extracted_at" in said else None,
            Scope(_one_of("scope", said.get("scope", Scope.PARTIAL.value), tuple(Scope))),
            _one_of("sensitive", said.get("sensitive", "false"), ("true", "false")) == "true",
            read_counts(said.get("counts", "")),
        )
    except InvalidInput as error:
        raise Problem(BAD_DECLARATION, f"{error.sentence}.") from None


def _each_once(request: Request) -> dict[str, str]:
    said: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS:
            raise Problem(BAD_DECLARATION, f"What can be said of an extract is {', '.join(PARAMETERS)}, and nothing else.")
        if name in said:
            raise Problem(BAD_DECLARATION, f"{name} is said twice.")
        said[name] = value
    return said


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise InvalidInput(f"{name} is {' or '.join(known)}")
    return value


def check_sent(request: Request, largest: int) -> None:
    """Raises Problem for a media type that is not taken, a compressed body, and a length beyond `largest` bytes."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise Problem(
            WRONG_MEDIA_TYPE, "Send the extract as text/csv, application/zip, application/xml or application/octet-stream."
        )
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(WRONG_MEDIA_TYPE, "Send the extract without a Content-Encoding.")
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise Problem(BAD_REQUEST, "The Content-Length is no number.")
    if len(length) > 15 or int(length) > largest:
        raise too_large(largest)


def too_large(largest: int) -> Problem:
    """More is sent than is taken."""
    return Problem(TOO_LARGE, f"An extract has {largest // 1_000_000} MB at most.")


async def begun(request: Request, declaration: Declaration) -> AsyncIterator[bytes]:
    """The bytes from the first to the last. Raises Problem before the second piece where there are none, or where nobody says
    when the extract was taken; for a sender who has gone as well."""
    is_first = True
    try:
        async for chunk in request.stream():
            if not chunk:
                continue
            if is_first and declaration.extracted_at is None and not says_when_it_was_taken(chunk):
                raise Problem(BAD_DECLARATION, "Say when your system took this extract: ?extracted_at=2026-11-16T06:30:00Z.")
            is_first = False
            yield chunk
    except ClientDisconnect:
        raise Problem(BAD_REQUEST, "The request ended before its body did.") from None
    if is_first:
        raise Problem(EMPTY, "There is nothing in the body.")
