"""A plan in words: what it is, how it stands, and what there is to say of it line by line. Pure.

The banner of `api` and the card of `fhir_adapter` say the same of a plan, because both ask here.
Source: docs/facts.md, section 1.
"""

from datetime import datetime, timedelta

from domain.answer import ShownFlag
from domain.flag import SHOWN_AFTER_END, Standing
from flags_store.authorities import Authority
from safeguarding.time_words import ago, day, moment

Line = tuple[str, str]
"""What it is about, and what is said of it."""


def standing_words(shown: ShownFlag) -> str:
    """How it stands, in one or three words."""
    return "Open" if shown.standing is Standing.OPEN else "Ended for age" if shown.ended_for_age else "Ended"


def plan_lines(shown: ShownFlag, authority: Authority, at: datetime) -> list[Line]:
    """Authority, dates, and when it was last confirmed: none of it may be said of a sensitive one."""
    flag = shown.flag
    lines = [("Authority", authority.name), ("Started", day(flag.start_date))]
    if flag.expected_delivery_date:
        lines.append(("Baby expected", day(flag.expected_delivery_date)))
    lines += _end(shown)
    return [*lines, ("Last confirmed", f"{moment(flag.last_confirmed_at)} ({ago(at - flag.last_confirmed_at)})")]


def late_words(authority: Authority, at: datetime) -> str:
    """What must be said where the authority's feed is late, or nothing."""
    return f"The feed of {authority.name} is late: this may be out of date." if authority.is_late(at) else ""


def _end(shown: ShownFlag) -> list[Line]:
    last = shown.flag.last_open_day()
    if shown.standing is Standing.OPEN or last is None:
        return []
    if shown.ended_for_age:
        return [("Ended", f"{day(last + timedelta(days=1))}, the 18th birthday")]
    return [("Ended", f"{day(last)} (shown until {day(last + SHOWN_AFTER_END)})")]
