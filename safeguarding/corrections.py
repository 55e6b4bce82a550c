"""Corrections: an encounter turned out to be another child's, so who was told of the first one is told that it was not.

`patients_seen` calls it after the encounters are written. Nothing is erased: the alert is retracted, with its history, and is
raised again where the hospital comes back to the first child.
Source: docs/facts.md, section 3; docs/hl7.md, "What each event means here".
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from alerts.hospital import tell_hospital_of_correction
from alerts.raising import tell_each
from domain.alert import AlertEvent
from domain.encounter import Encounter
from domain.nhs_number import NhsNumber
from runtime.database import Transaction
from safeguarding.directory import Directory
from safeguarding.telling.lines import to_tell
from safeguarding.telling.news import UPDATES

_STANDS = frozenset({"raised", "acknowledged"})


async def correct_alerts(
    transaction: Transaction,
    directory: Directory,
    encounters: Sequence[UUID],
    numbers: Sequence[NhsNumber],
    at: datetime,
    actor_name: str,
) -> int:
    """Put right the alerts of these encounters, and of every open encounter of these numbers. Returns how many changed.

    An alert is about the wrong child where nothing leads from the encounter's number to the alert's person any more. One that was
    taken back already, because the arrival was cancelled, is withdrawn from the hospital's own system alone.
    """
    cursor = await transaction.execute(f"{_STANDING} {_ANYWHERE}".encode(), (list(encounters), list(numbers)))
    rows = await cursor.fetchall()
    wrong = [each for each, state, is_right, is_here, _ in rows if is_here and not is_right and state in _STANDS]
    right = [each for each, state, is_right, is_here, _ in rows if is_here and is_right and state not in _STANDS]
    in_record = [each for each, _, is_right, _, is_in_record in rows if is_in_record and not is_right and each not in wrong]
    told = 0
    for alert_id in in_record:
        told += await tell_hospital_of_correction(transaction, alert_id, AlertEvent.WRONG_IDENTITY)
    told += await _tell_each(transaction, directory, wrong, AlertEvent.WRONG_IDENTITY, at, actor_name)
    return told + await _tell_each(transaction, directory, right, AlertEvent.REINSTATE, at, actor_name)


async def tell_of(
    transaction: Transaction,
    directory: Directory,
    encounter: Encounter,
    events: Sequence[AlertEvent],
    at: datetime,
    actor_name: str,
    *,
    besides: Sequence[UUID] = (),
) -> int:
    """The encounter went on: tell who was told of it, but for those whose child it turned out not to be.

    `besides` are alerts that were raised by this very event: they say all of it. Of a mere update nothing is asked where no flag
    was ever found: that is nearly every discharge.
    """
    if not encounter.flagged and UPDATES.issuperset(events):
        return 0
    cursor = await transaction.execute(f"{_STANDING} WHERE e.id = %s ORDER BY a.id".encode(), (encounter.id,))
    right = [alert_id for alert_id, _, is_right, *_ in await cursor.fetchall() if is_right and alert_id not in besides]
    told = 0
    for event in events:
        told += await _tell_each(transaction, directory, right, event, at, actor_name)
    return told


async def _tell_each(
    transaction: Transaction, directory: Directory, alerts: Sequence[UUID], event: AlertEvent, at: datetime, actor_name: str
) -> int:
    if not alerts:
        return 0
    return await tell_each(transaction, await to_tell(transaction, directory, alerts, event, at), event, at, actor_name)


async def is_of_its_patient(transaction: Transaction, alert_id: UUID) -> bool:
    """Whether the alert is about the patient that its encounter now has, so that it may stand in that patient's record."""
    cursor = await transaction.execute(f"{_STANDING} WHERE a.id = %s".encode(), (alert_id,))
    row = await cursor.fetchone()
    return row is not None and bool(row[2])


# Also right: raised before a merge that a hospital has taken back meanwhile. Then the child itself was there.
# What ended as it was recorded was never a link (flags_store/aliases.py).
_STANDING = """
    SELECT a.id, a.state, e.nhs_number IS NULL
        OR EXISTS (SELECT FROM persons p WHERE p.id = a.person_id AND p.nhs_number = e.nhs_number)
        OR EXISTS (SELECT FROM person_aliases s WHERE s.person_id = a.person_id AND s.value = e.nhs_number AND s.facility = ''
                   AND (s.ended_at IS NULL OR (s.recorded_at > uuid_extract_timestamp(a.id) AND s.recorded_at < s.ended_at)))
        OR EXISTS (SELECT FROM newborn_links l JOIN flags f ON f.id = l.flag_id AND f.person_id = a.person_id
                   WHERE (l.facility, l.value) IN (('', e.nhs_number), (e.site, e.local_number))),
        e.state <> 'cancelled', EXISTS (SELECT FROM deliveries d WHERE d.alert_id = a.id AND d.channel = 'hl7')
    FROM alerts a JOIN encounters e ON e.id = a.encounter_id
"""
_ANYWHERE = """
    WHERE e.id = ANY(%s) OR (e.state = 'open' AND e.nhs_number = ANY(%s))
    ORDER BY a.id
"""
