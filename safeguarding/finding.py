"""Finding a child: the staff of an authority look for one of its own by one line of text, and open what they find.

`api.children` calls it. Every search and every opening is written down; a sensitive record opens only with a reason.
Source: docs/facts.md, sections 3 and 6 (CPIN: "one search box").
"""

import re
from datetime import date
from uuid import UUID

from domain.actor import Actor
from domain.errors import InvalidInput, InvalidNhsNumber, NotFound
from domain.nhs_number import NhsNumber, parse_nhs_number
from flags_store.children import FoundChild, PlanOfChild, Sought, find_children, read_child
from runtime.audit import record_audit
from runtime.database import Transaction

__all__ = ["MOST_FOUND", "FoundChild", "NeedsReason", "PlanOfChild", "Sought", "find", "open_child", "read_sought"]

MOST_FOUND = 20
LONGEST = 200
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"(?<!\w)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\w)")
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d?)-(\d\d?)(?!\d)")
_BRITISH = re.compile(r"(?<!\d)(\d\d?)[/.](\d\d?)[/.](\d{4})(?!\d)")
_SPELLED = re.compile(r"(?<!\d)(\d\d?)(?:st|nd|rd|th)?\s+([a-z]{3})[a-z]*\.?,?\s+(\d{4})(?!\d)", re.IGNORECASE)


class NeedsReason(InvalidInput):
    """The record is sensitive: whoever opens it says why."""


def read_sought(text: str) -> Sought:
    """What one line of text asks for: an NHS number, a date of birth, a local id (a word with a digit in it), words of a name.

    A number whose check digit is wrong is taken for a local id; what looks like a date and is none is left to that, too.
    """
    rest, number = _take_number(text[:LONGEST])
    rest, born = _take_date(rest)
    words = [word.strip(".,;:\"'()") for word in rest.split()]
    local_id = next((word for word in words if any(letter.isdigit() for letter in word)), "")
    names = tuple(word.casefold() for word in words if word and not any(letter.isdigit() for letter in word))
    return Sought(names, number, born, local_id)


def _take_number(text: str) -> tuple[str, NhsNumber | None]:
    for found in _NUMBER.finditer(text):
        try:
            return text[: found.start()] + " " + text[found.end() :], parse_nhs_number(found[0])
        except InvalidNhsNumber:
            continue
    return text, None


def _take_date(text: str) -> tuple[str, date | None]:
    for pattern in (_ISO, _BRITISH, _SPELLED):
        for found in pattern.finditer(text):
            first, second, third = found.groups()
            year, month, day = (first, second, third) if pattern is _ISO else (third, second, first)
            if not month.isdigit():
                month = str(_MONTHS.index(month.lower()) + 1) if month.lower() in _MONTHS else "0"
            try:
                born = date(int(year), int(month), int(day))
            except ValueError:
                continue
            return text[: found.start()] + " " + text[found.end() :], born
    return text, None


async def find(transaction: Transaction, actor: Actor, authority_code: str, text: str) -> list[FoundChild]:
    """At most `MOST_FOUND` of the authority's own, the likeliest first. Raises InvalidInput where nothing is asked for."""
    sought = read_sought(text)
    if not sought:
        raise InvalidInput("there is nothing to search for")
    found = await find_children(transaction, authority_code, sought, MOST_FOUND)
    by = {"number": bool(sought.number), "birth_date": bool(sought.birth_date), "local_id": bool(sought.local_id)}
    await record_audit(
        transaction, actor, "child.find", "authority", authority_code, found=len(found), name=bool(sought.words), **by
    )
    return found


async def open_child(
    transaction: Transaction, actor: Actor, authority_code: str, person_id: UUID, reason: str = ""
) -> tuple[FoundChild, list[PlanOfChild]]:
    """One of the authority's own with its plans. Raises NotFound, and NeedsReason for a sensitive one without a reason."""
    read = await read_child(transaction, authority_code, person_id)
    if read is None:
        raise NotFound("the authority has no such child")
    child, plans = read
    reason = reason.strip()[:LONGEST]
    if child.sensitive and not reason:
        raise NeedsReason("the record is sensitive: say why you open it")
    detail = {"reason": reason} if reason else {}
    await record_audit(transaction, actor, "child.open", "person", str(person_id), sensitive=child.sensitive, **detail)
    return child, plans
