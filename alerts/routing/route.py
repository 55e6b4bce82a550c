"""Who is told of an alert, by what, and when: one pure function behind raising, escalating, the banner and "what would happen if".

`safeguarding` gives it the authority's routing and what was seen; nothing is read and nothing is written here.
Source: docs/facts.md, section 5 (queued for the morning team; the emergency team is told only by the authority's own rule).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.routing.clock import after_duty, hours_of, is_on_duty, next_start
from domain.alert import ChannelName
from domain.routing import EMERGENCY, OFFICE, Contact, Duty, Planned, Routing, Rule, Sighting, Step, Team, Telling
from runtime.clock import ENGLAND

ORDINARY_MINUTES = 30
"""In which the office team is to acknowledge where the authority has no rule of its own."""

_FOR_PEOPLE = frozenset({ChannelName.EMAIL, ChannelName.NOTIFY_EMAIL, ChannelName.SMS})
_ORDINARY = Rule("", (Step(OFFICE, ORDINARY_MINUTES),))


@dataclass(frozen=True, slots=True)
class OnDuty:
    """The team to ring at this hour and its phone.

    `is_office`: it is who reads the alerts, and is on duty. Where it is not, `office_opens` says when somebody will read them.
    """

    team: str
    phone: str
    is_office: bool
    office_opens: datetime | None


Way = tuple[ChannelName, str]
"""A channel and an address."""


@dataclass(frozen=True, slots=True)
class Stands:
    """Where an alert stands in its line, and since when. `rule` is the name of the one that was chosen when it `began`.

    `covered` is the team for which `team` stands in, or empty. `tried` are the ways of telling the team that are on their way.
    `got_through`: something that was to tell the team has reached its mailbox, telephone or system.
    """

    began: datetime
    rule: str
    step: int
    team: str
    covered: str
    since: datetime
    tried: frozenset[Way]
    got_through: bool


def telling(
    routing: Routing, sighting: Sighting, step: int, at: datetime, began: datetime | None = None, kept: str | None = None
) -> Telling | None:
    """Who is told at an instant as the `step`-th in line (0 is the first), or None where nobody is next.

    `began` is when the first was told: it chooses the rule, so that an alert keeps its line while the hours go by. `kept` is the
    name of the rule that was chosen then: while there is one of that name, the alert keeps it whatever became of the plans.
    """
    rule = _chosen(routing, sighting, began or at, kept)
    line = _line(routing, rule)
    if step >= len(line):
        return None
    team, covered = standing_in(routing, routing.teams[line[step].team], at)
    return _told(routing, rule, line, step, team, covered, at)


def rung(routing: Routing, sighting: Sighting, stands: Stands) -> Telling | None:
    """The rung on which an alert stands, as the rules are now; None where its team was removed, or is in the line no more."""
    rule = _chosen(routing, sighting, stands.began, stands.rule)
    line = _line(routing, rule)
    turns = [each.team for each in line]
    whose = stands.covered or stands.team
    if stands.team not in routing.teams or whose not in turns:
        return None
    step = stands.step if turns[stands.step : stands.step + 1] == [whose] else turns.index(whose)
    return _told(routing, rule, line, step, routing.teams[stands.team], stands.covered or None, stands.since)


def unfold(routing: Routing, sighting: Sighting, at: datetime) -> Iterator[Telling]:
    """Everybody who is told, one after the other, while nobody acknowledges."""
    began, step = at, 0
    while told := telling(routing, sighting, step, at, began):
        yield told
        if told.escalates_at is None:
            return
        at, step = told.escalates_at, step + 1


def rule_for(routing: Routing, sighting: Sighting, at: datetime) -> Rule:
    """The first of the authority's rules that fits; without one, its office team is told, and queued while that is closed."""
    return next((rule for rule in routing.rules if rule.steps and _fits(routing, rule, sighting, at)), _ORDINARY)


def to_ring(routing: Routing, at: datetime, sighting: Sighting | None = None) -> OnDuty:
    """Whom a clinician rings at an instant: who is told first, where they are on duty, else the emergency duty team."""
    told = telling(routing, sighting or Sighting(), 0, at)
    assert told is not None
    if told.team.phone and is_on_duty(hours_of(routing, told.team), at):
        return OnDuty(told.team.name, told.team.phone, True, None)
    emergency = routing.teams[EMERGENCY]
    starts = told.starts if hours_of(routing, told.team).known and told.starts > at else None
    return OnDuty(emergency.name, emergency.phone, False, starts)


def standing_in(routing: Routing, team: Team, at: datetime) -> tuple[Team, str | None]:
    """Who is told instead of a team at an instant, and then the team's own code; else the team itself.

    A deputy may be covered in its turn; covers that go round in a circle cover nobody.
    """
    deputy, passed = team, {team.code}
    while (next_one := _deputy(routing, deputy, at)) is not None:
        if next_one.code in passed:
            return team, None
        deputy = next_one
        passed.add(deputy.code)
    return deputy, (team.code if deputy is not team else None)


def _deputy(routing: Routing, team: Team, at: datetime) -> Team | None:
    """By a cover in which the deputy, from now on, or the team itself would have read."""
    team_reads = next_start(hours_of(routing, team), at) or at
    for cover in routing.covers:
        if cover.team == team.code and cover.deputy in routing.teams:
            deputy = routing.teams[cover.deputy]
            deputy_reads = next_start(hours_of(routing, deputy), at) or at
            if (cover.starts <= at and deputy_reads < cover.ends) or cover.starts <= team_reads < cover.ends:
                return deputy
    return None


def _chosen(routing: Routing, sighting: Sighting, began: datetime, kept: str | None) -> Rule:
    fitting = rule_for(routing, sighting, began)
    if kept is None or kept == fitting.name:
        return fitting
    if kept == _ORDINARY.name:
        return _ORDINARY
    return next((rule for rule in routing.rules if rule.name == kept and rule.steps), fitting)


def _line(routing: Routing, rule: Rule) -> list[Step]:
    """The rule's steps, without teams that were removed; at their end the last team's deputy, unless it is in the line already."""
    line = [step for step in rule.steps if step.team in routing.teams] or list(_ORDINARY.steps)
    deputy = routing.teams[line[-1].team].deputy
    if deputy and deputy in routing.teams and deputy not in {step.team for step in line}:
        line.append(Step(deputy, line[-1].minutes))
    return line


def _told(routing: Routing, rule: Rule, line: list[Step], step: int, team: Team, covered: str | None, at: datetime) -> Telling:
    hours = hours_of(routing, team)
    starts = next_start(hours, at) or at
    late_at = after_duty(hours, starts, line[step].minutes)
    contacts = tuple(_planned(routing, team, each, at, starts) for each in team.contacts)
    is_last = step + 1 == len(line)
    return Telling(rule.name, step, team, starts, contacts, None if is_last else late_at, covered, late_at)


def _planned(routing: Routing, team: Team, contact: Contact, at: datetime, starts: datetime) -> Planned:
    """People are told when they read; a system is told at once."""
    first = starts if contact.channel in _FOR_PEOPLE else at
    if contact.after_minutes is None:
        return Planned(contact, first, is_fallback=False)
    return Planned(contact, after_duty(hours_of(routing, team), first, contact.after_minutes), is_fallback=True)


def _fits(routing: Routing, rule: Rule, sighting: Sighting, at: datetime) -> bool:
    return (
        (not rule.kinds or not rule.kinds.isdisjoint(sighting.kinds))
        and (not rule.care_settings or sighting.care_setting in rule.care_settings)
        and (not rule.occasions or sighting.occasion in rule.occasions)
        and (rule.during is Duty.ALWAYS or _office_is_open(routing, at) == (rule.during is Duty.OFFICE))
        and _is_within(rule, at.astimezone(ENGLAND))
    )


def _office_is_open(routing: Routing, at: datetime) -> bool:
    return is_on_duty(hours_of(routing, routing.teams[OFFICE]), at)


def _is_within(rule: Rule, local: datetime) -> bool:
    """A window over midnight belongs to the weekday on which it begins: Friday from 17:00 to 09:00 goes on on Saturday morning."""
    day, clock = local, local.time()
    if rule.opens is not None and rule.closes is not None:
        if rule.opens < rule.closes:
            if not rule.opens <= clock < rule.closes:
                return False
        elif clock < rule.closes:
            day = local - timedelta(days=1)
        elif clock < rule.opens:
            return False
    return not rule.weekdays or day.isoweekday() in rule.weekdays
