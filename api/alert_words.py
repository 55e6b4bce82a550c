"""What became of an alert, in words: for the clinician on the banner, and for the social worker on the worklist. Pure.

Acknowledged means read by a person, and is not a referral; unread is never made to look handled.
Source: docs/facts.md, section 5.
"""

from dataclasses import dataclass
from datetime import datetime

from api.words import when_next
from domain.alert import AlertReason, AlertState
from domain.encounter import EncounterState
from safeguarding.contacts import duty_team
from safeguarding.directory import Directory
from safeguarding.time_words import moment, span
from safeguarding.views import AlertRow


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One authority's alert on the banner. `colour` is that of the tag; `text` is what the social worker wrote."""

    authority: str
    tag: str
    colour: str
    sentence: str
    text: str = ""


def alert_line(directory: Directory, row: AlertRow, at: datetime) -> AlertLine:
    """What the clinician reads about one authority's alert."""
    authority = directory.authorities[row.authority_code].name
    if row.is_wrong_identity:
        return AlertLine(authority, "Corrected", "orange", "Told that this was not the child whom they hold a plan for.")
    if row.state == AlertState.RETRACTED:
        return AlertLine(authority, "Cancelled", "orange", "Told that the arrival was cancelled, and asked to confirm whereabouts.")
    if row.state == AlertState.RAISED:
        return AlertLine(authority, "Not yet read", "orange", _unread(directory, row, at))
    return AlertLine(authority, "Read", "green", _read(row), row.answer_text)


def hidden_line(row: AlertRow) -> AlertLine:
    """The same about a sensitive flag: whether somebody has read it, and nothing that says where or who."""
    authority = "The responsible authority"
    if row.is_waiting:
        return AlertLine(authority, "Not yet read", "orange", "Told of this attendance; nobody has read it yet.")
    return AlertLine(authority, "Read", "green", f"Read {moment(row.acknowledged_at)}. Not a referral.")


def _unread(directory: Directory, row: AlertRow, at: datetime) -> str:
    team = duty_team(directory.authorities[row.authority_code], at)
    what = "Left before being seen, told again, not yet acknowledged" if row.left_before_seen else "Not yet acknowledged"
    if team.is_office:
        return f"{what}, {span(at - row.raised_at)}."
    unread = f"Queued for {when_next(team.office_opens, at)}; nobody" if team.office_opens else "Nobody"
    return f"{unread} has read this. Worried? Ring the {team.team} on {team.phone}."


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
    if row.departed_at:
        return f"Left {moment(row.departed_at)}"
    return "Still there, as far as we were told"


def reason_words(row: AlertRow) -> str:
    """Why the alert is no ordinary arrival's, or nothing."""
    if row.reason == AlertReason.LATE_FLAG:
        return "Raised late: the plan reached us after the child did."
    if row.reason == AlertReason.LATE_IDENTITY:
        return "Raised late: the NHS number reached us after the child did."
    if row.reason == AlertReason.NEWBORN:
        return "The baby is born."
    return ""
