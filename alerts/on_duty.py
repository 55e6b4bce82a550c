"""Who to ring at this hour: the office team in its hours, the emergency duty team at all others. Pure.

The banner, the FHIR CareTeam and the e-mail ask it, so that all of them name the same team.
Source: docs/facts.md, section 5 (hours per authority, England's bank holidays included).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

import holidays

from runtime.clock import ENGLAND

_LOOK_AHEAD_DAYS = 30


@dataclass(frozen=True, slots=True)
class OnDuty:
    """The team on duty and its phone; where it is the emergency team, `office_opens` says when somebody reads alerts."""

    team: str
    phone: str
    is_office: bool
    office_opens: datetime | None


Stretch = tuple[int, time, time]
"""Weekday (ISO 8601), opening and closing time in England."""


def on_duty(hours: Sequence[Stretch], office_phone: str, emergency_phone: str, at: datetime) -> OnDuty:
    """The team to ring at an instant."""
    local = at.astimezone(ENGLAND)
    if any(opens <= local.time() < closes for opens, closes in _open_on(hours, local.date())):
        return OnDuty("office team", office_phone, True, None)
    return OnDuty("emergency duty team", emergency_phone, False, _next_opening(hours, local))


def is_bank_holiday(day: date) -> bool:
    """Whether the day is a bank holiday in England."""
    return day in _bank_holidays(day.year)


def _next_opening(hours: Sequence[Stretch], local: datetime) -> datetime | None:
    for ahead in range(_LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=ahead)
        for opens, _ in sorted(_open_on(hours, day)):
            opening = datetime.combine(day, opens, ENGLAND)
            if opening > local:
                return opening
    return None


def _open_on(hours: Sequence[Stretch], day: date) -> list[tuple[time, time]]:
    if is_bank_holiday(day):
        return []
    return [(opens, closes) for weekday, opens, closes in hours if weekday == day.isoweekday()]


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))
