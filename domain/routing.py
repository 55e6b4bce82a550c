"""Who is told of an alert: an authority's teams, the hours in which each reads, and the rules that choose among them.

`alerts.routing` reads and follows them, people edit them on a page. Nothing here names a child.
Source: docs/facts.md, section 5 (office hours, emergency duty teams, the clock runs only while a team is on duty).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum

from domain.alert import AlertEvent, ChannelName
from domain.care_setting import CareSetting
from domain.flag import FlagKind

Stretch = tuple[int, time, time]
"""Weekday (ISO 8601: 1 is Monday), opening and closing time in England."""

OFFICE, EMERGENCY = "office", "emergency"
"""The codes of the two teams that every authority has."""


class Duty(StrEnum):
    """When a team is on duty: in the office hours, at all other times, always, or in hours of its own."""

    OFFICE = "office"
    OUTSIDE = "outside-office"
    ALWAYS = "always"
    OWN = "own"


class Occasion(StrEnum):
    """What a team is told of."""

    ATTENDANCE = "attendance"
    LEFT = "left-before-seen"
    CANCELLED = "cancelled"
    ASKED = "asked"


OCCASION_OF = {
    AlertEvent.LEFT_BEFORE_SEEN: Occasion.LEFT,
    AlertEvent.CANCEL: Occasion.CANCELLED,
    AlertEvent.WRONG_IDENTITY: Occasion.CANCELLED,
    AlertEvent.REINSTATE: Occasion.ATTENDANCE,
    AlertEvent.ASK: Occasion.ASKED,
}
"""The events that begin an alert's line anew: the team that is first for this occasion is told. Of all others only screens are."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach a team. With `after_minutes` it is tried only where none before it got through in so many minutes of duty.

    `address` is a mailbox, a telephone number, or the id of a webhook.
    """

    channel: ChannelName
    address: str
    after_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """Who reads alerts, and when. `deputy` is the code of the team that stands in for it."""

    code: str
    name: str
    phone: str
    duty: Duty
    hours: tuple[Stretch, ...] = ()
    contacts: tuple[Contact, ...] = ()
    deputy: str | None = None


@dataclass(frozen=True, slots=True)
class Cover:
    """For a while another team is told instead of one."""

    team: str
    deputy: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: a team, and the minutes of its duty in which somebody must have acknowledged."""

    team: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What it names must all fit (an empty condition fits anything); the first rule that fits decides.

    `during`: in the office hours or outside them. `weekdays`, `opens` and `closes` are England's; a window whose end is before
    its beginning goes over midnight, and belongs to the weekday on which it begins.
    """

    name: str
    steps: tuple[Step, ...]
    kinds: frozenset[FlagKind] = frozenset()
    care_settings: frozenset[CareSetting] = frozenset()
    occasions: frozenset[Occasion] = frozenset()
    during: Duty = Duty.ALWAYS
    weekdays: frozenset[int] = frozenset()
    opens: time | None = None
    closes: time | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """All that an authority has said about who is told.

    `hours` are its office hours; on `closed_days`, as on bank holidays, the office is closed.
    """

    authority_code: str
    hours: tuple[Stretch, ...]
    teams: Mapping[str, Team]
    rules: tuple[Rule, ...] = ()
    covers: tuple[Cover, ...] = ()
    closed_days: frozenset[date] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a rule looks at: the kinds of the authority's flags, where the child was seen, and what happened."""

    kinds: frozenset[FlagKind] = frozenset()
    care_setting: CareSetting = CareSetting.EMERGENCY_DEPARTMENT
    occasion: Occasion = Occasion.ATTENDANCE


@dataclass(frozen=True, slots=True)
class Planned:
    """One way by which a team will be told, and when; `is_fallback`: only where nothing before it got through."""

    contact: Contact
    at: datetime
    is_fallback: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """One rung of an alert: which team from when, by what, and when the next is told unless somebody acknowledges.

    `starts` is when the team reads it: at once, or when its duty next begins. `escalates_at` is None where nobody is next.
    `covered` is the code of the team for which it stands in. `late_at` is when its minutes are over, whoever is next.
    """

    rule: str
    step: int
    team: Team
    starts: datetime
    contacts: tuple[Planned, ...]
    escalates_at: datetime | None
    covered: str | None = None
    late_at: datetime | None = None
