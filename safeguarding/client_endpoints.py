"""Endpoints: the addresses at which an operator lets Nightlight call a client. Nobody else can name one.

`nightlight client endpoint` writes them, `safeguarding.subscriptions` asks. The caller has checked the address itself
(`runtime.endpoints`). Source: docs/integration/subscriptions.md, "Where Nightlight calls".
"""

from uuid import UUID

from alerts.subscribers import withdraw_from_subscription
from domain.actor import Actor
from domain.errors import Conflict, NotFound
from runtime.audit import record_audit
from runtime.database import Connection, Transaction


async def add_endpoint(transaction: Transaction, actor: Actor, client_id: str, url: str) -> None:
    """Let Nightlight call a client there. Raises NotFound for an unknown client, Conflict where it is registered already."""
    known = await transaction.execute("SELECT 1 FROM clients WHERE id = %s", (client_id,))
    if await known.fetchone() is None:
        raise NotFound(f"there is no client {client_id}: add it first with nightlight client add")
    added = await transaction.execute(
        "INSERT INTO client_endpoints (client_id, url) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING client_id", (client_id, url)
    )
    if await added.fetchone() is None:
        raise Conflict(f"this address is registered for the client {client_id} already")
    await record_audit(transaction, actor, "client.endpoint-add", "client", client_id, url=url)


async def remove_endpoint(transaction: Transaction, actor: Actor, client_id: str, url: str) -> int:
    """Call a client there no more: subscriptions that lead there are over. Returns how many. Raises NotFound."""
    removed = await transaction.execute(
        "DELETE FROM client_endpoints WHERE client_id = %s AND url = %s RETURNING client_id", (client_id, url)
    )
    if await removed.fetchone() is None:
        raise NotFound(f"this address is not registered for the client {client_id}")
    await record_audit(transaction, actor, "client.endpoint-remove", "client", client_id, url=url)
    cursor = await transaction.execute(
        """
        UPDATE subscriptions SET status = 'off', problem = 'endpoint-off', version = version + 1, changed_at = now()
        WHERE client_id = %s AND endpoint = %s AND status <> 'off' RETURNING id
        """,
        (client_id, url),
    )
    ended: list[UUID] = [subscription_id for (subscription_id,) in await cursor.fetchall()]
    for subscription_id in ended:
        count = await withdraw_from_subscription(transaction, subscription_id)
        await record_audit(transaction, actor, "subscription.off", "subscription", str(subscription_id), withdrawn=count)
    return len(ended)


async def endpoints_of(transaction: Connection, client_id: str) -> list[str]:
    """The addresses registered for a client."""
    cursor = await transaction.execute("SELECT url FROM client_endpoints WHERE client_id = %s ORDER BY url", (client_id,))
    return [url for (url,) in await cursor.fetchall()]


async def is_registered(transaction: Transaction, client_id: str, url: str) -> bool:
    """Whether Nightlight may call a client there. The row is held until the transaction ends: no operator removes it meanwhile."""
    cursor = await transaction.execute(
        "SELECT 1 FROM client_endpoints WHERE client_id = %s AND url = %s FOR SHARE", (client_id, url)
    )
    return await cursor.fetchone() is not None
