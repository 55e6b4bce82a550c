"""The nurse's day in words: what became of an attendance, whether social care answered, whether anybody opened it. Pure.

`api.day` renders them on the page and in the CSV, so that both say the same. Unread is never made to look handled.
Source: docs/facts.md, sections 3, 5 and 7.
"""

from datetime import datetime

from api.board_words import reason_words, what_to_do
from domain.alert import CodedAnswer
from domain.encounter import EncounterState
from runtime.clock import england_day
from safeguarding.day import Attendance
from safeguarding.time_words import clock, moment


def whereabouts_of(row: Attendance) -> str:
    """Whether the patient is still there, as far as the hospital has said."""
    if row.departed_at is None:
        return "Still there, as far as we were told"
    if row.state == EncounterState.EXPIRED:
        return "No discharge received"
    at = _time(row.departed_at, row.arrived_at)
    if row.state == EncounterState.CANCELLED:
        return f"The hospital cancelled this arrival, {at}"
    return f"Left before being seen, {at}" if row.left_before_seen else f"Left {at}"


def _time(value: datetime, arrived_at: datetime) -> str:
    """The hour, and the day too where it is not the day of arrival."""
    return clock(value) if england_day(value) == england_day(arrived_at) else moment(value)


def social_care(row: Attendance) -> str:
    """Whether social care was told and what it answered. An answer is not a referral."""
    if not row.told:
        return "Nobody was told" if row.flagged else ""
    answers = "; ".join(dict.fromkeys(CodedAnswer(answer).words for answer in row.answers))
    if row.waiting == row.told:
        return "Told, not yet acknowledged"
    return f"{row.told - row.waiting} of {row.told} acknowledged: {answers}" if row.waiting else f"Acknowledged: {answers}"


def opened(row: Attendance) -> str:
    """Whether a clinician has seen the details."""
    if not row.flagged:
        return ""
    return f"Opened {_time(row.opened_at, row.arrived_at)}" if row.opened_at else "Nobody has opened it"


def check_words(row: Attendance) -> str:
    """Why nobody could be checked, or what mended it."""
    if row.is_mended:
        return "A later message brought the NHS number, and it was checked then."
    return f"{reason_words(row.could_not_check)} {what_to_do(row.could_not_check)}" if row.could_not_check else ""
