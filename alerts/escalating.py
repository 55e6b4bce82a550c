"""Alerts in line: claimed when the time comes that their last look named, and moved on in the same transaction.

`safeguarding.telling.escalating` decides what is due by the authority's routing. Source: docs/alerts.md, "Escalation".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.raising import add_contacts, add_screen, move_line, record_event
from alerts.routing.going_on import at_once
from alerts.routing.route import Stands
from domain.alert import AlertEvent, AlertState, ChannelName
from domain.routing import Occasion, Planned, Telling
from runtime.database import Transaction

BY = "Nightlight"

_WAITS = "a.state IN ('raised', 'retracted')"
"""Nobody has acknowledged the alert `a`. Whether the child is still there, or the authority still live, makes no difference."""


@dataclass(frozen=True, slots=True)
class InLine:
    """One alert that nobody has acknowledged, at which somebody must look now."""

    alert_id: UUID
    authority_code: str
    state: AlertState
    occasion: Occasion
    notice: str
    stands: Stands


@dataclass(frozen=True, slots=True)
class Standing:
    """How many alerts nobody has acknowledged in time, and of how many of these nobody is left to be told.

    `since`: for each authority and team that has any, when the oldest began that is its to acknowledge.
    """

    overdue: int
    nobody_left: int
    since: Sequence[tuple[str, str, datetime]]


async def claim_in_line(transaction: Transaction, at: datetime, limit: int) -> list[InLine]:
    """Take the alerts at which somebody must look by now, and which nobody else has taken: they are held until the commit."""
    cursor = await transaction.execute(_CLAIM, (at, limit))
    return [
        InLine(
            alert_id, code, AlertState(state), Occasion(occasion), notice,
            Stands(
                began, rule, step, team, covered, since,
                frozenset(zip(map(ChannelName, channels), addresses, strict=True)), got_through,
            ),
        )
        for alert_id, code, state, occasion, notice, began, rule, step, team, covered, since, channels, addresses, got_through
        in await cursor.fetchall()
    ]  # fmt: skip


_CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT a.* FROM alerts a WHERE {_WAITS} AND a.next_step_at <= %s ORDER BY a.next_step_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    SELECT id, authority_code, state, occasion, notice, began_at, rule, step, team_code, covered, step_at,
           tried.channels, tried.addresses, tried.got_through
    FROM due CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(channel), '{{}}') AS channels, coalesce(array_agg(recipient), '{{}}') AS addresses,
               coalesce(bool_or(state IN ('sent', 'delivered')), false) AS got_through
        FROM deliveries d WHERE d.alert_id = due.id AND d.notice = due.notice AND d.team <> ''
    ) AS tried ORDER BY next_step_at
"""  # noqa: S608 (a constant)


async def pass_on(transaction: Transaction, alert: InLine, told: Telling, at: datetime) -> None:
    """It is another team's to acknowledge: that team is told, its screens hear that it moved, and the history says so."""
    cursor = await transaction.execute(
        "SELECT count(*) FROM alert_events WHERE alert_id = %s AND event = %s", (alert.alert_id, AlertEvent.ESCALATE.value)
    )
    row = await cursor.fetchone()
    notice = f"{AlertEvent.ESCALATE.value} {row[0] + 1}" if row and row[0] else AlertEvent.ESCALATE.value
    await move_line(transaction, alert.alert_id, told, at, notice)
    await transaction.execute("UPDATE alerts SET changed_at = %s WHERE id = %s", (at, alert.alert_id))
    await record_event(transaction, alert.alert_id, at, AlertEvent.ESCALATE.value, alert.state, BY, told.team.code)
    await add_screen(transaction, alert.alert_id, notice, alert.authority_code)
    await add_contacts(transaction, alert.alert_id, notice, told.step, told.team.code, at_once(told))


async def tell_also(transaction: Transaction, alert: InLine, also: Sequence[Planned]) -> None:
    """Nothing has got through to the team, or there is a new way of telling it: it is told in these ways, too."""
    await add_contacts(transaction, alert.alert_id, alert.notice, alert.stands.step, alert.stands.team, also)


async def queue_anew(transaction: Transaction, alert: InLine, queued: Sequence[Planned], at: datetime) -> None:
    """Who waits for the team's duty is told when it begins by now: its hours may have changed. What is due keeps its time."""
    await transaction.execute(
        """
        UPDATE deliveries d SET due_at = queued.at, next_attempt_at = queued.at
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS queued (channel, recipient, at)
        WHERE (d.channel, d.recipient) = (queued.channel, queued.recipient) AND d.due_at <> queued.at
          AND d.alert_id = %s AND d.notice = %s AND d.team = %s AND d.state = 'pending' AND d.claims = 0
          AND d.due_at > %s
        """,
        (
            [each.contact.channel.value for each in queued], [each.contact.address for each in queued],
            [each.at for each in queued], alert.alert_id, alert.notice, alert.stands.team, at,
        ),
    )  # fmt: skip


async def look_later(transaction: Transaction, alerts: Sequence[tuple[UUID, datetime | None]]) -> None:
    """When somebody must look again at each of these alerts. None: nobody is left."""
    await transaction.execute(
        """
        UPDATE alerts a SET next_step_at = later.look_at
        FROM unnest(%s::uuid[], %s::timestamptz[]) AS later (id, look_at) WHERE a.id = later.id
        """,
        ([each for each, _ in alerts], [look_at for _, look_at in alerts]),
    )


async def look_now(transaction: Transaction, authority_codes: Sequence[str], at: datetime, limit: int) -> int:
    """Somebody must look at what these authorities have not acknowledged: who is to be told may have changed.

    So many alerts at most, that nobody waits long for one; returns how many, and is asked again until there are none.
    """
    cursor = await transaction.execute(
        f"""
        UPDATE alerts SET next_step_at = %(at)s WHERE id IN (
            SELECT a.id FROM alerts a
            WHERE a.authority_code = ANY(%(codes)s) AND {_WAITS} AND (a.next_step_at IS NULL OR a.next_step_at > %(at)s)
            ORDER BY a.id LIMIT %(limit)s FOR UPDATE
        ) RETURNING id
        """,  # noqa: S608 (a constant)
        {"codes": list(authority_codes), "at": at, "limit": limit},
    )
    return len(await cursor.fetchall())


async def look_at_alert(transaction: Transaction, alert_id: UUID, at: datetime) -> None:
    """Somebody must look at one alert: what had got through to its team has not, after all."""
    await transaction.execute(
        f"UPDATE alerts a SET next_step_at = least(next_step_at, %s) WHERE id = %s AND {_WAITS}",  # noqa: S608
        (at, alert_id),
    )


async def read_standing(transaction: Transaction) -> Standing:
    """What nobody has acknowledged, of all authorities."""
    cursor = await transaction.execute(
        f"""
        SELECT authority_code, team_code, min(began_at),
               count(*) FILTER (WHERE step > 0 OR next_step_at IS NULL)::int, count(*) FILTER (WHERE next_step_at IS NULL)::int
        FROM alerts a WHERE {_WAITS} GROUP BY authority_code, team_code ORDER BY authority_code, team_code
        """  # noqa: S608
    )
    rows = await cursor.fetchall()
    since = [(code, team, began) for code, team, began, _, _ in rows]
    return Standing(sum(row[3] for row in rows), sum(row[4] for row in rows), since)
