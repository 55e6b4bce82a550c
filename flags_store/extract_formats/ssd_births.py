"""Whether a child of the dataset is born, by three dates that case systems fill in three ways. Pure.

`ssd_plans` and `ssd_care` ask. Eclipse puts the due date of an unborn child into both columns, Mosaic moves one that has passed
into `pers_dob`, and Liquidlogic's expected date is an estimated birth date. Source: docs/facts.md, section 4 ("Unborn").
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from domain.flag import UNBORN_SHOWN_AFTER_DUE
from flags_store.extract_formats.ssd_persons import Person
from flags_store.extract_formats.ssd_values import BadDateError, to_day


class Birth(Enum):
    """What the dates say."""

    BORN = auto()
    UNBORN = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """What the dates say, and the date: of birth where the child is born, when it is due where it is not."""

    birth: Birth
    day: date | None = None
    is_bad: bool = False


def birth_of(child: Person, taken_on: date, mothers_word: str = "") -> Told:
    """Whether the child was born by the day of the extract. `mothers_word` is `moth_childs_dob`, for a child without any date."""
    try:
        born = to_day(child.dob)
    except BadDateError:
        return Told(Birth.BORN, is_bad=True)
    due = _day_or_none(child.expected)
    if born is None and due is None:
        born = _day_or_none(mothers_word)
    if born is not None and born <= taken_on:
        return Told(Birth.BORN, born)
    if due is not None and due > taken_on:
        return Told(Birth.UNBORN, due)
    if born is not None:
        return Told(Birth.UNBORN, born)
    return Told(Birth.BORN, due) if due else Told(Birth.UNKNOWN)


def may_be_waiting(told: Told, plan_start: str, taken_on: date) -> bool:
    """Whether a plan from before the birth stays with the mother while the child has no NHS number: as long as it would show."""
    start = _day_or_none(plan_start)
    if told.birth is not Birth.BORN or told.day is None or start is None:
        return False
    return start <= told.day and taken_on <= told.day + UNBORN_SHOWN_AFTER_DUE


def _day_or_none(text: str) -> date | None:
    """Some systems put other things than a date there ("estimated": Y); that says nothing."""
    try:
        return to_day(text)
    except BadDateError:
        return None
