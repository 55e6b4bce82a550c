"""What a search narrows its matches by: `_id`, `identifier`, `date`, `_lastUpdated`, `status`. Pure.

`search` makes a Filter of each; `narrowing` applies them to what was found, and never until nothing is left of it.
Source: FHIR R4, "Search", sections Prefixes, date and token.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from fhir_adapter.codes import Json
from fhir_adapter.errors import INVALID_SEARCH, Refused
from runtime.clock import ENGLAND

_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.+)")
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
)
_NEVER_ENDS = datetime(9999, 12, 30, tzinfo=UTC)

Passes = Callable[[Json], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter of a search, and which matches pass it."""

    name: str
    passes: Passes


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, `end` not in it: what a date means, to its own precision."""

    start: datetime
    end: datetime


def to_filter(name: str, value: str) -> Filter:
    """The filter that a parameter of FILTERS means; a comma stands for "or". Raises Refused for what is no such value."""
    passes = [FILTERS[name](each) for each in value.split(",")]
    return Filter(name, lambda resource: any(each(resource) for each in passes))


def _by_id(value: str) -> Passes:
    return lambda resource: str(resource["id"]) == value


def _by_identifier(value: str) -> Passes:
    system, bar, text = value.rpartition("|")
    return lambda resource: any(
        (not bar or each["system"] == system) and (each["value"] == text or (not text and bool(system)))
        for each in resource["identifier"]
    )


def _by_status(value: str) -> Passes:
    code = value.rpartition("|")[2]
    return lambda resource: bool(resource["status"] == code)


def _by_period(value: str) -> Passes:
    """Days that are withheld are not told by a search either: such a match always passes."""
    compare = _comparing(value)
    return lambda resource: "extension" in resource["period"] or compare(_period(resource["period"]))


def _by_update(value: str) -> Passes:
    compare = _comparing(value)

    def passes(resource: Json) -> bool:
        updated: datetime | None = resource["meta"].get("lastUpdated")
        return updated is None or compare(Span(updated, updated + timedelta(microseconds=1)))

    return passes


FILTERS: dict[str, Callable[[str], Passes]] = {
    "_id": _by_id,
    "identifier": _by_identifier,
    "date": _by_period,
    "_lastUpdated": _by_update,
    "status": _by_status,
}


def _comparing(value: str) -> Callable[[Span], bool]:
    found = _PREFIXED.fullmatch(value)
    if not found:
        raise _no_date()
    asked = to_span(found[2])
    compare = _PREFIXES[found[1] or "eq"]
    return lambda held: compare(asked, held)


_PREFIXES: dict[str, Callable[[Span, Span], bool]] = {
    "eq": lambda asked, held: asked.start <= held.start and held.end <= asked.end,
    "ne": lambda asked, held: not (asked.start <= held.start and held.end <= asked.end),
    "gt": lambda asked, held: held.end > asked.end,
    "lt": lambda asked, held: held.start < asked.start,
    "ge": lambda asked, held: held.end > asked.end or (asked.start <= held.start and held.end <= asked.end),
    "le": lambda asked, held: held.start < asked.start or (asked.start <= held.start and held.end <= asked.end),
    "sa": lambda asked, held: held.start >= asked.end,
    "eb": lambda asked, held: held.end <= asked.start,
    "ap": lambda asked, held: held.start < asked.end and asked.start < held.end,
}


def to_span(text: str) -> Span:
    """What a date of a search covers; days and times without an offset are England's. Raises Refused."""
    found = _DATE.fullmatch(text)
    if not found:
        raise _no_date()
    year, month, day, hour, _, second, offset = found.groups()
    try:
        if hour is None:
            return _days(date(int(year), int(month or 1), int(day or 1)), month is None, day is None)
        start = datetime.fromisoformat(text).replace(microsecond=0)
        start = start if offset else start.replace(tzinfo=ENGLAND)
        return Span(start.astimezone(UTC), start.astimezone(UTC) + timedelta(seconds=1 if second else 60))
    except (ValueError, OverflowError):
        raise _no_date() from None


def _days(first: date, whole_year: bool, whole_month: bool) -> Span:
    if whole_year:
        last = date(first.year, 12, 31)
    elif whole_month:
        last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    else:
        last = first
    return Span(_midnight(first), _midnight(last + timedelta(days=1)))


def _period(period: Json) -> Span:
    end: date | None = period.get("end")
    return Span(_midnight(period["start"]), _midnight(end + timedelta(days=1)) if end else _NEVER_ENDS)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ENGLAND).astimezone(UTC)


def _no_date() -> Refused:
    return Refused(INVALID_SEARCH, "A date is written as YYYY, YYYY-MM, YYYY-MM-DD or with a time, after a prefix such as ge.")
