"""The forms of "Who is told": what somebody has entered becomes a team, a rule or a cover, or errors by field. Pure.

`api.telling` and `api.telling_teams` call it; whether it makes sense beside the rest is `safeguarding.telling.rules_checks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TypeVar

from starlette.datastructures import FormData, QueryParams

from api.security import field
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.errors import InvalidInput
from domain.flag import FlagKind
from domain.routing import Contact, Cover, Duty, Occasion, Rule, Sighting, Step, Stretch, Team
from runtime.clock import ENGLAND
from safeguarding.directory import Site
from safeguarding.telling.rules_checks import MOST_CONTACTS, MOST_STEPS
from safeguarding.telling.rules_hours import parse_hours

MOST_FIELDS = 80
"""A rule has many boxes to tick."""

_MOST_DIGITS = 6
_NOT_READ = -1
_EARLIEST, _LATEST = 2020, 2100
Choice = TypeVar("Choice", bound=StrEnum)


def team_of(form: FormData, code: str) -> tuple[Team, dict[str, str]]:
    """The team of a form, and its hours where it has its own."""
    errors: dict[str, str] = {}
    hours: tuple[Stretch, ...] = ()
    duty = _one(Duty, field(form, "duty")) or Duty.OFFICE
    if duty is Duty.OWN:
        try:
            hours = parse_hours(field(form, "hours"))
        except InvalidInput as error:
            errors["hours"] = error.sentence
    return Team(
        code, field(form, "name"), field(form, "phone"), duty, hours, tuple(contacts_of(form)), field(form, "deputy") or None
    ), errors  # fmt: skip


def contacts_of(form: FormData) -> list[Contact]:
    """The contacts of a form, in their order. One without an address is left out; `webhook ID` is a channel with its address.

    What is no number of minutes is -1, and what is no channel is the screen: neither is taken.
    """
    contacts = []
    for place in range(1, MOST_CONTACTS + 1):
        channel, _, webhook = field(form, f"channel-{place}").partition(" ")
        address = webhook if channel == ChannelName.WEBHOOK else field(form, f"contact-{place}").strip()
        if address:
            name = _one(ChannelName, channel) or ChannelName.SCREEN
            contacts.append(Contact(name, address, _minutes(field(form, f"after-{place}"))))
    return contacts


def rule_of(form: FormData) -> tuple[Rule, dict[str, str]]:
    """The rule of a form. A step without a team is left out; one without minutes is told of so."""
    errors: dict[str, str] = {}
    window: list[time | None] = []
    for name in ("opens", "closes"):
        text = field(form, name).strip()
        window.append(_clock(text))
        if text and window[-1] is None:
            errors[name] = "Enter a time of day, such as 22:00, or leave it empty"
    steps = [
        Step(field(form, f"step-{place}"), _minutes(field(form, f"minutes-{place}")) or _NOT_READ)
        for place in range(1, MOST_STEPS + 1)
        if field(form, f"step-{place}")
    ]
    days = frozenset(int(str(day)) for day in form.getlist("weekdays") if str(day) in set("1234567"))
    during = _one(Duty, field(form, "during")) or Duty.ALWAYS
    return Rule(
        field(form, "name").strip(), tuple(steps), _several(FlagKind, form.getlist("kinds")),
        _several(CareSetting, form.getlist("settings")), _several(Occasion, form.getlist("occasions")),
        Duty.ALWAYS if during is Duty.OWN else during, days, *window,
    ), errors  # fmt: skip


def cover_of(form: FormData) -> tuple[Cover | None, dict[str, str]]:
    """The cover of a form: two teams, and two moments in England."""
    errors: dict[str, str] = {}
    moments: list[datetime] = []
    for name, what in (("starts", "begins"), ("ends", "ends")):
        moment = _moment(field(form, f"{name}-day"), field(form, f"{name}-time"))
        if moment is None:
            errors[f"{name}-day"] = f"Enter the day and the time at which it {what}"
        else:
            moments.append(moment)
    if errors:
        return None, errors
    return Cover(field(form, "team"), field(form, "deputy"), *moments), {}


def day_of(text: str) -> date | None:
    """A day as a browser sends it, 2026-12-24, or None."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if _EARLIEST <= day.year <= _LATEST else None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know in the box "What would happen if"."""

    sighting: Sighting
    at: datetime
    site: Site | None


def asked_of(query: QueryParams, sites: Mapping[str, Site]) -> tuple[Asked | None, dict[str, str]]:
    """The question of an address: kinds, where (a site's code or a care setting), day and time in England, and what happened."""
    errors: dict[str, str] = {}
    where = query.get("where", "")
    site = sites.get(where)
    setting = site.setting if site else _one(CareSetting, where)
    kinds, moment = _several(FlagKind, query.getlist("kind")), _moment(query.get("day", ""), query.get("time", ""))
    if not kinds:
        errors["kind"] = "Choose what is held about the child"
    if setting is None:
        errors["where"] = "Choose where the child is seen"
    if moment is None:
        errors["day"] = "Enter a day and a time of day, such as 03:00"
    if errors or setting is None or moment is None:
        return None, errors
    occasion = _one(Occasion, query.get("occasion", "")) or Occasion.ATTENDANCE
    return Asked(Sighting(kinds, setting, occasion), moment, site), {}


def _minutes(text: str) -> int | None:
    digits = text.strip()
    if not digits:
        return None
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else _NOT_READ


def _clock(text: str) -> time | None:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None) if text else None
    except ValueError:
        return None


def _moment(day: str, clock: str) -> datetime | None:
    """An instant by England's clocks. An hour that comes twice is its first; one that never comes is the hour after it."""
    on, at = day_of(day), _clock(clock.strip())
    return datetime.combine(on, at, ENGLAND).astimezone(UTC) if on and at is not None else None


def _one(kind: type[Choice], text: str) -> Choice | None:
    return next((each for each in kind if each.value == text), None)


def _several(kind: type[Choice], texts: Sequence[object]) -> frozenset[Choice]:
    return frozenset(each for each in kind if each.value in texts)
