"""The rows of the trail in plain words, for the page and for the file of the access review. Pure.

`api.access_review` calls it. No row names a patient; what a spreadsheet could take for a formula is made harmless.
Source: docs/pages.md, "The access review".
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.day_csv import harmless, local
from safeguarding.access_history import Access
from safeguarding.trail import Change

BREAK_GLASS = "flag.break-glass"
HEADER = ("When", "Who", "Role", "Organisation", "What", "Where and why", "Outcome", "To look at")
_HOW = {
    "lookup": "Looked it up in a clinical system",
    "read": "Read it again in a clinical system",
    "banner": "Opened the details in Nightlight",
    "command": "Looked it up at the command line",
    "sweep": "Checked again after news from an authority",
}
_OUTCOMES = {"flagged": "flagged", "none-known": "none known", "could-not-check": "could not check"}
_SHOWN_DETAIL = ("reason", "answer", "by", "shown")


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One row as a reviewer reads it. `signs` are what is unusual about it."""

    at: datetime
    who: str
    role: str
    organisation: str
    what: str
    more: str
    outcome: str
    signs: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """For the file."""
        when = local(self.at)
        return (when, self.who, self.role, self.organisation, self.what, self.more, self.outcome, "; ".join(self.signs))


def trail_lines(rows: Sequence[Access | Change], signs: Mapping[UUID, Sequence[str]]) -> list[TrailLine]:
    """The rows in their order."""
    return [_change(row) if isinstance(row, Change) else _look(row, signs.get(row.id, ())) for row in rows]


def to_csv(lines: Iterable[TrailLine], closing: str) -> bytes:
    """The file: UTF-8 with a byte order mark, so that Excel reads it as such. The last line says what it is."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for cells in (HEADER, *(line.cells for line in lines), ("This file", *[""] * (len(HEADER) - 2), closing)):
        writer.writerow([harmless(cell) for cell in cells])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _look(row: Access, signs: Sequence[str]) -> TrailLine:
    role = row.role_words or (f"user {row.user_role_id}" if row.user_role_id else "")
    what = _HOW.get(row.trigger_event, f"A message: {_spaced(row.trigger_event)}")
    more = f"{row.setting_words}, {_spaced(row.purpose)}"
    return TrailLine(row.occurred_at, row.actor.name, role, row.organisation, what, more, _OUTCOMES[row.outcome], tuple(signs))


def _change(row: Change) -> TrailLine:
    details = ", ".join(f"{_spaced(name)} {row.detail[name]}" for name in _SHOWN_DETAIL if row.detail.get(name) not in {None, ""})
    what = "Broke the glass" if row.action == BREAK_GLASS else _spaced(row.action.replace(".", " ")).capitalize()
    signs = ("Glass broken",) if row.action == BREAK_GLASS else ()
    role = _spaced(row.actor.role)
    return TrailLine(row.occurred_at, row.actor.name, role, row.organisation, what, _spaced(row.subject_type), details, signs)


def _spaced(words: str) -> str:
    return words.replace("-", " ")
