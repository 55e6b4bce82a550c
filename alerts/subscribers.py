"""Subscribers: which subscriptions are told of an alert or an answer, and the numbers of what they are told.

`alerts.raising` and `safeguarding.answering` add the deliveries in their own transactions; `alerts.claims` and whoever shows a
subscription number them. A number is given after the commit, so that no alert waits for another's subscription.
Source: Subscriptions R5 Backport IG 1.1, "Event numbers".
"""

from uuid import UUID

from runtime.database import Connection, Transaction

_IS_ON = "s.status <> 'off' AND (s.ends_at IS NULL OR s.ends_at > now())"
_PASSES = "(s.sites IS NULL OR e.site = ANY(s.sites)) AND (s.care_settings IS NULL OR e.care_setting = ANY(s.care_settings))"
LISTENS = f"{_IS_ON} AND {_PASSES}"
"""Whether a subscription `s` is told of what happens in an encounter `e`."""


async def tell_subscribers(transaction: Transaction, alert_id: UUID, notice: str) -> None:
    """Whoever listens to the authority's alerts is told what became of one; wherever the child is by now, who was told of it is."""
    await transaction.execute(
        f"""
        INSERT INTO deliveries (alert_id, notice, channel, recipient)
        SELECT a.id, %s, 'subscription', s.id::text
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id JOIN subscriptions s ON s.authority_code = a.authority_code
        WHERE a.id = %s AND {_IS_ON} AND ({_PASSES} OR EXISTS (
            SELECT FROM deliveries d WHERE d.alert_id = a.id AND d.channel = 'subscription' AND d.recipient = s.id::text
        ))
        ON CONFLICT DO NOTHING
        """,  # noqa: S608 (only constants are put in)
        (notice, alert_id),
    )


async def tell_subscribers_of_answer(transaction: Transaction, alert_id: UUID) -> None:
    """Whoever listens to answers at the encounter's hospital hears that one is there. One that closes an alert is none."""
    await transaction.execute(
        f"""
        INSERT INTO deliveries (alert_id, notice, channel, recipient)
        SELECT a.id, numbered.notice, 'subscription', s.id::text
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id JOIN sites t ON t.ods_code = e.site
        JOIN subscriptions s ON s.organisation_code = t.organisation_code, LATERAL (
            SELECT CASE count(*) WHEN 1 THEN 'acknowledge' ELSE 'acknowledge ' || count(*) END AS notice
            FROM alert_events v WHERE v.alert_id = a.id AND v.event = 'acknowledge'
        ) AS numbered
        WHERE a.id = %s AND a.state = 'acknowledged' AND {LISTENS}
        ON CONFLICT DO NOTHING
        """,  # noqa: S608
        (alert_id,),
    )


async def number_events(connection: Connection, only: UUID | None = None) -> None:
    """Give every event that has none its number: those of one subscription, or of all that nobody else is numbering now.

    It needs no transaction of its own around it, and may have one. One subscription's events are numbered by one at a time.
    """
    cursor = await connection.execute(_ANY_WITHOUT, {"only": only and str(only)})
    if await cursor.fetchone() is None:
        return
    async with connection.transaction():
        cursor = await connection.execute(_LOCK_ONE if only else _LOCK_ALL, {"only": only})
        locked = [str(subscription_id) for (subscription_id,) in await cursor.fetchall()]
        await connection.execute(_NUMBER, (locked,))  # a statement of its own: it sees what others numbered before the lock


_ANY_WITHOUT = """
    SELECT 1 FROM deliveries
    WHERE channel = 'subscription' AND event_number IS NULL AND (%(only)s::text IS NULL OR recipient = %(only)s) LIMIT 1
"""

_LOCK_ONE = "SELECT id FROM subscriptions WHERE id = %(only)s FOR UPDATE"

_LOCK_ALL = """
    SELECT id FROM subscriptions
    WHERE id IN (SELECT recipient::uuid FROM deliveries WHERE channel = 'subscription' AND event_number IS NULL)
    ORDER BY id FOR UPDATE SKIP LOCKED
"""

# So many at once as a transaction has time for, the first of all; what is left is numbered when somebody asks again.
_NUMBER = """
    WITH numbered AS MATERIALIZED (
        SELECT d.id, d.recipient, s.last_event + row_number() OVER (PARTITION BY d.recipient ORDER BY d.id) AS number
        FROM (
            SELECT id, recipient FROM deliveries
            WHERE channel = 'subscription' AND event_number IS NULL AND recipient = ANY(%s) ORDER BY id LIMIT 10000
        ) AS d
        JOIN subscriptions s ON s.id = d.recipient::uuid
    ), counted AS (
        UPDATE subscriptions s SET last_event = n.last
        FROM (SELECT recipient, max(number) AS last FROM numbered GROUP BY recipient) AS n
        WHERE s.id = n.recipient::uuid
    )
    UPDATE deliveries d SET event_number = n.number FROM numbered n WHERE d.id = n.id
"""


async def withdraw_from_subscription(transaction: Transaction, subscription_id: UUID) -> int:
    """End what waits for a subscription that is over; returns how many. Who calls writes down why."""
    cursor = await transaction.execute(
        """
        UPDATE deliveries SET state = 'withdrawn' WHERE channel = 'subscription' AND state = 'pending' AND recipient = %s
        RETURNING id
        """,
        (str(subscription_id),),
    )
    return len(await cursor.fetchall())


async def make_due(transaction: Transaction, subscription_id: UUID) -> None:
    """What waits for a subscription is tried at once: its endpoint has just answered."""
    await transaction.execute(
        """
        UPDATE deliveries SET next_attempt_at = now()
        WHERE channel = 'subscription' AND state = 'pending' AND recipient = %s AND next_attempt_at > now()
        """,
        (str(subscription_id),),
    )
