"""What the headers of a write ask: which body comes back, which version it builds on, which encounter it must not make twice. Pure.

`recording` reads them. What is malformed is refused, an unknown preference is left aside.
Sources: RFC 7240 (Prefer); FHIR R4, "RESTful API": return preferences, version aware updates, conditional create.
"""

import re
from enum import StrEnum
from urllib.parse import parse_qsl

from fhir_adapter.errors import BAD_HEADER, WRONG_VERSION, Refused

_RETURN = re.compile(r'(?:^|[,;\s])return\s*=\s*"?(minimal|representation|operationoutcome)"?(?=$|[,;\s])', re.IGNORECASE)
_TAGS = re.compile(r'(?:W/)?"(\d{1,9})"(?:\s*,\s*(?:W/)?"(\d{1,9})")*', re.ASCII)
_TAG = re.compile(r'"(\d{1,9})"', re.ASCII)


class Return(StrEnum):
    """What a caller wants back, as `Prefer: return=` has it."""

    MINIMAL = "minimal"
    REPRESENTATION = "representation"
    OPERATION_OUTCOME = "OperationOutcome"


_RETURNS = {each.value.lower(): each for each in Return}


def read_return(prefer: str) -> Return | None:
    """The preference that is named first, or None."""
    found = _RETURN.search(prefer)
    return _RETURNS[found[1].lower()] if found else None


def check_version(if_match: str | None, version: int) -> None:
    """Raises Refused (412) where the caller builds on another version than the one that is held, (400) for no ETag of ours."""
    if if_match is None or if_match.strip() == "*":
        return
    if not _TAGS.fullmatch(if_match.strip()):
        raise Refused(BAD_HEADER, 'Missing or invalid header parameter: If-Match is an ETag such as W/"1".')
    if str(version) not in _TAG.findall(if_match):
        raise Refused(WRONG_VERSION, "The encounter has changed since. Its version now is in ETag.", {"etag": to_etag(version)})


def check_if_none_exist(if_none_exist: str | None, visit_number: str) -> None:
    """Raises Refused (400) unless the condition is the one that always holds here: no second encounter of this identifier."""
    if if_none_exist is None:
        return
    pairs = parse_qsl(if_none_exist.strip().removeprefix("?"), keep_blank_values=True)
    values = [value.rpartition("|")[2] for name, value in pairs if name == "identifier"]
    if len(pairs) != 1 or values != [visit_number]:
        raise Refused(
            BAD_HEADER, "Missing or invalid header parameter: If-None-Exist names the identifier of the body, and no more."
        )


def to_etag(version: int) -> str:
    """The ETag of a version."""
    return f'W/"{version}"'
