"""Subscriptions of clients: made, changed, ended, and read by the client that made them and by nobody else.

The FHIR door calls it in a transaction of its own; `alerts.subscribers` tells who has subscribed.
Sources: Subscriptions R5 Backport IG 1.1; docs/integration/subscriptions.md.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from alerts.subscribers import number_events, withdraw_from_subscription
from domain.actor import Actor
from domain.errors import Conflict, NotAllowed, NotFound
from domain.subscription import Content, Event, Subscription, SubscriptionStatus, Topic, Wanted
from runtime.audit import record_audit
from runtime.clients import Client
from runtime.database import Connection, Transaction
from runtime.ids import uuid7
from safeguarding.client_endpoints import is_registered

MOST = 50
"""Subscriptions that one client can have: each is looked at when an alert is raised."""

COLUMNS = """
    s.id, s.client_id, s.status, s.version, s.changed_at, s.verified, s.last_event, s.problem, s.topic, s.reason, s.endpoint,
    s.media_type, s.content, s.filters, s.sites, s.care_settings, s.headers, s.heartbeat_seconds, s.timeout_seconds, s.max_count,
    s.ends_at
"""
"""What `to_subscription` takes, of a subscription `s`."""


async def create_subscription(transaction: Connection, actor: Actor, client: Client, wanted: Wanted) -> Subscription:
    """Ask to be told. Nothing is sent before the endpoint has taken a handshake.

    Raises NotAllowed where the topic is not for this kind of client or the endpoint is not registered for it, Conflict where it
    has `MOST` already.
    """
    await _check(transaction, client, wanted)
    counted = await transaction.execute(
        "SELECT count(*) FROM subscriptions WHERE client_id = %s AND deleted_at IS NULL", (client.id,)
    )
    if await counted.fetchone() == (MOST,):
        raise Conflict(f"a client can have {MOST} subscriptions: delete what you no longer need")
    subscription_id = uuid7()
    await transaction.execute(
        """
        INSERT INTO subscriptions (id, client_id, topic, authority_code, organisation_code, reason, endpoint, headers, media_type,
                                   content, filters, sites, care_settings, heartbeat_seconds, timeout_seconds, max_count, ends_at)
        VALUES (%(id)s, %(client)s, %(topic)s, %(authority)s, %(organisation)s, %(reason)s, %(endpoint)s, %(headers)s,
                %(media_type)s, %(content)s, %(filters)s, %(sites)s, %(care_settings)s, %(heartbeat)s, %(timeout)s, %(max_count)s,
                %(ends_at)s)
        """,
        {
            **_columns(wanted),
            "id": subscription_id,
            "client": client.id,
            "topic": wanted.topic.value,
            "authority": client.authority_code if wanted.topic is Topic.CHILD_SEEN else None,
            "organisation": client.organisation_code if wanted.topic is Topic.ALERT_ACKNOWLEDGED else None,
        },
    )
    await _audit(transaction, actor, "subscription.create", subscription_id, wanted)
    return await find_subscription(transaction, client, subscription_id)


async def replace_subscription(
    transaction: Connection, actor: Actor, client: Client, subscription_id: UUID, wanted: Wanted, version: int | None
) -> Subscription:
    """Change it, which asks for a new handshake; or end it, where `wanted.is_off`: what waits is withdrawn.

    Its events keep their numbers, and what happens meanwhile waits. Raises NotFound for another client's, Conflict where it is not
    of this `version` any more or has another topic, and NotAllowed as `create_subscription` does.
    """
    held = await _lock(transaction, client, subscription_id, version)
    if held.wanted.topic is not wanted.topic:
        raise NotAllowed("a subscription keeps its topic: make another one")
    if not wanted.is_off:
        await _check(transaction, client, wanted)
    await transaction.execute(
        """
        UPDATE subscriptions
        SET reason = %(reason)s, endpoint = %(endpoint)s, headers = %(headers)s, media_type = %(media_type)s,
            content = %(content)s, filters = %(filters)s, sites = %(sites)s, care_settings = %(care_settings)s,
            heartbeat_seconds = %(heartbeat)s, timeout_seconds = %(timeout)s, max_count = %(max_count)s, ends_at = %(ends_at)s,
            status = %(status)s, verified = false, failures = 0, problem = '', next_heartbeat_at = NULL, called_until = NULL,
            version = version + 1, changed_at = now()
        WHERE id = %(id)s
        """,
        {
            **_columns(wanted),
            "id": subscription_id,
            "status": (SubscriptionStatus.OFF if wanted.is_off else SubscriptionStatus.REQUESTED).value,
        },
    )
    withdrawn = await withdraw_from_subscription(transaction, subscription_id) if wanted.is_off else 0
    await _audit(transaction, actor, "subscription.replace", subscription_id, wanted, withdrawn=withdrawn)
    return await find_subscription(transaction, client, subscription_id)


async def delete_subscription(
    transaction: Connection, actor: Actor, client: Client, subscription_id: UUID, version: int | None
) -> None:
    """End it for good: what waits is withdrawn, its headers are forgotten. Raises NotFound, and Conflict for another version."""
    await _lock(transaction, client, subscription_id, version)
    await transaction.execute(
        """
        UPDATE subscriptions SET status = 'off', headers = '{}', deleted_at = now(), version = version + 1, changed_at = now()
        WHERE id = %s
        """,
        (subscription_id,),
    )
    withdrawn = await withdraw_from_subscription(transaction, subscription_id)
    await record_audit(transaction, actor, "subscription.delete", "subscription", str(subscription_id), withdrawn=withdrawn)


async def find_subscription(transaction: Connection, client: Client, subscription_id: UUID) -> Subscription:
    """One of the client's own, with its events counted to this moment. Raises NotFound for all others."""
    await number_events(transaction, subscription_id)
    found = await _read(transaction, client, subscription_id)
    if not found:
        raise NotFound("there is no such subscription")
    return found[0]


async def subscriptions_of(transaction: Connection, client: Client) -> list[Subscription]:
    """All of the client's, the oldest first, with their events counted to this moment."""
    await number_events(transaction)
    return await _read(transaction, client, None)


async def events_of(transaction: Connection, subscription: Subscription, since: int, until: int, limit: int) -> list[Event]:
    """What a subscription was told or is to be told, by number, both bounds included."""
    cursor = await transaction.execute(
        """
        SELECT event_number, alert_id, created_at FROM deliveries
        WHERE recipient = %s AND channel = 'subscription' AND event_number BETWEEN %s AND %s ORDER BY event_number LIMIT %s
        """,
        (str(subscription.id), since, until, limit),
    )
    return [Event(*row) for row in await cursor.fetchall()]


def to_subscription(row: Sequence[Any]) -> Subscription:
    """A row of `COLUMNS`."""
    id, client_id, status, version, changed_at, verified, last_event, problem, topic, reason, endpoint, media_type, *rest = row
    content, filters, sites, care_settings, headers, heartbeat, timeout, max_count, ends_at = rest
    wanted = Wanted(
        Topic(topic), reason, endpoint, media_type, Content(content), tuple(filters), _maybe(sites), _maybe(care_settings),
        tuple(headers), heartbeat, timeout, max_count, ends_at, status == "off",
    )  # fmt: skip
    return Subscription(id, client_id, wanted, SubscriptionStatus(status), version, changed_at, verified, last_event, problem)


async def _check(transaction: Transaction, client: Client, wanted: Wanted) -> None:
    if wanted.topic is Topic.CHILD_SEEN and not client.authority_code:
        raise NotAllowed("this topic is for clients of a local authority")
    if wanted.topic is Topic.ALERT_ACKNOWLEDGED and not client.organisation_code:
        raise NotAllowed("this topic is for clients of a hospital")
    if not await is_registered(transaction, client.id, wanted.endpoint):
        raise NotAllowed("the endpoint is not registered for this client: ask the operator of Nightlight to register it")


async def _lock(transaction: Connection, client: Client, subscription_id: UUID, version: int | None) -> Subscription:
    await transaction.execute("SELECT 1 FROM subscriptions WHERE id = %s FOR UPDATE", (subscription_id,))
    held = await find_subscription(transaction, client, subscription_id)
    if version is not None and held.version != version:
        raise Conflict("the subscription has changed meanwhile: read it again")
    return held


async def _read(transaction: Connection, client: Client, only: UUID | None) -> list[Subscription]:
    cursor = await transaction.execute(
        f"""
        SELECT {COLUMNS} FROM subscriptions s
        WHERE s.client_id = %(client)s AND s.deleted_at IS NULL AND (%(only)s::uuid IS NULL OR s.id = %(only)s)
          AND (s.authority_code = %(authority)s OR s.organisation_code = %(organisation)s)
        ORDER BY s.id
        """,  # noqa: S608 (only a constant is put in)
        {"client": client.id, "only": only, "authority": client.authority_code, "organisation": client.organisation_code},
    )
    return [to_subscription(row) for row in await cursor.fetchall()]


def _columns(wanted: Wanted) -> dict[str, object]:
    return {
        "reason": wanted.reason,
        "endpoint": wanted.endpoint,
        "headers": list(wanted.headers),
        "media_type": wanted.media_type,
        "content": wanted.content.value,
        "filters": list(wanted.filters),
        "sites": None if wanted.sites is None else list(wanted.sites),
        "care_settings": None if wanted.care_settings is None else list(wanted.care_settings),
        "heartbeat": wanted.heartbeat_seconds,
        "timeout": wanted.timeout_seconds,
        "max_count": wanted.max_count,
        "ends_at": wanted.ends_at,
    }


async def _audit(transaction: Transaction, actor: Actor, action: str, subscription_id: UUID, wanted: Wanted, **more: int) -> None:
    await record_audit(
        transaction, actor, action, "subscription", str(subscription_id), topic=wanted.topic.value, endpoint=wanted.endpoint,
        content=wanted.content.value, off=wanted.is_off, **more,
    )  # fmt: skip


def _maybe(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
