"""Deliveries in the database: claimed by one dispatcher for the length of a lease, attempted, moved, given back.

`alerts.channel_run` claims, `alerts.recording` records; `alerts.waiting` reads what still waits. Every instant here is the
database's own, so that dispatchers on several machines agree, and one whose clock is wrong does no harm.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from alerts.bundling import BY_ITSELF
from alerts.subscribers import number_events
from domain.alert import ChannelName, Delivery
from domain.channel import Attempted
from runtime.clock import now
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one delivery. `id` is made once, so that writing it down twice is writing it down once.

    Where it told nobody, the delivery is due again in `seconds_until_next`.
    """

    id: UUID
    delivery: Delivery
    at: datetime
    attempted: Attempted
    seconds_until_next: float = 0.0


@dataclass(frozen=True, slots=True)
class Bite:
    """What one claim took, and when, by the database's clock."""

    at: datetime
    deliveries: list[Delivery]


@dataclass(frozen=True, slots=True)
class Rooms:
    """How many deliveries may be taken of each host: as `known` says, else `each`."""

    each: int
    known: Mapping[str, int] = field(default_factory=dict)


async def claim_due(
    transaction: Connection,
    channel: ChannelName,
    claimed_by: str,
    lease: timedelta,
    limit: int,
    in_hand: Collection[UUID] = (),
    rooms: Rooms | None = None,
) -> Bite:
    """Take up to `limit` deliveries that are due and that nobody holds. After the lease anybody may take them again.

    Anybody but who still has them `in_hand`: an attempt that could not be written down yet is not made twice.
    To a hospital goes one at a time, and none before an earlier one about the same patient of the same visit was told. One of
    another visit holds it back for an hour at most, and not where it needs a person. That needs a transaction, where the others
    do with a single statement. To a subscription goes the event with the lowest number, alone. Of webhooks each has its room.
    """
    mine = {"mine": list(in_hand), "lease": lease, "me": claimed_by, "limit": limit}
    if channel is ChannelName.HL7:
        await transaction.execute(_ONE_AT_A_TIME)
        cursor = await transaction.execute(_CLAIM_IN_ORDER, mine)
    elif channel is ChannelName.SUBSCRIPTION:
        await number_events(transaction)
        cursor = await transaction.execute(_CLAIM_BY_NUMBER, mine)
    elif rooms is not None:
        known = {"hosts": list(rooms.known), "rooms": list(rooms.known.values()), "each": rooms.each}
        cursor = await transaction.execute(_CLAIM_BY_HOST, {**mine, **known, "channel": channel.value})
    else:
        cursor = await transaction.execute(_CLAIM, {**mine, "channel": channel.value})
    rows = await cursor.fetchall()
    deliveries = [
        Delivery(delivery_id, alert_id, channel, recipient, authority_code, attempts, may_be_told=claims > 1)
        for delivery_id, alert_id, recipient, authority_code, attempts, claims, _ in rows
    ]
    return Bite(rows[0][6] if rows else now(), deliveries)


_CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT id FROM deliveries
        WHERE state = 'pending' AND channel = %(channel)s AND next_attempt_at <= now()
          AND (lease_until IS NULL OR lease_until <= now()) AND id <> ALL(%(mine)s::uuid[]) AND {BY_ITSELF}
        ORDER BY next_attempt_at LIMIT %(limit)s
        FOR UPDATE SKIP LOCKED
    )
    UPDATE deliveries d SET lease_until = now() + %(lease)s, claimed_by = %(me)s, claims = d.claims + 1
    FROM due, alerts a
    WHERE d.id = due.id AND a.id = d.alert_id
    RETURNING d.id, d.alert_id, d.recipient, a.authority_code, d.attempts, d.claims, now()
"""  # noqa: S608 (a constant)

# From host to host along the index; of each host what its room allows, and then those first of whose host the least is under way.
_CLAIM_BY_HOST = """
    WITH RECURSIVE hosts AS (
        (SELECT recipient FROM deliveries WHERE channel = %(channel)s AND state = 'pending' ORDER BY recipient LIMIT 1)
        UNION ALL
        SELECT following.recipient FROM hosts, LATERAL (
            SELECT recipient FROM deliveries WHERE channel = %(channel)s AND state = 'pending' AND recipient > hosts.recipient
            ORDER BY recipient LIMIT 1
        ) AS following
    ), open_to AS (
        SELECT recipient, coalesce(known.room, %(each)s) AS room
        FROM hosts LEFT JOIN unnest(%(hosts)s::text[], %(rooms)s::int[]) AS known (recipient, room) USING (recipient)
    ), due AS MATERIALIZED (
        SELECT first.id FROM (
            SELECT of_host.id, of_host.next_attempt_at,
                   row_number() OVER (PARTITION BY recipient ORDER BY of_host.next_attempt_at) - room AS place
            FROM open_to, LATERAL (
                SELECT id, next_attempt_at FROM deliveries
                WHERE state = 'pending' AND channel = %(channel)s AND recipient = open_to.recipient AND next_attempt_at <= now()
                  AND (lease_until IS NULL OR lease_until <= now()) AND id <> ALL(%(mine)s::uuid[])
                ORDER BY next_attempt_at LIMIT open_to.room
                FOR UPDATE SKIP LOCKED
            ) AS of_host
        ) AS first
        ORDER BY first.place, first.next_attempt_at LIMIT %(limit)s
    )
    UPDATE deliveries d SET lease_until = now() + %(lease)s, claimed_by = %(me)s, claims = d.claims + 1
    FROM due, alerts a
    WHERE d.id = due.id AND a.id = d.alert_id
    RETURNING d.id, d.alert_id, d.recipient, a.authority_code, d.attempts, d.claims, now()
"""

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('claim for hospitals'))"  # one dispatcher decides which site is busy

_CLAIM_IN_ORDER = """
    WITH waiting AS (
        SELECT d.id, d.recipient, d.next_attempt_at, d.created_at, d.attempts, a.person_id,
               row_number() OVER (PARTITION BY d.recipient, a.person_id, a.encounter_id ORDER BY d.id) AS place,
               bool_or(coalesce(d.lease_until > now(), false)) OVER (PARTITION BY d.recipient) AS is_busy
        FROM deliveries d JOIN alerts a ON a.id = d.alert_id
        WHERE d.state = 'pending' AND d.channel = 'hl7'
    ), first AS (
        SELECT w.*, bool_or(w.created_at > now() - interval '1 hour' AND last.outcome IS DISTINCT FROM 'permanent-failure')
                        OVER (PARTITION BY w.recipient, w.person_id ORDER BY w.id
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_held_back
        FROM waiting w LEFT JOIN LATERAL (
            SELECT outcome FROM attempts
            WHERE delivery_id = w.id AND w.attempts > 0 AND attempted_at >= w.next_attempt_at - interval '1 hour'
            ORDER BY attempted_at DESC LIMIT 1
        ) AS last ON true
        WHERE w.place = 1
    ), due AS MATERIALIZED (
        SELECT DISTINCT ON (recipient) id FROM first
        WHERE is_held_back IS NOT TRUE AND NOT is_busy AND next_attempt_at <= now() AND id <> ALL(%(mine)s::uuid[])
        ORDER BY recipient, next_attempt_at, id
    )
    UPDATE deliveries d SET lease_until = now() + %(lease)s, claimed_by = %(me)s, claims = d.claims + 1
    FROM alerts a
    WHERE d.id IN (SELECT id FROM due LIMIT %(limit)s) AND d.state = 'pending' AND a.id = d.alert_id
    RETURNING d.id, d.alert_id, d.recipient, a.authority_code, d.attempts, d.claims, now()
"""

# The first in an older snapshot can only be one that somebody has told since: then its own row no longer fits, and none is taken.
_CLAIM_BY_NUMBER = """
    WITH due AS MATERIALIZED (
        SELECT first.id FROM subscriptions s, LATERAL (
            SELECT id, next_attempt_at, lease_until FROM deliveries
            WHERE recipient = s.id::text AND channel = 'subscription' AND state = 'pending' AND event_number IS NOT NULL
            ORDER BY event_number LIMIT 1
        ) AS first
        WHERE s.status <> 'off' AND first.next_attempt_at <= now() AND (first.lease_until IS NULL OR first.lease_until <= now())
          AND first.id <> ALL(%(mine)s::uuid[])
        ORDER BY first.next_attempt_at LIMIT %(limit)s
    )
    UPDATE deliveries d SET lease_until = now() + %(lease)s, claimed_by = %(me)s, claims = d.claims + 1
    FROM due, alerts a
    WHERE d.id = due.id AND d.state = 'pending' AND (d.lease_until IS NULL OR d.lease_until <= now()) AND a.id = d.alert_id
    RETURNING d.id, d.alert_id, d.recipient, a.authority_code, d.attempts, d.claims, now()
"""


async def record_attempts(transaction: Connection, attempts: Sequence[Attempt], claimed_by: str) -> None:
    """Write attempts down and move their deliveries: told, or due again. Nothing changes where one is already written.

    Each is of another delivery. Who has told counts, whoever holds the lease or has withdrawn the delivery by now; who has failed
    moves only what is still its own. Who has told of a bundle has told all of it.
    """
    ordered = sorted(attempts, key=lambda attempt: attempt.delivery.id)  # as everybody locks them who locks several
    await transaction.execute(
        _RECORD,
        {
            "ids": [attempt.id for attempt in ordered],
            "times": [attempt.at for attempt in ordered],
            "deliveries": [attempt.delivery.id for attempt in ordered],
            "outcomes": [attempt.attempted.outcome.value for attempt in ordered],
            "details": [attempt.attempted.detail for attempt in ordered],
            "seconds": [attempt.seconds_until_next for attempt in ordered],
            "told": [attempt.attempted.has_told for attempt in ordered],
            "me": claimed_by,
        },
    )


_RECORD = """
    WITH given AS MATERIALIZED (
        SELECT *, CASE WHEN outcome = 'delivered' THEN array['pending', 'withdrawn', 'sent']
                       WHEN told THEN array['pending', 'withdrawn'] ELSE '{}' END AS moves
        FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[], %(deliveries)s::uuid[], %(outcomes)s::text[], %(details)s::text[],
                    %(seconds)s::float8[], %(told)s::boolean[])
             AS given (id, at, delivery_id, outcome, detail, seconds, told)
    ), counted AS (
        UPDATE deliveries d
        SET attempts = d.attempts + 1,
            state = CASE WHEN d.state = ANY(moves) THEN g.outcome ELSE d.state END,
            sent_at = CASE WHEN told THEN coalesce(d.sent_at, g.at) ELSE d.sent_at END,
            delivered_at = CASE WHEN d.state = ANY(moves) AND outcome = 'delivered' THEN g.at ELSE d.delivered_at END,
            next_attempt_at = CASE WHEN NOT told AND d.claimed_by = %(me)s THEN now() + make_interval(secs => g.seconds)
                                   ELSE d.next_attempt_at END,
            lease_until = CASE WHEN told OR d.claimed_by = %(me)s THEN NULL ELSE d.lease_until END,
            claimed_by = CASE WHEN told THEN NULL ELSE nullif(d.claimed_by, %(me)s) END
        FROM given g
        WHERE d.id = g.delivery_id AND NOT EXISTS (SELECT FROM attempts a WHERE a.id = g.id AND a.attempted_at = g.at)
        RETURNING d.id, d.attempts
    ), bundled AS (
        UPDATE deliveries d
        SET attempts = d.attempts + 1, state = g.outcome, sent_at = coalesce(d.sent_at, g.at),
            delivered_at = CASE WHEN outcome = 'delivered' THEN g.at END, lease_until = NULL, claimed_by = NULL
        FROM given g
        WHERE d.bundled_with = ANY(ARRAY(SELECT id FROM counted)) AND d.bundled_with = g.delivery_id AND d.id <> g.delivery_id
          AND told AND d.state = ANY(moves)
        RETURNING d.id, g.at, d.attempts, g.outcome
    )
    INSERT INTO attempts (id, attempted_at, delivery_id, number, outcome, detail)
    SELECT g.id, g.at, g.delivery_id, c.attempts, g.outcome, g.detail FROM counted c JOIN given g ON g.delivery_id = c.id
    UNION ALL SELECT uuidv7(), at, id, attempts, outcome, 'bundled' FROM bundled
"""


async def release(transaction: Connection, claimed_by: str) -> None:
    """Give back at once what a dispatcher that stops still holds."""
    await transaction.execute(
        "UPDATE deliveries SET lease_until = NULL, claimed_by = NULL WHERE claimed_by = %s AND state = 'pending'",
        (claimed_by,),
    )
