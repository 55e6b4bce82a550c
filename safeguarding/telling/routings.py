"""An authority and what it has set, put together: the routing that decides who is told, and whom a clinician rings.

The directory keeps one for each authority; raising, escalating, the banner and the page of rules all ask these.
Source: docs/facts.md, section 5.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerts.routing.route import telling
from alerts.routing.store import Kept
from domain.alert import ChannelName
from domain.encounter import Encounter
from domain.flag import Flag
from domain.routing import EMERGENCY, OFFICE, Contact, Duty, Occasion, Routing, Sighting, Team, Telling
from flags_store.authorities import Authority


def routing_of(authority: Authority, kept: Kept | None = None) -> Routing:
    """The authority's routing: its office and emergency teams, even where it has said nothing of them, and what it has set."""
    kept = kept or Kept()
    mailbox = (Contact(ChannelName.EMAIL, authority.alert_email),) if authority.alert_email else ()
    both = {
        OFFICE: Team(OFFICE, "office team", authority.office_phone, Duty.OFFICE, contacts=mailbox),
        EMERGENCY: Team(EMERGENCY, "emergency duty team", authority.emergency_phone, Duty.OUTSIDE),
    }
    teams = both | {code: _with_phone(team, both.get(code)) for code, team in kept.teams.items()}
    hours = tuple((stretch.weekday, stretch.opens, stretch.closes) for stretch in authority.hours)
    return Routing(authority.code, hours, teams, tuple(kept.rules), tuple(kept.covers), frozenset(kept.closed_days))


def first_telling(
    routing: Routing, flags: Sequence[Flag], encounter: Encounter, at: datetime, occasion: Occasion = Occasion.ATTENDANCE
) -> Telling:
    """Who is told first that a child with these flags, of whichever authorities, is at a service. Somebody always is."""
    kinds = frozenset(flag.kind for flag in flags if flag.authority_code == routing.authority_code)
    told = telling(routing, Sighting(kinds, encounter.care_setting, occasion), 0, at)
    assert told is not None
    return told


def _with_phone(team: Team, ordinary: Team | None) -> Team:
    return team if team.phone or ordinary is None else replace(team, phone=ordinary.phone)
