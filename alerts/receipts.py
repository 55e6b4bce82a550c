"""Receipts: what a service that took a message said later of it. They move its delivery, and a failure brings the next contact.

`safeguarding.telling.receipts` calls it for GOV.UK Notify. The same receipt twice is once.
Sources: docs.notifications.service.gov.uk, "delivery receipts"; docs/notify.md.
"""

import random
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from alerts.escalating import look_at_alert
from alerts.metrics import ATTEMPTS
from alerts.retry import seconds_until_next
from domain.alert import AttemptOutcome, ChannelName, Delivery, DeliveryState
from domain.channel import Attempted
from runtime.database import Transaction

_CHANNELS = [ChannelName.NOTIFY_EMAIL.value, ChannelName.SMS.value]

_TOLD_BY_IT = "(id = %(id)s OR bundled_with = %(id)s)"
"""The rows of `deliveries` that a delivery's message told of: itself, and those of its bundle."""


class Said(StrEnum):
    """What became of a message, in Notify's words."""

    DELIVERED = "delivered"
    TEMPORARY = "temporary-failure"
    TECHNICAL = "technical-failure"
    PERMANENT = "permanent-failure"


_ATTEMPTED = {
    Said.DELIVERED: Attempted(AttemptOutcome.DELIVERED, "receipt-delivered"),
    Said.TEMPORARY: Attempted(AttemptOutcome.TEMPORARY, "receipt-temporary"),
    Said.TECHNICAL: Attempted(AttemptOutcome.TEMPORARY, "receipt-technical"),
    Said.PERMANENT: Attempted(AttemptOutcome.PERMANENT, "receipt-permanent"),
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was said of one message (`message_id`: the service's own) that was sent for one delivery."""

    delivery_id: UUID
    message_id: UUID
    said: Said


class Taken(StrEnum):
    """What became of a receipt. IN_HAND: the delivery is being sent at this moment, so that nothing was written down."""

    NOW = "taken"
    BEFORE = "taken before"
    UNKNOWN = "no such delivery"
    IN_HAND = "in hand"


class _Line(NamedTuple):
    alert_ids: list[UUID]
    delivery: Delivery
    state: DeliveryState
    receipt_id: str | None
    is_in_hand: bool
    was_taken: bool


async def record_receipt(transaction: Transaction, receipt: Receipt, at: datetime) -> Taken:
    """Write a receipt down as an attempt of its delivery, and move that.

    Delivered is delivered, whatever it was before. What failed is pending again and due as after any other failure, and while
    nobody has acknowledged its alert, somebody looks at once who is to be told next. A failure of a message that was replaced by
    another one, or that comes after it was delivered, moves nothing. What a bundle's message told of goes the same way.
    """
    attempt_id = uuid5(receipt.message_id, receipt.said)
    line = await _lock(transaction, receipt.delivery_id, attempt_id)
    if line is None:
        return Taken.UNKNOWN
    if line.was_taken:
        return Taken.BEFORE
    attempted = _ATTEMPTED[receipt.said]
    if attempted.has_told:
        await _deliver(transaction, line.delivery.id, at)
    elif line.is_in_hand:
        return Taken.IN_HAND
    elif line.state is DeliveryState.SENT and line.receipt_id in {None, str(receipt.message_id)}:
        await _put_back(transaction, line.delivery, attempted)
        for alert_id in line.alert_ids:
            await look_at_alert(transaction, alert_id, at)
    await _write(transaction, attempt_id, line.delivery, attempted, at)
    ATTEMPTS.labels(line.delivery.channel, attempted.outcome).inc()
    return Taken.NOW


async def _lock(transaction: Transaction, delivery_id: UUID, attempt_id: UUID) -> _Line | None:
    """The delivery and the alerts that its message told of, until the transaction ends."""
    cursor = await transaction.execute(
        f"SELECT id FROM alerts WHERE id IN (SELECT alert_id FROM deliveries WHERE {_TOLD_BY_IT}) ORDER BY id FOR NO KEY UPDATE",  # noqa: S608
        {"id": delivery_id},
    )
    alert_ids = [alert_id for (alert_id,) in await cursor.fetchall()]
    cursor = await transaction.execute(
        """
        SELECT d.alert_id, d.channel, d.recipient, a.authority_code, d.attempts, d.state, d.receipt_id,
               coalesce(d.state = 'pending' AND d.lease_until > now(), false),
               EXISTS (SELECT FROM attempts t WHERE t.delivery_id = d.id AND t.id = %s)
        FROM deliveries d JOIN alerts a ON a.id = d.alert_id
        WHERE d.id = %s AND d.channel = ANY(%s) FOR NO KEY UPDATE OF d
        """,
        (attempt_id, delivery_id, _CHANNELS),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    alert_id, channel, recipient, authority_code, attempts, state, *rest = row
    delivery = Delivery(delivery_id, alert_id, ChannelName(channel), recipient, authority_code, attempts)
    return _Line(alert_ids, delivery, DeliveryState(state), *rest)


async def _deliver(transaction: Transaction, delivery_id: UUID, at: datetime) -> None:
    await transaction.execute(
        f"""
        UPDATE deliveries
        SET state = 'delivered', sent_at = coalesce(sent_at, %(at)s), delivered_at = coalesce(delivered_at, %(at)s),
            lease_until = NULL, claimed_by = NULL
        WHERE {_TOLD_BY_IT}
        """,  # noqa: S608 (a constant)
        {"at": at, "id": delivery_id},
    )


async def _put_back(transaction: Transaction, delivery: Delivery, attempted: Attempted) -> None:
    seconds = seconds_until_next(attempted, delivery.attempts + 1, random.random())  # noqa: S311
    await transaction.execute(
        f"""
        UPDATE deliveries SET state = 'pending', sent_at = NULL, next_attempt_at = now() + make_interval(secs => %(seconds)s)
        WHERE {_TOLD_BY_IT} AND state = 'sent'
        """,  # noqa: S608 (a constant)
        {"seconds": seconds, "id": delivery.id},
    )


async def _write(transaction: Transaction, attempt_id: UUID, delivery: Delivery, attempted: Attempted, at: datetime) -> None:
    await transaction.execute(
        f"""
        WITH counted AS (UPDATE deliveries SET attempts = attempts + 1 WHERE {_TOLD_BY_IT} RETURNING id, attempts)
        INSERT INTO attempts (id, attempted_at, delivery_id, number, outcome, detail)
        SELECT CASE WHEN id = %(id)s THEN %(attempt)s ELSE uuidv7() END, %(at)s, id, attempts, %(outcome)s, %(detail)s FROM counted
        """,  # noqa: S608 (a constant)
        {
            "id": delivery.id, "attempt": attempt_id, "at": at, "outcome": attempted.outcome.value, "detail": attempted.detail,
        },
    )  # fmt: skip
