"""Media types: JSON in both directions, and a form for a search by POST; anything else is refused, not guessed.

`app` asks before it looks anything up. Sources: FHIR R4, "RESTful API", content types; RFC 9110, section 12.5.1.
"""

from functools import lru_cache

from fhir_adapter.codes import FHIR_JSON
from fhir_adapter.errors import NOT_ACCEPTABLE, WRONG_MEDIA_TYPE, Refused

_FORM = "application/x-www-form-urlencoded"
_JSON_TYPES = frozenset({FHIR_JSON, "application/json", "text/json", "application/*", "*/*"})
_FORMATS = frozenset({"json", "application/json", "text/json", FHIR_JSON, FHIR_JSON.replace("+", " ")})
"""`_format` values; a plus sign that was not percent-encoded arrives as a space."""


def check_acceptable(accept: str, format_asked: str | None) -> None:
    """Raises Refused (406) where the caller wants something other than JSON; `_format` goes before the header."""
    fits = accepts_json(accept) if format_asked is None else format_asked.lower() in _FORMATS
    if not fits:
        raise Refused(NOT_ACCEPTABLE, f"This server answers in {FHIR_JSON} (FHIR 4.0) only.")


@lru_cache(maxsize=256)
def accepts_json(accept: str) -> bool:
    """Whether an Accept header leaves room for FHIR R4 JSON; an empty one does."""
    return not accept or any(_takes_json(each) for each in accept.lower().split(","))


def _takes_json(media_range: str) -> bool:
    media_type, *rest = (part.strip() for part in media_range.split(";"))
    parameters = dict(part.partition("=")[::2] for part in rest)
    right_version = parameters.get("fhirversion", "4.0").strip('"') in {"4.0", "4.0.1"}
    return media_type in _JSON_TYPES and right_version and not _is_zero(parameters.get("q", "1"))


def _is_zero(quality: str) -> bool:
    return quality.strip("0") in {"", "."}


def check_form(content_type: str) -> None:
    """Raises Refused (415) where the body of a search is not a form in UTF-8."""
    if not _is_form(content_type):
        raise Refused(WRONG_MEDIA_TYPE, f"A search by POST has a body of type {_FORM}.", {"accept-post": _FORM})


def check_json(content_type: str) -> None:
    """Raises Refused (415) where a resource that is sent is not JSON of FHIR R4 in UTF-8."""
    if not _is_json(content_type):
        raise Refused(WRONG_MEDIA_TYPE, f"A resource is sent as {FHIR_JSON} (FHIR 4.0) in UTF-8.", {"accept-post": FHIR_JSON})


@lru_cache(maxsize=256)
def _is_form(content_type: str) -> bool:
    media_type, parameters = _media_type(content_type)
    return media_type == _FORM and parameters.get("charset", "utf-8") == "utf-8"


@lru_cache(maxsize=256)
def _is_json(content_type: str) -> bool:
    media_type, parameters = _media_type(content_type)
    right_version = parameters.get("fhirversion", "4.0") in {"4.0", "4.0.1"}
    return media_type in {FHIR_JSON, "application/json"} and right_version and parameters.get("charset", "utf-8") == "utf-8"


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    media_type, *rest = (part.strip().lower() for part in text.split(";"))
    return media_type, {name.strip(): value.strip().strip('"') for name, _, value in (part.partition("=") for part in rest)}
