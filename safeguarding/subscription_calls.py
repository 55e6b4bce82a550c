"""Calls to subscribers: what is to be sent where, who sends it now, and what became of it.

The dispatcher's process calls it: `fhir_adapter.subscriptions.channel` for events, its `keeping` for handshakes and heartbeats.
Source: Subscriptions R5 Backport IG 1.1, "Channels" and "Handling Errors".
"""

from dataclasses import dataclass
from uuid import UUID

from alerts.subscribers import make_due, withdraw_from_subscription
from domain.actor import NIGHTLIGHT
from domain.subscription import Event, Subscription, SubscriptionStatus
from runtime.audit import record_audit
from runtime.database import Connection, Transaction
from safeguarding.subscriptions import COLUMNS, to_subscription

FAILURES_TO_ERROR = 5
"""Calls in a row that fail before a subscription says that it is in error. It is tried on without end."""

_LEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ToSend:
    """One event and the subscription it is for. `stop` says why nothing may be sent now: a short code, or nothing."""

    subscription: Subscription
    event: Event
    stop: str


async def read_event(transaction: Transaction, delivery_id: UUID) -> ToSend:
    """What a delivery to a subscription is made of. Raises LookupError where there is no such delivery."""
    cursor = await transaction.execute(
        f"""
        SELECT {COLUMNS}, d.event_number, d.alert_id, d.created_at, c.disabled_at IS NULL, e.url IS NOT NULL
        FROM deliveries d JOIN subscriptions s ON s.id = d.recipient::uuid JOIN clients c ON c.id = s.client_id
        LEFT JOIN client_endpoints e ON (e.client_id, e.url) = (s.client_id, s.endpoint)
        WHERE d.id = %s AND d.channel = 'subscription' AND d.event_number IS NOT NULL
        """,  # noqa: S608 (only a constant is put in)
        (delivery_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("a delivery without a subscription")
    *columns, number, alert_id, at, is_enabled, is_registered = row
    subscription = to_subscription(columns)
    return ToSend(subscription, Event(number, alert_id, at), _stop(subscription, is_enabled, is_registered))


def _stop(subscription: Subscription, is_enabled: bool, is_registered: bool) -> str:
    if subscription.status is SubscriptionStatus.OFF:
        return "subscription-off"
    if not is_enabled:
        return "client-off"
    if not is_registered:
        return "endpoint-off"
    return "" if subscription.verified else "no-handshake"


async def claim_calls(transaction: Transaction, limit: int) -> list[Subscription]:
    """Subscriptions to which a handshake or a heartbeat is due, for the length of a lease."""
    cursor = await transaction.execute(
        f"""
        WITH due AS MATERIALIZED (
            SELECT s.id FROM subscriptions s JOIN clients c ON c.id = s.client_id AND c.disabled_at IS NULL
            JOIN client_endpoints e ON (e.client_id, e.url) = (s.client_id, s.endpoint)
            WHERE (s.status = 'requested' OR (s.status IN ('active', 'error') AND s.verified AND s.next_heartbeat_at <= now()))
              AND (s.called_until IS NULL OR s.called_until <= now())
            ORDER BY s.id LIMIT %s FOR UPDATE OF s SKIP LOCKED
        )
        UPDATE subscriptions s SET called_until = now() + make_interval(secs => %s) FROM due WHERE s.id = due.id
        RETURNING {COLUMNS}
        """,  # noqa: S608
        (limit, _LEASE_SECONDS),
    )
    return [to_subscription(row) for row in await cursor.fetchall()]


async def record_handshake(transaction: Transaction, subscription: Subscription, problem: str) -> None:
    """The endpoint has taken the handshake, and what waits is due; or it has not, for the reason of that code.

    Nothing changes where the subscription was changed meanwhile: that asked for another handshake.
    """
    status = SubscriptionStatus.ERROR if problem else SubscriptionStatus.ACTIVE
    cursor = await transaction.execute(
        """
        UPDATE subscriptions
        SET status = %s, verified = %s, problem = %s, failures = 0, called_until = NULL, version = version + 1, changed_at = now(),
            next_heartbeat_at = now() + make_interval(secs => heartbeat_seconds)
        WHERE id = %s AND version = %s AND status = 'requested' RETURNING id
        """,
        (status.value, not problem, problem, subscription.id, subscription.version),
    )
    if await cursor.fetchone() is None:
        return
    await _audit(transaction, subscription.id, status, problem)
    if not problem:
        await make_due(transaction, subscription.id)


async def record_call(transaction: Transaction, subscription_id: UUID, problem: str) -> None:
    """An event or a heartbeat was taken, or not, for the reason of that code. After some failures in a row it is in error.

    It stays so, whatever is taken later, until its client asks for a handshake: only the client knows what it has missed.
    """
    if problem:
        statement = f"""
            UPDATE subscriptions s
            SET failures = s.failures + 1, problem = %s, called_until = NULL,
                next_heartbeat_at = now() + make_interval(secs => s.heartbeat_seconds),
                status = CASE WHEN {_HAS_FAILED} THEN 'error' ELSE s.status END,
                version = s.version + CASE WHEN {_HAS_FAILED} THEN 1 ELSE 0 END,
                changed_at = CASE WHEN {_HAS_FAILED} THEN now() ELSE s.changed_at END
            FROM (SELECT id, status FROM subscriptions WHERE id = %s FOR UPDATE) AS before
            WHERE s.id = before.id RETURNING before.status, s.status
        """  # noqa: S608
        cursor = await transaction.execute(statement.encode(), (problem, subscription_id))
        row = await cursor.fetchone()
        if row and row[0] != row[1]:
            await _audit(transaction, subscription_id, SubscriptionStatus.ERROR, problem)
    else:
        await transaction.execute(
            """
            UPDATE subscriptions
            SET failures = 0, called_until = NULL, next_heartbeat_at = now() + make_interval(secs => heartbeat_seconds),
                problem = CASE status WHEN 'error' THEN problem ELSE '' END
            WHERE id = %s
            """,
            (subscription_id,),
        )


_HAS_FAILED = f"s.status = 'active' AND s.failures + 1 >= {FAILURES_TO_ERROR}"


async def end_what_is_over(transaction: Connection) -> int:
    """Subscriptions past their end are off, and nothing waits for one that is. Returns how many deliveries were withdrawn."""
    cursor = await transaction.execute(
        """
        UPDATE subscriptions SET status = 'off', problem = 'ended', version = version + 1, changed_at = now()
        WHERE ends_at <= now() AND status <> 'off' RETURNING id
        """
    )
    for (subscription_id,) in await cursor.fetchall():
        await _audit(transaction, subscription_id, SubscriptionStatus.OFF, "ended")
    cursor = await transaction.execute(
        """
        SELECT s.id FROM subscriptions s
        WHERE s.status = 'off' AND EXISTS (
            SELECT FROM deliveries d WHERE d.recipient = s.id::text AND d.channel = 'subscription' AND d.state = 'pending'
        )
        """
    )
    withdrawn = 0
    for (subscription_id,) in await cursor.fetchall():
        count = await withdraw_from_subscription(transaction, subscription_id)
        await record_audit(transaction, NIGHTLIGHT, "subscription.withdraw", "subscription", str(subscription_id), withdrawn=count)
        withdrawn += count
    return withdrawn


async def _audit(transaction: Transaction, subscription_id: UUID, status: SubscriptionStatus, problem: str) -> None:
    await record_audit(
        transaction, NIGHTLIGHT, f"subscription.{status.value}", "subscription", str(subscription_id), problem=problem
    )
