"""Everything that became of one alert: events and answers, every attempt at telling somebody, every look, and what still waits.

The page of its history shows it to the authority that was told (`api.alert_pages`). Looking at it is itself a look, and audited.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from alerts.bundling import GATHERED_MINUTES
from domain.actor import Actor
from domain.alert import ChannelName
from domain.errors import NotFound
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Connection
from safeguarding.telling.conversation import Said, read_conversation, without_site
from safeguarding.telling.fields import fields_that_may_leave

LOOKS = ("alert.view", "alert.shown", "alert.history")
"""The audit events that say that somebody has seen the alert itself; lists of many are in the audit trail."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt at one delivery, as it was written down."""

    at: datetime
    delivery_id: UUID
    channel: str
    recipient: str
    team: str
    notice: str
    number: int
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody has seen the alert."""

    at: datetime
    who: str
    role: str
    action: str


@dataclass(frozen=True, slots=True)
class Waits:
    """A delivery that has not gone out: since when it is due, how often it was tried, when next, and what came of it last.

    `is_gathering`: it was given two minutes for others that came late. `is_with_others`: the letter of one of these tells of it.
    """

    channel: str
    recipient: str
    team: str
    notice: str
    due_at: datetime
    attempts: int
    next_attempt_at: datetime
    is_in_hand: bool
    outcome: str | None
    detail: str | None
    is_gathering: bool = False
    is_with_others: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """All of it, each list oldest first."""

    raised_at: datetime
    said: list[Said]
    attempts: list[Attempted]
    looks: list[Look]
    waits: list[Waits]


async def history_of_alert(transaction: Connection, actor: Actor, authority_code: str, alert_id: UUID) -> History:
    """The history of one alert, as far as it was agreed. Raises NotFound where it is another authority's, or not there."""
    cursor = await transaction.execute(
        """
        SELECT a.raised_at, o.ods_code, o.name FROM alerts a
        JOIN encounters e ON e.id = a.encounter_id JOIN sites s ON s.ods_code = e.site
        JOIN organisations o ON o.ods_code = s.organisation_code
        WHERE a.id = %s AND a.authority_code = %s
        """,
        (alert_id, authority_code),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    raised_at, organisation_code, organisation_name = row
    history = History(
        raised_at,
        await read_conversation(transaction, alert_id),
        await _attempts(transaction, alert_id),
        await _looks(transaction, alert_id),
        await _waits(transaction, alert_id),
    )
    await record_audit(transaction, actor, "alert.history", "alert", str(alert_id))
    fields = await fields_that_may_leave(transaction, authority_code, organisation_code, england_day(now()))
    return history if "site" in fields else _without_site(history, organisation_name)


def _without_site(history: History, organisation_name: str) -> History:
    attempts = [replace(each, recipient=_whose(each, organisation_name)) for each in history.attempts]
    waits = [replace(each, recipient=_whose(each, organisation_name)) for each in history.waits]
    return replace(history, said=without_site(history.said, organisation_name), attempts=attempts, waits=waits)


def _whose(each: Attempted | Waits, organisation_name: str) -> str:
    return organisation_name if each.channel == ChannelName.HL7 else each.recipient


_RECIPIENT = """
    CASE WHEN d.channel = 'webhook'
         THEN coalesce((SELECT w.name FROM webhooks w WHERE w.id::text = d.recipient), d.recipient) ELSE d.recipient END
"""


async def _attempts(transaction: Connection, alert_id: UUID) -> list[Attempted]:
    cursor = transaction.cursor(row_factory=class_row(Attempted))
    await cursor.execute(
        f"""
        SELECT t.attempted_at AS at, d.id AS delivery_id, d.channel, {_RECIPIENT} AS recipient, d.team, d.notice, t.number,
               t.outcome, t.detail
        FROM deliveries d JOIN attempts t ON t.delivery_id = d.id
        WHERE d.alert_id = %s ORDER BY t.attempted_at, t.id
        """,  # noqa: S608 (constants)
        (alert_id,),
    )
    return await cursor.fetchall()


async def _looks(transaction: Connection, alert_id: UUID) -> list[Look]:
    cursor = transaction.cursor(row_factory=class_row(Look))
    await cursor.execute(
        """
        SELECT occurred_at AS at, actor_name AS who, actor_role AS role, action FROM audit_events
        WHERE subject_type = 'alert' AND subject_id = %s AND action = ANY(%s) ORDER BY occurred_at, id
        """,
        (str(alert_id), list(LOOKS)),
    )
    return await cursor.fetchall()


async def _waits(transaction: Connection, alert_id: UUID) -> list[Waits]:
    cursor = transaction.cursor(row_factory=class_row(Waits))
    await cursor.execute(
        f"""
        SELECT d.channel, {_RECIPIENT} AS recipient, d.team, d.notice, d.due_at, d.attempts, d.next_attempt_at,
               coalesce(d.lease_until > now(), false) AS is_in_hand, last.outcome, last.detail,
               d.bundled_with IS NOT NULL AND d.due_at <= d.created_at + interval '{GATHERED_MINUTES} minutes' AS is_gathering,
               d.bundled_with IS DISTINCT FROM d.id AND d.bundled_with IS NOT NULL AS is_with_others
        FROM deliveries d LEFT JOIN LATERAL (
            SELECT t.outcome, t.detail FROM attempts t WHERE t.delivery_id = d.id ORDER BY t.attempted_at DESC LIMIT 1
        ) AS last ON true
        WHERE d.alert_id = %s AND d.state = 'pending' ORDER BY d.due_at, d.id
        """,  # noqa: S608 (constants)
        (alert_id,),
    )
    return await cursor.fetchall()
