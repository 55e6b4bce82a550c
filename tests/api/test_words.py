"""Times, names and what became of an alert, in words: tables of values, without any server."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from api import words
from api.alert_words import alert_line, hidden_line, line_of, reason_words, state_tag, whereabouts
from api.banner_words import banner_view
from domain.answer import Answer, CouldNotCheck, CouldNotCheckReason, Coverage, Feed, Flagged, NoneKnown, ShownFlag
from domain.flag import Flag, FlagKind, Standing
from domain.nhs_number import NhsNumber
from flags_store.authorities import Authority, Hours
from safeguarding import time_words
from safeguarding.directory import Directory
from safeguarding.views import AlertRow

SUNDAY_NIGHT = datetime(2026, 11, 22, 2, 14, tzinfo=UTC)
NIGHT_SHIFT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OFFICE = tuple(Hours(weekday, time(8, 45), time(17, 0)) for weekday in range(1, 6))
AUTHORITIES = {
    code: Authority(code, name, "office 1", "night 2", None, "live", timedelta(days=1), SUNDAY_NIGHT, OFFICE)
    for code, name in {"706": "Northmoor Council", "707": "Westlea Borough"}.items()
}
DIRECTORY = Directory(is_production=True, sites={}, authorities=AUTHORITIES, peers=(), read_at=SUNDAY_NIGHT)
COVERAGE = Coverage((Feed("706", "Northmoor Council", SUNDAY_NIGHT, late=False),))
LATE = Coverage((Feed("706", "Northmoor Council", None, late=True),))
ROW = AlertRow(
    id=uuid4(), authority_code="706", state="raised", reason="attendance", raised_at=MONDAY_NOON - timedelta(minutes=42),
    changed_at=MONDAY_NOON, given_name="Jo", family_name="HARDING", birth_date=date(2019, 3, 3), nhs_number="9990000018",
    kinds=["CPP"], site_name="St Agnes", site_phone="", care_setting="emergency-department", encounter_id=uuid4(),
    encounter_reference="V1", encounter_state="open", arrived_at=MONDAY_NOON, departed_at=None, left_before_seen=False,
    cautions="", acknowledged_at=None, acknowledged_by=None, answer=None, answer_text="",
    is_of_newborn=False, newborn_links=0, patient_number="9990000018", began_at=MONDAY_NOON - timedelta(minutes=42),
    next_step_at=MONDAY_NOON,
)  # fmt: skip
READ = replace(
    ROW, state="acknowledged", acknowledged_at=MONDAY_NOON, acknowledged_by="Wanda", answer="speak-first", answer_text="ring me"
)
CANCELLED = replace(READ, state="retracted", encounter_state="cancelled")
FLAG = Flag(
    id=uuid4(), person_id=uuid4(), nhs_number=NhsNumber("9990000018"), kind=FlagKind.CPP, authority_code="706",
    start_date=date(2026, 1, 5), end_date=None, expected_delivery_date=None, birth_date=date(2019, 3, 3), family_name="HARDING",
    given_name="Jo", sensitive=False, last_confirmed_at=SUNDAY_NIGHT,
)  # fmt: skip


@pytest.mark.parametrize(
    "value, expected",
    [
        (0, "0 min"),
        (59, "0 min"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (18_725, "5 h 12 min"),
        (3 * 86_400, "3 days"),
    ],
)
def test_how_long_is_said_in_the_largest_useful_unit(value: int, expected: str) -> None:
    assert time_words.span(timedelta(seconds=value)) == expected


@given(some.timedeltas(max_value=timedelta(0)))
def test_a_clock_that_is_behind_never_makes_a_negative_age(value: timedelta) -> None:
    assert time_words.span(value) == "0 min"
    assert time_words.ago(value) == "just now"


@pytest.mark.parametrize(
    "value, expected",
    [
        (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), "1 July 2026 at 23:30"),
        (datetime(2026, 7, 1, 23, 30, tzinfo=UTC), "2 July 2026 at 00:30"),
        (datetime(2026, 12, 1, 22, 30, tzinfo=UTC), "1 December 2026 at 22:30"),
        (None, "never"),
    ],
)
def test_moments_are_englands(value: datetime | None, expected: str) -> None:
    assert time_words.moment(value) == expected


@pytest.mark.parametrize(
    "then, expected",
    [
        (datetime(2026, 11, 22, 8, 45, tzinfo=UTC), "08:45"),
        (datetime(2026, 11, 23, 8, 45, tzinfo=UTC), "08:45 tomorrow"),
        (datetime(2026, 11, 24, 8, 45, tzinfo=UTC), "08:45 on Tuesday 24 November"),
    ],
)
def test_the_next_opening_is_said_as_people_say_it(then: datetime, expected: str) -> None:
    assert time_words.when_next(then, SUNDAY_NIGHT) == expected


@pytest.mark.parametrize(
    "given_name, family_name, expected",
    [("Jo", "Harding", "HARDING, Jo"), ("", "Harding", "HARDING"), ("Jo", "", "Jo"), ("", "", "Name not held")],
)
def test_names_are_written_as_clinical_systems_write_them(given_name: str, family_name: str, expected: str) -> None:
    assert words.full_name(given_name, family_name) == expected


@pytest.mark.parametrize(
    "row, at, sentence",
    [
        (ROW, MONDAY_NOON, "Not yet acknowledged, 42 min."),
        (
            ROW, SUNDAY_NIGHT,
            "Queued for 08:45 tomorrow; nobody has read this. Worried? Ring the emergency duty team on night 2.",
        ),
        (
            replace(ROW, step=1, team_code="emergency", step_at=NIGHT_SHIFT, began_at=NIGHT_SHIFT), SUNDAY_NIGHT,
            "Passed on to the emergency duty team at 21 November 2026 at 23:30. Not yet acknowledged, 2 h 44 min. "
            "Nobody has read this. Worried? Ring the emergency duty team on night 2.",
        ),
        (
            replace(ROW, step=1, team_code="office", step_at=datetime(2026, 11, 23, 11, 45, tzinfo=UTC)), MONDAY_NOON,
            "Passed on to the office team at 11:45. Not yet acknowledged, 42 min.",
        ),
        (
            replace(ROW, taken_by_id="sub-ann", taken_by="Ann Ash", taken_at=MONDAY_NOON), MONDAY_NOON,
            "Ann Ash is dealing with it. Not yet acknowledged, 42 min.",
        ),
        (
            replace(ROW, taken_by_id="sub-ann", taken_by="Ann Ash", taken_at=SUNDAY_NIGHT, occasion="asked"), MONDAY_NOON,
            "Asked again, not yet acknowledged, 42 min.",
        ),
        (
            replace(ROW, next_step_at=None), MONDAY_NOON,
            "Everybody in line has been told; nobody has acknowledged: ring the office team on office 1. "
            "Not yet acknowledged, 42 min.",
        ),
        (READ, MONDAY_NOON, "Read by Wanda, 23 November 2026 at 12:00: Please speak to us before discharge. Not a referral."),
        (
            replace(READ, state="raised", occasion="left-before-seen"), MONDAY_NOON,
            "Left before being seen, told again, not yet acknowledged, 42 min.",
        ),
        (replace(READ, state="retracted"), MONDAY_NOON, "Told that this was not the child whom they hold a plan for."),
        (CANCELLED, MONDAY_NOON, "Told that the arrival was cancelled, and asked to confirm whereabouts."),
        (replace(ROW, state="closed"), MONDAY_NOON, "Closed."),
    ],
)  # fmt: skip
def test_the_banner_says_what_became_of_an_alert(row: AlertRow, at: datetime, sentence: str) -> None:
    assert alert_line(DIRECTORY, row, line_of(row), at).sentence == sentence


@pytest.mark.parametrize("row", [ROW, READ, replace(READ, state="raised"), replace(READ, state="closed")])
def test_a_hidden_alert_names_neither_authority_nor_person_nor_text(row: AlertRow) -> None:
    line = hidden_line(DIRECTORY, row, None, MONDAY_NOON)
    for secret in ("Northmoor", "Wanda", "ring me", "speak to us"):
        assert secret not in f"{line.authority} {line.sentence} {line.text}"


@pytest.mark.parametrize("row", [ROW, replace(ROW, state="retracted"), replace(READ, state="raised", left_before_seen=True)])
def test_what_nobody_has_dealt_with_is_never_green(row: AlertRow) -> None:
    assert alert_line(DIRECTORY, row, None, MONDAY_NOON).colour != "green"
    assert hidden_line(DIRECTORY, row, None, MONDAY_NOON).colour != "green"
    assert state_tag(row).colour != "green"


@pytest.mark.parametrize(
    "change, expected",
    [
        ({}, "Waiting for you"),
        ({"left_before_seen": True}, "Left before being seen"),
        ({"state": "retracted"}, "Not this child, the hospital says"),
        ({"state": "retracted", "encounter_state": "cancelled"}, "Cancelled: confirm whereabouts"),
        ({"state": "acknowledged"}, "Acknowledged"),
        ({"state": "closed"}, "Closed"),
    ],
)
def test_a_row_says_first_what_must_be_known_first(change: dict[str, object], expected: str) -> None:
    assert state_tag(replace(ROW, **change)).words == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change, expected",
    [
        ({}, "Still there, as far as we were told"),
        (
            {"encounter_state": "closed", "departed_at": MONDAY_NOON, "acknowledged_at": MONDAY_NOON},
            "Left the department 23 November 2026 at 12:00",
        ),
        (
            {"encounter_state": "closed", "departed_at": MONDAY_NOON},
            "Left the department 23 November 2026 at 12:00; nobody had read it",
        ),
        (
            {"encounter_state": "closed", "departed_at": MONDAY_NOON, "left_before_seen": True},
            "Left the department 23 November 2026 at 12:00",
        ),
        ({"encounter_state": "closed"}, "Left the department; nobody had read it"),
        ({"encounter_state": "cancelled", "departed_at": MONDAY_NOON}, "The hospital cancelled this arrival"),
        ({"encounter_state": "expired"}, "No discharge received"),
    ],
)
def test_whereabouts_never_say_more_than_the_hospital_has_said(change: dict[str, object], expected: str) -> None:
    assert whereabouts(replace(ROW, **change)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("reason, said", [("attendance", False), ("late-flag", True), ("late-identity", True), ("newborn", True)])
def test_an_alert_of_no_ordinary_arrival_says_why(reason: str, said: bool) -> None:
    assert bool(reason_words(replace(ROW, reason=reason))) is said


@pytest.mark.parametrize(
    "late_by, fields, said",
    [
        (timedelta(hours=3, minutes=59), ["arrival"], ""),
        (timedelta(hours=4), ["arrival"], "Raised late: 4 hours after the child arrived."),
        (timedelta(hours=29), ["arrival"], "Raised late: 29 hours after the child arrived."),
        (timedelta(hours=29), ["site"], "Raised late: more than 4 hours after the child arrived."),
    ],
)
def test_what_a_hospital_told_hours_later_says_how_late_it_is(late_by: timedelta, fields: list[str], said: str) -> None:
    assert reason_words(replace(ROW, late_by=late_by, may_leave=frozenset(fields))) == said


ANSWERS: list[Answer] = [
    Flagged((ShownFlag(FLAG, Standing.OPEN, ended_for_age=False),), (), COVERAGE),
    NoneKnown((), COVERAGE),
    NoneKnown((), LATE),
    *(CouldNotCheck(reason, COVERAGE) for reason in CouldNotCheckReason),
]


def test_no_two_kinds_of_answer_share_a_kind_or_a_heading() -> None:
    views = [banner_view(answer, DIRECTORY, None, [], MONDAY_NOON) for answer in ANSWERS]
    assert len({view.kind for view in views}) == len({view.heading for view in views}) == 4
    assert {view.kind for view in views[3:]} == {"could-not-check"}


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_says_whom_to_ring(answer: Answer) -> None:
    view = banner_view(answer, DIRECTORY, None, [], MONDAY_NOON)
    assert view.contacts[-1].phone == "999"


@pytest.mark.parametrize("glass_broken", [False, True])
@pytest.mark.parametrize("sensitive", [False, True])
def test_a_sensitive_flag_is_masked_until_the_glass_is_broken(sensitive: bool, glass_broken: bool) -> None:
    flag = replace(FLAG, sensitive=sensitive)
    answer = Flagged((ShownFlag(flag, Standing.OPEN, ended_for_age=False),), (), COVERAGE)
    other = replace(READ, authority_code="707")
    view = banner_view(answer, DIRECTORY, None, [READ, other], MONDAY_NOON, glass_broken=glass_broken)
    masked = sensitive and not glass_broken
    assert view.masked is masked
    assert (view.flags[0].lines == ()) is masked
    assert all((line.authority == "The responsible authority") is masked for line in view.alerts)
    assert any("Northmoor" in contact.who for contact in view.contacts) is not masked
