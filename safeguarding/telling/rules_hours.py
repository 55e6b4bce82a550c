"""Hours of duty as people write and read them: "Mon-Thu 08:45-17:00", a line for each stretch. Pure.

The page of rules and its command read and write them so.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import time
from itertools import pairwise

from domain.errors import InvalidInput
from domain.routing import Stretch

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_LINES, LONGEST_LINE = 30, 60
_TO = r"\s*(?:-|–|to)\s*"
_LINE = re.compile(rf"([a-z]+)(?:{_TO}([a-z]+))?[,:]?\s+(\d{{1,2}}[:.]\d\d){_TO}(\d{{1,2}}[:.]\d\d)", re.IGNORECASE)
_EXAMPLE = "Mon-Fri 08:45-17:00"


def parse_hours(text: str) -> tuple[Stretch, ...]:
    """The stretches, sorted. Raises InvalidInput, naming the line, where one cannot be read or two overlap."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise InvalidInput(f"enter {MOST_LINES} lines at most")
    for line in lines:
        if len(line) > LONGEST_LINE:  # to find out that a far longer one cannot be read would hold up everybody
            raise InvalidInput(f"“{line[:40]}…” is too long: write a line such as {_EXAMPLE}")
    stretches = sorted(stretch for line in lines for stretch in _parse(line))
    for (weekday, _, closes), (next_day, opens, _) in pairwise(stretches):
        if weekday == next_day and opens < closes:
            raise InvalidInput(f"two lines overlap on {DAYS[weekday - 1]}")
    return tuple(stretches)


def hours_lines(hours: Iterable[Stretch]) -> list[str]:
    """The stretches as lines, days that are alike together; `parse_hours` reads them back."""
    by_times: dict[tuple[time, time], list[int]] = {}
    for weekday, opens, closes in sorted(hours):
        by_times.setdefault((opens, closes), []).append(weekday)
    lines = [
        (first, opens, f"{_days(first, last)} {clock_words(opens)}-{clock_words(closes)}")
        for (opens, closes), weekdays in by_times.items()
        for first, last in _runs(weekdays)
    ]
    return [line for *_, line in sorted(lines)]


def clock_words(value: time) -> str:
    """ "08:45"; the end of a day is "24:00"."""
    return "24:00" if value == time.max else f"{value:%H:%M}"


def parse_clock(text: str) -> time:
    """ "8:45" as a time of day. Raises ValueError."""
    hours, minutes = text.replace(".", ":").split(":")[:2]
    return time(int(hours), int(minutes))


def _parse(line: str) -> list[Stretch]:
    found = _LINE.fullmatch(line)
    if not found:
        raise InvalidInput(f"“{line[:40]}” cannot be read: write a line such as {_EXAMPLE}")
    first = _weekday(found[1])
    last = _weekday(found[2]) if found[2] else first
    try:
        opens = parse_clock(found[3])
        closes = time.max if found[4] in {"24:00", "24.00"} else parse_clock(found[4])
    except ValueError:
        raise InvalidInput(f"“{line}” holds no time of day, such as 08:45") from None
    if last < first:
        raise InvalidInput(f"“{line}”: {DAYS[last - 1]} comes before {DAYS[first - 1]}; write two lines")
    if closes <= opens:
        raise InvalidInput(f"“{line}” ends before it begins: for a night write one line to 24:00, and one from 00:00")
    return [(weekday, opens, closes) for weekday in range(first, last + 1)]


def _weekday(word: str) -> int:
    for number, name in enumerate(DAYS, start=1):
        if len(word) >= 3 and name.lower().startswith(word.lower()):
            return number
    raise InvalidInput(f"“{word[:20]}” is no day of the week: write a line such as {_EXAMPLE}")


def _days(first: int, last: int) -> str:
    return DAYS[first - 1][:3] if first == last else f"{DAYS[first - 1][:3]}-{DAYS[last - 1][:3]}"


def _runs(weekdays: Sequence[int]) -> list[tuple[int, int]]:
    """Days that follow each other, as first and last."""
    runs: list[tuple[int, int]] = []
    for weekday in weekdays:
        if runs and weekday == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], weekday)
        else:
            runs.append((weekday, weekday))
    return runs
