"""Who is on duty at an instant: tables of instants, typed by hand from the calendar and the GOV.UK bank holidays."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from alerts.routing.clock import is_bank_holiday
from alerts.routing.route import OnDuty, to_ring
from domain import routing
from domain.routing import Duty, Routing, Stretch, Team
from runtime.clock import ENGLAND

OFFICE, EMERGENCY = "0300 555 0101", "0300 555 0102"
WEEKDAYS: list[Stretch] = [(day, time(8, 45), time(17, 0)) for day in range(1, 5)] + [(5, time(8, 45), time(16, 30))]
TWO_STRETCHES: list[Stretch] = [(1, time(13, 0), time(17, 0)), (1, time(9, 0), time(12, 0))]
ROUND_THE_CLOCK: list[Stretch] = [(day, time(0, 0), time.max) for day in range(1, 8)]


def on_duty(hours: list[Stretch], office_phone: str, emergency_phone: str, at: datetime) -> OnDuty:
    teams = {
        routing.OFFICE: Team(routing.OFFICE, "office team", office_phone, Duty.OFFICE),
        routing.EMERGENCY: Team(routing.EMERGENCY, "emergency duty team", emergency_phone, Duty.OUTSIDE),
    }
    return to_ring(Routing("A901", tuple(hours), teams), at)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def england(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ENGLAND)


CLOSED = [
    # what, at (England), who opens next (England)
    ("before the doors open", "2026-01-12 08:44:59", "2026-01-12 08:45"),
    ("at closing time", "2026-01-12 17:00", "2026-01-13 08:45"),
    ("at midnight", "2026-01-13 00:00", "2026-01-13 08:45"),
    ("a minute before midnight", "2026-01-12 23:59", "2026-01-13 08:45"),
    ("Friday closes earlier than the other days", "2026-01-16 16:45", "2026-01-19 08:45"),
    ("Friday evening waits for Monday", "2026-01-16 22:00", "2026-01-19 08:45"),
    ("Sunday at three in the morning", "2026-01-18 03:00", "2026-01-19 08:45"),
    ("Good Friday at noon", "2026-04-03 12:00", "2026-04-07 08:45"),
    ("the Thursday evening before Easter", "2026-04-02 18:00", "2026-04-07 08:45"),
    ("Easter Monday", "2026-04-06 10:00", "2026-04-07 08:45"),
    ("the early May holiday", "2026-05-04 10:00", "2026-05-05 08:45"),
    ("the summer holiday", "2026-08-31 10:00", "2026-09-01 08:45"),
    ("Christmas Eve in the evening, Boxing Day on a Saturday", "2026-12-24 18:00", "2026-12-29 08:45"),
    ("the Monday in lieu of Boxing Day", "2026-12-28 10:00", "2026-12-29 08:45"),
    ("New Year", "2026-12-31 17:00", "2027-01-04 08:45"),
]


@pytest.mark.parametrize("what, at, opens", CLOSED, ids=[line[0] for line in CLOSED])
def test_the_emergency_team_is_on_duty_while_the_office_is_closed(what: str, at: str, opens: str) -> None:
    duty = on_duty(WEEKDAYS, OFFICE, EMERGENCY, england(at))
    assert (duty.team, duty.phone, duty.is_office) == ("emergency duty team", EMERGENCY, False)
    assert duty.office_opens == england(opens)


OPEN = [
    ("as the doors open", "2026-01-12 08:45"),
    ("just before closing", "2026-01-12 16:59:59"),
    ("Friday afternoon", "2026-01-16 16:29"),
    ("a holiday in Scotland only", "2026-11-30 12:00"),
    ("a holiday in Northern Ireland only", "2026-03-17 12:00"),
    ("Christmas Eve", "2026-12-24 12:00"),
]


@pytest.mark.parametrize("what, at", OPEN, ids=[line[0] for line in OPEN])
def test_the_office_team_is_on_duty_in_its_hours(what: str, at: str) -> None:
    duty = on_duty(WEEKDAYS, OFFICE, EMERGENCY, england(at))
    assert (duty.team, duty.phone, duty.is_office) == ("office team", OFFICE, True)
    assert duty.office_opens is None


CLOCK_CHANGES = [
    # what, at (UTC), is the office open, when does it open (UTC)
    ("the last Friday of winter, 16:00 GMT", "2026-03-27 16:00", True, None),
    ("that Friday evening: Monday opens in summer time", "2026-03-27 20:00", False, "2026-03-30 07:45"),
    ("in the hour that does not exist", "2026-03-29 01:00", False, "2026-03-30 07:45"),
    ("Monday 08:44 in summer time", "2026-03-30 07:44", False, "2026-03-30 07:45"),
    ("Monday 08:45 in summer time", "2026-03-30 07:45", True, None),
    ("the last Friday of summer, 16:29 BST", "2026-10-23 15:29", True, None),
    ("that Friday evening: Monday opens in winter time", "2026-10-23 19:00", False, "2026-10-26 08:45"),
    ("in the hour that comes twice, first time", "2026-10-25 00:30", False, "2026-10-26 08:45"),
    ("in the hour that comes twice, second time", "2026-10-25 01:30", False, "2026-10-26 08:45"),
    ("Monday 07:45 in winter time is too early", "2026-10-26 07:45", False, "2026-10-26 08:45"),
    ("Monday 08:45 in winter time", "2026-10-26 08:45", True, None),
]


@pytest.mark.parametrize("what, at, is_open, opens", CLOCK_CHANGES, ids=[line[0] for line in CLOCK_CHANGES])
def test_hours_are_hours_of_the_clock_on_the_wall(what: str, at: str, is_open: bool, opens: str | None) -> None:
    duty = on_duty(WEEKDAYS, OFFICE, EMERGENCY, utc(at))
    assert duty.is_office is is_open
    assert duty.office_opens == (utc(opens) if opens else None)


def test_an_authority_without_hours_has_only_its_emergency_team() -> None:
    duty = on_duty([], OFFICE, EMERGENCY, england("2026-01-12 12:00"))
    assert duty.phone == EMERGENCY
    assert duty.office_opens is None


@pytest.mark.parametrize(
    "at, is_open, opens",
    [
        ("2026-01-12 08:00", False, "2026-01-12 09:00"),
        ("2026-01-12 10:00", True, None),
        ("2026-01-12 12:30", False, "2026-01-12 13:00"),
        ("2026-01-12 17:00", False, "2026-01-19 09:00"),
    ],
)
def test_a_day_may_have_several_stretches_in_any_order(at: str, is_open: bool, opens: str | None) -> None:
    duty = on_duty(TWO_STRETCHES, OFFICE, EMERGENCY, england(at))
    assert duty.is_office is is_open
    assert duty.office_opens == (england(opens) if opens else None)


def test_a_team_that_never_closes_is_on_duty_at_midnight_too() -> None:
    midnight = england("2026-01-13 00:00")
    for seconds in (-1, 0, 1):
        assert on_duty(ROUND_THE_CLOCK, OFFICE, EMERGENCY, midnight + timedelta(seconds=seconds)).is_office


BANK_HOLIDAYS = {
    2025: ["01-01", "04-18", "04-21", "05-05", "05-26", "08-25", "12-25", "12-26"],
    2026: ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"],
    2027: ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"],
}
"""As GOV.UK publishes them for England and Wales."""


@pytest.mark.parametrize("year", BANK_HOLIDAYS)
def test_working_days_off_are_the_published_bank_holidays(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    found = [f"{day:%m-%d}" for day in days if is_bank_holiday(day) and day.isoweekday() <= 5]
    assert found == BANK_HOLIDAYS[year]
