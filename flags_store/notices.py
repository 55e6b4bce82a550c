"""Notices: e-mails to an authority's data officers and to the operator, each written down once before it is sent.

`safeguarding.notices` decides what is due and sends. A notice stays until a mail server has taken it. Nobody is named in one.
Source: docs/facts.md, sections 4 and 5; docs/alerts.md, "Notices".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from runtime.database import Connection

Facts = Mapping[str, int | float | str | None]


class Audience(StrEnum):
    """Whom a notice is for."""

    AUTHORITY = "authority"
    OPERATOR = "operator"


class NoticeKind(StrEnum):
    """What it is about."""

    WEEKLY = "weekly"
    LATE = "late"
    RECEIVED_AGAIN = "received-again"
    AGREEMENT = "agreement"


@dataclass(frozen=True, slots=True)
class Notice:
    """One e-mail that is due. `facts`: counts, codes, and instants as ISO 8601. `data_email`: the authority's, as it stands now.

    One that is about no authority, or about more than it, has neither code nor name.
    """

    id: UUID
    authority_code: str
    authority_name: str
    data_email: str | None
    audience: Audience
    kind: NoticeKind
    facts: Facts
    created_at: datetime
    tries: int
    is_test: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A notice about lateness that was written down: `period` begins with the instant of the last extract."""

    audience: Audience
    kind: NoticeKind
    period: str
    created_at: datetime


async def record_notice(
    transaction: Connection, authority_code: str | None, audience: Audience, kind: NoticeKind, period: str, facts: Facts
) -> bool:
    """Write a notice down, and say whether it is new: one for an authority (or none), audience, kind and period."""
    cursor = await transaction.execute(
        """
        INSERT INTO notices (authority_code, audience, kind, period, facts) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (authority_code, audience, kind, period, json.dumps(dict(facts))),
    )
    return cursor.rowcount == 1


async def is_recorded(transaction: Connection, authority_code: str, audience: Audience, kind: NoticeKind, period: str) -> bool:
    """Whether there is such a notice already."""
    cursor = await transaction.execute(
        "SELECT FROM notices WHERE authority_code = %s AND audience = %s AND kind = %s AND period = %s",
        (authority_code, audience, kind, period),
    )
    return cursor.rowcount == 1


async def read_told(transaction: Connection) -> dict[str, list[Told]]:
    """What was told of lateness in the last year, by authority, oldest first."""
    cursor = await transaction.execute(
        """
        SELECT authority_code, audience, kind, period, created_at FROM notices
        WHERE kind IN ('late', 'received-again') AND created_at > now() - interval '1 year' ORDER BY created_at, id
        """
    )
    told: dict[str, list[Told]] = {}
    for code, audience, kind, period, at in await cursor.fetchall():
        told.setdefault(code, []).append(Told(Audience(audience), NoticeKind(kind), period, at))
    return told


async def claim_notice(transaction: Connection, lease: timedelta, *, operator: bool) -> Notice | None:
    """The notice that has waited longest of those for which there is an address; nobody else takes it before the lease is over."""
    cursor = await transaction.execute(
        """
        UPDATE notices SET tries = tries + 1, next_try_at = now() + %s
        FROM store
        WHERE notices.id = (
            SELECT each.id FROM notices AS each LEFT JOIN authorities AS whose ON whose.code = each.authority_code
            WHERE each.sent_at IS NULL AND each.next_try_at <= now()
              AND CASE each.audience WHEN 'operator' THEN %s ELSE coalesce(whose.data_email, '') <> '' END
            ORDER BY each.next_try_at, each.id LIMIT 1 FOR UPDATE OF each SKIP LOCKED
        )
        RETURNING notices.id, coalesce(authority_code, ''),
                  coalesce((SELECT name FROM authorities WHERE code = authority_code), ''),
                  (SELECT data_email FROM authorities WHERE code = authority_code), audience, notices.kind, facts,
                  notices.created_at, tries, store.kind <> 'production'
        """,
        (lease, operator),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    notice_id, code, name, data_email, audience, kind, facts, created_at, tries, is_test = row
    return Notice(notice_id, code, name, data_email, Audience(audience), NoticeKind(kind), facts, created_at, tries, is_test)


async def mark_sent(transaction: Connection, notice_id: UUID) -> None:
    """A mail server has taken it."""
    await transaction.execute("UPDATE notices SET sent_at = now(), last_error = NULL WHERE id = %s", (notice_id,))


async def mark_failed(transaction: Connection, notice_id: UUID, error: str, wait: timedelta) -> None:
    """It was not taken; it is tried again, without end."""
    await transaction.execute(
        "UPDATE notices SET last_error = %s, next_try_at = now() + %s WHERE id = %s AND sent_at IS NULL", (error, wait, notice_id)
    )


async def oldest_unsent(transaction: Connection) -> datetime | None:
    """Since when the oldest notice has waited to be sent, or None."""
    row = await (await transaction.execute("SELECT min(created_at) FROM notices WHERE sent_at IS NULL")).fetchone()
    return row[0] if row else None
