"""Bundles: after a downtime, people are told by one letter of all alerts that were replayed late.

`alerts.raising` calls it in its own transaction, for those alerts alone; `alerts.claims` passes over whoever another one tells of.
Source: docs/facts.md, section 7 (messages replayed more than 4 hours late still alert, bundled); docs/adr/0047.
"""

from collections.abc import Sequence
from uuid import UUID

from domain.alert import ChannelName
from runtime.database import Transaction

GATHERED_MINUTES = 2
"""For so long a bundle waits for others. Then it is told, and the next replayed alert begins another one."""

BY_ITSELF = """(
    bundled_with IS NULL OR bundled_with = id
    OR NOT EXISTS (SELECT FROM deliveries head WHERE head.id = deliveries.bundled_with AND head.state = 'pending')
)"""
"""Whether a pending row of `deliveries` is sent itself. Whose letter has gone without it would wait for ever: that is, too."""

_PEOPLE = [ChannelName.EMAIL.value, ChannelName.NOTIFY_EMAIL.value, ChannelName.SMS.value]


async def bundle(transaction: Transaction, alert_ids: Sequence[UUID]) -> None:
    """What tells people of these new alerts waits two minutes, or for its team's duty, and goes by one delivery to each recipient.

    That is the oldest one of its authority, channel and recipient that is due as soon, is not due yet, and that no dispatcher has
    ever claimed: nothing joins a letter that may be written already.
    """
    await transaction.execute(_ONE_AT_A_TIME)
    await transaction.execute(_BUNDLE, {"alerts": list(alert_ids), "people": _PEOPLE})


_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('bundle what came late'))"  # else each of several desks begins a bundle

# A claim locks what it takes, and passes over what is locked here: whoever comes first has it, and nobody waits.
_BUNDLE = f"""
    WITH mine AS MATERIALIZED (
        SELECT d.id, a.authority_code, d.channel, d.recipient,
               greatest(d.due_at, now() + interval '{GATHERED_MINUTES} minutes') AS due_at
        FROM deliveries d JOIN alerts a ON a.id = d.alert_id
        WHERE d.alert_id = ANY(%(alerts)s) AND d.notice = 'raised' AND d.channel = ANY(%(people)s)
    ), wanted AS (
        SELECT authority_code, channel, recipient, due_at, (array_agg(id ORDER BY id))[1] AS first_id
        FROM mine GROUP BY authority_code, channel, recipient, due_at
    ), bundles AS MATERIALIZED (
        SELECT wanted.*, coalesce(open.id, first_id) AS head_id, coalesce(open.next_attempt_at, wanted.due_at) AS told_at
        FROM wanted LEFT JOIN LATERAL (
            SELECT d.id, d.next_attempt_at FROM deliveries d JOIN alerts a ON a.id = d.alert_id
            WHERE d.state = 'pending' AND d.claims = 0 AND d.bundled_with = d.id
              AND d.channel = wanted.channel AND d.recipient = wanted.recipient AND a.authority_code = wanted.authority_code
              AND d.next_attempt_at <= wanted.due_at
              AND d.next_attempt_at > wanted.due_at - interval '{GATHERED_MINUTES} minutes'  -- which is now at the earliest
            ORDER BY d.next_attempt_at, d.id LIMIT 1 FOR SHARE OF d SKIP LOCKED
        ) AS open ON true
    )
    UPDATE deliveries d SET bundled_with = head_id, due_at = told_at, next_attempt_at = told_at
    FROM mine JOIN bundles USING (authority_code, channel, recipient, due_at) WHERE d.id = mine.id
"""  # noqa: S608 (a constant)
