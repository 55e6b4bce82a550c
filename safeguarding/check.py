"""What a door asks the desk, and what it gets back.

`hl7_listener`, `fhir_adapter`, `api` and `nightlight check` make a Check; `safeguarding.patients_seen` answers it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.actor import Actor, Purpose
from domain.answer import CouldNotCheck, Flagged, NoneKnown, Outcome
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent

BABY = timedelta(days=90)
"""For how long a message that names the mother may be about a child whom her unborn plan was made for."""

BIRTH_KEY = "birth "
"""How the key of an encounter begins that the message of a birth opened."""

START_KEY = "start "
"""How the key of an encounter begins that was opened by a start whose id is no visit number."""


@dataclass(frozen=True, slots=True)
class MessageKey:
    """How a repeat is known: sender, control ID (MSH-10) and a hash of the content (SHA-256)."""

    sending_application: str
    sending_facility: str
    control_id: str
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class Check:
    """A patient was seen, or somebody asks. Times are aware and `at` is now; `site` is an ODS code."""

    actor: Actor
    purpose: Purpose
    trigger: TriggerEvent
    identity: Identity
    site: str
    care_setting: CareSetting
    at: datetime
    event_at: datetime | None = None
    """When it happened by the sender's clock: orders the events of an encounter. `at` is our own clock."""
    sequence: int | None = None
    """The sender's count of its messages (MSH-13), 1 or more: orders those of one moment, among its own alone."""
    visit_number: str = ""
    arrived_at: datetime | None = None
    departed_at: datetime | None = None
    left_before_seen: bool = False
    arrival_mode: str = ""
    """How the patient came, a code of `domain.encounter.ARRIVAL_MODES`; empty where nobody says."""
    prior: Identity | None = None
    """The identity that a merge says is the same patient (MRG)."""
    test: bool = False
    """MSH-11 T or D: checked and audited, and never tells anybody."""
    silent: bool = False
    """A scheduled look: nobody is told, and it enters no shared history."""
    joins: bool = False
    """An arrival whose id in `visit_number` is no visit number (CDS Hooks): it belongs to the encounter that is open already."""
    encounter_id: UUID | None = None
    """The encounter that is meant: one that is looked at (banner), which changes nothing of it, or whose patient was traced."""
    message: MessageKey | None = None
    acknowledge: Callable[[Outcome], bytes] | None = None
    """Renders the acknowledgement that is stored with the message; pure and quick."""
    request_id: str | None = None
    """By which the asker finds it again in the trail."""
    once: bool = False
    """The request id is for this request alone, and comes again only where it is sent again (X-Request-ID): that is one access."""

    @property
    def moment(self) -> datetime:
        """The time that orders this event among those of its encounter; a sender's clock cannot run ahead of ours."""
        return min(self.event_at or self.at, self.at)

    @property
    def sequence_sender(self) -> str | None:
        """Who counted `sequence`, as it calls itself (MSH-3); None where nothing was counted."""
        return self.message.sending_application if self.message and self.sequence is not None else None

    @property
    def is_of_baby(self) -> bool:
        """Whether a mother is named whose unborn plan may be this patient's: nobody says that it is an older child."""
        born = self.identity.birth_date
        return self.identity.mother_number is not None and (born is None or self.at.date() - born <= BABY)

    @property
    def is_birth(self) -> bool:
        """Whether a hospital makes a baby known as a person: that is an arrival, though nobody came."""
        return self.trigger is TriggerEvent.ADD_PERSON and self.is_of_baby

    @property
    def keys(self) -> frozenset[str]:
        """What no two checks of one group may share: a control ID, an encounter, a person, a request."""
        keys = {f"number {who.nhs_number}" for who in (self.identity, self.prior) if who and who.nhs_number}
        keys |= {
            f"local {local.facility} {local.value}" for who in (self.identity, self.prior) if who for local in who.local_numbers
        }
        if self.message:
            keys.add(f"message {self.message.sending_facility} {self.message.control_id}")
        if self.visit_number:
            keys.add(f"visit {self.site} {self.visit_number}")
        if self.encounter_id:
            keys.add(f"encounter {self.encounter_id}")
        if self.once:
            keys.add(f"request {self.actor.id} {self.request_id}")
        return frozenset(keys)


@dataclass(frozen=True, slots=True)
class Reply:
    """The desk's answer, given after the commit. A repeat brings the stored acknowledgement and nothing new."""

    outcome: Outcome
    acknowledgement: bytes = b""
    repeated: bool = False
    recycled: bool = False
    """The message's control ID came before with other content."""
    alerts: tuple[UUID, ...] = ()
    """The alerts that this check raised."""
    told: int = 0
    """How many alerts have something new to deliver."""


def outcome_word(outcome: Outcome) -> str:
    """An outcome as it is written down."""
    words = {Flagged: "flagged", NoneKnown: "none-known", CouldNotCheck: "could-not-check"}
    return words.get(type(outcome), "recorded")
