"""What a hospital's own system is told of an alert: that it was raised, that it was answered, that it was of another patient.

`safeguarding` calls it inside the transaction in which that happened; `alerts.raising` adds the first delivery itself.
What the hospital did itself (the patient left, the arrival was cancelled) is not told back to it.
Source: docs/alerts.md, "The hospital's own system".
"""

import json
from dataclasses import asdict
from uuid import UUID

from domain.alert import AlertEvent
from domain.channel import HospitalPatient
from runtime.database import Transaction


def to_column(patient: HospitalPatient) -> str:
    """The patient as `deliveries.patient` keeps it."""
    return json.dumps({name: value for name, value in asdict(patient).items() if name != "site"})


def from_column(site: str, column: dict[str, str]) -> HospitalPatient:
    """What `to_column` was given."""
    return HospitalPatient(site, **column)


async def tell_hospital_of_answer(transaction: Transaction, alert_id: UUID, patient: HospitalPatient) -> None:
    """An answer is there. Nothing is told of one that only closes an alert which was taken back."""
    await transaction.execute(
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient, patient)
        SELECT a.id, numbered.notice, 'hl7', %s, %s::jsonb
        FROM alerts a, LATERAL (
            SELECT CASE count(*) WHEN 1 THEN 'acknowledge' ELSE 'acknowledge ' || count(*) END AS notice
            FROM alert_events e WHERE e.alert_id = a.id AND e.event = 'acknowledge'
        ) AS numbered
        WHERE a.id = %s AND a.state = 'acknowledged'
        ON CONFLICT DO NOTHING
        """,
        (patient.site, to_column(patient), alert_id),
    )


async def tell_hospital_of_correction(transaction: Transaction, alert_id: UUID, event: AlertEvent) -> bool:
    """The alert was of another patient, or is of the first one again after all: who was told of it is told, as of the same patient.

    Also where the site is not told of new alerts any more: it still holds what must be withdrawn. What a person has withdrawn
    from the site was not told, unless somebody had tried: then nobody knows. Returns whether there was anything to tell.
    """
    if event not in {AlertEvent.WRONG_IDENTITY, AlertEvent.REINSTATE}:
        return False
    cursor = await transaction.execute(
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient, patient)
        SELECT last.alert_id, numbered.notice, 'hl7', last.recipient, last.patient
        FROM (
            SELECT alert_id, recipient, patient, notice FROM deliveries d
            WHERE alert_id = %(alert)s AND channel = 'hl7'
              AND (state <> 'withdrawn' OR EXISTS (SELECT FROM attempts t WHERE t.delivery_id = d.id AND t.detail <> 'feed-off'))
            ORDER BY id DESC LIMIT 1
        ) AS last, LATERAL (
            SELECT CASE count(*) WHEN 0 THEN %(event)s::text ELSE %(event)s || ' ' || (count(*) + 1) END AS notice
            FROM deliveries WHERE alert_id = %(alert)s AND channel = 'hl7' AND split_part(notice, ' ', 1) = %(event)s
        ) AS numbered
        WHERE last.notice LIKE 'wrong-identity%%' = %(is_back)s
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        {"alert": alert_id, "event": event.value, "is_back": event is AlertEvent.REINSTATE},
    )
    return await cursor.fetchone() is not None


async def withdraw_from_hospital(transaction: Transaction, site: str) -> list[tuple[UUID, str]]:
    """End what waits for a site's own system: its deliveries and their notices. Who calls writes down who wanted it, and why."""
    cursor = await transaction.execute(
        """
        UPDATE deliveries SET state = 'withdrawn' WHERE channel = 'hl7' AND state = 'pending' AND recipient = %s
        RETURNING id, notice
        """,
        (site,),
    )
    return [(delivery_id, notice) for delivery_id, notice in await cursor.fetchall()]
