"""Raising alerts, and what becomes of them while the encounter goes on.

`safeguarding` calls this inside the transaction that saw the child; `alerts.dispatcher` finds the pending deliveries.
Source: docs/facts.md, section 5 (one alert per encounter and authority).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.hospital import tell_hospital_of_correction, to_column
from alerts.subscribers import LISTENS, tell_subscribers
from domain.alert import AlertEvent, AlertReason, AlertState, ChannelName, next_state
from domain.channel import HospitalPatient
from runtime.database import Transaction
from runtime.ids import uuid7


@dataclass(frozen=True, slots=True)
class NewAlert:
    """One authority is to be told of one encounter of one person. `email` is the team's mailbox, if it has one.

    `hospital` is set where the hospital's own system is told that there is something to open.
    """

    encounter_id: UUID
    authority_code: str
    person_id: UUID
    reason: AlertReason
    email: str | None
    at: datetime
    hospital: HospitalPatient | None = None


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert that is now there."""

    id: UUID
    encounter_id: UUID
    authority_code: str


async def raise_alerts(transaction: Transaction, wanted: Sequence[NewAlert]) -> list[RaisedAlert]:
    """Raise each alert that is not there yet, with one pending delivery per recipient. Returns only the new ones.

    One alert per encounter, authority and person: an encounter that turns out to be another child's tells of that child too.
    A hospital that was told nothing of an alert which is there already is told now.
    """
    if not wanted:
        return []
    ordered = sorted(wanted, key=lambda alert: (alert.encounter_id, alert.authority_code))
    cursor = await transaction.execute(
        _RAISE,
        (
            [uuid7() for _ in ordered],
            [alert.encounter_id for alert in ordered],
            [alert.authority_code for alert in ordered],
            [alert.person_id for alert in ordered],
            [alert.reason.value for alert in ordered],
            [alert.email for alert in ordered],
            [alert.at for alert in ordered],
            [alert.hospital and alert.hospital.site for alert in ordered],
            [alert.hospital and to_column(alert.hospital) for alert in ordered],
        ),
    )
    return [RaisedAlert(*row) for row in await cursor.fetchall()]


_RAISE = f"""
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[],
                             %s::text[], %s::text[])
                      AS wanted (id, encounter_id, authority_code, person_id, reason, email, at, hospital, patient)
    ), raised AS (
        INSERT INTO alerts (id, encounter_id, authority_code, person_id, reason, raised_at, changed_at)
        SELECT id, encounter_id, authority_code, person_id, reason, at, at FROM wanted
        ON CONFLICT (encounter_id, authority_code, person_id) DO NOTHING
        RETURNING id, encounter_id, authority_code, raised_at
    ), delivered AS (
        INSERT INTO deliveries (alert_id, notice, channel, recipient, patient)
        SELECT id, 'raised', 'screen', authority_code, NULL::jsonb FROM raised
        UNION ALL
        SELECT id, 'raised', 'email', email, NULL::jsonb FROM raised JOIN wanted USING (id) WHERE email <> ''
        UNION ALL
        SELECT id, 'raised', 'hl7', hospital, patient::jsonb FROM raised JOIN wanted USING (id) WHERE hospital <> ''
        UNION ALL
        SELECT raised.id, 'raised', 'subscription', s.id::text, NULL::jsonb
        FROM raised JOIN subscriptions s USING (authority_code) JOIN encounters e ON e.id = raised.encounter_id WHERE {LISTENS}
        UNION ALL
        SELECT untold.id, 'raised', 'hl7', hospital, patient::jsonb FROM wanted, LATERAL (
            SELECT a.id FROM alerts a
            WHERE (a.encounter_id, a.authority_code, a.person_id) = (wanted.encounter_id, wanted.authority_code, wanted.person_id)
              AND NOT EXISTS (SELECT FROM deliveries d WHERE d.alert_id = a.id AND d.channel = 'hl7') OFFSET 0
        ) AS untold WHERE hospital <> ''
        ON CONFLICT DO NOTHING
    ), noted AS (
        INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name)
        SELECT raised_at, id, 'raise', 'raised', 'Nightlight' FROM raised
    )
    SELECT id, encounter_id, authority_code FROM raised
"""  # noqa: S608 (only a constant is put in)


async def tell_each(transaction: Transaction, alerts: Sequence[UUID], event: AlertEvent, at: datetime, actor_name: str) -> int:
    """The encounter went on: move its alerts by the table of `domain.alert`, and tell the same recipients again.

    What happens a second time (the child comes back, and leaves again) is told a second time. Returns how many alerts
    changed or were told of.
    """
    if not alerts:
        return 0
    cursor = await transaction.execute(
        """
        SELECT a.id, a.encounter_id, a.authority_code, a.state, t.alert_email,
               (SELECT count(*) FROM alert_events e WHERE e.alert_id = a.id AND e.event = %s)
        FROM alerts a JOIN authorities t ON t.code = a.authority_code
        WHERE a.id = ANY(%s) ORDER BY a.id FOR UPDATE OF a
        """,
        (event.value, list(alerts)),
    )
    rows = await cursor.fetchall()
    for alert_id, encounter_id, authority_code, state, email, times_before in rows:
        after = next_state(AlertState(state), event)
        await transaction.execute("UPDATE alerts SET state = %s, changed_at = %s WHERE id = %s", (after.value, at, alert_id))
        await _record_event(transaction, alert_id, at, event.value, after, actor_name)
        notice = f"{event.value} {times_before + 1}" if times_before else event.value
        await _add_deliveries(transaction, notice, [(RaisedAlert(alert_id, encounter_id, authority_code), email)])
        await tell_subscribers(transaction, alert_id, notice)
        await tell_hospital_of_correction(transaction, alert_id, event)
    return len(rows)


async def _add_deliveries(transaction: Transaction, notice: str, recipients: Sequence[tuple[RaisedAlert, str | None]]) -> None:
    lines = [(alert.id, ChannelName.SCREEN.value, alert.authority_code) for alert, _ in recipients]
    lines += [(alert.id, ChannelName.EMAIL.value, email) for alert, email in recipients if email]
    if lines:
        ids, channels, to = (list(column) for column in zip(*lines, strict=True))
        await transaction.execute(
            """
            INSERT INTO deliveries (alert_id, notice, channel, recipient)
            SELECT alert_id, %s, channel, recipient
            FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (alert_id, channel, recipient)
            ON CONFLICT DO NOTHING
            """,
            (notice, ids, channels, to),
        )


async def _record_event(
    transaction: Transaction, alert_id: UUID, at: datetime, event: str, after: AlertState, actor_name: str
) -> None:
    await transaction.execute(
        "INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name) VALUES (%s, %s, %s, %s, %s)",
        (at, alert_id, event, after.value, actor_name),
    )
