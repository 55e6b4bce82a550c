"""Looking at flags: the only way to read them, and it writes who looked, why, and what was found.

`safeguarding.patients_seen` calls it inside the desk's transaction; the flags go on to the decision.
Sources: CP-IS access history; IHE BALP PatientQuery; docs/facts.md, sections 1, 2 and 7.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor, Purpose
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from domain.flag import Flag, FlagKind, Standing
from domain.nhs_number import NhsNumber
from runtime.clock import england_day
from runtime.database import Transaction
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


async def look(transaction: Transaction, key: bytes, looks: Sequence[Look]) -> list[tuple[Flag, ...]]:
    """The flags that stand on each look's number, open or ended, best known first; one access is written for each look.

    `key` hashes the numbers nobody has a flag for. Flags of authorities that are not live are not there.
    """
    held = await _flags_by_number(transaction, sorted({entry.number for entry in looks if entry.number}))
    found = [_shown(held.get(entry.number, ()) if entry.number else (), england_day(entry.at)) for entry in looks]
    await _record_accesses(transaction, key, looks, found)
    return found


def _shown(flags: Sequence[Flag], today: date) -> tuple[Flag, ...]:
    shown = [flag for flag in flags if flag.standing(today) is not Standing.HIDDEN]
    return tuple(sorted(shown, key=lambda flag: (flag.standing(today) is not Standing.OPEN, flag.kind, flag.authority_code)))


async def _flags_by_number(transaction: Transaction, numbers: list[NhsNumber]) -> dict[NhsNumber, list[Flag]]:
    flags: dict[NhsNumber, list[Flag]] = defaultdict(list)
    if numbers:
        cursor = await transaction.execute(_FLAGS, (numbers, numbers), binary=True)
        for asked, *row in await cursor.fetchall():
            flag = _to_flag(row)
            if all(known.id != flag.id for known in flags[asked]):
                flags[asked].append(flag)
    return flags


_FLAGS = """
    SELECT asked.number, f.id, f.person_id, p.nhs_number, f.kind, f.authority_code, f.start_date, f.end_date,
           f.expected_delivery_date, p.birth_date, p.family_name, p.given_name, p.sensitive, f.last_confirmed_at, asked.note
    FROM (
        SELECT n.number, p.id AS person_id, NULL AS note
        FROM unnest(%s::text[]) AS n (number) JOIN persons p ON p.nhs_number = n.number
        UNION ALL
        SELECT n.number, a.person_id, a.relation
        FROM unnest(%s::text[]) AS n (number)
        JOIN person_aliases a ON a.value = n.number AND a.facility = '' AND a.ended_at IS NULL
    ) AS asked
    JOIN persons p ON p.id = asked.person_id
    JOIN flags f ON f.person_id = p.id AND f.deleted_on IS NULL
    JOIN authorities t ON t.code = f.authority_code AND t.state IN ('live', 'paused')
"""


def _to_flag(row: Sequence[Any]) -> Flag:
    (flag, person, number, kind, authority, start, end, due, birth, family, given, sensitive, confirmed, note) = row
    return Flag(
        flag,
        person,
        number,
        FlagKind(kind),
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
    )


async def _record_accesses(transaction: Transaction, key: bytes, looks: Sequence[Look], found: Sequence[tuple[Flag, ...]]) -> None:
    rows = [_access_row(key, entry, flags) for entry, flags in zip(looks, found, strict=True)]
    await transaction.execute(_ACCESSES, [list(column) for column in zip(*rows, strict=True)])


def _access_row(key: bytes, entry: Look, flags: tuple[Flag, ...]) -> tuple[object, ...]:
    person = flags[0].person_id if flags else None
    unknown = None if person or not entry.number else number_hash(key, entry.number)
    outcome = "flagged" if flags else "none-known" if entry.number else "could-not-check"
    actor = entry.actor
    return (
        entry.at, person, unknown, actor.kind.value, actor.id, actor.name, actor.role, actor.organisation, entry.purpose.value,
        entry.trigger.value, entry.care_setting.value, entry.in_history, entry.encounter_id, outcome, entry.request_id,
    )  # fmt: skip


_ACCESSES = """
    INSERT INTO accesses (occurred_at, person_id, number_hash, actor_kind, actor_id, actor_name, actor_role, organisation,
                          purpose, trigger_event, care_setting, in_history, encounter_id, outcome, request_id)
    SELECT * FROM unnest(%s::timestamptz[], %s::uuid[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                         %s::text[], %s::text[], %s::text[], %s::boolean[], %s::uuid[], %s::text[], %s::text[])
"""
