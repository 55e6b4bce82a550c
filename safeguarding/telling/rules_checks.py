"""Whether a team, a rule or a cover that somebody has entered makes sense beside what the authority has set already. Pure.

`safeguarding.telling.rules` and `rules_teams` ask it before they write; the page shows each sentence beside its field.
Sources: docs/facts.md, section 5 (emergency duty teams take emergencies only); RFC 5322 (mailboxes); ITU-T E.164 (numbers).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.channels.mail_server import to_recipient
from domain.alert import ChannelName
from domain.errors import InvalidInput
from domain.routing import EMERGENCY, OFFICE, Contact, Cover, Duty, Routing, Rule, Team
from flags_store.authority_details import check_phone

MOST_NAME, MOST_RULE_NAME = 80, 120
MOST_TEAMS, MOST_RULES, MOST_STEPS, MOST_CONTACTS, MOST_COVERS = 30, 60, 6, 8, 60
LONGEST_MAILBOX = 254
"""RFC 5321, section 4.5.3.1.3. What is longer may fit here, and then into no delivery of an alert."""
MOST_MINUTES, MOST_WAIT = 7 * 24 * 60, 24 * 60
LONGEST_COVER = timedelta(days=366)
CHANNELS = (ChannelName.EMAIL, ChannelName.NOTIFY_EMAIL, ChannelName.SMS, ChannelName.WEBHOOK)
"""Those by which a team can be told. The worklist is told in any case."""

_MAILBOXES = frozenset({ChannelName.EMAIL, ChannelName.NOTIFY_EMAIL})
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_UK_MOBILE = re.compile(r"\+447(?:[1-57-9][0-9]{8}|624[0-9]{6})")
"""Neither personal numbers (070) nor pagers (076), which cost more and take no text messages. Source: Ofcom, numbering plan."""


class Refused(InvalidInput):
    """What was entered cannot be taken. `errors` says of each field why."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


def refuse(errors: Mapping[str, str]) -> None:
    """Raises Refused where there is an error."""
    if errors:
        raise Refused(errors)


def to_mobile(text: str) -> str | None:
    """A mobile number as E.164 writes it, or None. What begins with 07 is of the United Kingdom."""
    digits = re.sub(r"[\s().-]", "", text)
    number = f"+44{digits[1:]}" if digits.startswith("07") else f"+{digits[2:]}" if digits.startswith("00") else digits
    if not _E164.fullmatch(number) or (number.startswith("+44") and not _UK_MOBILE.fullmatch(number)):
        return None
    return number


def tidy_contact(contact: Contact) -> Contact:
    """The contact as it is kept: no blanks around it, a number as E.164 writes it where it is one."""
    address = contact.address.strip()
    if contact.channel is ChannelName.SMS:
        address = to_mobile(address) or address
    return Contact(contact.channel, address, contact.after_minutes)


def team_errors(routing: Routing, team: Team, webhooks: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a team, by field; its contacts are `contact-1` and so on. `webhooks` are the authority's own, by id."""
    errors = _name_errors(team.name, MOST_NAME, "team", [each.name for each in routing.teams.values() if each.code != team.code])
    try:
        if team.phone or team.code not in {OFFICE, EMERGENCY}:
            check_phone(team.phone)
    except InvalidInput:
        errors["phone"] = "Enter a phone number that a hospital can ring, such as 020 7946 0101"
    if team.code == OFFICE and team.duty is not Duty.OFFICE:
        errors["duty"] = "The office team is on duty in the office hours"
    elif team.code == EMERGENCY and team.duty is Duty.OFFICE:
        errors["duty"] = "The emergency duty team is there when the office is not: choose other hours"
    if team.duty is Duty.OWN and not team.hours:
        errors["hours"] = "Enter the hours in which this team is on duty"
    if team.deputy:
        errors |= _deputy_errors(routing, team.code, team.deputy)
    return errors | _contact_errors(team.contacts, webhooks)


def rule_errors(routing: Routing, rule: Rule, others: Sequence[Rule]) -> dict[str, str]:
    """What is wrong with a rule, by field; its steps are `step-1` and `minutes-1` and so on."""
    errors = _name_errors(rule.name, MOST_RULE_NAME, "rule", [each.name for each in others])
    if not rule.steps:
        errors["step-1"] = "Choose the team that is told first"
    if len(rule.steps) > MOST_STEPS:
        errors["step-1"] = f"A rule has {MOST_STEPS} steps at most"
    told: set[str] = set()
    for place, step in enumerate(rule.steps, start=1):
        if step.team not in routing.teams:
            errors[f"step-{place}"] = "Choose one of your teams: this one is there no longer"
        elif step.team in told:
            errors[f"step-{place}"] = f"The {routing.teams[step.team].name} is in this line already"
        told.add(step.team)
        if not 1 <= step.minutes <= MOST_MINUTES:
            errors[f"minutes-{place}"] = f"Enter a number of minutes from 1 to {MOST_MINUTES}"
    if any(not setting.is_unscheduled for setting in rule.care_settings):
        errors["settings"] = "Choose unscheduled services only: nobody is told of the others"
    if (rule.opens is None) != (rule.closes is None):
        errors["opens"] = "Enter both ends of the window of hours, or neither"
    elif rule.opens is not None and rule.opens == rule.closes:
        errors["opens"] = "The window of hours ends when it begins: leave both empty for the whole day"
    return errors


def cover_errors(routing: Routing, cover: Cover, covers: Sequence[Cover], at: datetime) -> dict[str, str]:
    """What is wrong with a cover, by field. Covers that go round in a circle would cover nobody."""
    errors = {}
    if cover.team not in routing.teams:
        errors["team"] = "Choose the team that is away"
    if not cover.deputy:
        errors["deputy"] = "Choose the team that stands in"
    else:
        errors |= _deputy_errors(routing, cover.team, cover.deputy)
    if cover.ends <= cover.starts:
        errors["ends"] = "It must end after it begins"
    elif cover.ends <= at:
        errors["ends"] = "It must end in the future"
    elif cover.ends - cover.starts > LONGEST_COVER:
        errors["ends"] = "A cover is for a year at most: for longer, change the rules"
    if errors:
        return errors
    others = [each for each in covers if each.starts < cover.ends and cover.starts < each.ends]
    if cover.team in {other.team for other in others}:
        return {"team": f"The {routing.teams[cover.team].name} has a cover in this time already: end that one first"}
    if cover.team in _read_instead_of(cover.deputy, others):
        return {"deputy": f"The {routing.teams[cover.team].name} stands in for this team in this time: nobody would read them"}
    return {}


def uses_of(routing: Routing, team_code: str) -> list[str]:
    """Where a team is named, in words; a team that is named somewhere cannot be removed."""
    rules = [f"rule “{rule.name}”" for rule in routing.rules if team_code in {step.team for step in rule.steps}]
    deputies = [f"the {each.name}, whose deputy it is" for each in routing.teams.values() if each.deputy == team_code]
    covers = ["a cover" for cover in routing.covers if team_code in {cover.team, cover.deputy}]
    return [*rules, *deputies, *covers[:1]]


def _name_errors(name: str, most: int, what: str, taken: Sequence[str]) -> dict[str, str]:
    if not name.strip():
        return {"name": f"Enter a name for this {what}"}
    if len(name) > most:
        return {"name": f"The name must be {most} characters or fewer"}
    if not name.strip().isprintable():
        return {"name": "The name must be one line of ordinary letters, which nothing turns round or hides"}
    if name.strip().casefold() in {each.casefold() for each in taken}:
        return {"name": f"There is a {what} of this name already"}
    return {}


def _deputy_errors(routing: Routing, team_code: str, deputy: str) -> dict[str, str]:
    if deputy not in routing.teams:
        return {"deputy": "Choose one of your teams: this one is there no longer"}
    if deputy == team_code:
        return {"deputy": "A team cannot stand in for itself"}
    if deputy == EMERGENCY:
        return {"deputy": "The emergency duty team is told only where a rule names it: write a rule, which says of what"}
    return {}


def _read_instead_of(team_code: str, covers: Sequence[Cover]) -> set[str]:
    """Everybody to whom a team's alerts may go by these covers."""
    reached, found = {team_code}, True
    while found:
        found = False
        for cover in covers:
            if cover.team in reached and cover.deputy not in reached:
                reached.add(cover.deputy)
                found = True
    return reached


def _contact_errors(contacts: Sequence[Contact], webhooks: Mapping[str, str]) -> dict[str, str]:
    errors, seen = {}, set()
    if len(contacts) > MOST_CONTACTS:
        errors["contact-1"] = f"A team has {MOST_CONTACTS} contacts at most"
    for place, contact in enumerate(contacts, start=1):
        sentence = _contact_error(contact, webhooks)
        if not sentence and (contact.channel, contact.address.casefold()) in seen:
            sentence = "This contact stands above already"
        if not sentence and place == 1 and contact.after_minutes is not None:
            errors["after-1"] = "The first contact is told without waiting: none is before it"
        if sentence:
            errors[f"contact-{place}"] = sentence
        if contact.after_minutes is not None and not 1 <= contact.after_minutes <= MOST_WAIT:
            errors[f"after-{place}"] = f"Enter a number of minutes from 1 to {MOST_WAIT}, or leave it empty"
        seen.add((contact.channel, contact.address.casefold()))
    return errors


def _is_mailbox(text: str) -> bool:
    """One address and nothing besides: no name, no comment."""
    recipient = to_recipient(text) if text.isascii() and len(text) <= LONGEST_MAILBOX else None
    return recipient is not None and recipient.addr_spec == text


def _contact_error(contact: Contact, webhooks: Mapping[str, str]) -> str:
    if contact.channel not in CHANNELS:
        return "Choose how this contact is told"
    if contact.channel in _MAILBOXES and not _is_mailbox(contact.address):
        return "Enter an e-mail address, such as duty@council.example"
    if contact.channel is ChannelName.SMS and to_mobile(contact.address) != contact.address:
        return "Enter a mobile number, such as 07700 900123 or +44 7700 900123"
    if contact.channel is ChannelName.WEBHOOK and contact.address not in webhooks:
        return "Choose one of your own webhooks that is in use"
    return ""
