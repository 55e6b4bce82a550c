"""An encounter: a patient met a service, at a site, for a while.

The doors map messages and calls to a trigger event and an identity; `safeguarding` keeps the encounter.
Sources: FHIR Encounter; HL7 v2.4 chapter 3 (trigger events); docs/facts.md, sections 2 and 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.nhs_number import NhsNumber


class TriggerEvent(StrEnum):
    """What made somebody ask."""

    ADMIT = "admit"
    REGISTER = "register"
    PRE_ADMIT = "pre-admit"
    TRANSFER = "transfer"
    CLASS_CHANGE = "class-change"
    CANCEL_TRANSFER = "cancel-transfer"
    UPDATE = "update"
    UPDATE_PERSON = "update-person"
    ADD_PERSON = "add-person"
    DISCHARGE = "discharge"
    CANCEL_ADMIT = "cancel-admit"
    CANCEL_DISCHARGE = "cancel-discharge"
    MERGE = "merge"
    UNLINK = "unlink"
    LOOKUP = "lookup"
    READ = "read"
    BANNER = "banner"
    COMMAND = "command"
    SWEEP = "sweep"
    OTHER = "other"

    @property
    def is_lookup(self) -> bool:
        """Whether a system asked of its own accord: by a search, or for what an earlier answer gave an id of."""
        return self is TriggerEvent.LOOKUP or self is TriggerEvent.READ


ARRIVAL_MODES = {
    "A": "by ambulance",
    "C": "by car",
    "F": "on foot",
    "H": "by helicopter",
    "O": "in another way",
    "P": "by public transport",
    "U": "not known",
}
"""How a patient came, by code and in words. Source: HL7 v2.4 table 0430 (mode of arrival), which FHIR R4 shares."""


def to_arrival_mode(code: str) -> str:
    """A code of `ARRIVAL_MODES`, or nothing for one that the table has not: what a hospital means by its own code is not known."""
    code = code.strip().upper()
    return code if code in ARRIVAL_MODES else ""


class EncounterState(StrEnum):
    """Open while the patient is there; expired where no discharge was ever received."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LocalNumber:
    """A hospital's own number for a patient, good only within the facility (ODS code) that gave it."""

    facility: str
    value: str


def keys_of(number: NhsNumber | None, local_numbers: Sequence[LocalNumber]) -> list[tuple[str, str]]:
    """Each number as a pair of facility and value, the facility of an NHS number empty."""
    return [("", str(number))] * bool(number) + [(local.facility, local.value) for local in local_numbers]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the asker says the patient is. Either `nhs_number` or `no_number` is set, never both."""

    nhs_number: NhsNumber | None
    no_number: CouldNotCheckReason | None = None
    local_numbers: tuple[LocalNumber, ...] = ()
    family_name: str = ""
    given_name: str = ""
    birth_date: date | None = None
    mother_number: NhsNumber | None = None
    """The mother's, where a message names her: a baby's link to a plan that was made before birth."""
    unverified: bool = False
    """The asker says that the number was not traced (HL7 table 0445, other than 01)."""

    @property
    def keys(self) -> list[tuple[str, str]]:
        """All that leads to the patient, as `keys_of` has it."""
        return keys_of(self.nhs_number, self.local_numbers)

    @property
    def has_placeholder_name(self) -> bool:
        """Names such as "Unknown Male Seven" or "Baby of Harding", which say nothing about who it is."""
        words = f"{self.given_name} {self.family_name}".casefold().split()
        return not words or bool(_PLACEHOLDERS & set(words))


_PLACEHOLDERS = frozenset({"unknown", "unidentified", "baby", "infant", "twin", "newborn", "male", "female"})


@dataclass(frozen=True, slots=True)
class Encounter:
    """As it is held. Times are UTC; `site` is an ODS code; `key` is unique in the site; `reference` is the visit number.

    `flagged` says that a flag was found in it once; `could_not_check` why nobody can say; `cautions` (comma between)
    what the last message gave cause for, since the names in it are not kept; `version` counts its changes; `mother_number` is
    kept of babies alone. `last_sequence` is the number that its sender gave the last event, to tell apart those of one second.
    `stood_at` is when the sender last said whether the patient is there: an update that came later is no later word on that.
    """

    id: UUID
    site: str
    key: str
    reference: str
    nhs_number: NhsNumber | None
    local_number: str | None
    care_setting: CareSetting
    unscheduled: bool
    state: EncounterState
    arrived_at: datetime
    departed_at: datetime | None
    left_before_seen: bool
    test: bool
    flagged: bool
    could_not_check: str | None
    cautions: str
    last_event_at: datetime
    version: int = 1
    mother_number: NhsNumber | None = None
    last_sequence: int | None = None
    last_sequence_sender: str | None = None
    arrival_mode: str = ""
    stood_at: datetime | None = None
