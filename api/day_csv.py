"""The nurse's day as CSV, for a spreadsheet: the same parts in the same words as the page. Pure.

`api.day` sends it. UTF-8 with a byte order mark, so that Excel reads it as such; a cell that a spreadsheet could take for a
formula begins with an apostrophe, since visit numbers are whatever a hospital's system sent. Times are England's, with offset.
Sources: RFC 4180; OWASP, CSV Injection.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from api.day_words import check_words, opened, social_care, whereabouts_of
from domain.answer import Feed
from runtime.clock import ENGLAND
from safeguarding.day import Attendance, Day
from safeguarding.day_feed import SiteFeed
from safeguarding.quarantine_views import QuarantineList
from safeguarding.time_words import day as day_words
from safeguarding.time_words import moment, span

HEADER = (
    "Part", "Visit number", "Hospital number", "Care setting", "Arrived", "Left", "Whereabouts", "Social care", "Banner",
    "Could not check", "Note",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(site_name: str, day: Day, feed: SiteFeed, late: Iterable[Feed], held: QuarantineList, at: datetime) -> bytes:
    """The file. The last line says what it is, when it was made and how far it reaches."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for line in (HEADER, *_lines(site_name, day, feed, late, held, at)):
        writer.writerow([harmless(cell) for cell in line])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def harmless(cell: str) -> str:
    """The cell, with an apostrophe before what a spreadsheet would calculate (also where only blanks stand before it)."""
    return f"'{cell}" if cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA) else cell


def _lines(
    site_name: str, day: Day, feed: SiteFeed, late: Iterable[Feed], held: QuarantineList, at: datetime
) -> Iterator[tuple[str, ...]]:
    for part, rows in (
        ("Flagged attendance", day.flagged),
        ("Banner nobody opened", day.unopened),
        ("Left before being seen", day.left_before_seen),
        ("Could not check", day.unchecked),
    ):
        yield from (_attendance(part, row) for row in rows)
    for gap in feed.gaps or ():
        note = f"No message from the site's own system for {span(gap.length)}"
        yield "Silent feed", "", "", "", local(gap.begin), local(gap.end), "", "", "", "", note
    for each in late:
        note = f"{each.authority_name}: late now, latest information {moment(each.last_extracted_at)}"
        yield "Late authority", *[""] * (len(HEADER) - 2), note
    for message in held.rows:
        yield "Message not taken", "", "", "", local(message.received_at), *[""] * (len(HEADER) - 6), f"{message.reason}; it waits"
    for note in _not_listed(held):
        yield "Message not taken", *[""] * (len(HEADER) - 2), note
    full = "Not all rows are here. " if day.is_full else ""
    yield "This list", *[""] * (len(HEADER) - 2), f"{full}{site_name}, {day_words(day.day)}, made {moment(at)}"


def _not_listed(held: QuarantineList) -> Iterator[str]:
    if held.unproven:
        names = "waits that names" if held.unproven == 1 else "wait that name"
        yield f"{held.unproven} more {names} this site, from a system that may not speak for it: tell your integration team"
    if held.is_full:
        yield "More messages wait than are listed here"


def _attendance(part: str, row: Attendance) -> tuple[str, ...]:
    return (
        part, row.reference, row.local_number or "", row.setting_words, local(row.arrived_at), local(row.departed_at),
        whereabouts_of(row), social_care(row), opened(row), check_words(row), "",
    )  # fmt: skip


def local(value: datetime | None) -> str:
    """ "2026-10-25 01:30 +00:00": England's time, told apart in the hour that comes twice."""
    if value is None:
        return ""
    there = value.astimezone(ENGLAND)
    offset = there.utcoffset() or timedelta()
    return f"{there:%Y-%m-%d %H:%M} +{int(offset.total_seconds() // 3600):02}:00"
