"""Teams, rules, covers and closed days in words: on the page of rules, on the command line, and in the audit trail. Pure.

Source: docs/facts.md, section 5 (the emergency duty team is told only by the authority's own rule).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from alerts.routing.clock import is_bank_holiday
from alerts.routing.route import ORDINARY_MINUTES
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import EMERGENCY, OFFICE, Contact, Cover, Duty, Occasion, Routing, Rule, Team
from safeguarding.telling.rules_hours import DAYS, clock_words, hours_lines
from safeguarding.time_words import moment

KINDS = {
    FlagKind.CPP: "child protection plan", FlagKind.LAC: "looked after child", FlagKind.UCPP: "unborn child protection plan",
}  # fmt: skip
OCCASIONS = {
    Occasion.ATTENDANCE: "a child is seen",
    Occasion.LEFT: "a child leaves before being seen",
    Occasion.CANCELLED: "an arrival is cancelled, or was another person's",
    Occasion.ASKED: "the hospital writes back",
}
DUTIES = {
    Duty.OFFICE: "in office hours", Duty.OUTSIDE: "outside office hours", Duty.ALWAYS: "at all times",
    Duty.OWN: "in hours of its own",
}  # fmt: skip
CHANNELS = {
    ChannelName.EMAIL: "e-mail", ChannelName.NOTIFY_EMAIL: "e-mail by GOV.UK Notify", ChannelName.SMS: "text message",
    ChannelName.WEBHOOK: "webhook", ChannelName.SCREEN: "worklist", ChannelName.MESH: "MESH",
    ChannelName.SUBSCRIPTION: "subscribed system", ChannelName.HL7: "hospital’s own system",
}  # fmt: skip
EMERGENCY_CAUTION = (
    "An emergency duty team is one or two people who take emergencies only. It is not a message service: "
    "name it only where you mean to wake somebody."
)


def conditions(rule: Rule) -> tuple[str, ...]:
    """What must all fit; empty where anything does."""
    lines = []
    if rule.kinds:
        lines.append(_either(KINDS[kind] for kind in FlagKind if kind in rule.kinds))
    if rule.care_settings:
        lines.append("in " + _either(each.words for each in CareSetting if each in rule.care_settings))
    if rule.occasions:
        lines.append("when " + _either(OCCASIONS[each] for each in Occasion if each in rule.occasions))
    if rule.during is not Duty.ALWAYS:
        lines.append(DUTIES[rule.during])
    if rule.weekdays:
        lines.append("on " + _either(DAYS[each - 1] for each in sorted(rule.weekdays)))
    if rule.opens is not None and rule.closes is not None:
        night = " (over midnight)" if rule.closes < rule.opens else ""
        lines.append(f"from {clock_words(rule.opens)} to {clock_words(rule.closes)}{night}")
    return tuple(lines)


def steps(rule: Rule, routing: Routing) -> tuple[str, ...]:
    """Who is told, in order, and how long each has."""
    lines = [f"{team_name(routing, step.team)}, {minutes_words(step.minutes)} to acknowledge" for step in rule.steps]
    deputy = routing.teams[rule.steps[-1].team].deputy if rule.steps and rule.steps[-1].team in routing.teams else None
    if deputy and deputy in routing.teams and deputy not in {step.team for step in rule.steps}:
        lines.append(f"its deputy, {team_name(routing, deputy)}")
    return tuple(lines)


def rule_sentence(rule: Rule, routing: Routing) -> str:
    """A whole rule on one line."""
    return f"“{rule.name}”: {'; '.join(conditions(rule)) or 'anything'} → {' → '.join(steps(rule, routing))}"


def without_a_rule(routing: Routing) -> tuple[str, ...]:
    """Who is told where no rule fits."""
    office = routing.teams[OFFICE]
    lines = [f"{office.name}, {minutes_words(ORDINARY_MINUTES)} to acknowledge"]
    return (*lines, f"its deputy, {team_name(routing, office.deputy)}") if office.deputy else tuple(lines)


def tells_emergency(rule: Rule) -> bool:
    """Whether the emergency duty team is in the rule's line."""
    return EMERGENCY in {step.team for step in rule.steps}


def never_reached(rules: Sequence[Rule]) -> frozenset[int]:
    """The places, from 1, of rules that stand below one that fits anything."""
    first = next((place for place, rule in enumerate(rules, start=1) if not conditions(rule)), len(rules))
    return frozenset(range(first + 1, len(rules) + 1))


def team_name(routing: Routing, code: str | None) -> str:
    """The team's name; where it is there no longer, its code."""
    return routing.teams[code].name if code and code in routing.teams else f"{code} (there no longer)"


def contact_words(contact: Contact, webhooks: Mapping[str, str]) -> str:
    """A contact, such as "e-mail to duty@council.example, only if nothing got through in 15 minutes"."""
    only = f", only if nothing got through in {minutes_words(contact.after_minutes)}" if contact.after_minutes else ""
    return f"{CHANNELS[contact.channel]} to {address_words(contact, webhooks)}{only}"


def address_words(contact: Contact, webhooks: Mapping[str, str]) -> str:
    """The address as a person knows it."""
    if contact.channel is not ChannelName.WEBHOOK:
        return contact.address
    return webhooks.get(contact.address, "a webhook that is not in use")


def team_words(team: Team) -> str:
    """All of a team on one line, for the audit trail."""
    contacts = [contact_words(each, {each.address: each.address}) for each in team.contacts]
    parts = [
        team.name, f"phone {team.phone or 'the authority’s'}", DUTIES[team.duty], *hours_lines(team.hours),
        f"deputy {team.deputy or 'none'}", *(contacts or ["no contact"]),
    ]  # fmt: skip
    return "; ".join(parts)


def cover_words(cover: Cover, routing: Routing) -> str:
    """Who stands in for whom, and when."""
    away, there = team_name(routing, cover.team), team_name(routing, cover.deputy)
    return f"{there} for {away}, from {moment(cover.starts)} to {moment(cover.ends)}"


def bank_holidays(today: date, count: int) -> tuple[date, ...]:
    """England's next ones, from today on. They are computed, and need no connection."""
    days: list[date] = []
    day = today
    while len(days) < count:
        if is_bank_holiday(day):
            days.append(day)
        day += timedelta(days=1)
    return tuple(days)


def minutes_words(minutes: int) -> str:
    """ "30 minutes", "1 hour", "2 hours 15 minutes"."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in ((hours, "hour"), (rest, "minute")) if number]
    return " ".join(parts) or "0 minutes"


def _either(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
