"""A site's feed on one day: when its last real message came, and the gaps between its messages.

`api.day` shows it to the site safeguarding nurse. The messages are read from the inbox, which forgets them after
NIGHTLIGHT_CONTROL_ID_DAYS; beyond that nobody knows the gaps any more, and None says so. Source: docs/hazard-log.md, H-08.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runtime.database import Connection
from safeguarding.board import FEED_SILENT


@dataclass(frozen=True, slots=True)
class Gap:
    """No message came between these instants."""

    begin: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """For how long."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class SiteFeed:
    """`last_message_at` is of a real message, None where none ever came; `gaps` is None where they are forgotten."""

    last_message_at: datetime | None
    gaps: tuple[Gap, ...] | None


async def read_feed(transaction: Connection, site: str, begin: datetime, end: datetime, at: datetime, known_days: int) -> SiteFeed:
    """The feed between two instants, as far as `at` has come. A site that never sent anything has no feed and so no gaps."""
    found = await (await transaction.execute("SELECT last_message_at FROM site_feeds WHERE site = %s", (site,))).fetchone()
    last = found[0] if found else None
    if begin < at - timedelta(days=known_days):
        return SiteFeed(last, None)
    cursor = await transaction.execute(
        """
        SELECT min(received_at), max(received_at) FROM inbox
        WHERE sending_facility = %s AND received_at >= %s AND received_at < %s
        GROUP BY date_bin('1 hour', received_at, %s) ORDER BY 1
        """,
        (site, begin, end, begin),
    )
    stretches = await cursor.fetchall()
    return SiteFeed(last, gaps(stretches, begin, min(end, at)) if last or stretches else ())


def gaps(stretches: Sequence[tuple[datetime, datetime]], begin: datetime, end: datetime) -> tuple[Gap, ...]:
    """The gaps of `FEED_SILENT` or more. `stretches` are the first and the last message of each hour that had any, in order.

    A longer gap always crosses the end of an hour, so that none is missed. Pure.
    """
    edges = [begin, *(each for stretch in stretches for each in stretch), end]
    found = (Gap(edges[place], edges[place + 1]) for place in range(0, len(edges), 2))
    return tuple(gap for gap in found if gap.length >= FEED_SILENT)
