"""The duty clock: when a team is on duty, and when so many minutes of its duty have passed. Pure.

All arithmetic is on instants (UTC), so that a minute is a minute on the days on which England's clocks change.
Source: docs/facts.md, section 5 (hours per authority, England's bank holidays included).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import holidays

from domain.routing import Duty, Routing, Stretch, Team
from runtime.clock import ENGLAND

Span = tuple[datetime, datetime]
_LOOK_AHEAD = timedelta(days=60)
_END_OF_DAY = time.max  # as "24:00" is kept


@dataclass(frozen=True, slots=True)
class DutyHours:
    """A team's hours. Bank holidays and `closed_days` close the office; hours that nobody has set are not `known`."""

    duty: Duty
    stretches: tuple[Stretch, ...] = ()
    closed_days: frozenset[date] = frozenset()

    @property
    def known(self) -> bool:
        """Whether anybody has said when the team reads. Where nobody has, it is told at once and its clock always runs."""
        return self.duty in {Duty.ALWAYS, Duty.OUTSIDE} or bool(self.stretches)


def hours_of(routing: Routing, team: Team) -> DutyHours:
    """The hours of one of the authority's teams."""
    stretches = team.hours if team.duty is Duty.OWN else routing.hours
    return DutyHours(team.duty, stretches, routing.closed_days)


def is_on_duty(hours: DutyHours, at: datetime) -> bool:
    """Whether somebody certainly reads at an instant."""
    start, _ = next(_spans(hours, at), (None, None)) if hours.known else (None, None)
    return start is not None and start <= at


def next_start(hours: DutyHours, at: datetime) -> datetime | None:
    """The instant itself where the team reads then, else when its duty next begins; None where it never does within two months."""
    if not hours.known:
        return at
    return next((max(start, at) for start, _ in _spans(hours, at)), None)


def after_duty(hours: DutyHours, since: datetime, minutes: int) -> datetime:
    """When so many minutes of duty have passed since an instant.

    Where its duty does not hold so many within two months, the team's clock runs always: too early is better than never.
    """
    left = timedelta(minutes=minutes)
    for start, end in _from(hours, since):
        if end - start >= left:
            return start + left
        left -= end - start
    return since + timedelta(minutes=minutes)


def duty_passed(hours: DutyHours, since: datetime, until: datetime) -> timedelta:
    """How much of a team's duty has passed between two instants: for how long somebody could have read. Two months at most."""
    passed = timedelta()
    for start, end in _from(hours, since):
        if start >= until:
            break
        passed += min(end, until) - start
    return passed


def is_bank_holiday(day: date) -> bool:
    """Whether the day is a bank holiday in England."""
    return day in _bank_holidays(day.year)


def _from(hours: DutyHours, since: datetime) -> Iterator[Span]:
    """Spans of duty from an instant on; none reaches into the one before it."""
    if not hours.known:
        hours = DutyHours(Duty.ALWAYS)
    for start, end in _spans(hours, since):
        if end > since:
            yield max(start, since), end
            since = end


def _spans(hours: DutyHours, at: datetime) -> Iterator[Span]:
    """Every span of duty that ends after an instant, ordered by its beginning."""
    if hours.duty is Duty.ALWAYS:
        yield at, at + _LOOK_AHEAD
    elif hours.duty is Duty.OUTSIDE:
        yield from _gaps(_open(hours, at), at)
    else:
        yield from _open(hours, at)


def _gaps(spans: Iterator[Span], at: datetime) -> Iterator[Span]:
    free_from = at
    for start, end in spans:
        if start > free_from:
            yield free_from, start
        free_from = max(free_from, end)
    yield free_from, free_from + _LOOK_AHEAD


def _open(hours: DutyHours, at: datetime) -> Iterator[Span]:
    first = at.astimezone(ENGLAND).date()
    for ahead in range(_LOOK_AHEAD.days):
        day = first + timedelta(days=ahead)
        if day in hours.closed_days or is_bank_holiday(day):
            continue
        for weekday, opens, closes in sorted(hours.stretches):
            if weekday == day.isoweekday():
                start, end = _instant(day, opens), _instant(day, closes)
                if at < end and start < end:
                    yield start, end


def _instant(day: date, clock: time) -> datetime:
    """When the clock on the wall first shows a time; one that it leaves out is when it goes forward (at a full hour)."""
    if clock == _END_OF_DAY:
        return _instant(day + timedelta(days=1), time.min)
    at = datetime.combine(day, clock, ENGLAND).astimezone(UTC)
    is_left_out = at.astimezone(ENGLAND).time() != clock
    return at.replace(minute=0, second=0, microsecond=0) if is_left_out else at


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))
