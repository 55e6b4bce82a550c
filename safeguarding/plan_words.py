"""A plan in words: what it is, how it stands, and what there is to say of it line by line. Pure.

The banner of `api` and the card of `fhir_adapter` say the same of a plan, because both ask here.
Source: docs/facts.md, section 1.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from domain.answer import ShownFlag
from domain.flag import SHOWN_AFTER_END, Flag, Standing
from flags_store.authorities import Authority
from safeguarding.time_words import ago, day, moment

Line = tuple[str, str]
"""What it is about, and what is said of it."""


def standing_words(shown: ShownFlag) -> str:
    """How it stands, in one or three words."""
    return "Open" if shown.standing is Standing.OPEN else "Ended for age" if shown.ended_for_age else "Ended"


def plan_lines(shown: ShownFlag, authority: Authority, at: datetime) -> list[Line]:
    """Authority, dates, when it was last confirmed, and what the NHS number rests on: none of it may be said of a sensitive one."""
    flag = shown.flag
    lines = [("Authority", authority.name), ("Started", day(flag.start_date))]
    if flag.expected_delivery_date:
        lines.append(("Baby expected", day(flag.expected_delivery_date)))
    lines += _end(shown)
    confirmed = f"{moment(flag.last_confirmed_at)} ({ago(at - flag.last_confirmed_at)})"
    return [*lines, ("Last confirmed", confirmed), ("Identity", flag.match.words)]


def late_words(authority: Authority, at: datetime) -> str:
    """What must be said where the authority's feed is late, or nothing."""
    return f"The feed of {authority.name} is late: this may be out of date." if authority.is_late(at) else ""


def missing_words(flag: Flag, authority_name: str = "") -> str:
    """What must be said where the authority's latest full extract did not name the plan, or nothing. A sensitive one names nobody.

    It is never a reason to hide the plan, and none to believe that it has ended.
    """
    if not flag.is_missing:
        return ""
    whose = f"the latest extract of {authority_name}" if authority_name and not flag.sensitive else "the authority's latest extract"
    return f"Not in {whose}: ask whether the plan still stands. It is shown until the authority says."


def match_words(flag: Flag) -> str:
    """What the NHS number rests on; of a sensitive one only that it is in doubt, which must be said of every plan."""
    return flag.match.words if flag.match.is_doubtful or not flag.sensitive else ""


def doubt_notes(held: Iterable[ShownFlag]) -> tuple[str, ...]:
    """What the register says against the plans of an answer, each sentence once."""
    return tuple(dict.fromkeys(shown.flag.match.words for shown in held if shown.flag.match.is_doubtful))


def missing_notes(held: Iterable[ShownFlag], names: Mapping[str, str]) -> tuple[str, ...]:
    """The same of all that an answer shows, each sentence once. `names`: of authorities, by code."""
    said = (missing_words(shown.flag, names.get(shown.flag.authority_code, "")) for shown in held)
    return tuple(dict.fromkeys(words for words in said if words))


def _end(shown: ShownFlag) -> list[Line]:
    last = shown.flag.last_open_day()
    if shown.standing is Standing.OPEN or last is None:
        return []
    if shown.ended_for_age:
        return [("Ended", f"{day(last + timedelta(days=1))}, the 18th birthday")]
    return [("Ended", f"{day(last)} (shown until {day(last + SHOWN_AFTER_END)})")]
