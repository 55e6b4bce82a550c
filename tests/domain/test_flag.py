"""How long a flag shows, as a table: the days on which it opens, ends, and goes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.flag import DISPLAY, SNOMED, Flag, FlagKind, Standing
from domain.nhs_number import NhsNumber

OPEN, ENDED, HIDDEN = Standing.OPEN, Standing.ENDED, Standing.HIDDEN
START = date(2026, 1, 10)
PLAN = Flag(
    UUID(int=1), UUID(int=2), NhsNumber("9990000018"), FlagKind.CPP, "301", START, None, None, date(2015, 6, 1), "Example", "Ada",
    False, datetime(2026, 1, 10, tzinfo=UTC),
)  # fmt: skip
ENDED_PLAN = replace(PLAN, end_date=date(2026, 3, 1))
UNBORN = replace(PLAN, kind=FlagKind.UCPP, birth_date=date(2000, 1, 1))
DUE = replace(UNBORN, expected_delivery_date=date(2026, 4, 1))
NEARLY_ADULT = replace(PLAN, birth_date=date(2008, 5, 1))
LEAPLING = replace(PLAN, birth_date=date(2008, 2, 29))


@pytest.mark.parametrize(
    "flag,day,standing",
    [
        (PLAN, START - timedelta(days=1), HIDDEN),
        (PLAN, START, OPEN),
        (PLAN, START + timedelta(days=2000), OPEN),
        (ENDED_PLAN, date(2026, 3, 1), OPEN),
        (ENDED_PLAN, date(2026, 3, 2), ENDED),
        (ENDED_PLAN, date(2026, 3, 1) + timedelta(days=365), ENDED),
        (ENDED_PLAN, date(2026, 3, 1) + timedelta(days=366), HIDDEN),
        (UNBORN, START + timedelta(days=308), OPEN),
        (UNBORN, START + timedelta(days=309), HIDDEN),
        (DUE, date(2026, 4, 1) + timedelta(days=28), OPEN),
        (DUE, date(2026, 4, 1) + timedelta(days=29), HIDDEN),
        (replace(DUE, end_date=date(2026, 2, 1)), date(2026, 2, 2), HIDDEN),
        (NEARLY_ADULT, date(2026, 4, 30), OPEN),
        (NEARLY_ADULT, date(2026, 5, 1), ENDED),
        (LEAPLING, date(2026, 2, 28), OPEN),
        (LEAPLING, date(2026, 3, 1), ENDED),
    ],
)
def test_a_flag_stands_by_the_day(flag: Flag, day: date, standing: Standing) -> None:
    assert flag.standing(day) is standing


def test_a_plan_that_the_birthday_ended_says_so_and_one_that_ended_before_does_not() -> None:
    assert NEARLY_ADULT.ended_for_age(date(2026, 5, 1))
    assert not NEARLY_ADULT.ended_for_age(date(2026, 4, 30))
    assert not replace(NEARLY_ADULT, end_date=date(2026, 2, 1)).ended_for_age(date(2026, 6, 1))


def test_the_codes_are_those_of_the_national_value_set() -> None:
    by_hand = {
        "CPP": ("342191000000101", "Subject to child protection plan"),
        "LAC": ("764841000000100", "Looked after child"),
        "UCPP": ("818901000000100", "Unborn child subject to child protection plan"),
    }
    assert {kind.value: (SNOMED[kind], DISPLAY[kind]) for kind in FlagKind} == by_hand
