"""The three answers as text for a terminal, and as JSON. They never look alike."""

from datetime import datetime
from typing import Any

from domain.answer import Answer, CouldNotCheck, Flagged, ShownFlag
from domain.flag import DISPLAY
from runtime.clock import england_day
from safeguarding.contacts import contacts
from safeguarding.directory import Directory, Site
from safeguarding.plan_words import missing_words


def lines_of(answer: Answer, directory: Directory, site: Site | None, at: datetime) -> list[str]:
    """What the banner says, line by line, with who to ring now."""
    lines = [headline(answer)]
    codes: list[str] = []
    if isinstance(answer, Flagged):
        codes = [shown.flag.authority_code for shown in answer.flags if not shown.flag.sensitive]
        lines += [_flag_line(shown, directory) for shown in answer.flags]
    if not isinstance(answer, CouldNotCheck):
        lines += [caution.words for caution in answer.cautions]
    lines += answer.coverage.sentences
    ring = contacts(directory, site, codes, at)
    return [*lines, *(f"Ring {contact.who}: {contact.phone} ({contact.why})" for contact in ring)]


def headline(answer: Answer) -> str:
    """The answer in one line."""
    if isinstance(answer, Flagged):
        return "KNOWN TO SOCIAL CARE" if answer.is_current else "KNOWN TO SOCIAL CARE IN THE PAST YEAR"
    if isinstance(answer, CouldNotCheck):
        return f"COULD NOT CHECK. {answer.reason.words}"
    return "None known to the authorities that are connected."


def to_json(answer: Answer) -> dict[str, Any]:
    """The answer as plain values; `answer` is flagged, none-known or could-not-check."""
    common: dict[str, Any] = {
        "coverage": {
            "connected": answer.coverage.connected,
            "late": [feed.authority_code for feed in answer.coverage.late],
            "fully_checked": answer.coverage.fully_checked,
            "national": False,
        }
    }
    if isinstance(answer, CouldNotCheck):
        return {"answer": "could-not-check", "reason": answer.reason.value, **common}
    common["cautions"] = [caution.value for caution in answer.cautions]
    if isinstance(answer, Flagged):
        return {"answer": "flagged", "flags": [_flag_json(shown) for shown in answer.flags], **common}
    return {"answer": "none-known", **common}


def _flag_line(shown: ShownFlag, directory: Directory) -> str:
    flag = shown.flag
    if flag.sensitive:
        return _ended_with(f"{DISPLAY[flag.kind]}: details withheld (sensitive record)", missing_words(flag))
    authority = directory.authorities[flag.authority_code]
    end = f", ended {_day(flag.last_open_day())}" if shown.standing.value == "ended" else ""
    why = " (18th birthday)" if shown.ended_for_age else ""
    confirmed = _day(england_day(flag.last_confirmed_at))
    line = f"{DISPLAY[flag.kind]}: {authority.name}, since {_day(flag.start_date)}{end}{why}; last confirmed {confirmed}"
    return _ended_with(line, missing_words(flag, authority.name))


def _ended_with(line: str, words: str) -> str:
    return f"{line}. {words}" if words else line


def _flag_json(shown: ShownFlag) -> dict[str, Any]:
    flag = shown.flag
    missing = {"in_latest_extract": False} if flag.is_missing else {}
    if flag.sensitive:
        return {"kind": flag.kind.value, "standing": shown.standing.value, "sensitive": True, **missing}
    return {
        "kind": flag.kind.value,
        "standing": shown.standing.value,
        "authority": flag.authority_code,
        "start_date": flag.start_date.isoformat(),
        "end_date": flag.end_date.isoformat() if flag.end_date else None,
        "last_confirmed_at": flag.last_confirmed_at.isoformat(),
        **missing,
    }


def _day(day: Any) -> str:
    return f"{day.day} {day:%B %Y}" if day else ""
