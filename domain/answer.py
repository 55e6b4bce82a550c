"""The three answers that can never be taken for one another: flagged, none known, could not check.

The desk gives them; each door renders them in its protocol. Every one says how far it reaches (coverage).
Source: docs/facts.md, section 1 ("every negative answer states coverage").
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.flag import Flag, Standing


@dataclass(frozen=True, slots=True)
class Feed:
    """One connected authority's feed; late where nothing came within its own rhythm."""

    authority_code: str
    authority_name: str
    last_extracted_at: datetime | None
    late: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far an answer reaches: which authorities are connected, and which of their feeds are late."""

    feeds: tuple[Feed, ...]

    @property
    def connected(self) -> int:
        """How many authorities are live."""
        return len(self.feeds)

    @property
    def late(self) -> tuple[Feed, ...]:
        """Those whose last extract is older than their rhythm allows."""
        return tuple(feed for feed in self.feeds if feed.late)

    @property
    def fully_checked(self) -> bool:
        """False where a connected feed is late, or where none is connected: the answer is then amber."""
        return bool(self.feeds) and not self.late

    @property
    def sentences(self) -> tuple[str, ...]:
        """What every negative answer must say, in words."""
        reach = f"Checked against the {_counted(self.connected, 'authority', 'authorities')} connected to Nightlight."
        late = tuple(f"Not fully checked: the feed of {feed.authority_name} is late." for feed in self.late)
        if not self.feeds:
            reach = "Not fully checked: no authority is connected to Nightlight."
        return (reach, *late, "This is not national: check CP-IS too.", "No plan is not no risk.")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


class Caution(StrEnum):
    """What must stand beside an answer. A caution never hides a flag."""

    DETAILS_DIFFER = "details-differ"
    MATCH_DOUBTFUL = "match-doubtful"
    NUMBER_SUPERSEDED = "number-superseded"
    NUMBER_SUCCEEDED = "number-succeeded"
    NUMBERS_MERGED = "numbers-merged"
    NEWBORN = "newborn"
    NUMBER_UNVERIFIED = "number-unverified"
    TEST_STORE = "test-store"
    SITE_ON_TRIAL = "site-on-trial"
    SITE_PAUSED = "site-paused"

    @property
    def words(self) -> str:
        """For the clinician."""
        return _CAUTION_WORDS[self]


_CAUTION_WORDS = {
    Caution.DETAILS_DIFFER: "Details differ: verify identity. The name or date of birth given is not what is held.",
    Caution.MATCH_DOUBTFUL: (
        "The national register (PDS) does not agree with the authority about who this NHS number belongs to: verify identity."
    ),
    Caution.NUMBER_SUPERSEDED: "The NHS number given was superseded; this is held on its successor.",
    Caution.NUMBER_SUCCEEDED: "The NHS number given has replaced an older one, on which this is held.",
    Caution.NUMBERS_MERGED: "A hospital merged two NHS numbers; this is held on the other one: verify identity.",
    Caution.NEWBORN: (
        "The mother held an unborn child plan when this baby was born. The baby's own record has not been received: "
        "speak to the authority."
    ),
    Caution.NUMBER_UNVERIFIED: "The hospital has not verified the NHS number.",
    Caution.TEST_STORE: "TEST: this store holds invented people only.",
    Caution.SITE_ON_TRIAL: "This site is on trial in Nightlight: nobody is told of this visit. Check CP-IS too, and ring.",
    Caution.SITE_PAUSED: "This site is paused in Nightlight: nobody is told of this visit. Check CP-IS too, and ring.",
}


IDENTITY_DOUBTS = frozenset({Caution.DETAILS_DIFFER, Caution.MATCH_DOUBTFUL})
"""With one of these nobody is sure whom the flag is about: it is shown, and never as certain."""


@dataclass(frozen=True, slots=True)
class ShownFlag:
    """A flag as it stands today, open or ended."""

    flag: Flag
    standing: Standing
    ended_for_age: bool


class CouldNotCheckReason(StrEnum):
    """Why nobody can say whether the child is known."""

    NO_NUMBER = "no-nhs-number"
    INVALID_NUMBER = "invalid-nhs-number"
    AMBIGUOUS_NUMBER = "ambiguous-nhs-number"
    TEST_NUMBER = "test-nhs-number"
    SITE_NOT_LIVE = "site-not-live"

    @property
    def words(self) -> str:
        """For the person who must act on it."""
        return _REASON_WORDS[self]


_REASON_WORDS = {
    CouldNotCheckReason.NO_NUMBER: "We could not check: no NHS number was given.",
    CouldNotCheckReason.INVALID_NUMBER: "We could not check: the NHS number given is not valid.",
    CouldNotCheckReason.AMBIGUOUS_NUMBER: "We could not check: more than one NHS number was given.",
    CouldNotCheckReason.TEST_NUMBER: "We could not check: the NHS number given is a test number.",
    CouldNotCheckReason.SITE_NOT_LIVE: "We could not check: this site is not live in Nightlight.",
}


@dataclass(frozen=True, slots=True)
class Flagged:
    """The patient is known: at least one flag is shown."""

    flags: tuple[ShownFlag, ...]
    cautions: tuple[Caution, ...]
    coverage: Coverage
    encounter_id: UUID | None = None

    @property
    def is_current(self) -> bool:
        """Whether any of the flags is open today."""
        return any(shown.standing is Standing.OPEN for shown in self.flags)


@dataclass(frozen=True, slots=True)
class NoneKnown:
    """Checked, and none is known to the authorities of the coverage."""

    cautions: tuple[Caution, ...]
    coverage: Coverage
    encounter_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CouldNotCheck:
    """Nobody can say. This is never "none known"."""

    reason: CouldNotCheckReason
    coverage: Coverage
    encounter_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event was recorded and called for no check (a discharge, an event without a meaning here)."""

    encounter_id: UUID | None = None


Answer = Flagged | NoneKnown | CouldNotCheck
Outcome = Answer | Recorded
