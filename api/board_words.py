"""What the board says at rest: counts, times and where a row stands, in words that tell a parent nothing. Pure.

A board hangs where patients and visitors see it. So a row that has information to open carries no visit number either: a
wristband has that too. Neither is an answer repeated in its own words; two kinds of it are told apart, because the department
must act on one of them before the patient leaves. Who could not be checked is named by visit number: nothing is known of them.
Source: docs/facts.md, section 5.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.alert import CodedAnswer
from domain.answer import CouldNotCheckReason
from domain.encounter import EncounterState
from safeguarding.board import BoardRow
from safeguarding.telling.standing import Stage
from safeguarding.telling.standing_words import wall_words

OPEN_FIRST = frozenset({CodedAnswer.SPEAK_FIRST, CodedAnswer.WILL_ATTEND, CodedAnswer.WRONG_CHILD})
"""Answers that a department must have read before the patient leaves."""


@dataclass(frozen=True, slots=True)
class BoardTag:
    """How a row stands, in a few words, with the tag's colour. `more` stands beside it.

    `unread` is for how long nobody has acknowledged, while a team was on duty; it `runs` while one is now.
    """

    words: str
    colour: str
    more: str = ""
    unread: timedelta | None = None
    runs: bool = False


@dataclass(frozen=True, slots=True)
class BoardParts:
    """The rows as the page parts them. Those who left before being seen come first; who could not be checked stands apart."""

    left_before_seen: tuple[BoardRow, ...]
    here: tuple[BoardRow, ...]
    left: tuple[BoardRow, ...]
    unchecked: tuple[BoardRow, ...]


def board_parts(rows: tuple[BoardRow, ...]) -> BoardParts:
    """Every row in exactly one part."""
    flagged = [row for row in rows if row.flagged]
    gone = [row for row in flagged if not row.is_here]
    return BoardParts(
        left_before_seen=tuple(row for row in gone if row.left_before_seen),
        here=tuple(row for row in flagged if row.is_here),
        left=tuple(row for row in gone if not row.left_before_seen),
        unchecked=tuple(row for row in rows if not row.flagged),
    )


def answer_tag(row: BoardRow, at: datetime) -> BoardTag:
    """Whether those who were told have answered, as far as a wall may say."""
    if not row.told:
        return BoardTag("No answer expected", "grey")
    if row.waiting == row.told and row.standing is None:
        return BoardTag("Not yet acknowledged", "orange")
    if row.waiting == row.told and row.standing:
        more, colour = wall_words(row.standing, at), "red" if row.standing.stage is Stage.EXHAUSTED else "orange"
        unread = row.standing.unread if row.standing.runs or row.standing.unread else None
        return BoardTag("Not yet acknowledged", colour, more, unread, row.standing.runs)
    if OPEN_FIRST & {CodedAnswer(answer) for answer in row.answers}:
        return BoardTag("Answered: open before they leave", "red")
    if row.waiting:
        return BoardTag(f"{row.told - row.waiting} of {row.told} answered", "orange")
    return BoardTag("Answered", "green")


def departure(row: BoardRow) -> str:
    """What became of somebody who is not there any more; nothing about who is."""
    if row.state == EncounterState.CANCELLED:
        return "Arrival cancelled"
    if row.left_before_seen:
        return "Left before being seen"
    return "" if row.is_here else "Left"


def unchecked_reason(row: BoardRow) -> str:
    """Why nobody could be checked, without the sentence's beginning, which the heading says."""
    return reason_words(row.could_not_check)


def reason_words(code: str | None) -> str:
    """A reason in words, with a capital: "No NHS number was given."."""
    words = CouldNotCheckReason(code).words.removeprefix("We could not check: ") if code else ""
    return words[:1].upper() + words[1:]


_WHAT_TO_DO = {
    CouldNotCheckReason.NO_NUMBER: "Find the NHS number and enter it in your own system. Until then check CP-IS, or ring.",
    CouldNotCheckReason.INVALID_NUMBER: "Correct the NHS number in your own system. Until then check CP-IS, or ring.",
    CouldNotCheckReason.AMBIGUOUS_NUMBER: "Your system gave two NHS numbers: find the right one. Until then check CP-IS, or ring.",
    CouldNotCheckReason.TEST_NUMBER: "This is a test number: enter the patient’s own. Until then check CP-IS, or ring.",
    CouldNotCheckReason.SITE_NOT_LIVE: "Nothing is wrong with the number: the site is not live. Until then check CP-IS, or ring.",
}


def what_to_do(code: str | None) -> str:
    """What mends an arrival that could not be checked. Nightlight checks by itself when the number comes."""
    return _WHAT_TO_DO[CouldNotCheckReason(code)] if code else ""
