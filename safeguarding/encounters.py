"""Encounters as they are kept: found for a group of checks in one question, described for the write that follows.

Used by `safeguarding.patients_seen`; what an event does to an encounter is decided in `encounter_events`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.care_setting import CareSetting
from domain.encounter import Encounter, EncounterState
from runtime.database import Rows, Transaction
from runtime.recordset import Columns
from runtime.writes import Write
from safeguarding.check import BIRTH_KEY


class GroupMustRetry(Exception):
    """Somebody else changed what this group had read: roll back and do the group again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a check's encounters may be found: by key or local number at the first of the sites, by NHS number at any of them."""

    position: int
    sites: tuple[str, ...]
    key: str | None
    local_numbers: tuple[str, ...]
    nhs_numbers: tuple[str, ...]
    encounter_id: str | None = None

    @property
    def is_birth(self) -> bool:
        """Whether a baby's stays that have ended are asked for, too."""
        return self.key is not None and self.key.startswith(BIRTH_KEY)


async def seek_encounters(transaction: Transaction, wanted: Sequence[Wanted]) -> Rows | None:
    """Ask for each check's encounters: the one with the key, every open one of the same patient, and of a birth the ended ones."""
    ways = [(way, columns.rows(rows)) for (way, columns), rows in zip(_WAYS, _asked(wanted), strict=True) if rows]
    if not ways:
        return None
    statement = _joined(tuple(way for way, _ in ways))
    return await transaction.execute(statement, [rows for _, rows in ways], binary=True)


async def read_encounters(sought: Rows | None) -> dict[int, list[Encounter]]:
    """What `seek_encounters` asked for, by each check's position."""
    found: dict[int, list[Encounter]] = defaultdict(list)
    for position, *row in await sought.fetchall() if sought else ():
        encounter = _to_encounter(row)
        if all(known.id != encounter.id for known in found[position]):
            found[position].append(encounter)
    return found


_Asked = list[tuple[object, ...]]


def _asked(wanted: Sequence[Wanted]) -> Sequence[_Asked]:
    """What is asked for in each of the ways, in rows."""
    keys: _Asked = [(each.position, each.sites[0], each.key) for each in wanted if each.key]
    locals_: _Asked = [(each.position, each.sites[0], one) for each in wanted for one in each.local_numbers]
    numbers: _Asked = [(each.position, one, " ".join(each.sites)) for each in wanted for one in each.nhs_numbers]
    ids: _Asked = [(each.position, each.encounter_id) for each in wanted if each.encounter_id]
    born = {each.position for each in wanted if each.is_birth}
    born_locals, born_numbers = ([row for row in rows if row[0] in born] for rows in (locals_, numbers))
    return keys, locals_, numbers, ids, born_locals, born_numbers


_COLUMNS = """e.id, e.site, e.encounter_key, e.reference, e.nhs_number, e.local_number, e.care_setting, e.unscheduled, e.state,
           e.arrived_at, e.departed_at, e.left_before_seen, e.test, e.flagged, e.could_not_check, e.cautions, e.last_event_at,
           e.version, e.mother_number, e.last_sequence, e.last_sequence_sender, e.arrival_mode, e.stood_at"""


def _way(asked: Columns, where: str, and_then: str = "true") -> tuple[str, Columns]:
    """Each is asked for by itself (OFFSET 0 keeps the planner from turning it round): what looks like a few open encounters when
    the question is planned may be many when it is asked."""
    way = f"""
        SELECT asked.position, e.*
        FROM {asked.table("asked")}, LATERAL (SELECT {_COLUMNS} FROM encounters e WHERE {where} OFFSET 0) AS e
        WHERE {and_then}
    """  # noqa: S608 (only the constants below are put in)
    return way, asked


_KEYS = Columns("position int, site text, key text")
_LOCALS = Columns("position int, site text, local text")
_NUMBERS = Columns("position int, number text, sites text")
_IDS = Columns("position int, id uuid")

_WAYS = (
    _way(_KEYS, "e.site = asked.site AND e.encounter_key = asked.key"),
    _way(_LOCALS, "e.site = asked.site AND e.local_number = asked.local", "e.state = 'open'"),
    _way(_NUMBERS, "e.nhs_number = asked.number AND e.state = 'open' AND e.site = ANY(string_to_array(asked.sites, ' '))"),
    _way(_IDS, "e.id = asked.id"),
    _way(_LOCALS, "e.site = asked.site AND e.local_number = asked.local", "e.state = 'closed'"),
    _way(
        _NUMBERS,
        "e.nhs_number = asked.number AND e.state <> 'open' AND e.site = ANY(string_to_array(asked.sites, ' '))",
        "e.state = 'closed'",
    ),
)
"""By the encounter's key, by the hospital's number for the patient, by the NHS number, by the encounter's own id; and the ended
ones of a baby, by either number."""


@lru_cache(maxsize=64)
def _joined(ways: tuple[str, ...]) -> bytes:
    return "UNION ALL".join(ways).encode()


def _to_encounter(row: Sequence[Any]) -> Encounter:
    values = list(row)
    values[6], values[8] = CareSetting(row[6]), EncounterState(row[8])
    return Encounter(*values)


def to_write(opened: Sequence[Encounter], changed: Sequence[Encounter]) -> list[Write]:
    """Insert the new ones, update the others; each only where no other process was there first."""
    return [_write(statement, encounters) for statement, encounters in ((_INSERT, opened), (_UPDATE, changed)) if encounters]


def _write(statement: str, encounters: Sequence[Encounter]) -> Write:
    ordered = sorted(encounters, key=lambda each: (each.site, each.key))
    return Write(statement, [_WRITTEN.rows(map(_to_row, ordered))], len(ordered))


def _to_row(encounter: Encounter) -> tuple[object, ...]:
    return (
        encounter.id, encounter.site, encounter.key, encounter.reference, encounter.nhs_number, encounter.local_number,
        encounter.care_setting.value, encounter.unscheduled, encounter.state.value, encounter.arrived_at, encounter.departed_at,
        encounter.left_before_seen, encounter.test, encounter.flagged, encounter.could_not_check, encounter.cautions,
        encounter.last_event_at, encounter.version, encounter.mother_number,
        encounter.last_sequence, encounter.last_sequence_sender, encounter.arrival_mode, encounter.stood_at,
    )  # fmt: skip


_WRITTEN = Columns(
    "id uuid, site text, encounter_key text, reference text, nhs_number text, local_number text, care_setting text,"
    " unscheduled boolean, state text, arrived_at timestamptz, departed_at timestamptz, left_before_seen boolean, test boolean,"
    " flagged boolean, could_not_check text, cautions text, last_event_at timestamptz, version int, mother_number text,"
    " last_sequence bigint, last_sequence_sender text, arrival_mode text, stood_at timestamptz"
)

_INSERT = f"""
    INSERT INTO encounters (id, site, encounter_key, reference, nhs_number, local_number, care_setting, unscheduled, state,
                            arrived_at, departed_at, left_before_seen, test, flagged, could_not_check, cautions,
                            last_event_at, version, mother_number, last_sequence, last_sequence_sender, arrival_mode, stood_at)
    SELECT * FROM {_WRITTEN.table("new")}
    ON CONFLICT (site, encounter_key) DO NOTHING
"""  # noqa: S608

_UPDATE = f"""
    UPDATE encounters AS e
    SET encounter_key = new.encounter_key, reference = new.reference, nhs_number = new.nhs_number, local_number = new.local_number,
        care_setting = new.care_setting, unscheduled = new.unscheduled, state = new.state, arrived_at = new.arrived_at,
        departed_at = new.departed_at, left_before_seen = new.left_before_seen, test = new.test, flagged = new.flagged,
        could_not_check = new.could_not_check, cautions = new.cautions, last_event_at = new.last_event_at,
        mother_number = new.mother_number, last_sequence = new.last_sequence,
        last_sequence_sender = new.last_sequence_sender, arrival_mode = new.arrival_mode, stood_at = new.stood_at,
        version = e.version + 1
    FROM {_WRITTEN.table("new")}
    WHERE e.id = new.id AND e.version = new.version
"""  # noqa: S608
