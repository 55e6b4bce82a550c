"""The values of the Standard Safeguarding Dataset: what means missing, how dates are written, and half a postcode.

Every reader of a table calls these. Source: docs/facts.md, section 4; the scripts' own comments (`2024-12-10 00:00:00.000`).
"""

import re
from datetime import date
from functools import lru_cache

MISSING = frozenset({"", "NULL", "SSD_PH", "PLACEHOLDER_DATA"})
NO_DATE = date(1900, 1, 1)
LONGEST_TEXT = 255
_TIME = r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?)?"
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})" + _TIME)
_BRITISH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})" + _TIME)
_OUTWARD = r"([A-Z]{1,2}[0-9][0-9A-Z]?)"
_POSTCODE = re.compile(_OUTWARD + r"[0-9][A-Z]{2}")
_FIRST_HALF = re.compile(_OUTWARD)
_SOMEWHERE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,2}[0-9][0-9A-Za-z]?)\s*[0-9][A-Za-z]{2}(?![A-Za-z0-9])")
_UNKNOWN_DISTANCE = 999.0


class BadDateError(ValueError):
    """A text stands where a date must. It is not in the message: it could be anything."""


def to_value(text: str) -> str:
    """What a field says, without spaces around it; empty where it says that nothing is known."""
    value = text.strip()
    return "" if value in MISSING or _is_no_date(value) else value


def to_day(text: str) -> date | None:
    """The calendar day of a date, whatever its time of day and zone; None where it is missing. Raises BadDateError."""
    value = text.strip()
    if value in MISSING:
        return None
    found = _day(value)
    if found is None:
        raise BadDateError
    return None if found == NO_DATE else found


def is_day(text: str) -> bool:
    """Whether it is a date, or missing."""
    try:
        to_day(text)
    except BadDateError:
        return False
    return True


def to_column(text: str) -> str:
    """A date as the columns of CSV have it; what is no date stays as it is, and is refused there."""
    try:
        day = to_day(text)
    except BadDateError:
        return text
    return day.isoformat() if day else ""


def to_outward(postcode: str) -> str:
    """The first half of a postcode, and nothing of it where it does not look like one."""
    compact = "".join(postcode.split()).upper()
    found = _POSTCODE.fullmatch(compact) or _FIRST_HALF.fullmatch(compact)
    return found[1] if found else ""


def may_hold_postcode(column: str) -> bool:
    """Whether a whole postcode may have slipped into a column: any of a placement, but for its ids."""
    return column.startswith("clap_") and not column.endswith("_id")


def without_postcode(text: str) -> str:
    """The text with the first half alone of whatever looks like a postcode in it."""
    return _SOMEWHERE.sub(r"\1", text)


def to_miles(text: str) -> float | None:
    """A distance; None where it is missing, unknown (999.9) or no distance."""
    try:
        miles = float(text)
    except ValueError:
        return None
    return miles if 0 <= miles < _UNKNOWN_DISTANCE else None


def is_nhs_number_type(text: str) -> bool:
    """Whether a type of identifier is the NHS number ("NHS Number")."""
    return "".join(filter(str.isalpha, text)).casefold() == "nhsnumber"


def to_words(text: str) -> str:
    """A short text that may be shown and kept: what does not print is gone."""
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_TEXT]


def _is_no_date(value: str) -> bool:
    return "1900" in value and _day(value) == NO_DATE


@lru_cache(maxsize=1 << 14)
def _day(value: str) -> date | None:
    """The same few thousand days stand in hundreds of thousands of rows."""
    if match := _ISO.fullmatch(value):
        year, month, day = match.groups()
    elif match := _BRITISH.fullmatch(value):
        day, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
