"""What became of an alert, in words: for the clinician on the banner, and for the social worker on the worklist. Pure.

Acknowledged means read by a person, and is not a referral; unread is never made to look handled.
Source: docs/facts.md, section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.alert import LATE, AlertReason, AlertState
from domain.care_setting import CareSetting
from domain.encounter import EncounterState
from domain.flag import FlagKind
from domain.routing import Occasion, Sighting
from safeguarding.directory import Directory
from safeguarding.telling.conversation import Said
from safeguarding.telling.standing import Line, standing
from safeguarding.telling.standing_words import hidden_words, unread_words
from safeguarding.time_words import moment
from safeguarding.views import AlertRow


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One authority's alert on the banner. `colour` is that of the tag; `text` is what the social worker wrote last.

    `thread` is what both sides wrote, oldest first; where the authority is not named it is the hospital's own part. `may_answer`:
    a clinician can answer it.
    """

    authority: str
    tag: str
    colour: str
    sentence: str
    text: str = ""
    alert_id: UUID | None = None
    thread: tuple[Said, ...] = ()
    may_answer: bool = False


def told_line(
    directory: Directory, row: AlertRow, line: Line | None, thread: Sequence[Said], at: datetime, *, masked: bool
) -> AlertLine:
    """One authority's alert with its thread, masked where nothing may say whose it is."""
    said = tuple(each for each in thread if each.is_written and (not masked or each.side == "hospital"))
    shown = hidden_line(directory, row, line, at) if masked else alert_line(directory, row, line, at)
    return replace(shown, alert_id=row.id, thread=said, may_answer=row.state in {AlertState.RAISED, AlertState.ACKNOWLEDGED})


def alert_line(directory: Directory, row: AlertRow, line: Line | None, at: datetime) -> AlertLine:
    """What the clinician reads about one authority's alert."""
    authority = directory.authorities[row.authority_code].name
    if row.is_wrong_identity:
        return AlertLine(authority, "Corrected", "orange", "Told that this was not the child whom they hold a plan for.")
    if row.state == AlertState.RETRACTED:
        return AlertLine(authority, "Cancelled", "orange", "Told that the arrival was cancelled, and asked to confirm whereabouts.")
    if row.state == AlertState.RAISED:
        return AlertLine(authority, "Not yet read", "orange", unread_words(standing(directory, line or line_of(row), at), at))
    return AlertLine(authority, "Read", "green", _read(row), row.answer_text)


def hidden_line(directory: Directory, row: AlertRow, line: Line | None, at: datetime) -> AlertLine:
    """The same about a sensitive flag: whether somebody has read it, and nothing that says where or who."""
    authority = "The responsible authority"
    if row.state == AlertState.RAISED:
        return AlertLine(authority, "Not yet read", "orange", hidden_words(standing(directory, line or line_of(row), at)))
    if row.is_waiting:
        return AlertLine(authority, "Not yet read", "orange", "Told of this attendance; nobody has read it yet.")
    return AlertLine(authority, "Read", "green", f"Read {moment(row.acknowledged_at)}. Not a referral.")


def line_of(row: AlertRow) -> Line:
    """An alert's place in its line, as far as its row says: whose turn it was before is not in it."""
    sighting = Sighting(frozenset(map(FlagKind, row.kinds)), CareSetting(row.care_setting), Occasion(row.occasion))
    began = row.began_at or row.raised_at
    return Line(
        row.id, row.encounter_id, row.authority_code, AlertState(row.state), sighting, began, row.team_code, row.step,
        row.step_at or began, row.taken_by, row.taken_at, row.next_step_at,
    )  # fmt: skip


def _read(row: AlertRow) -> str:
    if row.acknowledged_at is None:
        return "Closed."
    return f"Read by {row.acknowledged_by}, {moment(row.acknowledged_at)}: {row.answer_words}. Not a referral."


@dataclass(frozen=True, slots=True)
class StateTag:
    """How a row of the worklist stands, in a word or a few, with the tag's colour."""

    words: str
    colour: str


def state_tag(row: AlertRow) -> StateTag:
    """What the social worker must know first about a row."""
    if row.is_wrong_identity:
        return StateTag("Not this child, the hospital says", "orange")
    if row.state == AlertState.RETRACTED:
        return StateTag("Cancelled: confirm whereabouts", "orange")
    if row.state == AlertState.RAISED:
        return StateTag("Left before being seen", "red") if row.left_before_seen else StateTag("Waiting for you", "red")
    if row.state == AlertState.ACKNOWLEDGED:
        return StateTag("Acknowledged", "green")
    return StateTag("Closed", "grey")


def whereabouts(row: AlertRow) -> str:
    """Whether the child is still there, as far as the hospital has said."""
    if row.encounter_state == EncounterState.CANCELLED:
        return "The hospital cancelled this arrival"
    if row.encounter_state == EncounterState.EXPIRED:
        return "No discharge received"
    if row.encounter_state == EncounterState.CLOSED:
        left = f"Left the department {moment(row.departed_at)}" if row.departed_at else "Left the department"
        is_unread = row.state == AlertState.RAISED and row.acknowledged_at is None
        return f"{left}; nobody had read it" if is_unread and not row.left_before_seen else left
    return "Still there, as far as we were told"


def reason_words(row: AlertRow) -> str:
    """Why the alert is no ordinary arrival's, or nothing."""
    if row.reason == AlertReason.LATE_FLAG:
        return "Raised late: the plan reached us after the child did."
    if row.reason == AlertReason.LATE_IDENTITY:
        return "Raised late: the NHS number reached us after the child did."
    if row.reason == AlertReason.NEWBORN:
        return "The baby is born."
    if row.reason == AlertReason.ATTENDANCE and row.late_by >= LATE:
        hours = f"{row.late_by // timedelta(hours=1)}" if "arrival" in row.may_leave else "more than 4"
        return f"Raised late: {hours} hours after the child arrived."
    return ""
