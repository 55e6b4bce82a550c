"""The screen: open worklists of the authority are nudged through Redis, and a browser confirms what it really shows.

*Sent* means that the nudge went out. With Redis away the delivery stays pending and says so; the worklist finds the
alert by polling all the same, and its confirmation makes the delivery *delivered*, whatever it was before.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.database import Transaction
from runtime.ids import uuid7
from runtime.nudge import Nudges, screens_of


class ScreenChannel:
    """Tells the open worklists of one authority to look."""

    name = ChannelName.SCREEN

    def __init__(self, nudges: Nudges) -> None:
        self._nudges = nudges

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Nudge; without Redis nobody was told, and it is tried again."""
        if await self._nudges.send(screens_of(delivery.authority_code), str(delivery.alert_id)):
            return Attempted(AttemptOutcome.SENT)
        return Attempted(AttemptOutcome.TEMPORARY, "nobody-nudged")


async def confirm_shown(transaction: Transaction, shown: Mapping[UUID, datetime], authority_code: str, at: datetime) -> list[UUID]:
    """A browser of the authority shows these alerts: their screen deliveries are delivered. Returns those alerts.

    `shown` gives for each alert its `changed_at` as the page shows it. An alert that has changed meanwhile is left for
    the next time it is shown, so that news which nobody has seen is never taken for seen. Confirming twice, or an alert
    of another authority, changes nothing.
    """
    cursor = await transaction.execute(
        """
        SELECT d.id, d.alert_id, d.attempts + 1
        FROM unnest(%s::uuid[], %s::timestamptz[]) AS shown (alert_id, changed_at)
        JOIN alerts a ON a.id = shown.alert_id AND a.changed_at = shown.changed_at AND a.authority_code = %s
        JOIN deliveries d ON d.alert_id = a.id AND d.channel = 'screen' AND d.state <> 'delivered'
        ORDER BY d.id FOR UPDATE OF d
        """,
        (list(shown.keys()), list(shown.values()), authority_code),
    )
    rows = await cursor.fetchall()
    if rows:
        await _deliver(transaction, [row[0] for row in rows], [row[2] for row in rows], at)
    return list(dict.fromkeys(row[1] for row in rows))


async def _deliver(transaction: Transaction, ids: list[UUID], numbers: list[int], at: datetime) -> None:
    await transaction.execute(
        """
        UPDATE deliveries
        SET state = 'delivered', attempts = attempts + 1, sent_at = coalesce(sent_at, %s), delivered_at = %s,
            lease_until = NULL, claimed_by = NULL
        WHERE id = ANY(%s)
        """,
        (at, at, ids),
    )
    await transaction.execute(
        """
        INSERT INTO attempts (id, attempted_at, delivery_id, number, outcome, detail)
        SELECT id, %s, delivery_id, number, 'delivered', 'shown' FROM unnest(%s::uuid[], %s::uuid[], %s::int[])
               AS new (id, delivery_id, number)
        """,
        (at, [uuid7() for _ in ids], ids, numbers),
    )
