"""What people see: the worklist of one authority, the encounters of one organisation, the alerts of one encounter.

`api` renders these; each function takes whose eyes they are, and what may not be seen is not there (NotFound).
Looking at flags is not here: that goes through the desk, which audits it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.alert import AlertEvent, AlertState, CodedAnswer
from domain.care_setting import CareSetting
from domain.encounter import ARRIVAL_MODES, EncounterState
from domain.errors import NotFound
from domain.nhs_number import NhsNumber
from domain.routing import OFFICE, Occasion
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Connection
from safeguarding.telling.fields import ALL, read_fields

MOST_ROWS = 500
"""Rows of one page. A page that is full says that there may be more, and the newest are always on it."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert as its authority reads it."""

    id: UUID
    authority_code: str
    state: str
    reason: str
    raised_at: datetime
    changed_at: datetime
    given_name: str
    family_name: str
    birth_date: date | None
    nhs_number: str
    kinds: list[str]
    site_name: str
    site_phone: str
    care_setting: str
    encounter_id: UUID
    encounter_reference: str
    encounter_state: str
    arrived_at: datetime
    departed_at: datetime | None
    left_before_seen: bool
    cautions: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    answer: str | None
    answer_text: str
    is_of_newborn: bool
    """Whether the patient is a baby, and the person who is named its mother."""
    newborn_links: int
    """How many of the baby's links to the mother's unborn plan still stand."""
    patient_number: str | None
    """The encounter's own NHS number, if there is one."""
    thread_id: UUID | None = None
    """The first alert about this child in a short time; its own id where it stands alone."""
    occasion: str = Occasion.ATTENDANCE
    began_at: datetime | None = None
    """When the line began that is now to acknowledge it: the arrival, or what happened last."""
    team_code: str = OFFICE
    """The team that is to acknowledge it now."""
    step: int = 0
    """How often it was passed on in its line."""
    step_at: datetime | None = None
    next_step_at: datetime | None = None
    taken_by_id: str | None = None
    taken_by: str | None = None
    taken_at: datetime | None = None
    said_event: str | None = None
    """The last that came from the hospital after the alert was raised; None where nothing did."""
    said_code: str | None = None
    said_text: str = ""
    said_by: str = ""
    said_at: datetime | None = None
    organisation_code: str = ""
    organisation_name: str = ""
    arrival_mode: str = ""
    local_number: str | None = None
    """The hospital's own number of the child."""
    late_by: timedelta = timedelta()
    """How long after the arrival the alert was raised."""
    may_leave: frozenset[str] = ALL
    """The fields that were agreed; what stands in the others is nothing, or what was agreed."""

    @property
    def answer_words(self) -> str:
        """The coded answer in words, or nothing."""
        return CodedAnswer(self.answer).words if self.answer else ""

    @property
    def setting_words(self) -> str:
        """The care setting in words; nothing where it was not agreed, or nobody may hear of the service."""
        setting = CareSetting(self.care_setting)
        return "" if setting.is_private or "care-setting" not in self.may_leave else setting.words

    @property
    def where_words(self) -> str:
        """Site and care setting, as far as they were agreed."""
        return ", ".join(filter(None, (self.site_name, self.setting_words)))

    @property
    def arrival_words(self) -> str:
        """How the child came, or nothing."""
        return ARRIVAL_MODES.get(self.arrival_mode, "")

    @property
    def is_wrong_identity(self) -> bool:
        """Whether the alert was taken back because the hospital has seen another patient, not because nobody came."""
        return self.state == AlertState.RETRACTED and self.encounter_state != EncounterState.CANCELLED

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has dealt with what was last told."""
        return self.state in {AlertState.RAISED, AlertState.RETRACTED}


FROM_HOSPITAL = (
    AlertEvent.LEFT_BEFORE_SEEN, AlertEvent.CANCEL, AlertEvent.REINSTATE, AlertEvent.WRONG_IDENTITY, AlertEvent.TRANSFER,
    AlertEvent.DISCHARGE, AlertEvent.RETURN, AlertEvent.REPLY, AlertEvent.ASK,
)  # fmt: skip
"""What happens to an alert because the hospital's system or its people say so."""

ALERT_ROWS = f"""
    SELECT a.id, a.authority_code, a.state, a.reason, a.raised_at, a.changed_at,
           CASE WHEN p.sealed_at IS NULL THEN p.given_name ELSE '' END AS given_name,
           CASE WHEN p.sealed_at IS NULL THEN p.family_name ELSE 'Sealed record' END AS family_name,
           CASE WHEN p.sealed_at IS NULL THEN p.birth_date END AS birth_date,
           CASE WHEN p.sealed_at IS NULL THEN p.nhs_number ELSE '' END AS nhs_number,
           ARRAY(SELECT DISTINCT f.kind FROM flags f WHERE f.person_id = p.id AND f.authority_code = a.authority_code
                 AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL
                 AND (f.end_date IS NULL OR f.end_date >= (now() AT TIME ZONE 'Europe/London')::date) ORDER BY 1) AS kinds,
           s.name AS site_name, s.safeguarding_phone AS site_phone, e.care_setting, e.id AS encounter_id,
           e.reference AS encounter_reference, e.state AS encounter_state, e.arrived_at, e.departed_at, e.left_before_seen,
           e.cautions, a.acknowledged_at, a.acknowledged_by, a.answer, a.answer_text, baby.standing AS newborn_links,
           baby.there > 0 AS is_of_newborn, e.nhs_number AS patient_number, a.thread_id, a.occasion, a.began_at, a.team_code,
           a.step, a.step_at, a.next_step_at, a.taken_by_id, a.taken_by, a.taken_at, said.event AS said_event,
           said.answer AS said_code, coalesce(said.answer_text, '') AS said_text, coalesce(said.actor_name, '') AS said_by,
           said.occurred_at AS said_at, s.organisation_code, o.name AS organisation_name, e.arrival_mode, e.local_number,
           a.raised_at - e.arrived_at AS late_by
    FROM alerts a
    JOIN persons p ON p.id = a.person_id
    JOIN encounters e ON e.id = a.encounter_id
    JOIN sites s ON s.ods_code = e.site
    JOIN organisations o ON o.ods_code = s.organisation_code
    CROSS JOIN LATERAL (
        SELECT count(*) AS there, count(*) FILTER (WHERE l.resolved_at IS NULL) AS standing
        FROM flags f JOIN newborn_links l ON l.flag_id = f.id
        WHERE f.person_id = a.person_id AND f.authority_code = a.authority_code
          AND ((l.facility = '' AND l.value = e.nhs_number) OR (l.facility = e.site AND l.value = e.local_number))
    ) AS baby
    LEFT JOIN LATERAL (
        SELECT h.event, h.answer, h.answer_text, h.actor_name, h.occurred_at FROM alert_events h
        WHERE h.alert_id = a.id AND h.occurred_at >= a.raised_at
          AND h.event IN ({", ".join(f"'{event}'" for event in FROM_HOSPITAL)})
        ORDER BY date_trunc('second', h.occurred_at) DESC, h.answer IS NULL, h.id DESC LIMIT 1
    ) AS said ON true
"""  # noqa: S608 (constants)


def masked(row: AlertRow, fields: frozenset[str]) -> AlertRow:
    """The alert with the fields alone that may leave: of the rest the organisation is named, and when the alert was raised.

    The care setting stays, since it chooses the rule, and has no words.
    """
    hidden: dict[str, object] = {}
    if "site" not in fields:
        hidden |= {"site_name": row.organisation_name}
        if row.said_code is None:  # a system, which is called after its site
            hidden |= {"said_by": row.organisation_name}
    if "arrival" not in fields:
        hidden |= {"arrived_at": row.raised_at, "departed_at": None}
    if "mode-of-arrival" not in fields:
        hidden |= {"arrival_mode": ""}
    if "visit-number" not in fields:
        hidden |= {"encounter_reference": ""}
    if "local-number" not in fields:
        hidden |= {"local_number": None}
    return replace(row, may_leave=fields, **hidden)  # type: ignore[arg-type]


async def as_agreed(transaction: Connection, rows: Sequence[AlertRow]) -> list[AlertRow]:
    """The alerts as their authorities may read them today, in the same order."""
    pairs = {(row.authority_code, row.organisation_code) for row in rows}
    fields = await read_fields(transaction, pairs, england_day(now()))
    return [masked(row, fields[row.authority_code, row.organisation_code]) for row in rows]


async def alert_of_authority(transaction: Connection, actor: Actor, authority_code: str, alert_id: UUID) -> AlertRow:
    """One alert. Raises NotFound where it is another authority's, or not there. Viewing is audited."""
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(ALERT_ROWS + "WHERE a.id = %s AND a.authority_code = %s", (alert_id, authority_code))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    await record_audit(transaction, actor, "alert.view", "alert", str(alert_id))
    return (await as_agreed(transaction, [row]))[0]


async def alerts_of_encounter(transaction: Connection, encounter_id: UUID) -> list[AlertRow]:
    """What every authority that was told of an encounter has answered so far; the banner shows it beside the flags."""
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(ALERT_ROWS + "WHERE a.encounter_id = %s ORDER BY a.authority_code", (encounter_id,))
    return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class EncounterRow:
    """One encounter as its own site's staff find it; neutral: it does not say whether a flag was found."""

    id: UUID
    site: str
    site_name: str
    reference: str
    care_setting: str
    state: str
    arrived_at: datetime
    departed_at: datetime | None
    test: bool
    nhs_number: NhsNumber | None
    could_not_check: str | None
    flagged: bool

    @property
    def setting_words(self) -> str:
        """The care setting in words."""
        return CareSetting(self.care_setting).words


_ENCOUNTER_ROWS = """
    SELECT e.id, e.site, s.name AS site_name, e.reference, e.care_setting, e.state, e.arrived_at, e.departed_at, e.test,
           e.nhs_number, e.could_not_check, e.flagged
    FROM encounters e JOIN sites s ON s.ods_code = e.site
"""


async def encounter_of_organisation(transaction: Connection, organisation_code: str, encounter_id: UUID) -> EncounterRow:
    """One encounter. Raises NotFound where it is another organisation's, or not there."""
    cursor = transaction.cursor(row_factory=class_row(EncounterRow))
    await cursor.execute(_ENCOUNTER_ROWS + "WHERE e.id = %s AND s.organisation_code = %s", (encounter_id, organisation_code))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such encounter")
    return row


async def open_encounters(
    transaction: Connection, actor: Actor, organisation_code: str, limit: int = MOST_ROWS
) -> list[EncounterRow]:
    """The organisation's encounters that need an eye: safeguarding information, or could not be checked; newest first."""
    cursor = transaction.cursor(row_factory=class_row(EncounterRow))
    await cursor.execute(
        _ENCOUNTER_ROWS
        + """
        WHERE s.organisation_code = %s AND e.state = 'open' AND (e.flagged OR e.could_not_check IS NOT NULL)
        ORDER BY e.recorded_at DESC LIMIT %s
        """,
        (organisation_code, limit),
    )
    rows = await cursor.fetchall()
    await record_audit(transaction, actor, "encounters.view", "organisation", organisation_code, encounters=len(rows))
    return rows
