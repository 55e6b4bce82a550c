"""Webhooks in the database: where an authority's own system is told, how often its secret was renewed, and how it goes.

`safeguarding.telling.webhooks` writes them. The secret itself is nowhere: it follows from `renewals` (docs/adr/0043).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from domain.alert import AttemptOutcome
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address of an authority's system. Its `id` is the address of a team's contact."""

    id: UUID
    authority_code: str
    name: str
    url: str
    added_at: datetime
    added_by: str
    renewals: int
    renewed_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Going:
    """How it goes: how many notices wait and since when, the last one that was taken, and the last attempt at one that waits.

    `code` says why that one was not taken: a short code of ours.
    """

    waiting: int = 0
    waiting_since: datetime | None = None
    taken_at: datetime | None = None
    tried_at: datetime | None = None
    code: str = ""
    needs_a_person: bool = False


_COLUMNS = "id, authority_code, name, url, added_at, added_by, renewals, renewed_at, disabled_at"


async def add_webhook(transaction: Connection, authority_code: str, name: str, url: str, added_by: str) -> Webhook:
    """Register one."""
    return await _one(
        transaction,
        f"INSERT INTO webhooks (authority_code, name, url, added_by) VALUES (%s, %s, %s, %s) RETURNING {_COLUMNS}",  # noqa: S608
        (authority_code, name, url, added_by),
    )


async def find_webhook(transaction: Connection, webhook_id: UUID) -> Webhook | None:
    """One, locked until the transaction ends."""
    async with transaction.cursor(row_factory=class_row(Webhook)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM webhooks WHERE id = %s FOR UPDATE", (webhook_id,))  # noqa: S608
        return await cursor.fetchone()


async def read_webhooks(transaction: Connection, authority_code: str) -> list[Webhook]:
    """All of an authority, in the order of their names."""
    async with transaction.cursor(row_factory=class_row(Webhook)) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS} FROM webhooks WHERE authority_code = %s ORDER BY name, id",  # noqa: S608
            (authority_code,),
        )
        return await cursor.fetchall()


async def change_webhook(transaction: Connection, webhook_id: UUID, name: str, url: str) -> Webhook:
    """Give it another name and address: what waits goes there."""
    return await _one(
        transaction,
        f"UPDATE webhooks SET name = %s, url = %s WHERE id = %s RETURNING {_COLUMNS}",  # noqa: S608
        (name, url, webhook_id),
    )


async def renew_webhook(transaction: Connection, webhook_id: UUID) -> Webhook:
    """Give it the next secret; the one before is good for a while."""
    return await _one(
        transaction,
        f"UPDATE webhooks SET renewals = renewals + 1, renewed_at = now() WHERE id = %s RETURNING {_COLUMNS}",  # noqa: S608
        (webhook_id,),
    )


async def set_in_use(transaction: Connection, webhook_id: UUID, *, in_use: bool) -> Webhook:
    """Take it out of use, or into use again."""
    return await _one(
        transaction,
        f"UPDATE webhooks SET disabled_at = CASE WHEN %s THEN NULL ELSE now() END WHERE id = %s RETURNING {_COLUMNS}",  # noqa: S608
        (in_use, webhook_id),
    )


async def make_due(transaction: Connection, webhook_id: UUID) -> int:
    """What waits for it is tried at once: somebody has changed why it waited. Returns how many deliveries."""
    cursor = await transaction.execute(
        """
        UPDATE deliveries SET next_attempt_at = now()
        WHERE channel = 'webhook' AND recipient = %s AND state = 'pending' AND next_attempt_at > now() AND attempts > 0
        """,
        (str(webhook_id),),
    )
    return cursor.rowcount


async def read_going(transaction: Connection, webhooks: Sequence[UUID]) -> dict[UUID, Going]:
    """How it goes with each of these."""
    cursor = await transaction.execute(_GOING, ([str(each) for each in webhooks],))
    return {
        UUID(recipient): Going(waiting, since, taken_at, tried_at, code or "", outcome == AttemptOutcome.PERMANENT.value)
        for recipient, waiting, since, taken_at, tried_at, code, outcome in await cursor.fetchall()
    }


# Of those that wait, the one that is tried next stands for all: they go to the same address.
_GOING = """
    SELECT asked.recipient, waits.number, waits.since, taken.at, last.attempted_at, last.detail, last.outcome
    FROM unnest(%s::text[]) AS asked (recipient)
    CROSS JOIN LATERAL (
        SELECT count(*)::int AS number, min(due_at) AS since FROM deliveries
        WHERE channel = 'webhook' AND recipient = asked.recipient AND state = 'pending'
    ) AS waits
    LEFT JOIN LATERAL (
        SELECT delivered_at AS at FROM deliveries
        WHERE channel = 'webhook' AND recipient = asked.recipient AND state = 'delivered' ORDER BY delivered_at DESC LIMIT 1
    ) AS taken ON true
    LEFT JOIN LATERAL (
        SELECT id, next_attempt_at FROM deliveries
        WHERE channel = 'webhook' AND recipient = asked.recipient AND state = 'pending' AND attempts > 0
        ORDER BY next_attempt_at LIMIT 1
    ) AS tried ON true
    LEFT JOIN LATERAL (
        SELECT attempted_at, detail, outcome FROM attempts
        WHERE delivery_id = tried.id AND attempted_at >= tried.next_attempt_at - interval '1 hour'
        ORDER BY attempted_at DESC LIMIT 1
    ) AS last ON true
"""


async def _one(transaction: Connection, statement: str, parameters: Sequence[object]) -> Webhook:
    async with transaction.cursor(row_factory=class_row(Webhook)) as cursor:
        await cursor.execute(statement.encode(), parameters)
        row = await cursor.fetchone()
    assert row is not None
    return row
