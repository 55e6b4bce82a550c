"""What a monthly sample is made of: its records, what was found of each, and the words for it. Pure.

`flags_store.samples` reads and writes them; the page and the command show them.
Source: docs/onboarding.md, "The monthly sample".
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Result(StrEnum):
    """What a person found in the case system."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_FOUND = "not-found"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return {"right": "Right", "wrong": "Wrong", "not-found": "Not found"}[self.value]


WRONG = {
    "nhs-number": "NHS number", "name": "Name", "birth-date": "Date of birth", "kind": "Kind of plan", "start": "Start date",
    "ended": "The plan has ended", "in-error": "Recorded in error", "other": "Something else",
}  # fmt: skip
"""What can be wrong, by code and in words."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One month's sample, without anybody in it. Counts of its records by what was found."""

    id: UUID
    authority_code: str
    month: date
    seed: int
    drawn_from: int
    drawn_at: datetime
    drawn_by: str
    records: int
    right: int
    wrong: int
    not_found: int

    @property
    def waiting(self) -> int:
        """How many nobody has compared yet."""
        return self.records - self.right - self.wrong - self.not_found

    @property
    def is_done(self) -> bool:
        """Whether every record was compared."""
        return self.waiting == 0

    @property
    def share_right(self) -> float | None:
        """Of those compared, the share that is right, from 0 to 1; None before the first."""
        compared = self.records - self.waiting
        return self.right / compared if compared else None


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """One plan of a sample as it is held, and what was found. `ended` names the day, where it has ended since it was drawn."""

    position: int
    person_id: UUID
    nhs_number: str
    family_name: str
    given_name: str
    birth_date: date | None
    local_id: str
    kind: str
    start_date: date
    end_date: date | None
    expected_delivery_date: date | None
    result: str | None
    wrong: str
    note: str
    marked_at: datetime | None
    marked_by: str | None

    @property
    def result_words(self) -> str:
        """What was found, in words; empty before."""
        return Result(self.result).words if self.result else ""

    @property
    def wrong_words(self) -> str:
        """What is wrong, in words."""
        return WRONG.get(self.wrong, "")


@dataclass(frozen=True, slots=True)
class OverdueSample:
    """An authority whose sample of last month was not drawn, or not compared to its end."""

    authority_code: str
    month: date
    waiting: int | None
    """How many records wait; None where none were drawn."""
