"""The site safeguarding nurse's day: what she must follow up of one site's attendances on one calendar day in England.

`api.day` shows it and exports it as CSV; both are audited. A row is named by what she looks up in her own system: visit number
and the hospital's own number. Neither NHS number nor name nor kind of plan is in it: the list is no look at flags, and those are
one click away on the banner, where the look is audited. Source: docs/facts.md, section 7 (roles).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.care_setting import CareSetting
from runtime.audit import record_audit
from runtime.clock import ENGLAND
from runtime.database import Connection
from safeguarding.board import ALERTS_OF_IT, PRIVATE_SETTINGS
from safeguarding.views import MOST_ROWS


def bounds(day: date) -> tuple[datetime, datetime]:
    """The instants between which it is this day in England: 23, 24 or 25 hours."""
    begin, end = (datetime.combine(each, time(), ENGLAND).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return begin, end


@dataclass(frozen=True, slots=True)
class Attendance:
    """One encounter of the day. `told` and `waiting` count alerts as on the board; `opened_at` is a clinician's first showing of
    the banner's details (the safeguarding team's own does not count: it shows nothing about who treated the child)."""

    id: UUID
    reference: str
    local_number: str | None
    care_setting: str
    state: str
    arrived_at: datetime
    departed_at: datetime | None
    left_before_seen: bool
    flagged: bool
    could_not_check: str | None
    was_unchecked: bool
    told: int
    waiting: int
    answers: list[str]
    opened_at: datetime | None

    @property
    def setting_words(self) -> str:
        """The care setting in words."""
        return CareSetting(self.care_setting).words

    @property
    def is_mended(self) -> bool:
        """Whether it could not be checked at first, and a later message brought the number."""
        return self.was_unchecked and self.could_not_check is None


@dataclass(frozen=True, slots=True)
class Day:
    """The day's attendances that somebody must follow up, `MOST_ROWS` at most, by arrival; those who left before being seen are
    of the day on which they left, all others of the day on which they came."""

    day: date
    rows: tuple[Attendance, ...]

    @property
    def came(self) -> tuple[Attendance, ...]:
        """Those who came on the day."""
        begin, end = bounds(self.day)
        return tuple(row for row in self.rows if begin <= row.arrived_at < end)

    @property
    def flagged(self) -> tuple[Attendance, ...]:
        """Attendances in which a flag was found."""
        return tuple(row for row in self.came if row.flagged)

    @property
    def unopened(self) -> tuple[Attendance, ...]:
        """Flagged ones whose banner no clinician has opened."""
        return tuple(row for row in self.flagged if row.opened_at is None)

    @property
    def left_before_seen(self) -> tuple[Attendance, ...]:
        """Flagged or never checked, and left before being seen on this day."""
        begin, end = bounds(self.day)
        gone = (row for row in self.rows if row.left_before_seen and row.departed_at)
        return tuple(row for row in gone if row.departed_at and begin <= row.departed_at < end)

    @property
    def unchecked(self) -> tuple[Attendance, ...]:
        """Those who could not be checked when they came: mended since, or not."""
        return tuple(row for row in self.came if row.was_unchecked or (row.could_not_check and not row.flagged))

    @property
    def is_full(self) -> bool:
        """Whether there may be more rows than these."""
        return len(self.rows) == MOST_ROWS


async def read_day(transaction: Connection, actor: Actor, site: str, day: date, *, action: str) -> Day:
    """The day as it is known now. Reading is audited as `action` ("day.view", "day.export"), with how many it showed."""
    begin, end = bounds(day)
    cursor = transaction.cursor(row_factory=class_row(Attendance))
    await cursor.execute(_ROWS.encode(), {"site": site, "begin": begin, "end": end, "private": PRIVATE_SETTINGS, "most": MOST_ROWS})
    found = Day(day, tuple(await cursor.fetchall()))
    await record_audit(
        transaction, actor, action, "site", site,
        day=day.isoformat(), flagged=len(found.flagged), unchecked=len(found.unchecked),
    )  # fmt: skip
    return found


# Who could not be checked and was, later, is found by the looks of the day: the encounter itself has forgotten it.
_ROWS = f"""
    WITH seen AS (
        SELECT e.id FROM encounters e
        WHERE e.site = %(site)s AND (e.flagged OR e.could_not_check IS NOT NULL)
          AND ((e.arrived_at >= %(begin)s AND e.arrived_at < %(end)s)
               OR (e.left_before_seen AND e.departed_at >= %(begin)s AND e.departed_at < %(end)s))
        UNION
        SELECT e.id FROM encounters e
        WHERE e.site = %(site)s AND e.arrived_at >= %(begin)s AND e.arrived_at < %(end)s
          AND e.id IN (SELECT encounter_id FROM accesses
                       WHERE encounter_id IS NOT NULL AND outcome = 'could-not-check'
                         AND occurred_at >= %(begin)s AND occurred_at < %(end)s + interval '1 day')
    )
    SELECT e.id, e.reference, e.local_number, e.care_setting, e.state, e.arrived_at, e.departed_at, e.left_before_seen, e.flagged,
           e.could_not_check,
           EXISTS (SELECT FROM accesses WHERE encounter_id = e.id AND outcome = 'could-not-check') AS was_unchecked,
           a.told, a.waiting, a.answers,
           (SELECT min(occurred_at) FROM accesses WHERE encounter_id = e.id AND trigger_event = 'banner' AND outcome = 'flagged'
                                                    AND actor_role = 'clinician') AS opened_at
    FROM seen JOIN encounters e USING (id)
    CROSS JOIN LATERAL ({ALERTS_OF_IT}) AS a
    WHERE NOT e.test AND e.care_setting <> ALL(%(private)s)
    ORDER BY NOT e.flagged, e.arrived_at, e.id
    LIMIT %(most)s
"""  # noqa: S608 (only the constant condition is put in)
