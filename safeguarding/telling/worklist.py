"""The worklist of one authority: its alerts as somebody chose to see them, and what waits beside what they see.

`api.worklist` renders it. Everything that is chosen is asked of the database, so that a full list hides nothing that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from psycopg.rows import class_row

from domain.actor import Actor
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Connection
from safeguarding.telling.fields import read_fields
from safeguarding.views import ALERT_ROWS, MOST_ROWS, AlertRow, as_agreed

MOST_READ = 30
"""Alerts that nobody must deal with any more, on a list that also shows who waits."""

LATE = timedelta(minutes=1)
"""A delivery that waits so long after it was due is not getting through."""

OF_THE_AUTHORITY = (
    ChannelName.EMAIL, ChannelName.NOTIFY_EMAIL, ChannelName.SMS, ChannelName.WEBHOOK, ChannelName.MESH,
)  # fmt: skip
"""The ways besides the screen by which the authority itself is told."""


class Stands(StrEnum):
    """Which alerts somebody wants to see."""

    WAITING = "waiting"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chose to see of the worklist; what is None is not asked about."""

    team: str | None = None
    mine: bool = False
    stands: Stands | None = None
    site: str | None = None
    care_setting: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many alerts of one kind wait: by team, site and care setting, and whether they are the asker's own.

    Site and care setting are empty where they were not agreed: nobody can choose what they may not read.
    """

    team_code: str
    site: str
    site_name: str
    care_setting: str
    is_mine: bool
    count: int
    organisation_code: str = ""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A channel by which alerts of the authority do not get through, how many, and since when the first was due."""

    channel: ChannelName
    alerts: int
    since: datetime


_MINE = """
    (a.taken_by_id = %(me)s OR EXISTS (
        SELECT FROM alert_events m WHERE m.alert_id = a.id AND m.occurred_at >= a.raised_at AND m.event = 'acknowledge'
                                     AND m.actor_id = %(me)s))
"""
_WAITS = "a.state IN ('raised', 'retracted')"
_ROWS = f"""
    WITH fitting AS MATERIALIZED (
        SELECT a.id, {_WAITS} AS waits, a.changed_at FROM alerts a JOIN encounters e ON e.id = a.encounter_id
        WHERE a.authority_code = %(authority)s
          AND (%(team)s::text IS NULL OR a.team_code = %(team)s)
          AND (NOT %(mine)s OR {_MINE})
          AND (%(stands)s::text IS NULL OR ({_WAITS}) = (%(stands)s = 'waiting'))
          AND (%(site)s::text IS NULL OR e.site = %(site)s)
          AND (%(setting)s::text IS NULL OR e.care_setting = %(setting)s)
    ), listed AS (
        (SELECT id FROM fitting WHERE waits ORDER BY changed_at DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT id FROM fitting WHERE NOT waits ORDER BY changed_at DESC LIMIT %(read)s)
    )
    {ALERT_ROWS} WHERE a.id IN (SELECT id FROM listed) ORDER BY a.id
"""  # noqa: S608 (constants)


async def worklist(
    transaction: Connection, actor: Actor, authority_code: str, chosen: Chosen | None = None, limit: int = MOST_ROWS
) -> list[AlertRow]:
    """The authority's alerts that fit: those that wait, the newest `limit` of them, and the newest that are read.

    In no order that means anything: `urgency` gives them theirs. Viewing is audited.
    """
    chosen = chosen or Chosen()
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(
        _ROWS,
        {
            "authority": authority_code, "me": actor.id, "team": chosen.team, "mine": chosen.mine, "stands": chosen.stands,
            "site": chosen.site, "setting": chosen.care_setting, "limit": limit,
            "read": limit if chosen.stands is Stands.READ else MOST_READ,
        },
    )  # fmt: skip
    rows = await cursor.fetchall()
    await record_audit(transaction, actor, "worklist.view", "authority", authority_code, alerts=len(rows))
    return [row for row in await as_agreed(transaction, rows) if _may_be_chosen(row, chosen)]


def _may_be_chosen(row: AlertRow, chosen: Chosen) -> bool:
    """Whether what was chosen by may be read at all: else a choice of site or care setting would tell what was not agreed."""
    return not (chosen.site and "site" not in row.may_leave) and not (chosen.care_setting and not row.setting_words)


async def waiting_at(transaction: Connection, actor: Actor, authority_code: str) -> Sequence[Waiting]:
    """How many alerts of the authority wait in all, so that a list which leaves some out can say so. Names no child."""
    cursor = transaction.cursor(row_factory=class_row(Waiting))
    await cursor.execute(
        f"""
        SELECT a.team_code, e.site, s.name AS site_name, e.care_setting, {_MINE} AS is_mine, count(*) AS count,
               s.organisation_code
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id JOIN sites s ON s.ods_code = e.site
        WHERE a.authority_code = %(authority)s AND {_WAITS}
        GROUP BY 1, 2, 3, 4, 5, 7 ORDER BY 3, 1, 4
        """,  # noqa: S608 (constants)
        {"authority": authority_code, "me": actor.id},
    )
    found = await cursor.fetchall()
    fields = await read_fields(transaction, {(authority_code, each.organisation_code) for each in found}, england_day(now()))
    return [_as_agreed(each, fields[authority_code, each.organisation_code]) for each in found]


def _as_agreed(waiting: Waiting, fields: frozenset[str]) -> Waiting:
    if "site" not in fields:
        waiting = replace(waiting, site="", site_name="")
    is_named = "care-setting" in fields and not CareSetting(waiting.care_setting).is_private
    return waiting if is_named else replace(waiting, care_setting="")


async def not_getting_through(transaction: Connection, authority_code: str, at: datetime) -> Sequence[Stuck]:
    """The channels by which the authority itself should have been told by now, and was not."""
    cursor = await transaction.execute(
        """
        SELECT d.channel, count(DISTINCT d.alert_id), min(d.due_at)
        FROM deliveries d JOIN alerts a ON a.id = d.alert_id
        WHERE d.state = 'pending' AND a.authority_code = %s AND d.channel = ANY(%s) AND d.due_at < %s
        GROUP BY d.channel ORDER BY min(d.due_at), d.channel
        """,
        (authority_code, list(OF_THE_AUTHORITY), at - LATE),
    )
    return [Stuck(ChannelName(channel), alerts, since) for channel, alerts, since in await cursor.fetchall()]


async def rest_of_thread(transaction: Connection, row: AlertRow) -> list[AlertRow]:
    """The other alerts of an alert's thread, newest first; who asks has just been let in to one of them, audited."""
    cursor = transaction.cursor(row_factory=class_row(AlertRow))
    await cursor.execute(
        ALERT_ROWS
        + "WHERE a.thread_id = %s AND a.authority_code = %s AND a.id <> %s ORDER BY a.raised_at DESC, a.id DESC LIMIT 50",
        (row.thread_id, row.authority_code, row.id),
    )
    return await as_agreed(transaction, await cursor.fetchall())
