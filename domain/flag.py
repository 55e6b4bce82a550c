"""A flag: what a local authority says about a child, or about an unborn child on the mother's NHS number.

`flags_store` reads flags, `safeguarding` decides on them, the doors render them. How long each shows is decided here.
Sources: CP-IS FHIR guides (SNOMED CT codes); NHS Digital CP-IS viewer pages (365 days, 28 days); docs/facts.md, section 1.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber

SHOWN_AFTER_END = timedelta(days=365)
UNBORN_SHOWN_AFTER_DUE = timedelta(days=28)
UNBORN_LONGEST = timedelta(days=308)
ADULT_AT = 18
NEWBORN = "newborn"


class FlagKind(StrEnum):
    """The kinds that local authorities upload."""

    CPP = "CPP"
    LAC = "LAC"
    UCPP = "UCPP"


SNOMED = {FlagKind.CPP: "342191000000101", FlagKind.LAC: "764841000000100", FlagKind.UCPP: "818901000000100"}
DISPLAY = {
    FlagKind.CPP: "Subject to child protection plan",
    FlagKind.LAC: "Looked after child",
    FlagKind.UCPP: "Unborn child subject to child protection plan",
}


class Standing(StrEnum):
    """How a flag stands on a day: open ones alert, ended ones are still shown, hidden ones are history."""

    OPEN = "open"
    ENDED = "ended"
    HIDDEN = "hidden"


class NewbornResolution(StrEnum):
    """Why a baby's number no longer leads to its mother's unborn plan."""

    OWN_PLAN = "own-plan"
    NO_PLAN = "no-plan"
    WRONG_BABY = "wrong-baby"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return _RESOLUTION_WORDS[self]


_RESOLUTION_WORDS = {
    NewbornResolution.OWN_PLAN: "The baby has a record of its own",
    NewbornResolution.NO_PLAN: "The baby needs no plan",
    NewbornResolution.WRONG_BABY: "This is not the mother's baby",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """One plan of one authority about one person. Dates are calendar days in England."""

    id: UUID
    person_id: UUID
    nhs_number: NhsNumber
    kind: FlagKind
    authority_code: str
    start_date: date
    end_date: date | None
    expected_delivery_date: date | None
    birth_date: date | None
    family_name: str
    given_name: str
    sensitive: bool
    last_confirmed_at: datetime
    alias_note: str | None = None
    """Why another number led here ("superseded", "successor", "merged", NEWBORN), or None where the number itself did."""
    baby_number: NhsNumber | None = None
    """The number that was asked about, where it led to the mother's unborn plan."""
    match: MatchBasis = MatchBasis.CHECK_DIGIT
    missed_snapshots: int = 0
    """How many full extracts in a row did not name it."""

    @property
    def is_missing(self) -> bool:
        """Whether the authority's latest full extract did not name it; it shows all the same, and says so."""
        return self.missed_snapshots > 0

    @property
    def is_of_mother(self) -> bool:
        """Whether a baby's number led to its mother's unborn plan. Such a link stands until it is resolved."""
        return self.alias_note == NEWBORN

    @property
    def subject_number(self) -> NhsNumber:
        """Whose the answer is: the baby's number where that was asked about, else the number that the flag is held on."""
        return self.baby_number or self.nhs_number

    def standing(self, today: date) -> Standing:
        """Open, ended but still shown, or hidden, on the day."""
        last_open = self.last_open_day()
        if self.start_date > today:
            return Standing.HIDDEN
        if last_open is None or today <= last_open:
            return Standing.OPEN
        return Standing.ENDED if today <= last_open + self._tail() else Standing.HIDDEN

    def ended_for_age(self, today: date) -> bool:
        """Whether the 18th birthday, and no date of the authority, ended it."""
        birthday = self._adult_from()
        return birthday is not None and birthday <= today and (self.end_date is None or self.end_date >= birthday)

    def last_open_day(self) -> date | None:
        """The last day on which the plan stands open, or None where no end is known."""
        if self.is_of_mother:
            return None
        ends = [day for day in (self.end_date, self._last_day_by_rule()) if day is not None]
        return min(ends) if ends else None

    def _last_day_by_rule(self) -> date | None:
        if self.kind is not FlagKind.UCPP:
            birthday = self._adult_from()
            return None if birthday is None else birthday - timedelta(days=1)
        if self.expected_delivery_date is None:
            return self.start_date + UNBORN_LONGEST
        return self.expected_delivery_date + UNBORN_SHOWN_AFTER_DUE

    def _tail(self) -> timedelta:
        return timedelta(0) if self.kind is FlagKind.UCPP else SHOWN_AFTER_END

    def _adult_from(self) -> date | None:
        if self.kind is FlagKind.UCPP or self.birth_date is None:
            return None
        return birthday_in(self.birth_date, self.birth_date.year + ADULT_AT)


def birthday_in(born: date, year: int) -> date:
    """The birthday in a year; who was born on 29 February comes of age on 1 March."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
