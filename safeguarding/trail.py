"""The whole trail: every look and every change, for information governance and for registered auditors alone.

`fhir_adapter.audit_events` and `api.access_review` search it by patient, agent, organisation and day; newest first, page by page.
Reading the trail enters the trail. Sources: FHIR AuditEvent (search); DCB0129 hazard log H-10; docs/facts.md, section 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor, ActorKind
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Transaction
from runtime.secret import number_hash
from safeguarding.access_history import COLUMNS, WHO, Access, to_access

_NEWEST = UUID(int=(1 << 128) - 1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done, other than a look. `detail` holds codes and counts, never a patient."""

    id: UUID
    occurred_at: datetime
    actor: Actor
    organisation_name: str
    action: str
    subject_type: str
    subject_id: str
    detail: Mapping[str, Any]

    @property
    def organisation(self) -> str:
        """By name, else by code."""
        return self.organisation_name or self.actor.organisation


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom a number leads to: the persons as a lookup finds them, and the keyed hashes of looks that found nobody."""

    persons: tuple[UUID, ...]
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TrailSearch:
    """What is searched for; what is empty or None is not asked.

    `agent` is the id of who acted, or a user's role profile (URID); `agent_name` a part of a name; `who` either of them.
    `organisation` is a code. From `since` until before `until`. `before` is the last id of the page before. `action` leaves one
    kind of changes.
    """

    patient: Patient | None = None
    agent: str = ""
    agent_name: str = ""
    who: str = ""
    organisation: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None
    looks: bool = True
    changes: bool = True
    action: str = ""

    @property
    def asked(self) -> str:
        """By what, for the trail itself: names of conditions, never their values."""
        conditions = {
            "patient": self.patient,
            "agent": self.agent or self.agent_name or self.who,
            "organisation": self.organisation,
            "date": self.since or self.until,
            "page": self.before,
        }
        return " ".join(name for name, given in conditions.items() if given) or "nothing"


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Rows in the order in which they were written, newest first. `next_before` leads to the page after, None on the last."""

    rows: tuple[Access | Change, ...]
    next_before: UUID | None


async def patient_of(transaction: Transaction, key: bytes, number: NhsNumber) -> Patient:
    """Whom a number leads to, by its aliases, merges and newborn links as in a lookup; `key` hashes numbers."""
    found = await (await transaction.execute(_LED_TO, {"number": number})).fetchall()
    persons = tuple(sorted({person for person, _ in found}))
    numbers = {number, *(NhsNumber(value) for _, value in found if value)}
    return Patient(persons, tuple(sorted(number_hash(key, each) for each in numbers)))


_LED_TO = """
    WITH own AS (
        SELECT p.id FROM persons p WHERE p.nhs_number = %(number)s
        UNION
        SELECT a.person_id FROM person_aliases a WHERE a.value = %(number)s AND a.facility = '' AND a.ended_at IS NULL
    )
    SELECT own.id, p.nhs_number FROM own JOIN persons p ON p.id = own.id
    UNION ALL
    SELECT own.id, a.value FROM own JOIN person_aliases a ON a.person_id = own.id WHERE a.facility = '' AND a.ended_at IS NULL
    UNION ALL
    SELECT f.person_id, NULL FROM newborn_links l JOIN flags f ON f.id = l.flag_id
    WHERE l.value = %(number)s AND l.facility = '' AND l.resolved_at IS NULL
"""


async def search_trail(transaction: Transaction, actor: Actor, search: TrailSearch, limit: int) -> TrailPage:
    """One page of at most `limit` rows. That it was read is written down, under each person it was asked about."""
    rows: list[Access | Change] = []
    values = _values(search, limit + 1)
    if search.looks:
        found = await transaction.execute(_LOOKS_OF_PATIENT if search.patient else _LOOKS, values)
        rows += [to_access(row) for row in await found.fetchall()]
    if search.changes:
        found = await transaction.execute(_CHANGES_OF_PATIENT if search.patient else _ALL_CHANGES, values)
        rows += [_to_change(row) for row in await found.fetchall()]
    rows.sort(key=lambda row: row.id, reverse=True)
    page = tuple(rows[:limit])
    for subject_type, subject_id in _subjects(search):
        await record_audit(transaction, actor, "accesses.review", subject_type, subject_id, by=search.asked, shown=len(page))
    return TrailPage(page, page[-1].id if len(rows) > limit else None)


def _subjects(search: TrailSearch) -> Sequence[tuple[str, str]]:
    if search.patient is None:
        return [("accesses", "all")]
    persons = [("person", str(person)) for person in search.patient.persons]
    return persons or [("number-hash", each.hex()) for each in search.patient.hashes]


def _values(search: TrailSearch, limit: int) -> dict[str, object]:
    patient = search.patient or Patient((), ())
    return {
        "before": search.before or _NEWEST,
        "since": search.since or _EVER[0],
        "until": search.until or _EVER[1],
        "agent": search.agent,
        "name": _part(search.agent_name),
        "who": search.who,
        "who_part": _part(search.who),
        "action": search.action,
        "organisation": search.organisation,
        "persons": list(patient.persons),
        "hashes": list(patient.hashes),
        "hexes": [each.hex() for each in patient.hashes],
        "limit": limit,
    }


def _part(text: str) -> str:
    """A pattern that any text with this in it matches."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%" if text else ""


def _to_change(row: Sequence[Any]) -> Change:
    id_, at, kind, actor_id, name, organisation, role, *rest = row
    return Change(id_, at, Actor(ActorKind(kind), actor_id, name, organisation, role), *rest)


_WHERE = b"""
    WHERE a.id < %(before)s AND a.occurred_at >= %(since)s AND a.occurred_at < %(until)s
      AND (%(agent)s = '' OR a.actor_id = %(agent)s OR a.actor_role = %(agent)s)
      AND (%(name)s = '' OR a.actor_name ILIKE %(name)s)
      AND (%(who)s = '' OR a.actor_id = %(who)s OR a.actor_role = %(who)s OR a.actor_name ILIKE %(who_part)s)
      AND (%(organisation)s = '' OR a.organisation = %(organisation)s)
"""
_NEWEST_FIRST = b" ORDER BY a.id DESC LIMIT %(limit)s"

_LOOKS = b"SELECT" + COLUMNS.encode() + b"FROM accesses a" + _WHERE + _NEWEST_FIRST
_LOOKS_OF_PATIENT = (
    b"SELECT"
    + COLUMNS.encode()
    + b"""
    FROM (
        SELECT * FROM accesses WHERE person_id = ANY(%(persons)s::uuid[])
        UNION ALL
        SELECT * FROM accesses WHERE number_hash = ANY(%(hashes)s::bytea[]) AND person_id IS NULL
    ) a
    """
    + _WHERE
    + _NEWEST_FIRST
)

_CHANGES = b"SELECT" + WHO.encode() + b", a.action, a.subject_type, a.subject_id, a.detail FROM audit_events a"
# Of a patient: of the person, of the person's flags and alerts, of encounters in which somebody looked at the person, and of
# searches of this trail for the number.
_OF_PATIENT = b"""
    JOIN (
        SELECT 'person' AS type, unnest(%(persons)s::uuid[])::text AS id
        UNION SELECT 'number-hash', unnest(%(hexes)s::text[])
        UNION SELECT 'flag', f.id::text FROM flags f WHERE f.person_id = ANY(%(persons)s::uuid[])
        UNION SELECT 'alert', l.id::text FROM alerts l WHERE l.person_id = ANY(%(persons)s::uuid[])
        UNION SELECT 'encounter', e.encounter_id::text FROM accesses e
              WHERE e.person_id = ANY(%(persons)s::uuid[]) AND e.encounter_id IS NOT NULL
    ) subject ON subject.type = a.subject_type AND subject.id = a.subject_id
"""
_OF_KIND = b" AND (%(action)s = '' OR a.action = %(action)s)"
_ALL_CHANGES = _CHANGES + _WHERE + _OF_KIND + _NEWEST_FIRST
_CHANGES_OF_PATIENT = _CHANGES + _OF_PATIENT + _WHERE + _OF_KIND + _NEWEST_FIRST
