"""What becomes of an alert that nobody has acknowledged: the next way of telling the team, the next team, or nothing yet. Pure.

`alerts.raising` asks it for the first step; `safeguarding.telling.escalating` when the time comes that it named.
Source: docs/facts.md, section 5 (the escalation clock runs only while a team is on duty).
"""

from dataclasses import dataclass
from datetime import datetime

from alerts.routing.route import Stands, Way, rung, standing_in, telling
from domain.routing import Planned, Routing, Sighting, Telling


@dataclass(frozen=True, slots=True)
class GoneOn:
    """What is done now: another team is `told`, or the same one in these other ways `also`, or nothing.

    `look_at` is when to look again; where it is None, nobody is left to tell. `queued` are the ways of telling the team that wait
    for no other, each when its time comes by the hours as they are now.
    """

    told: Telling | None
    also: tuple[Planned, ...]
    look_at: datetime | None
    queued: tuple[Planned, ...] = ()


def at_once(telling: Telling) -> list[Planned]:
    """The ways of telling the team that wait for none before them."""
    return [planned for planned in telling.contacts if not planned.is_fallback]


def way(planned: Planned) -> Way:
    """By which channel, and to whom."""
    return planned.contact.channel, planned.contact.address


def next_look(telling: Telling, after: datetime) -> datetime | None:
    """When somebody must look again: whether a fallback is needed, or the next team; None where neither is left."""
    times = [*(planned.at for planned in _fallbacks(telling)), *([telling.late_at] if telling.late_at else [])]
    return min((time for time in times if time > after), default=None)


def go_on(routing: Routing, sighting: Sighting, stands: Stands, at: datetime) -> GoneOn:
    """What is due at an instant for an alert that nobody has acknowledged.

    Looking too early, or twice, changes nothing. A fallback is due where nothing got through; a way that was put in the place of
    another while the alert waits is due as if it had been there. An alert whose line has changed under it begins the new one;
    whose team was removed, or is covered by now, passes to who has its place.
    """
    now = rung(routing, sighting, stands)
    if told := _another(routing, sighting, stands, now, at):
        return GoneOn(told, (), next_look(told, at))
    assert now is not None
    new = [planned for planned in at_once(now) if way(planned) not in stands.tried]
    due = [
        planned for planned in _fallbacks(now) if planned.at <= at and way(planned) not in stands.tried and not stands.got_through
    ]
    return GoneOn(None, (*new, *due), next_look(now, at), tuple(at_once(now)))


def _fallbacks(telling: Telling) -> list[Planned]:
    return sorted((planned for planned in telling.contacts if planned.is_fallback), key=lambda planned: planned.at)


def _another(routing: Routing, sighting: Sighting, stands: Stands, now: Telling | None, at: datetime) -> Telling | None:
    """The team to which the alert passes, if it does."""
    if now is None:
        step = 0 if stands.team in routing.teams else stands.step
        return _at(routing, sighting, stands, step, at) or _at(routing, sighting, stands, 0, at)
    if standing_in(routing, now.team, at)[1] is not None:
        return _at(routing, sighting, stands, now.step, at)
    if now.late_at and now.late_at <= at:
        return _at(routing, sighting, stands, now.step + 1, at)
    return None


def _at(routing: Routing, sighting: Sighting, stands: Stands, step: int, at: datetime) -> Telling | None:
    return telling(routing, sighting, step, at, stands.began, stands.rule)
