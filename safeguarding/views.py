"""What people see: the worklist of one authority, the encounters of one organisation, the alerts of one encounter.

`api` renders these; each function takes whose eyes they are, and what may not be seen is not there (NotFound).
Looking at flags is not here: that goes through the desk, which audits it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.alert import AlertState, CodedAnswer
from domain.care_setting import CareSetting
from domain.encounter import EncounterState
from domain.errors import NotFound
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Connection

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

    @property
    def answer_words(self) -> str:
        """The coded answer in words, or nothing."""
        return CodedAnswer(self.answer).words if self.answer else ""

    @property
    def setting_words(self) -> str:
        """The care setting in words."""
        return CareSetting(self.care_setting).words

    @property
    def is_wrong_identity(self) -> bool:
        """Whether the alert was taken back because the hospital has seen another patient, not because nobody came."""
        return self.state == AlertState.RETRACTED and self.encounter_state != EncounterState.CANCELLED

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has dealt with what was last told."""
        return self.state in {AlertState.RAISED, AlertState.RETRACTED}


_ALERT_ROWS = """
    SELECT a.id, a.authority_code, a.state, a.reason, a.raised_at, a.changed_at, p.given_name,
           p.family_name, p.birth_date, p.nhs_number,
           ARRAY(SELECT DISTINCT f.kind FROM flags f WHERE f.person_id = p.id AND f.authority_code = a.authority_code
                 AND f.deleted_on IS NULL AND (f.end_date IS NULL OR f.end_date >= current_date) ORDER BY 1) AS kinds,
           s.name AS site_name, s.safeguarding_phone AS site_phone, e.care_setting, e.id AS encounter_id,
           e.reference AS encounter_reference, e.state AS encounter_state, e.arrived_at, e.departed_at, e.left_before_seen,
           e.cautions, a.acknowledged_at, a.acknowledged_by, a.answer, a.answer_text, baby.standing AS newborn_links,
           baby.there > 0 AS is_of_newborn, e.nhs_number AS patient_number
    FROM alerts a
    JOIN persons p ON p.id = a.person_id
    JOIN encounters e ON e.id = a.encounter_id
    JOIN sites s ON s.ods_code = e.site
    CROSS JOIN LATERAL (
        SELECT count(*) AS there, count(*) FILTER (WHERE l.resolved_at IS NULL) AS standing
        FROM flags f JOIN newborn_links l ON l.flag_id = f.id
        WHERE f.person_id = a.person_id AND f.authority_code = a.authority_code
          AND ((l.facility = '' AND l.value = e.nhs_number) OR (l.facility = e.site AND l.value = e.local_number))
    ) AS baby
"""


async def worklist(transaction: Connection, actor: Actor, authority_code: str, limit: int = MOST_ROWS) -> list[AlertRow]:
    """The authority's alerts: those that wait first, oldest first; then the newest of the others. Viewing is audited."""
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(
        _ALERT_ROWS
        + """
        WHERE a.authority_code = %s
        ORDER BY a.state NOT IN ('raised', 'retracted'), a.changed_at DESC
        LIMIT %s
        """,
        (authority_code, limit),
    )
    rows = await cursor.fetchall()
    await record_audit(transaction, actor, "worklist.view", "authority", authority_code, alerts=len(rows))
    waiting = sorted((row for row in rows if row.is_waiting), key=lambda row: row.raised_at)
    return [*waiting, *(row for row in rows if not row.is_waiting)]


async def alert_of_authority(transaction: Connection, actor: Actor, authority_code: str, alert_id: UUID) -> AlertRow:
    """One alert. Raises NotFound where it is another authority's, or not there. Viewing is audited."""
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(_ALERT_ROWS + "WHERE a.id = %s AND a.authority_code = %s", (alert_id, authority_code))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    await record_audit(transaction, actor, "alert.view", "alert", str(alert_id))
    return row


async def alerts_of_encounter(transaction: Connection, encounter_id: UUID) -> list[AlertRow]:
    """What every authority that was told of an encounter has answered so far; the banner shows it beside the flags."""
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(_ALERT_ROWS + "WHERE a.encounter_id = %s ORDER BY a.authority_code", (encounter_id,))
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
