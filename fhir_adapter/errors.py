"""What this door refuses, each kind with its HTTP status, its FHIR issue type and its Spine code, as one table.

Whatever refuses raises `Refused`; `app` turns it into an OperationOutcome. No text here carries a patient or an input.
Sources: CP-IS FHIR API consumer guide, "Error handling"; FHIR R4 value set issue-type.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_adapter.codes import SPINE_CODES, Json, coding


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table."""

    status: int
    spine_code: str
    display: str
    issue_type: str


INVALID_SEARCH = Kind(400, "INVALID_SEARCH_DATA", "Invalid search data", "invalid")
BAD_HEADER = Kind(400, "PRECONDITION_FAILED", "Precondition failed", "invalid")
NOT_AUTHENTICATED = Kind(401, "ACCESS_DENIED", "Access denied", "login")
NOT_ALLOWED = Kind(403, "ACCESS_DENIED", "Access denied", "forbidden")
NOT_FOUND = Kind(404, "RESOURCE_NOT_FOUND", "Resource not found", "not-found")
GONE = Kind(404, "INVALIDATED_RESOURCE", "Resource is no longer valid", "deleted")
WRONG_METHOD = Kind(405, "UNSUPPORTED_SERVICE", "Unsupported service", "not-supported")
NOT_ACCEPTABLE = Kind(406, "UNSUPPORTED_SERVICE", "Unsupported service", "not-supported")
CONFLICT = Kind(409, "RESOURCE_VERSION_MISMATCH", "Resource version mismatch", "conflict")
WRONG_VERSION = Kind(412, "RESOURCE_VERSION_MISMATCH", "Resource version mismatch", "conflict")
TOO_LONG = Kind(413, "INVALID_SEARCH_DATA", "Invalid search data", "too-long")
WRONG_MEDIA_TYPE = Kind(415, "UNSUPPORTED_SERVICE", "Unsupported service", "not-supported")
TOO_MANY = Kind(429, "TOO_MANY_REQUESTS", "Too many requests", "throttled")
UNAVAILABLE = Kind(503, "UNABLE_TO_CALL_SERVICE", "Unable to call service", "transient")

KINDS = (
    INVALID_SEARCH,
    BAD_HEADER,
    NOT_AUTHENTICATED,
    NOT_ALLOWED,
    NOT_FOUND,
    GONE,
    WRONG_METHOD,
    NOT_ACCEPTABLE,
    CONFLICT,
    WRONG_VERSION,
    TOO_LONG,
    WRONG_MEDIA_TYPE,
    TOO_MANY,
    UNAVAILABLE,
)


class Refused(Exception):
    """The request is not answered. `words` say what to do about it; `headers` go out with the OperationOutcome."""

    def __init__(self, kind: Kind, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.headers = dict(headers or {})

    def to_operation_outcome(self) -> Json:
        """The body of the response."""
        issue = {
            "severity": "error",
            "code": self.kind.issue_type,
            "details": {"coding": [coding(SPINE_CODES, self.kind.spine_code, self.kind.display)]},
            "diagnostics": self.words,
        }
        return {"resourceType": "OperationOutcome", "issue": [issue]}


def could_not_check() -> Refused:
    """Nobody can say: never to be taken for "none known"."""
    return Refused(
        UNAVAILABLE,
        "We could not check. This is not an answer about the patient. Ask again, and meanwhile use CP-IS or the telephone.",
        {"retry-after": "2"},
    )
