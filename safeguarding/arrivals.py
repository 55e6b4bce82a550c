"""How many of each site's arrivals fitted none of its rules, over days in England: whether the site may go live.

`nightlight site unclassified` and the pages of a site's rules ask. What `safeguarding.housekeeping` erases it adds to
`site_arrivals`: a day's number is that and what is still kept, at every moment. Source: docs/hl7.md, "Care setting".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg.rows import class_row

from runtime.database import Connection

LIVE_BELOW = 0.01
"""A site goes live with fewer unclassified arrivals than this share."""
WINDOWS = (7, 30)
"""Over how many days, today included."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A site's arrivals of the last `days`: how many there were, and how many fitted no rule and were treated as unscheduled.

    They are counted since a day that may lie within: what came before is not known.
    """

    site: str
    days: int
    since: date
    total: int
    unclassified: int
    is_whole: bool = True
    """Whether every one of the days was counted."""

    @property
    def share(self) -> float:
        """From 0 to 1; 0 where nobody arrived."""
        return self.unclassified / self.total if self.total else 0.0

    @property
    def may_go_live(self) -> bool:
        """Whether somebody arrived, and few enough of them fitted no rule."""
        return self.total > 0 and self.share < LIVE_BELOW


async def count_arrivals(
    transaction: Connection, organisation: str | None = None, windows: Sequence[int] = WINDOWS
) -> list[Arrivals]:
    """The arrivals at every site, or at those of one organisation, one for each window; test messages and mere looks are left out.

    By site, the shortest window first. `since` is the first day that was counted, within the window or before it.
    """
    cursor = transaction.cursor(row_factory=class_row(Arrivals))
    await cursor.execute(
        """
        WITH today AS MATERIALIZED (SELECT (now() AT TIME ZONE 'Europe/London')::date AS day),
        theirs AS MATERIALIZED (
            SELECT ods_code, (arrivals_counted_since AT TIME ZONE 'Europe/London')::date AS since FROM sites
            WHERE %(organisation)s::text IS NULL OR organisation_code = %(organisation)s
        ),
        counted AS MATERIALIZED (
            SELECT a.site, a.day, a.arrivals, a.unclassified FROM site_arrivals a JOIN theirs s ON s.ods_code = a.site
            WHERE a.day > (SELECT day FROM today) - %(longest)s
            UNION ALL
            SELECT e.site, (e.recorded_at AT TIME ZONE 'Europe/London')::date, count(*),
                   count(*) FILTER (WHERE e.care_setting = 'unclassified')
            FROM encounters e JOIN theirs s ON s.ods_code = e.site
            WHERE NOT e.test AND e.encounter_key NOT LIKE 'look %%'
              AND e.recorded_at > now() - make_interval(days => %(longest)s + 1)
            GROUP BY 1, 2
        )
        SELECT s.ods_code AS site, w.days, s.since, coalesce(sum(c.arrivals), 0)::int AS total,
               coalesce(sum(c.unclassified), 0)::int AS unclassified, s.since <= t.day - w.days + 1 AS is_whole
        FROM theirs s CROSS JOIN today t CROSS JOIN unnest(%(windows)s::int[]) AS w (days)
        LEFT JOIN counted c ON c.site = s.ods_code AND c.day >= s.since AND c.day > t.day - w.days
        GROUP BY s.ods_code, s.since, t.day, w.days ORDER BY s.ods_code, w.days
        """,
        {"organisation": organisation, "windows": list(windows), "longest": max(windows)},
    )
    return await cursor.fetchall()
