"""The arrivals whose number somebody must find, as they are kept: what a message said of the patient, until PDS has answered.

The desk writes with `want_traces`, in its own transaction; `safeguarding.tracing` claims, and ends each of them. Nothing else
reads what was said. Source: docs/facts.md, sections 3 and 7 (what is kept about people whom nobody has a flag for).
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.encounter import Encounter, EncounterState, TriggerEvent
from domain.trace import Demographics, Gender
from runtime.clock import england_day
from runtime.database import Connection, Transaction
from safeguarding.check import Check
from safeguarding.decision import tells
from safeguarding.retention import TRACE_LIFE

LEASE = timedelta(minutes=3)
"""Longer than any question to PDS takes."""

_SAYS_WHO = frozenset(
    {
        TriggerEvent.ADMIT,
        TriggerEvent.REGISTER,
        TriggerEvent.TRANSFER,
        TriggerEvent.CLASS_CHANGE,
        TriggerEvent.UPDATE,
        TriggerEvent.UPDATE_PERSON,
        TriggerEvent.ADD_PERSON,
    }
)


@dataclass(frozen=True, slots=True)
class Want:
    """An encounter whose patient has no number, what its message said of who that is, and when the message's event was.

    Without `asks` nobody can be found by it; but what was said before of somebody else is true no more.
    """

    encounter_id: UUID
    told: Demographics
    event_at: datetime
    asks: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A want that is ours until its lease runs out, with where the patient is. `attempts` counts this one."""

    want: Want
    details_hash: bytes
    attempts: int
    site: str
    care_setting: CareSetting


def want_of(check: Check, encounter: Encounter) -> Want | None:
    """What to ask of PDS for an encounter that a check has just left, or None where it says nothing of who it is. Pure.

    Only for want of a number, only where the authority would be told, never of a private service or by a placeholder name; and
    only with a given name: without one the only twin that PDS knows yet would be taken for the other.
    """
    who = check.identity
    wanted = (
        check.trigger in _SAYS_WHO
        and encounter.state is EncounterState.OPEN
        and encounter.nhs_number is None
        and encounter.could_not_check == CouldNotCheckReason.NO_NUMBER
        and tells(encounter)
    )
    family, given = _storable(who.family_name), _storable(who.given_name)
    if not wanted or not (family or given):
        return None
    is_known = who.birth_date is not None and date(1900, 1, 1) < who.birth_date <= england_day(check.at)
    told = Demographics(family, who.birth_date or date.min, given)
    return Want(encounter.id, told, check.moment, asks=bool(given) and is_known and told.can_be_traced)


async def want_traces(transaction: Transaction, key: bytes, wants: Sequence[Want]) -> None:
    """Keep what is to be asked; the encounters must have been written before. What was asked with these details is not again.

    Where an encounter's patient turns out to be somebody whom nobody can be asked about, what was said before is forgotten.
    """
    others = sorted((want for want in wants if not want.asks), key=_encounter)
    if others:
        said = [(want.encounter_id, want.told.family_name, want.told.given_name, want.event_at) for want in others]
        await transaction.execute(_FORGET, [list(column) for column in zip(*said, strict=True)])
    wants = [want for want in wants if want.asks]
    if wants:
        rows = [
            (want.encounter_id, details, hmac.digest(key, details, "sha256"), want.event_at)
            for want in sorted(wants, key=_encounter)
            for details in (_to_details(want.told),)
        ]
        ids, details, hashes, times = (list(column) for column in zip(*rows, strict=True))
        await transaction.execute(_WANT, [ids, [each.decode() for each in details], hashes, times])


_WANT = """
    INSERT INTO trace_wants AS known (encounter_id, details, details_hash, event_at)
    SELECT id, details::jsonb, hash, event_at
    FROM unnest(%s::uuid[], %s::text[], %s::bytea[], %s::timestamptz[]) AS wanted (id, details, hash, event_at)
    ON CONFLICT (encounter_id) DO UPDATE
    SET details = excluded.details, details_hash = excluded.details_hash, event_at = excluded.event_at,
        wanted_at = now(), due_at = now(), attempts = 0, outcome = NULL
    WHERE known.details_hash <> excluded.details_hash AND known.event_at <= excluded.event_at
"""


# In the order of the ids, as everybody locks them who waits for one.
_FORGET = """
    WITH others AS (
        SELECT w.encounter_id
        FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[]) AS said (id, family, given, event_at)
        JOIN trace_wants w ON w.encounter_id = said.id
        WHERE w.outcome IS NULL AND w.event_at <= said.event_at
          AND (w.details ->> 'family', w.details ->> 'given') IS DISTINCT FROM (said.family, said.given)
        ORDER BY w.encounter_id FOR UPDATE OF w
    )
    UPDATE trace_wants AS w SET details = NULL, outcome = 'not-needed' FROM others WHERE w.encounter_id = others.encounter_id
"""


async def end_needless(transaction: Connection) -> None:
    """Forget what was said of whoever has a number by now, or is no longer awaited, or has waited for a day."""
    await transaction.execute(_END_NEEDLESS)
    await transaction.execute(GIVE_UP, (TRACE_LIFE,))


# Nobody waits here for a row that another process has in hand: so the desk, which waits for its rows, is in no circle.
_END_NEEDLESS = """
    WITH needless AS (
        SELECT w.encounter_id, e.nhs_number IS NOT NULL AS has_number
        FROM trace_wants w JOIN encounters e ON e.id = w.encounter_id
        WHERE w.outcome IS NULL
          AND (e.could_not_check IS DISTINCT FROM 'no-nhs-number' OR e.state NOT IN ('open', 'closed'))
        FOR UPDATE OF w SKIP LOCKED
    )
    UPDATE trace_wants AS w
    SET details = NULL, outcome = CASE WHEN has_number THEN 'number-came' ELSE 'not-needed' END
    FROM needless WHERE w.encounter_id = needless.encounter_id
"""
GIVE_UP = """
    UPDATE trace_wants SET details = NULL, outcome = 'expired'
    WHERE encounter_id IN (
        SELECT encounter_id FROM trace_wants WHERE outcome IS NULL AND wanted_at < now() - %s::interval FOR UPDATE SKIP LOCKED
    )
"""


async def claim_wants(transaction: Connection, limit: int) -> list[Claimed]:
    """Those that are due, for as long as the lease lasts; what another process has claimed is passed over."""
    cursor = await transaction.execute(_CLAIM, (limit, LEASE))
    return [
        Claimed(Want(encounter_id, _from_details(details), event_at), details_hash, attempts, site, CareSetting(setting))
        for encounter_id, details, event_at, details_hash, attempts, site, setting in await cursor.fetchall()
    ]


_CLAIM = """
    WITH due AS (
        SELECT w.encounter_id, e.site, e.care_setting
        FROM trace_wants w JOIN encounters e ON e.id = w.encounter_id
        WHERE w.outcome IS NULL AND w.due_at <= now()
        ORDER BY w.due_at LIMIT %s FOR UPDATE OF w SKIP LOCKED
    )
    UPDATE trace_wants AS w SET due_at = now() + %s::interval, attempts = w.attempts + 1
    FROM due WHERE w.encounter_id = due.encounter_id
    RETURNING w.encounter_id, w.details, w.event_at, w.details_hash, w.attempts, due.site, due.care_setting
"""


async def is_still_wanted(transaction: Connection, claimed: Claimed) -> bool:
    """Whether nobody has said meanwhile who it is: a number that came over HL7 wins."""
    cursor = await transaction.execute(_STILL, (claimed.want.encounter_id, claimed.details_hash))
    return await cursor.fetchone() is not None


_STILL = """
    SELECT FROM trace_wants w JOIN encounters e ON e.id = w.encounter_id
    WHERE w.encounter_id = %s AND w.details_hash = %s AND w.outcome IS NULL AND e.nhs_number IS NULL
      AND e.state IN ('open', 'closed')
"""


async def end_want(transaction: Connection, claimed: Claimed, outcome: str) -> bool:
    """Forget what was said, and keep what came of it. False where it has changed or ended meanwhile."""
    cursor = await transaction.execute(
        "UPDATE trace_wants SET details = NULL, outcome = %s WHERE encounter_id = %s AND details_hash = %s AND outcome IS NULL",
        (outcome, claimed.want.encounter_id, claimed.details_hash),
    )
    return cursor.rowcount == 1


async def postpone_want(transaction: Connection, claimed: Claimed, seconds: float) -> None:
    """Ask again after so many seconds, unless it has changed meanwhile."""
    await transaction.execute(
        """
        UPDATE trace_wants SET due_at = now() + make_interval(secs => %s)
        WHERE encounter_id = %s AND details_hash = %s AND outcome IS NULL
        """,
        (seconds, claimed.want.encounter_id, claimed.details_hash),
    )


async def read_outcomes(transaction: Connection, encounter_ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """What came of asking PDS for each encounter of which something was asked; None while it waits. For pages."""
    cursor = await transaction.execute(
        "SELECT encounter_id, outcome FROM trace_wants WHERE encounter_id = ANY(%s)", (list(encounter_ids),)
    )
    rows: list[tuple[UUID, str | None]] = await cursor.fetchall()
    return dict(rows)


async def oldest_wanted(transaction: Connection) -> datetime | None:
    """Since when the oldest want has waited for an answer; None where none waits. For readiness: it tells that PDS is away."""
    row = await (await transaction.execute("SELECT min(wanted_at) FROM trace_wants WHERE outcome IS NULL")).fetchone()
    return row[0] if row else None


def _storable(name: str) -> str:
    """On one line, and without what no database takes: nobody's arrival is lost for a question about it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def _encounter(want: Want) -> UUID:
    return want.encounter_id


def _to_details(told: Demographics) -> bytes:
    details = {
        "family": told.family_name, "given": told.given_name, "born": told.birth_date.isoformat(),
        "gender": told.gender.value if told.gender else "", "postcode": told.postcode,
    }  # fmt: skip
    return orjson.dumps(details, option=orjson.OPT_SORT_KEYS)


def _from_details(details: Mapping[str, Any]) -> Demographics:
    gender = Gender(details["gender"]) if details["gender"] else None
    born = date.fromisoformat(details["born"])
    return Demographics(details["family"], born, details["given"], gender, details["postcode"])
