"""A second model of duty, naive on purpose: the clock on the wall is walked minute by minute, through 2026 and some months more.

It shares nothing with `alerts.routing`: summer time and the bank holidays are typed by hand, and nothing is calculated.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache

MINUTE = timedelta(minutes=1)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
YEAR_ENDS = datetime(2027, 1, 1, tzinfo=UTC)
SUMMER_TIME = [
    (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (datetime(2027, 3, 28, 1, tzinfo=UTC), END),
]
BANK_HOLIDAYS = {
    date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25), date(2026, 8, 31),
    date(2026, 12, 25), date(2026, 12, 28), date(2027, 1, 1), date(2027, 3, 26), date(2027, 3, 29),
    date(2026, 12, 26),  # a Saturday: GOV.UK lists its substitute alone
}  # fmt: skip
"""As GOV.UK publishes them for England and Wales."""

Shown = tuple[date, int, int]
"""The day in England; the latest time, in minutes, that the wall has shown on it so far; the time that it shows."""


@cache
def wall() -> list[Shown]:
    """What the wall shows at each minute."""
    shown: list[Shown] = []
    at, day, latest = BEGIN, date.min, 0
    while at < END:
        local = at + timedelta(hours=1) if any(start <= at < end for start, end in SUMMER_TIME) else at
        clock = local.hour * 60 + local.minute
        latest = max(latest, clock) if local.date() == day else clock
        day = local.date()
        shown.append((day, latest, clock))
        at += MINUTE
    return shown


class Walked:
    """The minutes of somebody's duty, one after the other."""

    def __init__(self, is_on: Callable[[date, int], bool]) -> None:
        self.on = [is_on(day, latest) for day, latest, _ in wall()]
        self._minutes = [number for number, on in enumerate(self.on) if on]

    def is_on(self, at: datetime) -> bool:
        return self.on[number_of(at)]

    def next_start(self, at: datetime) -> datetime:
        return instant_of(self._minutes[bisect_left(self._minutes, number_of(at))])

    def after(self, since: datetime, minutes: int) -> datetime:
        """The end of the so-manieth minute of duty."""
        return instant_of(self._minutes[bisect_left(self._minutes, number_of(since)) + minutes - 1]) + MINUTE

    def between(self, since: datetime, until: datetime) -> int:
        return sum(self.on[number_of(since) : number_of(until)])


def office(*days: tuple[Iterable[int], str, str], closed: Iterable[date] = ()) -> Callable[[date, int], bool]:
    """Hours by weekday, such as ((1, 2), "08:45", "17:00"); never on a bank holiday or a closed day."""
    shut = BANK_HOLIDAYS | set(closed)
    hours = [(weekday, _minutes(opens), _minutes(closes)) for weekdays, opens, closes in days for weekday in weekdays]

    def is_on(day: date, clock: int) -> bool:
        return day not in shut and any(
            weekday == day.isoweekday() and opens <= clock < closes for weekday, opens, closes in hours
        )  # fmt: skip

    return is_on


def number_of(at: datetime) -> int:
    return int((at - BEGIN) / MINUTE)


def instant_of(number: int) -> datetime:
    return BEGIN + number * MINUTE


def hours_of_the_year() -> list[datetime]:
    """Every hour of 2026, in turn at each quarter of it; and every quarter of the days on which the clocks change."""
    hours = [BEGIN + timedelta(hours=hour, minutes=15 * (hour % 4)) for hour in range(365 * 24)]
    changes = [
        start + timedelta(minutes=15 * quarter)
        for start in (datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC))
        for quarter in range(3 * 96)
    ]
    return sorted({*hours, *changes})


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
