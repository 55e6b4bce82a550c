"""The duty clock over a year of hours, against a wall clock that is walked minute by minute; and what holds for any hours."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.routing.clock import DutyHours, after_duty, duty_passed, is_bank_holiday, is_on_duty, next_start
from domain.routing import Duty, Stretch
from tests.alerts.routing.walking import BANK_HOLIDAYS, Walked, hours_of_the_year, office

MIDNIGHT = time.max
OFFICE: tuple[Stretch, ...] = (*((day, time(8, 45), time(17)) for day in range(1, 5)), (5, time(8, 45), time(16, 30)))
OFFICE_DAYS = (((1, 2, 3, 4), "08:45", "17:00"), ((5,), "08:45", "16:30"))
TWO: tuple[Stretch, ...] = tuple(
    stretch for day in range(1, 6) for stretch in ((day, time(13), time(17)), (day, time(9), time(12)))
)  # fmt: skip
TWO_DAYS = (((1, 2, 3, 4, 5), "09:00", "12:00"), ((1, 2, 3, 4, 5), "13:00", "17:00"))
NIGHTS: tuple[Stretch, ...] = tuple(
    (day, opens, closes)
    for day in range(1, 8)
    for opens, closes in ((time(0), time(1, 30)), (time(1, 45), time(2, 15)), (time(22), MIDNIGHT))
)
NIGHTS_DAYS = (
    (range(1, 8), "00:00", "01:30"),
    (range(1, 8), "01:45", "02:15"),
    (range(1, 8), "22:00", "24:00"),
)
DAY_AND_NIGHT: tuple[Stretch, ...] = tuple((day, time(0), MIDNIGHT) for day in range(1, 8))
SHUT = frozenset({date(2026, 4, 2), date(2026, 12, 24), date(2026, 12, 29), date(2026, 12, 30), date(2026, 12, 31)})
office_walk = office(*OFFICE_DAYS)
office_shut_walk = office(*OFFICE_DAYS, closed=SHUT)

TEAMS = {
    "an office that closes early on Fridays": (DutyHours(Duty.OFFICE, OFFICE), Walked(office_walk)),
    "an office with closed days of its own": (DutyHours(Duty.OFFICE, OFFICE, SHUT), Walked(office_shut_walk)),
    "the emergency duty team": (DutyHours(Duty.OUTSIDE, OFFICE), Walked(lambda day, clock: not office_walk(day, clock))),
    "the emergency duty team of an office with closed days": (
        DutyHours(Duty.OUTSIDE, OFFICE, SHUT), Walked(lambda day, clock: not office_shut_walk(day, clock)),
    ),
    "two stretches a day": (DutyHours(Duty.OWN, TWO), Walked(office(*TWO_DAYS))),
    "nights, in the hours that are left out or come twice": (DutyHours(Duty.OWN, NIGHTS), Walked(office(*NIGHTS_DAYS))),
    "day and night but for bank holidays": (DutyHours(Duty.OWN, DAY_AND_NIGHT), Walked(office((range(1, 8), "00:00", "24:00")))),
    "always": (DutyHours(Duty.ALWAYS), Walked(lambda day, clock: True)),
    "hours that nobody has set": (DutyHours(Duty.OFFICE), Walked(lambda day, clock: True)),
}  # fmt: skip


@pytest.mark.parametrize("team", TEAMS)
def test_at_every_hour_of_a_year_the_clock_says_what_the_wall_says(team: str) -> None:
    hours, walked = TEAMS[team]
    for at in hours_of_the_year():
        assert next_start(hours, at) == walked.next_start(at), at
        assert after_duty(hours, at, 1) == walked.after(at, 1), at
        assert after_duty(hours, at, 90) == walked.after(at, 90), at
        if hours.known:
            assert is_on_duty(hours, at) is walked.is_on(at), at


@pytest.mark.parametrize("team", TEAMS)
def test_a_working_week_of_minutes_takes_as_long_as_on_the_wall(team: str) -> None:
    hours, walked = TEAMS[team]
    for at in hours_of_the_year()[::23]:
        until = walked.after(at, 2400)
        assert after_duty(hours, at, 2400) == until, at
        if until - at < timedelta(days=59):
            assert duty_passed(hours, at, until) == timedelta(minutes=2400), at


@pytest.mark.parametrize("team", TEAMS)
def test_what_has_passed_between_two_instants_is_what_the_wall_counted(team: str) -> None:
    hours, walked = TEAMS[team]
    instants = hours_of_the_year()[::37]
    for since, until in zip(instants, instants[2:], strict=False):
        assert duty_passed(hours, since, until) == timedelta(minutes=walked.between(since, until)), since


def test_the_bank_holidays_of_the_year_are_those_that_are_published() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert {day for day in days if is_bank_holiday(day)} == {day for day in BANK_HOLIDAYS if day.year == 2026}


def test_a_team_whose_duty_never_comes_is_told_at_once_and_its_clock_runs() -> None:
    never = DutyHours(
        Duty.OWN, ((1, time(9), time(10)),), frozenset(date(2026, 1, 1) + timedelta(days=each) for each in range(500))
    )
    at = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
    assert next_start(never, at) is None
    assert after_duty(never, at, 30) == at + timedelta(minutes=30)


# Whatever the hours are

DAYS = st.integers(1, 7)
QUARTERS = st.integers(0, 96)


@st.composite
def stretches(draw: st.DrawFn) -> tuple[Stretch, ...]:
    """Any hours, overlapping ones among them; enough of them that a month has two days of duty."""
    found: list[Stretch] = [(draw(DAYS), time(9), time(17))]
    for _ in range(draw(st.integers(0, 8))):
        opens, closes = sorted((draw(QUARTERS), draw(QUARTERS)))
        if opens < closes:
            found.append((draw(DAYS), _clock(opens), _clock(closes)))
    return tuple(draw(st.permutations(found)))


def _clock(quarter: int) -> time:
    return MIDNIGHT if quarter == 96 else time(quarter // 4, 15 * (quarter % 4))


HOURS = st.builds(
    DutyHours, st.sampled_from(Duty), stretches(),
    st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=3),
)  # fmt: skip
INSTANTS = st.datetimes(datetime(2025, 12, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
MINUTES = st.integers(1, 600)


@given(HOURS, INSTANTS)
def test_whoever_reads_next_is_on_duty_then_and_not_before(hours: DutyHours, at: datetime) -> None:
    start = next_start(hours, at)
    assert start is not None
    assert start >= at
    assert is_on_duty(hours, start)
    assert (start == at) is is_on_duty(hours, at)
    assert duty_passed(hours, at, start) == timedelta()


@given(HOURS, INSTANTS, MINUTES)
def test_the_clock_counts_exactly_the_minutes_of_duty(hours: DutyHours, since: datetime, minutes: int) -> None:
    until = after_duty(hours, since, minutes)
    assert duty_passed(hours, since, until) == timedelta(minutes=minutes)
    assert duty_passed(hours, since, until - timedelta(microseconds=1)) < timedelta(minutes=minutes)


@given(HOURS, INSTANTS, MINUTES, MINUTES)
def test_more_minutes_take_longer_and_begin_where_the_first_ended(
    hours: DutyHours, since: datetime, minutes: int, more: int
) -> None:
    first = after_duty(hours, since, minutes)
    assert first < after_duty(hours, since, minutes + more)
    assert after_duty(hours, first, more) == after_duty(hours, since, minutes + more)


@given(HOURS, INSTANTS, st.timedeltas(timedelta(), timedelta(days=20)), MINUTES)
def test_who_is_told_later_is_late_later(hours: DutyHours, since: datetime, later: timedelta, minutes: int) -> None:
    assert after_duty(hours, since, minutes) <= after_duty(hours, since + later, minutes)
