"""The department's board: who is at a site now that somebody must look at, and those who left lately.

`api.board` renders it, and `api.live` asks for its mark every two seconds. It says who is meant by an encounter alone: no
number, no name, no kind of plan. Reading it is audited; details of one encounter are a look through the desk.
Source: docs/facts.md, section 5 (what a parent could see says nothing).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.care_setting import CareSetting
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection
from safeguarding.directory import Directory, read_directory
from safeguarding.telling.standing import Stage, Standing, read_lines, standing
from safeguarding.views import MOST_ROWS

LEFT_LATELY = timedelta(hours=4)
FEED_SILENT = timedelta(hours=2)
"""After so long without a message, a site's feed is called silent. *Ours*: an emergency department registers day and night."""

PRIVATE_SETTINGS = [setting.value for setting in CareSetting if setting.is_private]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One encounter, open or left lately. `told` counts the alerts that stand, `waiting` those of them that nobody has answered."""

    id: UUID
    reference: str
    care_setting: str
    state: str
    arrived_at: datetime
    departed_at: datetime | None
    left_before_seen: bool
    flagged: bool
    could_not_check: str | None
    told: int
    waiting: int
    answers: list[str]
    standing: Standing | None = None
    """How the alert stands that is worst off of those that nobody has acknowledged; None where none waits."""

    @property
    def is_here(self) -> bool:
        """Whether nobody has said that the patient left."""
        return self.departed_at is None

    @property
    def setting_words(self) -> str:
        """The care setting in words."""
        return CareSetting(self.care_setting).words


@dataclass(frozen=True, slots=True)
class Board:
    """The rows, flagged ones first, and the site's last real message where its feed is silent."""

    rows: tuple[BoardRow, ...]
    last_message_at: datetime | None
    is_feed_silent: bool

    @property
    def is_full(self) -> bool:
        """Whether there may be more rows than these."""
        return len(self.rows) == MOST_ROWS


ALERTS_OF_IT = """
    SELECT count(*) AS told, count(*) FILTER (WHERE state IN ('raised', 'retracted')) AS waiting,
           coalesce(array_agg(answer ORDER BY acknowledged_at) FILTER (WHERE state IN ('acknowledged', 'closed')), '{}') AS answers
    FROM alerts WHERE encounter_id = e.id AND (state IN ('raised', 'acknowledged') OR e.state = 'cancelled')
"""
"""The alerts about the patient of an encounter `e`. One that was taken back stands only where the whole arrival was: else it was
another patient's."""

# State and departure go together: a patient who is there has not departed. What expired is the day's business, not the board's.
_WATCHED = """
    e.site = %(site)s AND (e.flagged OR e.could_not_check IS NOT NULL)
    AND (e.departed_at IS NULL OR e.departed_at > now() - %(lately)s)
    AND (e.flagged OR e.departed_at IS NULL OR e.left_before_seen)
    AND e.state <> 'expired' AND NOT e.test AND e.care_setting <> ALL(%(private)s)
"""
_ROWS = f"""
    SELECT e.id, e.reference, e.care_setting, e.state, e.arrived_at, e.departed_at, e.left_before_seen, e.flagged,
           e.could_not_check, a.told, a.waiting, a.answers
    FROM encounters e
    CROSS JOIN LATERAL ({ALERTS_OF_IT}) AS a
    WHERE {_WATCHED}
    ORDER BY NOT e.flagged, e.departed_at IS NOT NULL, e.arrived_at DESC
    LIMIT %(most)s
"""  # noqa: S608 (only the constant condition is put in)


async def read_board(transaction: Connection, actor: Actor, site: str, directory: Directory) -> Board:
    """The site's board as it stands. Reading it is audited, with how many it showed."""
    cursor = transaction.cursor(row_factory=class_row(BoardRow))
    await cursor.execute(_ROWS.encode(), _parameters(site))
    found = await cursor.fetchall()
    worst = await _worst(transaction, [row.id for row in found if row.waiting], directory)
    rows = tuple(replace(row, standing=worst.get(row.id)) for row in found)
    feed = await (await transaction.execute(_FEED, {"site": site, "silent": FEED_SILENT})).fetchone()
    last, silent = feed or (None, False)
    await record_audit(
        transaction, actor, "board.view", "site", site,
        flagged=sum(row.flagged for row in rows), unchecked=sum(not row.flagged for row in rows),
    )  # fmt: skip
    return Board(rows, last, silent)


_FEED = "SELECT last_message_at, last_message_at < now() - %(silent)s FROM site_feeds WHERE site = %(site)s"

_MARK = f"""
    SELECT md5(coalesce(string_agg(concat_ws(' ', e.id, e.version, a.changed_at), ',' ORDER BY e.id), '')),
           (SELECT last_message_at < now() - %(silent)s FROM site_feeds WHERE site = %(site)s),
           coalesce(array_agg(e.id) FILTER (WHERE a.waits), '{{}}')
    FROM encounters e
    CROSS JOIN LATERAL (
        SELECT max(changed_at) AS changed_at, coalesce(bool_or(state = 'raised'), false) AS waits
        FROM alerts WHERE encounter_id = e.id
    ) AS a
    WHERE {_WATCHED}
"""  # noqa: S608


_ORDER = (Stage.EXHAUSTED, Stage.QUEUED, Stage.WAITING, Stage.TAKEN)


async def _worst(transaction: Connection, encounters: Sequence[UUID], directory: Directory) -> dict[UUID, Standing]:
    """By encounter, how the alert stands of which a department must know first: nobody left, nobody there, longest unread."""
    at, worst = now(), dict[UUID, Standing]()
    if not encounters:
        return worst
    for line in (await read_lines(transaction, encounters, at)).values():
        if line.is_waiting and line.authority_code in directory.authorities:
            stands = standing(directory, line, at)
            before = worst.get(line.encounter_id)
            if before is None or _rank(stands) < _rank(before):
                worst[line.encounter_id] = stands
    return worst


def _rank(stands: Standing) -> tuple[int, timedelta]:
    return _ORDER.index(stands.stage), -stands.unread


async def read_reach(transaction: Connection) -> Directory:
    """How far a board reaches now, for its mark and its page alike: the directory as it stands, not as it is kept in memory."""
    return await read_directory(transaction)


async def board_mark(transaction: Connection, site: str, directory: Directory) -> str:
    """A mark that is another one after any change that the site's board shows with this directory; no patient is in it.

    That a team goes on or off duty is such a change; that a minute passes is none: the page counts those itself.
    """
    row = await (await transaction.execute(_MARK.encode(), _parameters(site) | {"silent": FEED_SILENT})).fetchone()
    digest, silent, encounters = row or ("", None, [])
    worst = await _worst(transaction, encounters, directory)
    stands = sorted(f"{encounter} {each.stage} {each.opens}" for encounter, each in worst.items())
    stages = hashlib.sha256("\n".join(stands).encode()).hexdigest()[:16] if stands else ""
    return "-".join(str(each) for each in (digest, silent, directory.coverage(now()).fully_checked, stages))


async def board_marks(transaction: Connection, sites: Sequence[str]) -> dict[str, str]:
    """The mark of each site's board."""
    directory = await read_reach(transaction)
    return {site: await board_mark(transaction, site, directory) for site in sites}


def _parameters(site: str) -> dict[str, object]:
    return {"site": site, "lately": LEFT_LATELY, "private": PRIVATE_SETTINGS, "most": MOST_ROWS}
