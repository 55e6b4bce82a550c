"""Hours as people write them: what cannot be read is said, and what was read is written back the same."""

from datetime import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.routing import Stretch
from safeguarding.telling.rules_hours import hours_lines, parse_hours

MORNING, EVENING = time(8, 45), time(17, 0)


@pytest.mark.parametrize(
    "text, said",
    [
        ("always", "cannot be read"),
        ("Mon 8-17", "cannot be read"),
        ("Mon-Fri", "cannot be read"),
        ("Mo 08:45-17:00", "no day of the week"),
        ("Funday 08:45-17:00", "no day of the week"),
        ("Fri-Mon 08:45-17:00", "Monday comes before Friday"),
        ("Mon 17:00-08:45", "ends before it begins: for a night"),
        ("Mon 08:45-08:45", "ends before it begins"),
        ("Mon 25:00-26:00", "holds no time of day"),
        ("Mon 08:45-17:60", "holds no time of day"),
        ("Mon 24:00-24:00", "holds no time of day"),
        ("Mon-Wed 08:00-12:00\nWed 11:59-13:00", "two lines overlap on Wednesday"),
        ("Mon 08:00-12:00\nMon 08:00-12:00", "two lines overlap on Monday"),
        ("Mon 08:00-08:01\n" * 31, "30 lines at most"),
        ("to" * 31, "is too long"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_line(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_hours(text)


@pytest.mark.parametrize(
    "text, stretches",
    [
        ("", ()),
        ("  \n\n", ()),
        ("Mon-Tue 08:45-17:00", ((1, MORNING, EVENING), (2, MORNING, EVENING))),
        ("monday to tuesday 8:45 to 17:00", ((1, MORNING, EVENING), (2, MORNING, EVENING))),
        ("Mon–Tue, 8.45–17.00", ((1, MORNING, EVENING), (2, MORNING, EVENING))),
        ("Sunday: 17:00-24:00", ((7, EVENING, time.max),)),
        ("Fri 13:00-17:00\nFri 08:45-13:00", ((5, MORNING, time(13)), (5, time(13), EVENING))),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, stretches: tuple[Stretch, ...]) -> None:
    assert parse_hours(text) == stretches


def test_days_that_are_alike_stand_on_one_line_and_those_apart_on_another() -> None:
    hours = [(day, MORNING, EVENING) for day in (1, 2, 3, 5)] + [(4, MORNING, time.max)]
    assert hours_lines(hours) == ["Mon-Wed 08:45-17:00", "Thu 08:45-24:00", "Fri 08:45-17:00"]


CUTS = st.lists(st.integers(0, 1439), min_size=0, max_size=3, unique=True).map(sorted)


@given(st.dictionaries(st.integers(1, 7), CUTS))
def test_whatever_hours_there_are_their_lines_say_them(days: dict[int, list[int]]) -> None:
    hours = []
    for day, cuts in days.items():
        times = [time(cut // 60, cut % 60) for cut in cuts] + [time.max]
        hours += [(day, opens, closes) for opens, closes in pairwise(times)]
    assert parse_hours("\n".join(hours_lines(hours))) == tuple(sorted(hours))
