"""What this door refuses, each kind with its HTTP status, as one table. No text here carries a patient or an input.

Whatever refuses raises `Refused`; `door` writes it out as JSON. None of these is an answer about a patient.
Source: CDS Hooks 2.0, "HTTP Status Codes" (412 is the one that it prescribes).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_adapter.codes import Json


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table. `code` is what a program reads."""

    status: int
    code: str


BAD_REQUEST = Kind(400, "bad-request")
NO_REASON = Kind(400, "override-reason-needed")
NOT_AUTHENTICATED = Kind(401, "not-authenticated")
NOT_ALLOWED = Kind(403, "not-allowed")
NOT_FOUND = Kind(404, "not-found")
NO_SUCH_CARD = Kind(404, "no-such-card")
WRONG_METHOD = Kind(405, "wrong-method")
NO_PATIENT = Kind(412, "no-patient")
TOO_LONG = Kind(413, "too-long")
WRONG_MEDIA_TYPE = Kind(415, "wrong-media-type")
UNAVAILABLE = Kind(503, "could-not-check")

KINDS = (
    BAD_REQUEST,
    NO_REASON,
    NOT_AUTHENTICATED,
    NOT_ALLOWED,
    NOT_FOUND,
    NO_SUCH_CARD,
    WRONG_METHOD,
    NO_PATIENT,
    TOO_LONG,
    WRONG_MEDIA_TYPE,
    UNAVAILABLE,
)


class Refused(Exception):
    """The call is not answered. `words` say what to do about it."""

    def __init__(self, kind: Kind, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.headers = dict(headers or {})

    def to_json(self) -> Json:
        """The body of the response."""
        return {"error": self.kind.code, "message": self.words}


def not_authenticated() -> Refused:
    """Whatever is wrong with a token, the caller learns no more than this."""
    words = (
        "A JWT of a registered EHR is needed: ES384 or RS384, with kid, typ JWT, iss, aud (the exact address called), exp, iat, "
        "and a jti that was not used before."
    )
    return Refused(NOT_AUTHENTICATED, words, {"www-authenticate": 'Bearer realm="Nightlight CDS Hooks"'})


def could_not_check() -> Refused:
    """Nobody can say: never to be taken for an empty list of cards."""
    words = "We could not check. This is not an answer about the patient. Use CP-IS or the telephone, and ask again later."
    return Refused(UNAVAILABLE, words, {"retry-after": "2"})
