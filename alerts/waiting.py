"""What still waits to be told: by channel, with its age, counted from when it was due. No patient is in it.

The dispatcher's gauges, readiness, the operator's page and `nightlight deliveries` read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.alert import ChannelName
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one channel: how many deliveries are due, how many of them need a person, and for how long the oldest.

    `later` are those that are not due yet: they wait for their team's duty to begin, which is nobody's fault.
    """

    channel: ChannelName
    count: int
    needing_a_person: int
    oldest_seconds: float
    later: int = 0


async def due_channels(transaction: Connection, channels: Sequence[ChannelName]) -> set[ChannelName]:
    """For which of these channels anything is due, be it in somebody's hand or not."""
    cursor = await transaction.execute(
        """
        SELECT name FROM unnest(%s::text[]) AS asked (name)
        WHERE EXISTS (SELECT FROM deliveries WHERE channel = name AND state = 'pending' AND next_attempt_at <= now())
        """,
        ([channel.value for channel in channels],),
    )
    return {ChannelName(name) for (name,) in await cursor.fetchall()}


async def read_waiting(transaction: Connection) -> list[Waiting]:
    """What waits, by channel; a channel for which nothing waits is left out.

    A delivery needs a person where its last attempt was refused for good; to a hospital also what waits behind such a one.
    """
    cursor = await transaction.execute(_WAITING)
    return [Waiting(ChannelName(channel), *counts) for channel, *counts in await cursor.fetchall()]


# The last attempt is asked for only where there was one, in one month's partition.
_WAITING = """
    WITH waiting AS (
        SELECT d.channel, d.due_at, d.id, d.alert_id, d.recipient, EXISTS (
            SELECT FROM (
                SELECT outcome FROM attempts t
                WHERE d.attempts > 0 AND t.delivery_id = d.id AND t.attempted_at >= d.next_attempt_at - interval '1 hour'
                ORDER BY attempted_at DESC LIMIT 1
            ) AS last WHERE last.outcome = 'permanent-failure'
        ) AS is_refused
        FROM deliveries d WHERE d.state = 'pending'
    ), judged AS (
        SELECT channel, due_at, is_refused FROM waiting WHERE channel <> 'hl7'
        UNION ALL
        SELECT channel, due_at, bool_or(is_refused) OVER (PARTITION BY w.recipient, a.person_id, a.encounter_id ORDER BY w.id)
        FROM waiting w JOIN alerts a ON a.id = w.alert_id WHERE channel = 'hl7'
    )
    SELECT channel, count(*) FILTER (WHERE due_at <= now())::int, count(*) FILTER (WHERE is_refused AND due_at <= now())::int,
           coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now())), 0)::float,
           count(*) FILTER (WHERE due_at > now())::int
    FROM judged GROUP BY channel ORDER BY channel
"""


async def oldest_undelivered(transaction: Connection) -> datetime | None:
    """Since when the oldest delivery of any channel should have been told, or None where none is late."""
    cursor = await transaction.execute("SELECT min(due_at) FROM deliveries WHERE state = 'pending' AND due_at <= now()")
    row = await cursor.fetchone()
    return None if row is None else row[0]
