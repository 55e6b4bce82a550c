"""Identity incidents: somebody said "wrong child". Until one is settled a caution stands beside the flag, which is never hidden.

`safeguarding.answering` and `replies` open them; `api.incidents` lists and settles; the banner and the card ask `is_disputed`.
Who saw the child is read from the accesses and the audit trail. Source: docs/facts.md, section 3; docs/conversation.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from alerts.writing import touch
from domain.actor import Actor, Role
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Connection, Transaction
from safeguarding.telling.fields import ALL, read_fields

DISPUTED_WORDS = "Identity is being checked: somebody said this may be the wrong child."
LONGEST_WORDS, SHORTEST_WORDS = 500, 5
MOST_INCIDENTS = 200
MOST_SEEN_BY = 500


class Outcome(StrEnum):
    """What was found."""

    RIGHT_CHILD = "right-child"
    AT_HOSPITAL = "wrong-number-at-hospital"
    AT_AUTHORITY = "wrong-number-at-authority"

    @property
    def words(self) -> str:
        """For the list and for the record."""
        return _OUTCOME_WORDS[self]


_OUTCOME_WORDS = {
    Outcome.RIGHT_CHILD: "It was the right child",
    Outcome.AT_HOSPITAL: "The hospital had the wrong NHS number",
    Outcome.AT_AUTHORITY: "The authority had the wrong NHS number",
}


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Whom the flag is about is known to the authority's own people alone: to all others these parts are empty.

    To the authority's people what was not agreed of the visit is empty in its turn, and the site is called after its organisation.
    """

    id: UUID
    alert_id: UUID
    encounter_id: UUID
    person_id: UUID
    authority: str
    site_name: str
    reference: str
    arrived_at: datetime | None
    opened_at: datetime
    opened_by: str
    opened_by_role: str
    words: str
    state: str
    outcome: str | None
    settled_at: datetime | None
    settled_by: str | None
    settled_words: str
    given_name: str
    family_name: str
    birth_date: date | None
    nhs_number: str
    is_masked: bool
    authority_code: str
    organisation_code: str
    organisation_name: str
    may_leave: frozenset[str] = ALL

    @property
    def is_open(self) -> bool:
        """Whether nobody has settled it."""
        return self.state == "open"

    @property
    def role_words(self) -> str:
        """The role of who said it."""
        return self.opened_by_role.replace("-", " ")

    @property
    def outcome_words(self) -> str:
        """What was found, or nothing."""
        return Outcome(self.outcome).words if self.outcome else ""


@dataclass(frozen=True, slots=True)
class SeenBy:
    """Somebody to whom the alert or its details were shown."""

    at: datetime
    who: str
    role: str
    organisation: str
    what: str


async def open_incident(transaction: Transaction, actor: Actor, alert_id: UUID, words: str, at: datetime) -> bool:
    """Somebody said that an alert is about the wrong child. One is open for each alert: returns whether this opened it."""
    cursor = await transaction.execute(
        """
        INSERT INTO identity_incidents (alert_id, encounter_id, person_id, authority_code, opened_at, opened_by, opened_by_role,
                                        words)
        SELECT id, encounter_id, person_id, authority_code, %s, %s, %s, %s FROM alerts WHERE id = %s
        ON CONFLICT (alert_id) WHERE state = 'open' DO NOTHING RETURNING id
        """,
        (at, actor.name, actor.role, words, alert_id),
    )
    row = await cursor.fetchone()
    if row is not None:
        await touch(transaction, alert_id, at)
        await record_audit(transaction, actor, "incident.open", "alert", str(alert_id), incident=str(row[0]))
    return row is not None


async def is_disputed(transaction: Connection, encounter_id: UUID | None, persons: Sequence[UUID]) -> bool:
    """Whether it is being checked that an encounter, or what is held of these persons, is of the right child."""
    cursor = await transaction.execute(
        """
        SELECT EXISTS (SELECT FROM identity_incidents WHERE state = 'open' AND (encounter_id = %s OR person_id = ANY(%s)))
        """,
        (encounter_id, list(persons)),
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def persons_of(transaction: Connection, encounter_id: UUID) -> list[UUID]:
    """Whom the encounter's alerts are about."""
    cursor = await transaction.execute("SELECT DISTINCT person_id FROM alerts WHERE encounter_id = %s", (encounter_id,))
    return [person_id for (person_id,) in await cursor.fetchall()]


async def read_incidents(transaction: Connection, actor: Actor) -> list[Incident]:
    """Whatever the person may see, open ones first, then the newest. Viewing is audited.

    A data officer sees the authority's, site safeguarding the organisation's, information governance all.
    """
    rows = await _read(transaction, actor, None)
    await record_audit(transaction, actor, "incidents.view", "organisation", actor.organisation, incidents=len(rows))
    return rows


async def read_incident(transaction: Connection, actor: Actor, incident_id: UUID) -> Incident:
    """One of them. Raises NotFound where there is none that the person may see. Viewing is audited."""
    rows = await _read(transaction, actor, incident_id)
    if not rows:
        raise NotFound("there is no such incident")
    await record_audit(transaction, actor, "incident.view", "alert", str(rows[0].alert_id), incident=str(incident_id))
    return rows[0]


async def settle_incident(transaction: Connection, actor: Actor, incident_id: UUID, outcome: Outcome, words: str) -> str:
    """Write down what was found, by whom: the caution goes, the incident stays. Returns the authority's code.

    Raises NotFound where the person may not see it, InvalidInput without words, Conflict where somebody has settled it already.
    """
    words = words.strip()
    if not SHORTEST_WORDS <= len(words) <= LONGEST_WORDS or "\x00" in words:
        raise InvalidInput(f"say how you know, in {SHORTEST_WORDS} to {LONGEST_WORDS} characters")
    if not await _read(transaction, actor, incident_id):
        raise NotFound("there is no such incident")
    at = now()
    cursor = await transaction.execute(
        """
        UPDATE identity_incidents
        SET state = 'settled', outcome = %s, settled_at = %s, settled_by = %s, settled_words = %s
        WHERE id = %s AND state = 'open' RETURNING alert_id, authority_code
        """,
        (outcome.value, at, actor.name, words, incident_id),
    )
    row = await cursor.fetchone()
    if row is None:
        raise Conflict("somebody has settled this incident already")
    alert_id, authority_code = row
    await touch(transaction, alert_id, at)
    await record_audit(
        transaction, actor, "incident.settle", "alert", str(alert_id), incident=str(incident_id), outcome=outcome.value
    )
    return str(authority_code)


async def seen_by(transaction: Connection, actor: Actor, incident: Incident) -> list[SeenBy]:
    """Who was shown the alert or its details, newest first: looks at the person in this encounter, and views of the alert.

    Of a sensitive record a hospital reads of its own people alone.
    """
    cursor = await transaction.execute(
        _SEEN_BY,
        {
            "encounter": incident.encounter_id,
            "person": incident.person_id,
            "alert": str(incident.alert_id),
            "actions": [action for action in _WHAT if action.startswith("alert.")],
            "only": actor.organisation if incident.is_masked else None,
            "most": MOST_SEEN_BY,
        },
    )
    rows = await cursor.fetchall()
    unnamed = None if "site" in incident.may_leave else incident.organisation_name
    return [
        SeenBy(
            at, place if place == unnamed and not role else who, role.replace("-", " "), place,
            _WHAT.get(what) or what.replace("-", " "),
        )
        for at, who, role, place, what in rows
    ]  # fmt: skip


async def _read(transaction: Connection, actor: Actor, only: UUID | None) -> list[Incident]:
    cursor = transaction.cursor(row_factory=class_row(Incident))
    await cursor.execute(
        _INCIDENTS,
        {
            "officer": actor.role == Role.DATA_OFFICER, "site": actor.role == Role.SITE_SAFEGUARDING,
            "governance": actor.role == Role.INFORMATION_GOVERNANCE, "organisation": actor.organisation, "only": only,
            "most": MOST_INCIDENTS,
        },
    )  # fmt: skip
    found = await cursor.fetchall()
    if actor.role != Role.DATA_OFFICER:
        return found
    fields = await read_fields(transaction, {(each.authority_code, each.organisation_code) for each in found}, england_day(now()))
    return [_as_agreed(each, fields[each.authority_code, each.organisation_code]) for each in found]


def _as_agreed(incident: Incident, fields: frozenset[str]) -> Incident:
    return replace(
        incident, may_leave=fields,
        site_name=incident.site_name if "site" in fields else incident.organisation_name,
        reference=incident.reference if "visit-number" in fields else "",
        arrived_at=incident.arrived_at if "arrival" in fields else None,
    )  # fmt: skip


# Of a sensitive record the hospital is not told here whose it is, nor what the authority's people are called or wrote.
_INCIDENTS = """
    SELECT i.id, i.alert_id, i.encounter_id, i.person_id, s.name AS site_name, e.reference, e.arrived_at, i.opened_at, i.state,
           i.outcome, i.settled_at, i.opened_by_role,
           CASE WHEN p.sensitive AND %(site)s THEN 'The responsible authority' ELSE t.name END AS authority,
           CASE WHEN p.sensitive AND %(site)s AND i.opened_by_role = 'social-worker' THEN '' ELSE i.opened_by END AS opened_by,
           CASE WHEN p.sensitive AND %(site)s AND i.opened_by_role = 'social-worker' THEN '' ELSE i.words END AS words,
           CASE WHEN p.sensitive AND %(site)s THEN '' ELSE i.settled_by END AS settled_by,
           CASE WHEN p.sensitive AND %(site)s THEN '' ELSE i.settled_words END AS settled_words,
           CASE WHEN %(officer)s AND p.sealed_at IS NULL THEN p.given_name ELSE '' END AS given_name,
           CASE WHEN %(officer)s AND p.sealed_at IS NULL THEN p.family_name ELSE '' END AS family_name,
           CASE WHEN %(officer)s AND p.sealed_at IS NULL THEN p.birth_date END AS birth_date,
           CASE WHEN %(officer)s AND p.sealed_at IS NULL THEN p.nhs_number ELSE '' END AS nhs_number,
           p.sensitive AND %(site)s AS is_masked, i.authority_code, s.organisation_code, o.name AS organisation_name
    FROM identity_incidents i
    JOIN encounters e ON e.id = i.encounter_id JOIN sites s ON s.ods_code = e.site
    JOIN organisations o ON o.ods_code = s.organisation_code
    JOIN persons p ON p.id = i.person_id JOIN authorities t ON t.code = i.authority_code
    WHERE (%(governance)s OR (%(officer)s AND i.authority_code = %(organisation)s)
           OR (%(site)s AND s.organisation_code = %(organisation)s))
      AND (%(only)s::uuid IS NULL OR i.id = %(only)s)
    ORDER BY i.state = 'settled', i.opened_at DESC, i.id LIMIT %(most)s
"""

_WHAT = {
    "banner": "Opened the details on the banner",
    "alert.view": "Opened the alert",
    "alert.shown": "Had it on the worklist",
    "alert.acknowledge": "Acknowledged the alert",
    "alert.take": "Took the alert",
    "alert.reply": "Answered back",
    "alert.read": "Read by a subscribed system",
    "flag.break-glass": "Broke the glass",
}
_SEEN_BY = """
    WITH seen AS (
        SELECT a.occurred_at, a.actor_name, a.actor_role, a.organisation,
               CASE a.trigger_event WHEN 'banner' THEN 'banner' ELSE 'Looked: ' || a.trigger_event END AS what
        FROM accesses a WHERE a.encounter_id = %(encounter)s AND a.person_id = %(person)s
        UNION ALL
        SELECT v.occurred_at, v.actor_name, v.actor_role, v.organisation, v.action
        FROM audit_events v
        WHERE (v.subject_type = 'alert' AND v.subject_id = %(alert)s AND v.action = ANY(%(actions)s))
           OR (v.subject_type = 'encounter' AND v.subject_id = %(encounter)s::text AND v.action = 'flag.break-glass')
    )
    SELECT seen.occurred_at, seen.actor_name, seen.actor_role,
           coalesce((SELECT o.name FROM organisations o WHERE o.ods_code = seen.organisation),
                    (SELECT t.name FROM authorities t WHERE t.code = seen.organisation), seen.organisation), seen.what
    FROM seen WHERE %(only)s::text IS NULL OR seen.organisation = %(only)s
    ORDER BY seen.occurred_at DESC LIMIT %(most)s
"""
