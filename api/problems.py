"""Why a system's request was not done, as RFC 9457 says it: one table of kinds, and words that say what to do.

`api.uploads_door` raises `Problem`; nothing in one names a person. The `code` is ours, for programs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table."""

    status: HTTPStatus
    code: str


BAD_REQUEST = Kind(HTTPStatus.BAD_REQUEST, "bad-request")
BAD_DECLARATION = Kind(HTTPStatus.BAD_REQUEST, "bad-declaration")
EMPTY = Kind(HTTPStatus.BAD_REQUEST, "empty")
NOT_FOUND = Kind(HTTPStatus.NOT_FOUND, "not-found")
WRONG_METHOD = Kind(HTTPStatus.METHOD_NOT_ALLOWED, "wrong-method")
TOO_SLOW = Kind(HTTPStatus.REQUEST_TIMEOUT, "too-slow")
NOT_READY = Kind(HTTPStatus.CONFLICT, "not-loaded-yet")
TOO_LARGE = Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large")
WRONG_MEDIA_TYPE = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-media-type")
TOO_MANY = Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many")
UNAVAILABLE = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")


class Problem(Exception):
    """The request is not done. `words` say why, and what to do."""

    def __init__(self, kind: Kind, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.kind, self.words, self.headers = kind, words, dict(headers or {})

    def to_response(self) -> Response:
        """RFC 9457, section 3."""
        return problem_response(self.kind.status, self.kind.code, self.words, self.headers)


def problem_response(status: HTTPStatus, code: str, words: str, headers: Mapping[str, str]) -> Response:
    """The response of a problem."""
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": words, "code": code}
    return Response(orjson.dumps(body), int(status), {"cache-control": "no-store", **headers}, MEDIA_TYPE)
