"""Raising alerts, and what becomes of them while the encounter goes on.

`safeguarding` calls this inside the transaction that saw the child; `alerts.dispatcher` finds the pending deliveries.
Source: docs/facts.md, section 5 (one alert per encounter and authority).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.bundling import bundle
from alerts.hospital import tell_hospital_of_correction, to_column
from alerts.routing.going_on import at_once, next_look
from alerts.subscribers import LISTENS, tell_subscribers
from alerts.systems import tell_webhooks
from domain.alert import AlertEvent, AlertReason, AlertState, ChannelName, next_state
from domain.channel import HospitalPatient
from domain.routing import OCCASION_OF, Occasion, Planned, Telling
from runtime.database import Transaction
from runtime.ids import uuid7
from runtime.recordset import Columns

THREAD_HOURS = 24
"""Alerts of one authority about one child that come within so many hours of each other are one thread."""


@dataclass(frozen=True, slots=True)
class NewAlert:
    """One authority is to be told of one encounter of one person. `telling` says which team is first, by what and when.

    `hospital` is set where the hospital's own system is told that there is something to open. `is_replayed`: the message of the
    arrival came hours late, so that people are told of it together with others.
    """

    encounter_id: UUID
    authority_code: str
    person_id: UUID
    reason: AlertReason
    telling: Telling
    at: datetime
    hospital: HospitalPatient | None = None
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert that is now there."""

    id: UUID
    encounter_id: UUID
    authority_code: str


async def raise_alerts(transaction: Transaction, wanted: Sequence[NewAlert]) -> list[RaisedAlert]:
    """Raise each alert that is not there yet, with one pending delivery per recipient. Returns only the new ones.

    An authority's own system hears of the access alone (MESH): the national notice knows no other event.

    One alert per encounter, authority and person: an encounter that turns out to be another child's tells of that child too.
    A hospital that was told nothing of an alert which is there already is told now.
    """
    if not wanted:
        return []
    ordered = sorted(wanted, key=lambda alert: (alert.encounter_id, alert.authority_code))
    ids = [uuid7() for _ in ordered]
    cursor = await transaction.execute(
        _RAISE,
        (
            _WANTED.rows(_to_row(*each) for each in zip(range(len(ids)), ids, ordered, strict=True)),
            _FIRST.rows(
                (place, planned.contact.channel.value, planned.contact.address, planned.at)
                for place, alert in enumerate(ordered)
                for planned in at_once(alert.telling)
            ),
        ),
    )
    raised = [RaisedAlert(*row) for row in await cursor.fetchall()]
    replayed = {id for id, alert in zip(ids, ordered, strict=True) if alert.is_replayed} & {each.id for each in raised}
    if replayed:
        await bundle(transaction, sorted(replayed))
    return raised


def _to_row(place: int, id: UUID, alert: NewAlert) -> tuple[object, ...]:
    telling, hospital = alert.telling, alert.hospital
    return (
        place, id, alert.encounter_id, alert.authority_code, alert.person_id, alert.reason.value, alert.at,
        hospital and hospital.site, hospital and to_column(hospital),
        telling.rule, telling.team.code, next_look(telling, alert.at), telling.covered or "",
    )  # fmt: skip


_WANTED = Columns(
    "place int, id uuid, encounter_id uuid, authority_code text, person_id uuid, reason text, at timestamptz,"
    " hospital text, patient text, rule text, team_code text, next_step_at timestamptz, covered text"
)
_FIRST = Columns("place int, channel text, recipient text, due_at timestamptz")

_RAISE = f"""
    WITH wanted AS MATERIALIZED (
        SELECT * FROM {_WANTED.table("wanted")}
    ), contacts AS MATERIALIZED (
        SELECT * FROM {_FIRST.table("contacts")}
    ), raised AS (
        INSERT INTO alerts (id, encounter_id, authority_code, person_id, reason, raised_at, changed_at, began_at, step_at,
                            rule, team_code, covered, next_step_at, thread_id)
        SELECT id, encounter_id, authority_code, person_id, reason, at, at, at, at,
               rule, team_code, covered, next_step_at, coalesce((
            SELECT before.thread_id FROM alerts before
            WHERE before.person_id = wanted.person_id AND before.authority_code = wanted.authority_code
              AND before.raised_at > wanted.at - interval '{THREAD_HOURS} hours'
            ORDER BY before.raised_at DESC LIMIT 1
        ), first_value(id) OVER (PARTITION BY person_id, authority_code ORDER BY place)) FROM wanted
        WHERE NOT EXISTS (
            SELECT FROM alerts there
            WHERE (there.encounter_id, there.authority_code, there.person_id)
                  = (wanted.encounter_id, wanted.authority_code, wanted.person_id)
        )
        ON CONFLICT (encounter_id, authority_code, person_id) DO NOTHING
        RETURNING id, encounter_id, authority_code, raised_at, team_code
    ), delivered AS (
        INSERT INTO deliveries (alert_id, notice, channel, recipient, patient, team, due_at, next_attempt_at)
        SELECT id, 'raised', 'screen', authority_code, NULL::jsonb, '', now(), now() FROM raised
        UNION ALL
        SELECT raised.id, 'raised', c.channel, c.recipient, NULL::jsonb, w.team_code, c.due_at, c.due_at
        FROM raised JOIN wanted w USING (id) JOIN contacts c USING (place)
        UNION ALL
        SELECT id, 'raised', 'hl7', hospital, patient::jsonb, '', now(), now()
        FROM raised JOIN wanted USING (id) WHERE hospital <> ''
        UNION ALL
        SELECT raised.id, 'raised', 'mesh', t.mesh_mailbox, NULL::jsonb, '', now(), now()
        FROM raised JOIN authorities t ON t.code = raised.authority_code WHERE t.mesh_mailbox IS NOT NULL
        UNION ALL
        SELECT raised.id, 'raised', 'subscription', s.id::text, NULL::jsonb, '', now(), now()
        FROM raised JOIN subscriptions s USING (authority_code) JOIN encounters e ON e.id = raised.encounter_id WHERE {LISTENS}
        UNION ALL
        SELECT untold.id, 'raised', 'hl7', hospital, patient::jsonb, '', now(), now() FROM wanted, LATERAL (
            SELECT a.id FROM alerts a
            WHERE (a.encounter_id, a.authority_code, a.person_id) = (wanted.encounter_id, wanted.authority_code, wanted.person_id)
              AND NOT EXISTS (SELECT FROM deliveries d WHERE d.alert_id = a.id AND d.channel = 'hl7') OFFSET 0
        ) AS untold WHERE hospital <> ''
        ON CONFLICT DO NOTHING
    ), noted AS (
        INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name, team)
        SELECT raised_at, id, 'raise', 'raised', 'Nightlight', team_code FROM raised
    )
    SELECT id, encounter_id, authority_code FROM raised
"""  # noqa: S608 (only constants are put in)


@dataclass(frozen=True, slots=True)
class Told:
    """One alert that is told of again. `telling` begins its line anew, for the events of `OCCASION_OF`."""

    alert_id: UUID
    telling: Telling | None = None


async def tell_each(transaction: Transaction, told: Sequence[Told], event: AlertEvent, at: datetime, actor_name: str) -> int:
    """The encounter went on: move its alerts by the table of `domain.alert`, and tell of it.

    What happens a second time (the child comes back, and leaves again) is told a second time. Returns how many alerts changed or
    were told of.
    """
    tellings = {each.alert_id: each.telling for each in told}
    await transaction.execute("SELECT FROM alerts WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (list(tellings),))
    cursor = await transaction.execute(  # counted once they are held: whoever held them before may have told of the same
        """
        SELECT a.id, a.authority_code, a.state,
               (SELECT count(*) FROM alert_events e WHERE e.alert_id = a.id AND e.event = %s)
        FROM alerts a WHERE a.id = ANY(%s) ORDER BY a.id
        """,
        (event.value, list(tellings)),
    )
    rows = await cursor.fetchall()
    for alert_id, authority_code, state, times_before in rows:
        after, telling = next_state(AlertState(state), event), tellings[alert_id]
        notice = f"{event.value} {times_before + 1}" if times_before else event.value
        await transaction.execute("UPDATE alerts SET state = %s, changed_at = %s WHERE id = %s", (after.value, at, alert_id))
        if telling:
            await begin_line(transaction, alert_id, OCCASION_OF[event], telling, at, notice)
        await record_event(transaction, alert_id, at, event.value, after, actor_name, telling.team.code if telling else "")
        await add_screen(transaction, alert_id, notice, authority_code)
        if telling:
            await add_contacts(transaction, alert_id, notice, telling.step, telling.team.code, at_once(telling))
        await tell_subscribers(transaction, alert_id, notice)
        await tell_webhooks(transaction, alert_id, notice)
        await tell_hospital_of_correction(transaction, alert_id, event)
    return len(rows)


async def begin_line(
    transaction: Transaction, alert_id: UUID, occasion: Occasion, telling: Telling, at: datetime, notice: str
) -> None:
    """Somebody is to acknowledge the alert anew, the first in line before all others. `notice`: as what they are told."""
    await transaction.execute("UPDATE alerts SET occasion = %s, began_at = %s WHERE id = %s", (occasion.value, at, alert_id))
    await move_line(transaction, alert_id, telling, at, notice)


async def move_line(transaction: Transaction, alert_id: UUID, telling: Telling, at: datetime, notice: str) -> None:
    """From now on it is this team that is to acknowledge the alert."""
    await transaction.execute(
        """
        UPDATE alerts SET rule = %s, team_code = %s, covered = %s, step = %s, step_at = %s, next_step_at = %s,
                          notice = %s
        WHERE id = %s
        """,
        (
            telling.rule, telling.team.code, telling.covered or "", telling.step, at, next_look(telling, at), notice, alert_id,
        ),
    )  # fmt: skip


async def add_screen(transaction: Transaction, alert_id: UUID, notice: str, authority_code: str) -> None:
    """The authority's open worklists are told."""
    await _add(transaction, alert_id, notice, 0, "", [(ChannelName.SCREEN, authority_code, None)])


async def add_contacts(
    transaction: Transaction, alert_id: UUID, notice: str, step: int, team: str, planned: Sequence[Planned]
) -> None:
    """A team is told by these of its ways, each when its time has come."""
    await _add(
        transaction, alert_id, notice, step, team, [(each.contact.channel, each.contact.address, each.at) for each in planned]
    )


async def _add(
    transaction: Transaction,
    alert_id: UUID,
    notice: str,
    step: int,
    team: str,
    lines: Sequence[tuple[ChannelName, str, datetime | None]],
) -> None:
    await transaction.execute(
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient, step, team, due_at, next_attempt_at)
        SELECT %s, %s, channel, recipient, %s, %s, coalesce(due_at, now()), coalesce(due_at, now())
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS new (channel, recipient, due_at)
        ON CONFLICT DO NOTHING
        """,
        (
            alert_id, notice, step, team, [channel.value for channel, _, _ in lines], [to for _, to, _ in lines],
            [due for _, _, due in lines],
        ),
    )  # fmt: skip


async def record_event(
    transaction: Transaction, alert_id: UUID, at: datetime, event: str, after: AlertState, actor_name: str, team: str = ""
) -> None:
    """One line of the alert's history."""
    await transaction.execute(
        "INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name, team) VALUES (%s, %s, %s, %s, %s, %s)",
        (at, alert_id, event, after.value, actor_name, team),
    )
