"""The department's board: who is at a site now that somebody must look at, and those who left lately.

`api.board` renders it, and `api.live` asks for its mark every two seconds. It says who is meant by an encounter alone: no
number, no name, no kind of plan. Reading it is audited; details of one encounter are a look through the desk.
Source: docs/facts.md, section 5 (what a parent could see says nothing).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.answer import Coverage
from domain.care_setting import CareSetting
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection
from safeguarding.directory import read_directory
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


async def read_board(transaction: Connection, actor: Actor, site: str) -> Board:
    """The site's board as it stands. Reading it is audited, with how many it showed."""
    cursor = transaction.cursor(row_factory=class_row(BoardRow))
    await cursor.execute(_ROWS.encode(), _parameters(site))
    rows = tuple(await cursor.fetchall())
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
           (SELECT last_message_at < now() - %(silent)s FROM site_feeds WHERE site = %(site)s)
    FROM encounters e
    CROSS JOIN LATERAL (SELECT max(changed_at) AS changed_at FROM alerts WHERE encounter_id = e.id) AS a
    WHERE {_WATCHED}
"""  # noqa: S608


async def read_coverage(transaction: Connection) -> Coverage:
    """How far a board reaches now, for its mark and its page alike: by the directory as it stands, not as it is kept in memory."""
    return (await read_directory(transaction)).coverage(now())


async def board_mark(transaction: Connection, site: str, coverage: Coverage) -> str:
    """A mark that is another one after any change that the site's board shows with this coverage; no patient is in it."""
    row = await (await transaction.execute(_MARK.encode(), _parameters(site) | {"silent": FEED_SILENT})).fetchone()
    return "-".join(str(each) for each in (*(row or ()), coverage.fully_checked))


async def board_marks(transaction: Connection, sites: Sequence[str]) -> dict[str, str]:
    """The mark of each site's board."""
    coverage = await read_coverage(transaction)
    return {site: await board_mark(transaction, site, coverage) for site in sites}


def _parameters(site: str) -> dict[str, object]:
    return {"site": site, "lately": LEFT_LATELY, "private": PRIVATE_SETTINGS, "most": MOST_ROWS}
