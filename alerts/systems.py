"""An authority's own systems hear what becomes of an alert that they were told of, whoever in the authority is first in line now.

`alerts.raising` calls it for every event, in its transaction. Subscriptions are told by `alerts.subscribers`.
Source: docs/alerts.md, "What happens next to the child".
"""

from uuid import UUID

from runtime.database import Transaction


async def tell_webhooks(transaction: Transaction, alert_id: UUID, notice: str) -> None:
    """Every webhook that was told of the alert, or is to be, is told at once of what has become of it."""
    await transaction.execute(
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient)
        SELECT DISTINCT alert_id, %s, channel, recipient FROM deliveries WHERE alert_id = %s AND channel = 'webhook'
        ON CONFLICT DO NOTHING
        """,
        (notice, alert_id),
    )
