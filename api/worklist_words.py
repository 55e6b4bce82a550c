"""What stands on the worklist besides the state of each alert, in words. Pure.

`api.worklist` and `api.alert_pages` hand this module to their templates. Source: docs/facts.md, section 5.
"""

from collections.abc import Sequence
from datetime import datetime

from api.worklist_filters import Filters, View
from domain.alert import AlertEvent, Reply
from domain.care_setting import CareSetting
from domain.routing import Routing
from runtime.clock import england_day
from safeguarding.telling.urgency import is_new, waits_since
from safeguarding.telling.worklist import Stuck, Waiting
from safeguarding.time_words import clock, moment
from safeguarding.views import AlertRow

__all__ = ["is_new", "waits_since"]

_LONGEST_IN_A_ROW = 80
_SAID = {
    AlertEvent.LEFT_BEFORE_SEEN: "Left before being seen",
    AlertEvent.CANCEL: "Arrival cancelled",
    AlertEvent.REINSTATE: "Arrived after all",
    AlertEvent.WRONG_IDENTITY: "It was another patient",
    AlertEvent.TRANSFER: "Transferred",
    AlertEvent.DISCHARGE: "Discharged",
    AlertEvent.RETURN: "Still there after all",
    AlertEvent.REPLY: "Answered back",
    AlertEvent.ASK: "Please ring us",
}


def said(row: AlertRow) -> str:
    """What the hospital said last of an alert, or nothing: its coded reply, or what its system told."""
    if row.said_event is None:
        return ""
    if row.said_code in set(Reply):
        return Reply(row.said_code).words
    return _SAID[AlertEvent(row.said_event)]


def said_shortly(row: AlertRow) -> str:
    """What somebody of the hospital wrote last, as much as a row has room for."""
    text = " ".join(row.said_text.split())
    return text if len(text) <= _LONGEST_IN_A_ROW else text[: _LONGEST_IN_A_ROW - 1].rstrip() + "…"


def team_name(routing: Routing, code: str) -> str:
    """A team, as its authority calls it; one that is no more is called by its code."""
    team = routing.teams.get(code)
    name = team.name if team else code
    return name[:1].upper() + name[1:]


def passed_on(row: AlertRow) -> str:
    """Whether the alert came to its team because another did not acknowledge it, and whether anybody is next."""
    if not row.is_waiting:
        return ""
    if not row.step:
        return "" if row.next_step_at else "nobody has acknowledged it in time; nobody is next"
    when = f" at {clock(row.step_at)}" if row.step_at else ""
    last = "" if row.next_step_at else "; nobody is next"
    return f"passed on{when}{last}"


def short(instant: datetime, at: datetime) -> str:
    """ "14:02" of today, else with its day."""
    return clock(instant) if england_day(instant) == england_day(at) else moment(instant)


def stuck(each: Stuck, at: datetime) -> str:
    """ "E-mail is not getting through: 3 alerts wait since 14:02." """
    waits = "1 alert waits" if each.alerts == 1 else f"{each.alerts} alerts wait"
    return f"{each.channel.words} is not getting through: {waits} since {short(each.since, at)}."


def counts(waiting: Sequence[Waiting], team_code: str) -> dict[View, int]:
    """How many wait in each view."""
    return {
        View.ALL: sum(each.count for each in waiting),
        View.TEAM: sum(each.count for each in waiting if each.team_code == team_code),
        View.MINE: sum(each.count for each in waiting if each.is_mine),
    }


def sites_of(waiting: Sequence[Waiting], filters: Filters) -> list[dict[str, str]]:
    """The sites at which somebody waits, as the choices of a select; the chosen one is always among them."""
    names = {each.site: each.site_name for each in waiting if each.site}
    if filters.site:
        names.setdefault(filters.site, f"{filters.site} (nobody waits)")
    return [{"value": "", "text": "Every site"}, *({"value": code, "text": name} for code, name in names.items())]


def settings_of(waiting: Sequence[Waiting], filters: Filters) -> list[dict[str, str]]:
    """The same for care settings."""
    found = {each.care_setting for each in waiting} | ({filters.setting} if filters.setting else set())
    settings = [setting for setting in CareSetting if setting in found]
    return [{"value": "", "text": "Every care setting"}, *({"value": each.value, "text": each.words} for each in settings)]
