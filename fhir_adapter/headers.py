"""What the headers of a request say: ids to give back, who looks from where, scheduled or not, strict or not.

`app` reads them before anything is looked up; whatever is malformed is refused, never guessed.
Sources: NHS England API headers (X-Request-ID, NHSD-…); CP-IS FHIR API consumer guide, "Headers"; RFC 7240 (Prefer).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from fhir_adapter.errors import BAD_HEADER, Refused

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_USER_ROLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ODS_CODE = re.compile(r"[A-Za-z0-9]{3,10}")
_STRICT = re.compile(r'(?:^|[,;\s])handling\s*=\s*"?strict"?(?=$|[,;\s])', re.IGNORECASE)
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller says beside the search. `unscheduled` is None where nothing was said, which means unscheduled."""

    request_id: str
    organisation: str | None
    user_role_id: str
    unscheduled: bool | None
    strict: bool


def read_headers(headers: Mapping[str, str], request_id: str) -> Asked:
    """The headers' meaning. Raises Refused (PRECONDITION_FAILED) for the first that is malformed."""
    _matching(headers, "x-request-id", UUID_TEXT, "a UUID")
    _matching(headers, "x-correlation-id", _CORRELATION_ID, "at most 128 letters, digits and . _ : / -")
    ods_code = _matching(headers, "nhsd-end-user-organisation-ods", _ODS_CODE, "an ODS code")
    user_role_id = _matching(headers, "nhsd-session-urid", _USER_ROLE_ID, "a user role id")
    return Asked(
        request_id,
        ods_code.upper() if ods_code else None,
        user_role_id or "",
        _unscheduled(headers),
        bool(_STRICT.search(headers.get("prefer", ""))),
    )


def mirrored(headers: Mapping[str, str]) -> dict[str, str]:
    """The ids that every response carries, errors too. A request id that is missing or malformed is made."""
    request_id = headers.get("x-request-id", "")
    given_back = {"x-request-id": request_id if UUID_TEXT.fullmatch(request_id) else str(uuid4())}
    correlation_id = headers.get("x-correlation-id", "")
    if _CORRELATION_ID.fullmatch(correlation_id):
        given_back["x-correlation-id"] = correlation_id
    return given_back


def _unscheduled(headers: Mapping[str, str]) -> bool | None:
    said = headers.get("isunscheduledaccessevent")
    if said is None:
        return None
    if said.lower() not in _BOOLEANS:
        raise Refused(BAD_HEADER, "Missing or invalid header parameter: IsUnscheduledAccessEvent is true or false.")
    return _BOOLEANS[said.lower()]


def _matching(headers: Mapping[str, str], name: str, shape: re.Pattern[str], what: str) -> str | None:
    value = headers.get(name)
    if value is not None and not shape.fullmatch(value):
        raise Refused(BAD_HEADER, f"Missing or invalid header parameter: {name} must be {what}.")
    return value
