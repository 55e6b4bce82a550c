"""FHIR times to Python's: a dateTime that says a moment, and a date that says a day; less than that says none.

`reading` calls it for what `validity` has let through. Pure. Source: FHIR R4, data types dateTime, instant and date.
"""

import re
from datetime import UTC, date, datetime

from fhir_adapter.encounters.problems import bad

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_OLDEST = datetime(1900, 1, 1, tzinfo=UTC)


def parse_moment(text: object, expression: str) -> datetime | None:
    """In UTC; None where nothing is said, or no more than a day, month or year. Raises BadResource for what is no time."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(_microseconds(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment < _OLDEST:
        raise bad("value", expression, "This is no time since the year 1900.")
    return moment


def _microseconds(text: str) -> str:
    """With six digits behind the second at most, as Python 3.11 reads them."""
    return re.sub(r"\.(\d{1,6})\d*", lambda found: f".{found[1]:0<6}", text)


def parse_day(text: object) -> date | None:
    """The calendar day, or None where no whole day is said."""
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
