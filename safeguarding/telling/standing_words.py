"""How an alert that waits stands, in words: with team and phone on the banner, with neither on a wall. Pure.

`api.alert_words`, `api.board_words` and the cards of `fhir_adapter` say the same of an alert, because all ask here.
Unread is never made to look handled: who took an alert has not acknowledged it. Source: docs/facts.md, section 5.
"""

from datetime import datetime

from domain.routing import Occasion
from runtime.clock import ENGLAND
from safeguarding.telling.standing import Stage, Standing
from safeguarding.time_words import clock, moment, span, when_next

_UNREAD = {
    Occasion.ATTENDANCE: "Not yet acknowledged",
    Occasion.LEFT: "Left before being seen, told again, not yet acknowledged",
    Occasion.CANCELLED: "Cancelled, told again, not yet acknowledged",
    Occasion.ASKED: "Asked again, not yet acknowledged",
}
EVERYBODY_TOLD = "Everybody in line has been told; nobody has acknowledged"


def unread_words(standing: Standing, at: datetime, *, named: bool = True) -> str:
    """The whole sentence, for who may know the authority. `named`: and who of its people deals with it."""
    unread = f"{_UNREAD[standing.occasion]}, {span(standing.unread)}."
    ring = f"the {standing.ring.team} on {standing.ring.phone}."
    passed = f"Passed on to the {standing.team} at {_when(standing.passed_on_at, at)}. " if standing.passed_on_at else ""
    if standing.stage is Stage.TAKEN:
        return f"{standing.taken_by if named else 'Somebody'} is dealing with it. {unread}"
    if standing.stage is Stage.EXHAUSTED:
        return f"{EVERYBODY_TOLD}: ring {ring} {unread}"
    if standing.stage is Stage.QUEUED:
        queued = f"Queued for {when_next(standing.opens, at)}; nobody" if standing.opens else "Nobody"
        return f"{passed}{queued} has read this. Worried? Ring {ring}"
    if not standing.ring.is_office:
        return f"{passed}{unread} Nobody has read this. Worried? Ring {ring}"
    return f"{passed}{unread}"


def hidden_words(standing: Standing) -> str:
    """The same of a sensitive record: nothing that says whose it is."""
    unread = f"{_UNREAD[standing.occasion]}, {span(standing.unread)}."
    if standing.stage is Stage.TAKEN:
        return f"Told of this attendance; somebody is dealing with it. {unread}"
    if standing.stage is Stage.EXHAUSTED:
        return f"{EVERYBODY_TOLD}: ring your own safeguarding team, or break the glass. {unread}"
    return f"Told of this attendance; nobody has read it yet. {unread}"


def wall_words(standing: Standing, at: datetime) -> str:
    """The same for a board that anybody may see: no team, no phone, nobody's name; nothing beside the tag where it says enough."""
    if standing.stage is Stage.TAKEN:
        return "Somebody is dealing with it"
    if standing.stage is Stage.EXHAUSTED:
        return "Everybody in line has been told: open it, and ring"
    passed = f"Passed on at {_when(standing.passed_on_at, at)}" if standing.passed_on_at else ""
    if standing.stage is Stage.QUEUED:
        queued = f"Queued for {when_next(standing.opens, at)}; nobody has read this" if standing.opens else "Nobody has read this"
        return f"{passed}. {queued}" if passed else queued
    return passed


def _when(value: datetime, at: datetime) -> str:
    is_today = value.astimezone(ENGLAND).date() == at.astimezone(ENGLAND).date()
    return clock(value) if is_today else moment(value)
