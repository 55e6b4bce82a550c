"""Numbers, names and times to come as people in England read them: filters of the templates. Pure."""

from datetime import datetime

from domain.nhs_number import NhsNumber, to_spaced
from runtime.clock import ENGLAND
from safeguarding.time_words import clock


def when_next(value: datetime, at: datetime) -> str:
    """A time to come: "08:45" today, "08:45 tomorrow", "08:45 on Monday 3 March"."""
    then, today = value.astimezone(ENGLAND), at.astimezone(ENGLAND).date()
    ahead = (then.date() - today).days
    if ahead == 0:
        return clock(value)
    if ahead == 1:
        return f"{clock(value)} tomorrow"
    return f"{clock(value)} on {then:%A} {then.day} {then:%B}"


def spaced(number: str) -> str:
    """An NHS number, 3-3-4."""
    return to_spaced(NhsNumber(number))


def full_name(given: str, family: str) -> str:
    """ "HARDING, Jo", as clinical systems write it (NHS CUI, patient name); empty parts are left out."""
    return ", ".join(part for part in (family.upper(), given) if part) or "Name not held"


def telephone(phone: str) -> str:
    """A phone as the target of a link: what can be dialled."""
    return "tel:" + "".join(letter for letter in phone if letter.isdigit() or letter == "+")
