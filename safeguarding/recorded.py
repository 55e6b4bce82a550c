"""Encounters that a system recorded by itself, as it finds them again: by their visit, by their id, by the request that made them.

`fhir_adapter` reads here before it asks the desk, to know which event a status means, and after it, to say where the encounter is.
Nothing is written here, and nothing of a patient is read.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from domain.care_setting import CareSetting
from domain.encounter import EncounterState
from runtime.database import Connection
from safeguarding.check import MessageKey


@dataclass(frozen=True, slots=True)
class Held:
    """An encounter as it stands. `reference` is the visit number, `version` counts the changes."""

    id: UUID
    site: str
    reference: str
    state: EncounterState
    care_setting: CareSetting
    unscheduled: bool
    test: bool
    last_event_at: datetime
    version: int

    def __post_init__(self) -> None:
        """From the words of the database."""
        object.__setattr__(self, "state", EncounterState(self.state))
        object.__setattr__(self, "care_setting", CareSetting(self.care_setting))

    @property
    def was_over_at_once(self) -> bool:
        """Whether the first that was heard of it was that it is over, and nothing since."""
        return self.state is EncounterState.CLOSED and self.version == 1


async def find_visit(transaction: Connection, site: str, encounter_key: str) -> Held | None:
    """The encounter with the key (safeguarding/encounter_events.py), or None."""
    cursor = transaction.cursor(row_factory=class_row(Held))
    await cursor.execute(f"{_HELD} WHERE e.site = %s AND e.encounter_key = %s".encode(), (site, encounter_key))
    return await cursor.fetchone()


async def find_encounter(transaction: Connection, encounter_id: UUID, organisation_code: str) -> Held | None:
    """The encounter with the id at a site of the organisation, or None: nobody hears which of the two it is."""
    cursor = transaction.cursor(row_factory=class_row(Held))
    await cursor.execute(
        f"{_HELD} JOIN sites s ON s.ods_code = e.site WHERE e.id = %s AND s.organisation_code = %s".encode(),
        (encounter_id, organisation_code),
    )
    return await cursor.fetchone()


_HELD = """
    SELECT e.id, e.site, e.reference, e.state, e.care_setting, e.unscheduled, e.test, e.last_event_at, e.version FROM encounters e
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one request: its encounter and that one's version now, how it was answered, and when it was committed.

    `opened` says that this request opened the encounter: both were written in one transaction. The encounter is None where the
    event calls for none, and its version where it was erased since.
    """

    encounter_id: UUID | None
    version: int | None
    opened: bool
    outcome: str
    answered_at: datetime


async def find_recorded(transaction: Connection, key: MessageKey) -> Recorded | None:
    """What became of the request with the key, or None where it was never answered or is forgotten."""
    cursor = transaction.cursor(row_factory=class_row(Recorded))
    await cursor.execute(
        """
        SELECT i.encounter_id, e.version, coalesce(e.recorded_at = i.received_at, false) AS opened, i.outcome,
               i.received_at AS answered_at
        FROM inbox i LEFT JOIN encounters e ON e.id = i.encounter_id
        WHERE i.sending_facility = %s AND i.control_id = %s AND i.sending_application = %s AND i.content_hash = %s
        """,
        (key.sending_facility, key.control_id, key.sending_application, key.content_hash),
    )
    return await cursor.fetchone()
