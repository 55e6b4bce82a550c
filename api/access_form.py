"""The form of the access review: what was typed becomes a search of the trail, or words that say what to mend. Pure.

`api.access_review` reads it from a POST alone, so that no NHS number is ever in an address. Days are England's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID

from api.access_words import BREAK_GLASS
from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from runtime.clock import ENGLAND
from safeguarding.trail import TrailSearch

FIELDS = ("number", "who", "organisation", "since", "until", "show")
SHOWN = {"looks": "Looks, and broken glass", "changes": "What else was done", "all": "Everything"}
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, as it goes back onto the page; the search that it means; what is wrong with it, by field."""

    values: Mapping[str, str]
    number: NhsNumber | None
    search: TrailSearch
    errors: Mapping[str, str]


def read_typed(values: Mapping[str, str], before: str = "") -> Typed:
    """The meaning of a form. Without a word it asks for the newest looks."""
    values = {name: values.get(name, "").strip()[:_LONGEST] for name in FIELDS}
    errors: dict[str, str] = {}
    number = _number(values["number"], errors)
    since, until = _day(values, "since", errors), _day(values, "until", errors)
    if since and until and since > until:
        errors["until"] = "The last day must be on or after the first"
    show = values["show"] if values["show"] in SHOWN else "looks"
    search = TrailSearch(
        who=values["who"],
        organisation=values["organisation"],
        since=since,
        until=datetime.combine(until.date() + timedelta(days=1), time(), ENGLAND) if until else None,
        before=_id(before),
        looks=show != "changes",
        action="" if show != "looks" else BREAK_GLASS,
    )
    return Typed({**values, "show": show}, number, search, errors)


def _number(text: str, errors: dict[str, str]) -> NhsNumber | None:
    try:
        return parse_nhs_number(text) if text else None
    except InvalidNhsNumber:
        errors["number"] = "Enter an NHS number of 10 digits, such as 999 000 0018"
        return None


def _day(values: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    """The first moment of the day that was typed."""
    if not values[name]:
        return None
    try:
        return datetime.strptime(values[name], "%Y-%m-%d").replace(tzinfo=ENGLAND)
    except ValueError:
        errors[name] = "Enter a day, such as 2026-03-03"
        return None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
