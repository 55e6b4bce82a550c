"""The value of a FHIR date parameter as a period of time: a prefix and as much of a date as was given. Pure.

`search` calls it. A date without a zone is England's. Source: FHIR R4, "Search", 3.1.1.4.7 (date) and prefixes.
"""

import re
from datetime import datetime, timedelta

from fhir_adapter.errors import INVALID_SEARCH, Refused
from runtime.clock import ENGLAND

_VALUE = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(:\d\d(\.\d{1,6})?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_PREFIXES = frozenset({"eq", "ge", "gt", "le", "lt"})


def read_period(value: str) -> tuple[datetime | None, datetime | None]:
    """From when (None: ever) until before when. Raises Refused for what is no date, or for another prefix."""
    found = _VALUE.fullmatch(value.replace(" ", "+"))  # a plus sign that was not percent-encoded
    prefix = (found["prefix"] or "eq") if found else ""
    if found is None or prefix not in _PREFIXES:
        raise _no_date()
    try:
        begin, end = _span(found)
    except (ValueError, OverflowError):
        raise _no_date() from None
    return {"eq": (begin, end), "ge": (begin, None), "gt": (end, None), "le": (None, end), "lt": (None, begin)}[prefix]


def _span(found: re.Match[str]) -> tuple[datetime, datetime]:
    """The first moment of what was given, and the first after it."""
    year, month, day, time = int(found["year"]), found["month"], found["day"], found["time"]
    if time:
        begin = datetime.fromisoformat(f"{found['year']}-{month}-{day}T{time}{(found['zone'] or '').replace('Z', '+00:00')}")
        length = timedelta(microseconds=1) if "." in time else timedelta(seconds=1) if time.count(":") > 1 else timedelta(minutes=1)
        begin = begin if begin.tzinfo else begin.replace(tzinfo=ENGLAND)
        return begin, begin + length
    begin = datetime(year, int(month or 1), int(day or 1), tzinfo=ENGLAND)
    if day:
        return begin, begin + timedelta(days=1)  # of the calendar: also where the clocks change
    after = (year, int(month) + 1) if month and int(month) < 12 else (year + 1, 1)
    return begin, datetime(*after, 1, tzinfo=ENGLAND)


def _no_date() -> Refused:
    return Refused(INVALID_SEARCH, f"A date is like 2026-03-03 or 2026-03-03T14:00:00Z, after {', '.join(sorted(_PREFIXES))}.")
