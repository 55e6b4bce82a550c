"""What an authority has set of who is told, as the page shows it: hours, teams, rules, covers and closed days in words. Pure.

`api.telling` and `api.telling_teams` hand the views to the templates telling*.jinja.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.alert import ChannelName
from domain.routing import EMERGENCY, OFFICE, Contact, Duty, Routing
from runtime.clock import england_day
from safeguarding.telling.rules import Rulebook
from safeguarding.telling.rules_hours import DAYS, hours_lines
from safeguarding.telling.rules_words import (
    DUTIES,
    EMERGENCY_CAUTION,
    bank_holidays,
    conditions,
    contact_words,
    cover_words,
    never_reached,
    rule_sentence,
    steps,
    team_name,
    tells_emergency,
    without_a_rule,
)
from safeguarding.time_words import clock

HOLIDAYS_SHOWN = 4
WORKLIST_ONLY = "no contact: its alerts are on the worklist, and nowhere else"
_CHANNEL_WORDS = {
    ChannelName.EMAIL.value: "E-mail", ChannelName.NOTIFY_EMAIL.value: "E-mail by GOV.UK Notify",
    ChannelName.SMS.value: "Text message by GOV.UK Notify",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TeamView:
    """One team. `contacts` are in their order."""

    code: str
    name: str
    phone: str
    duty: tuple[str, ...]
    contacts: tuple[str, ...]
    deputy: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule. `caution` where it tells the emergency duty team; `never`: one above it fits anything."""

    place: int
    name: str
    conditions: tuple[str, ...]
    steps: tuple[str, ...]
    caution: str
    never: bool


@dataclass(frozen=True, slots=True)
class CoverView:
    """One cover, and who set it."""

    id: UUID
    words: str
    set_by: str


@dataclass(frozen=True, slots=True)
class Overview:
    """All that stands, in words. `emergency` says of what the emergency duty team is told."""

    hours: tuple[str, ...]
    closed: tuple[tuple[date, str], ...]
    holidays: tuple[str, ...]
    teams: tuple[TeamView, ...]
    covers: tuple[CoverView, ...]
    rules: tuple[RuleView, ...]
    otherwise: tuple[str, ...]
    emergency: tuple[str, ...]


def overview(book: Rulebook, today: date) -> Overview:
    """The page's view of the authority's own."""
    routing = book.routing
    order = sorted(routing.teams, key=lambda code: (code != OFFICE, code != EMERGENCY, routing.teams[code].name.casefold()))
    never = never_reached(routing.rules)
    return Overview(
        tuple(hours_lines(routing.hours)),
        tuple((day, reason) for day, reason in book.closed.items() if day >= today),
        tuple(long_day(day) for day in bank_holidays(today, HOLIDAYS_SHOWN)),
        tuple(_team(book, code) for code in order),
        tuple(CoverView(each.id, cover_words(each.cover, routing), each.set_by) for each in book.covers),
        tuple(
            RuleView(
                place, rule.name, conditions(rule), steps(rule, routing), EMERGENCY_CAUTION if tells_emergency(rule) else "",
                place in never,
            )
            for place, rule in enumerate(routing.rules, start=1)
        ),
        without_a_rule(routing),
        tuple(rule_sentence(rule, routing) for rule in routing.rules if tells_emergency(rule)),
    )  # fmt: skip


def channel_items(webhooks: Mapping[str, str], contact: Contact | None) -> list[dict[str, object]]:
    """The ways of a contact, as the design system's select takes them; each webhook of the authority is one."""
    chosen = contact.channel.value if contact else ""
    if contact and contact.channel is ChannelName.WEBHOOK:
        chosen = f"webhook {contact.address}"
    ways = {"": "Choose"} | _CHANNEL_WORDS | {f"webhook {id}": f"Webhook: {name}" for id, name in webhooks.items()}
    return [{"value": value, "text": text, "selected": value == chosen} for value, text in ways.items()]


def team_items(routing: Routing, chosen: str | None, without: Sequence[str] = (), none: str = "Choose") -> list[dict[str, object]]:
    """The teams to choose from, but for some."""
    names = {"": none} | {code: each.name for code, each in sorted(routing.teams.items()) if code not in without}
    return [{"value": code, "text": name, "selected": code == (chosen or "")} for code, name in names.items()]


def long_day(day: date) -> str:
    """ "Friday 25 December 2026"."""
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def long_moment(at: datetime) -> str:
    """ "Sunday 27 December 2026 at 03:00", England's time."""
    return f"{long_day(england_day(at))} at {clock(at)}"


def weekday_items(chosen: frozenset[int]) -> list[dict[str, object]]:
    """The days of the week, as boxes."""
    return [{"value": str(number), "text": name, "checked": number in chosen} for number, name in enumerate(DAYS, start=1)]


def next_sunday(today: date) -> date:
    """The day that the box "What would happen if" offers."""
    return today + timedelta(days=7 - today.isoweekday() or 7)


def _team(book: Rulebook, code: str) -> TeamView:
    team = book.routing.teams[code]
    own = hours_lines(team.hours) if team.duty is Duty.OWN else ()
    deputy = team_name(book.routing, team.deputy) if team.deputy else ""
    contacts = tuple(contact_words(each, book.webhooks) for each in team.contacts)
    return TeamView(code, team.name, team.phone, (DUTIES[team.duty], *own), contacts, deputy)
