"""What subscriptions need beside their events: handshakes, heartbeats, and an end.

The dispatcher's process runs `keep_subscriptions`. Each call is claimed with a lease, so that two dispatchers make it once.
Source: Subscriptions R5 Backport IG 1.1, "Channels" (REST-Hook) and "Handling Errors".
"""

import asyncio

import psycopg

from domain.errors import CouldNotReachStore
from domain.subscription import Subscription, SubscriptionStatus
from fhir_adapter.subscriptions.channel import call
from fhir_adapter.subscriptions.notifications import Notification, to_notification
from runtime.clock import now
from runtime.database import Database
from runtime.endpoints import Endpoints
from runtime.ids import uuid7
from runtime.logs import get_logger
from safeguarding.subscription_calls import claim_calls, end_what_is_over, record_call, record_handshake

AT_ONCE = 16
POLL_SECONDS = 1.0

log = get_logger()


async def keep_subscriptions(database: Database, endpoints: Endpoints, base_url: str, poll_seconds: float = POLL_SECONDS) -> None:
    """Until cancelled. A subscriber that does not answer keeps nobody else waiting."""
    calls: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                await _end(database)
                for subscription in await _claim(database, AT_ONCE - len(calls)):
                    task = asyncio.create_task(_call(database, endpoints, subscription, base_url))
                    calls.add(task)
                    task.add_done_callback(calls.discard)
            except (CouldNotReachStore, psycopg.Error) as error:
                log.warning("subscriptions not kept", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
            await asyncio.sleep(poll_seconds)
    finally:
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def _end(database: Database) -> None:
    async with database.transaction() as transaction:
        withdrawn = await end_what_is_over(transaction)
    if withdrawn:
        log.info("deliveries withdrawn", count=withdrawn)


async def _claim(database: Database, limit: int) -> list[Subscription]:
    if limit <= 0:
        return []
    async with database.transaction() as transaction:
        return await claim_calls(transaction, limit)


async def _call(database: Database, endpoints: Endpoints, subscription: Subscription, base_url: str) -> None:
    """One handshake or heartbeat. Where its outcome cannot be written down, the lease runs out and it is made again."""
    is_handshake = subscription.status is SubscriptionStatus.REQUESTED
    kind = Notification.HANDSHAKE if is_handshake else Notification.HEARTBEAT
    id = uuid7()
    attempted = await call(endpoints, subscription, id, to_notification(id, subscription, kind, base_url, now()))
    try:
        async with database.transaction() as transaction:
            if is_handshake:
                await record_handshake(transaction, subscription, attempted.detail)
            else:
                await record_call(transaction, subscription.id, attempted.detail)
    except (CouldNotReachStore, psycopg.Error) as error:
        log.warning("call not written", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
