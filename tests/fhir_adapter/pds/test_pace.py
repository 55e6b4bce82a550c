"""The pace: turns come evenly, never before the time that PDS named, and never so late that nobody would wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_adapter.pds.pace import LONGEST_RETRY_SECONDS, LONGEST_TURN_SECONDS, Pace, retry_after

NOW = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


def test_turns_come_evenly_and_an_idle_time_saves_none_up() -> None:
    pace = Pace(5)
    assert [pace.turn(0.0) for _ in range(3)] == pytest.approx([0.0, 0.2, 0.4])
    assert [pace.turn(100.0) for _ in range(2)] == pytest.approx([0.0, 0.2])


def test_who_would_wait_too_long_gets_no_turn_and_takes_none() -> None:
    pace = Pace(1)
    turns = [pace.turn(0.0) for _ in range(20)]
    assert turns[: int(LONGEST_TURN_SECONDS) + 1] == pytest.approx([float(each) for each in range(int(LONGEST_TURN_SECONDS) + 1)])
    assert set(turns[int(LONGEST_TURN_SECONDS) + 1 :]) == {None}
    assert pace.seconds_left(0.0) == pytest.approx(LONGEST_TURN_SECONDS + 1)


def test_nobody_begins_before_the_time_that_was_named_and_a_shorter_one_changes_nothing() -> None:
    pace = Pace(5)
    pace.hold(3.0)
    pace.hold(1.0)
    assert pace.turn(0.0) == pytest.approx(3.0)
    assert Pace(5).seconds_left(0.0) == 0.0


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0.5, 50))
def test_two_turns_never_begin_closer_than_the_pace(waits: list[float], per_second: float) -> None:
    pace, at, begun = Pace(per_second), 0.0, []
    for wait in waits:
        at += wait
        turn = pace.turn(at)
        if turn is not None:
            begun.append(at + turn)
    assert all(later - earlier >= 1 / per_second - 1e-6 for earlier, later in pairwise(begun))


@pytest.mark.parametrize(
    "header,seconds",
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("99999999999999999999", LONGEST_RETRY_SECONDS),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=30), usegmt=True), LONGEST_RETRY_SECONDS),
        ("Tue, 03 Mar 2026 14:00:09 -0000", 9.0),
        (None, 5.0),
        ("", 5.0),
        ("soon", 5.0),
        ("-3", 5.0),
        ("٣", 5.0),
    ],
)
def test_a_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float) -> None:
    assert retry_after(header, NOW) == pytest.approx(seconds)


@given(st.text())
def test_no_retry_after_silences_us_for_good(header: str) -> None:
    assert 0.0 <= retry_after(header, NOW) <= LONGEST_RETRY_SECONDS
