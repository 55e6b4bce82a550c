"""Looking at flags: the only way to read them, and it writes who looked, why, and what was found.

`safeguarding.patients_seen` calls it inside the desk's transaction; the flags go on to the decision.
Sources: CP-IS access history; IHE BALP PatientQuery; docs/facts.md, sections 1, 2 and 7.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor, Purpose
from domain.care_setting import CareSetting
from domain.encounter import LocalNumber, TriggerEvent, keys_of
from domain.flag import Flag, FlagKind, Standing
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from runtime.clock import england_day
from runtime.database import Rows, Transaction
from runtime.recordset import Columns
from runtime.secret import number_hash


@dataclass(frozen=True, slots=True)
class Look:
    """One question about one number; without a number it is still written down, as "could not check"."""

    actor: Actor
    purpose: Purpose
    trigger: TriggerEvent
    care_setting: CareSetting
    number: NhsNumber | None
    at: datetime
    in_history: bool
    encounter_id: UUID | None = None
    request_id: str | None = None
    once: bool = False
    """A request with this id that is sent again is one access."""
    local_numbers: tuple[LocalNumber, ...] = ()
    """By these a newborn is found that has no number yet."""

    @property
    def keys(self) -> list[tuple[str, str]]:
        """What leads to flags: pairs of facility and value, the facility of an NHS number empty."""
        return keys_of(self.number, self.local_numbers)


@dataclass(frozen=True, slots=True)
class Asked:
    """The store was asked for the flags of these keys. Only `look` reads what came of it."""

    keys: frozenset[tuple[str, str]]
    rows: Rows | None


async def ask(transaction: Transaction, keys: Iterable[tuple[str, str]]) -> Asked:
    """Ask for the flags that the looks to come will need, together with other questions, so that nobody waits for them alone."""
    wanted = frozenset(keys)
    return Asked(wanted, await transaction.execute(_FLAGS, [_KEYS.rows(sorted(wanted))], binary=True) if wanted else None)


async def look(transaction: Transaction, key: bytes, looks: Sequence[Look], asked: Asked | None = None) -> list[tuple[Flag, ...]]:
    """The flags that stand on each look's number, open or ended, best known first; one access is written for each look.

    `key` hashes the numbers nobody has a flag for. Flags of authorities that are not live are not there. What was `asked` is
    used where it holds all that is needed; nothing that changes who has which flag may have been written since.
    """
    wanted = {key for entry in looks for key in entry.keys}
    held = await _flags_by_key(asked if asked and wanted <= asked.keys else await ask(transaction, wanted))
    found = [_shown([flag for key in entry.keys for flag in held.get(key, ())], england_day(entry.at)) for entry in looks]
    await _record_accesses(transaction, key, looks, found)
    return found


def _shown(flags: Sequence[Flag], today: date) -> tuple[Flag, ...]:
    """Those that are shown. The mother's plan gives way to one of the same authority for the baby itself."""
    own = {
        flag.authority_code
        for flag in flags
        if flag.start_date <= today and not flag.is_of_mother and flag.kind is not FlagKind.UCPP
    }
    flags = [flag for flag in flags if not (flag.is_of_mother and flag.authority_code in own)]
    shown = {flag.id: flag for flag in reversed(flags) if flag.standing(today) is not Standing.HIDDEN}
    return tuple(
        sorted(shown.values(), key=lambda flag: (flag.standing(today) is not Standing.OPEN, flag.kind, flag.authority_code))
    )


async def _flags_by_key(asked: Asked) -> dict[tuple[str, str], list[Flag]]:
    flags: dict[tuple[str, str], list[Flag]] = defaultdict(list)
    for facility, value, *row in await asked.rows.fetchall() if asked.rows else ():
        flag, held = _to_flag(row), flags[facility, value]
        if all(known.id != flag.id for known in held):
            held.append(flag)
    return flags


_KEYS = Columns("facility text, value text")

# Each key is asked for by itself (LATERAL, OFFSET 0), so that a plan made while the tables are small stays right as they grow.
_FLAGS = f"""
    SELECT asked.facility, asked.value, f.id, f.person_id, p.nhs_number, f.kind, f.authority_code, f.start_date, f.end_date,
           f.expected_delivery_date, p.birth_date, p.family_name, p.given_name, p.sensitive, f.last_confirmed_at, held.note,
           f.match_basis, f.missed_snapshots, CASE WHEN held.flag_id IS NOT NULL AND asked.facility = '' THEN asked.value END
    FROM {_KEYS.table("asked")},
    LATERAL (
        SELECT p.id AS person_id, NULL AS note, NULL::uuid AS flag_id
        FROM persons p WHERE p.nhs_number = asked.value AND asked.facility = ''
        UNION ALL
        SELECT a.person_id, CASE a.relation || a.direction WHEN 'supersededsuccessor' THEN 'successor' ELSE a.relation END, NULL
        FROM person_aliases a WHERE a.value = asked.value AND a.facility = asked.facility AND asked.facility = ''
                                AND a.ended_at IS NULL
        UNION ALL
        SELECT u.person_id, 'newborn', u.id
        FROM newborn_links l JOIN flags u ON u.id = l.flag_id
        WHERE l.value = asked.value AND l.facility = asked.facility AND l.resolved_at IS NULL
        OFFSET 0
    ) AS held
    JOIN persons p ON p.id = held.person_id,
    LATERAL (
        SELECT * FROM flags f WHERE f.person_id = held.person_id AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL
                                AND (held.flag_id IS NULL OR f.id = held.flag_id) OFFSET 0
    ) AS f
    JOIN authorities t ON t.code = f.authority_code AND t.state IN ('live', 'paused')
""".encode()  # noqa: S608 (only constants are put in)


def _to_flag(row: Sequence[Any]) -> Flag:
    (
        flag,
        person,
        number,
        kind,
        authority,
        start,
        end,
        due,
        birth,
        family,
        given,
        sensitive,
        confirmed,
        note,
        match,
        missed,
        baby,
    ) = row
    return Flag(
        flag, person, number, FlagKind(kind), authority, start, end, due, birth, family, given, sensitive, confirmed, note, baby,
        MatchBasis(match), missed,
    )  # fmt: skip


async def _record_accesses(transaction: Transaction, key: bytes, looks: Sequence[Look], found: Sequence[tuple[Flag, ...]]) -> None:
    rows = _ACCESSED.rows(_access_row(key, entry, flags) for entry, flags in zip(looks, found, strict=True))
    once = [entry.request_id for entry in looks if entry.once]
    await (transaction.execute(_ACCESSES_ONCE, [rows, once]) if once else transaction.execute(_ACCESSES, [rows]))


def _access_row(key: bytes, entry: Look, flags: tuple[Flag, ...]) -> tuple[object, ...]:
    person = flags[0].person_id if flags else None
    unknown = None if person or not entry.number else number_hash(key, entry.number)
    outcome = "flagged" if flags else "none-known" if entry.number else "could-not-check"
    actor = entry.actor
    return (
        entry.at, person, unknown, actor.kind.value, actor.id, actor.name, actor.role, actor.organisation, entry.purpose.value,
        entry.trigger.value, entry.care_setting.value, entry.in_history, entry.encounter_id, outcome, entry.request_id,
    )  # fmt: skip


_ACCESSED = Columns(
    "occurred_at timestamptz, person_id uuid, number_hash bytea, actor_kind text, actor_id text, actor_name text, actor_role text,"
    " organisation text, purpose text, trigger_event text, care_setting text, in_history boolean, encounter_id uuid, outcome text,"
    " request_id text"
)

_INTO_ACCESSES = f"""
    INSERT INTO accesses (occurred_at, person_id, number_hash, actor_kind, actor_id, actor_name, actor_role, organisation,
                          purpose, trigger_event, care_setting, in_history, encounter_id, outcome, request_id)
    SELECT * FROM {_ACCESSED.table("asked")}
"""  # noqa: S608
_ACCESSES = _INTO_ACCESSES.encode()

# A request that is sent again with its id is one access: the same client, by the same right, about the same patient in the same
# encounter, and found the same. What could not be checked is always written. Both bounds keep the other months' partitions out of
# the question.
_ACCESSES_ONCE = f"""{_INTO_ACCESSES}
    WHERE NOT EXISTS (
        SELECT FROM accesses a
        WHERE asked.request_id = ANY(%s::text[]) AND a.request_id = asked.request_id
          AND a.occurred_at BETWEEN now() - interval '1 day' AND now() + interval '1 hour'
          AND a.actor_kind = asked.actor_kind AND a.actor_id = asked.actor_id AND a.actor_role = asked.actor_role
          AND a.organisation = asked.organisation AND a.trigger_event = asked.trigger_event
          AND a.care_setting = asked.care_setting AND a.in_history = asked.in_history
          AND (a.person_id = asked.person_id OR a.number_hash = asked.number_hash)
          AND a.encounter_id IS NOT DISTINCT FROM asked.encounter_id
    )
""".encode()  # noqa: S608
