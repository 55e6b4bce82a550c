"""Queries: from a QBP message to the question that the desk answers, or to the reason why it cannot be one. Pure.

`query_door` calls `to_check` once the peer may ask for the site. What a query describes is read as the PID that it would be,
so that a number counts, or does not, just as in an ADT message. A name alone is never searched for.
Sources: HL7 v2.5.1 sections 3.3.56 (Q21), 3.3.57 (Q22), 5.5.4 (QPD), 5.5.6 (RCP); IHE ITI TF-2, 3.21 (PDQ); docs/hl7-profile.md.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from domain.actor import Actor, ActorKind, Purpose
from domain.answer import CouldNotCheckReason
from domain.encounter import Identity, TriggerEvent
from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.identifiers import Numbers, patient_numbers
from hl7_listener.message import Message, Segment, Syntax
from hl7_listener.times import parse_date
from safeguarding.check import Check
from safeguarding.directory import Site

QUERY_NAMES = {
    "Q21": frozenset({"Q21", "GET PERSON DEMOGRAPHICS"}),
    "Q22": frozenset({"IHE PDQ QUERY", "Q22", "FIND CANDIDATES"}),
}
"""The events that are answered, and what QPD-1 may call them: code or text, in capitals."""

NUMBER_PLACE = Location("QPD", 3)

_PARAMETER = re.compile(r"@PID[.-]0*(?P<field>[357])(?:\.(?P<component>\d))?(?:\.(?P<subcomponent>\d))?", re.IGNORECASE)
_WILDCARD = "*"
_NAMED_ONLY = "2.4"
"""The version from which a number counts only where something names it as an NHS number."""

_TEST_PROCESSING = frozenset({"T", "D"})
_LONGEST_REQUEST_ID = 200

_Part = tuple[int, int]
"""Component and subcomponent of a field."""


def is_query(message: Message) -> bool:
    """Whether somebody asks: it is answered with RSP whatever comes of it, and never with a plain acknowledgement."""
    return message.message_type == "QBP"


def to_check(message: Message, site: Site, peer_name: str, at: datetime) -> Check:
    """The lookup that the query asks for. One without a usable number is one too: the desk says that it could not check.

    Raises Unreadable where the query is not one of QUERY_NAMES, has not just one QPD, or wants its answer later.
    """
    qpd = _query_parameters(message)
    return Check(
        actor=Actor(ActorKind.SYSTEM, f"{site.ods_code} {message.sending_application}".strip(), peer_name, site.organisation_code),
        purpose=Purpose.DIRECT_CARE,
        trigger=TriggerEvent.LOOKUP,
        identity=to_identity(qpd, message.syntax),
        site=site.ods_code,
        care_setting=site.setting,
        at=at,
        test=message.processing_id in _TEST_PROCESSING,
        silent=site.setting.is_private or not site.setting.is_unscheduled,
        request_id=f"{message.control_id} {qpd.field(2)}".strip()[:_LONGEST_REQUEST_ID],
    )


def _query_parameters(message: Message) -> Segment:
    names = QUERY_NAMES.get(message.event)
    if names is None:
        raise Unreadable("only the queries Q21 and Q22 are answered", ErrorCode.UNSUPPORTED_EVENT, Location("MSH", 9))
    qpd = message.required("QPD")
    if len(message.segments("QPD")) > 1:
        raise Unreadable("the message holds more than one query", ErrorCode.SEGMENT_SEQUENCE, Location("QPD", sequence=2))
    if names.isdisjoint({qpd.component(1, 1).upper(), qpd.component(1, 2).upper()}):
        raise Unreadable("the query's name is not one that is answered", ErrorCode.UNSUPPORTED_EVENT, Location("QPD", 1))
    control = message.segment("RCP")
    if control is not None and control.component(1, 1).upper() not in {"", "I"}:
        raise Unreadable("only immediate answers are given: unsupported priority", ErrorCode.TABLE_VALUE, Location("RCP", 1))
    return qpd


def to_identity(qpd: Segment, syntax: Syntax) -> Identity:
    """Who is asked about: QPD-3 as an identifier (CX), or as pairs of a field's name and its value (`@PID.3.1^…`).

    Either a number or the reason why there is none. Two numbers are never chosen between, a valid and a broken one neither.
    """
    identifiers: list[str] = []
    described: dict[int, dict[_Part, str]] = {5: {}, 7: {}}
    parts: list[dict[_Part, str]] = []
    for repetition in qpd.repetitions(3):
        text = repetition.text.strip()
        if not text.startswith("@"):
            identifiers.append(text)
            continue
        for field, given in _parameter(text, syntax):
            if field != 3:
                described[field] |= given
            elif not parts or parts[-1].keys() & given.keys():
                parts.append(given)
            else:
                parts[-1] |= given
    identifiers += [_to_text(each, syntax) for each in parts]
    number, reason = _one_number([patient_numbers(_pid(syntax, identifier), _NAMED_ONLY) for identifier in identifiers])
    if not (described[5] or described[7]):
        return Identity(number, reason)
    pid = _pid(syntax, "", _to_text(described[5], syntax), _to_text(described[7], syntax))
    return Identity(
        number,
        reason,
        family_name=_whole(pid.component(5, 1)),
        given_name=_whole(pid.component(5, 2)),
        birth_date=parse_date(pid.component(7, 1)),
    )


def _one_number(given: list[Numbers]) -> tuple[NhsNumber | None, CouldNotCheckReason | None]:
    found = {each.nhs_number for each in given if each.nhs_number}
    invalid = any(each.no_number is CouldNotCheckReason.INVALID_NUMBER for each in given)
    unnamed = {number for each in given for number in _unnamed(each)}
    if len(found) > 1 or (found and (invalid or unnamed - found)):
        return None, CouldNotCheckReason.AMBIGUOUS_NUMBER
    if found:
        return found.pop(), None
    return None, CouldNotCheckReason.INVALID_NUMBER if invalid else CouldNotCheckReason.NO_NUMBER


def _unnamed(numbers: Numbers) -> Iterator[NhsNumber]:
    """Those that nothing names and that could be somebody's NHS number: too little to look for, enough to doubt another."""
    for local in numbers.local:
        if not local.authority and not local.kind:
            try:
                yield parse_nhs_number(local.value)
            except InvalidNhsNumber:
                continue


def _parameter(text: str, syntax: Syntax) -> Iterator[tuple[int, dict[_Part, str]]]:
    """One pair of QPD-3 as the parts of the PID field that it names; nothing for a field that is not looked at."""
    name, _, value = text.partition(syntax.component)
    named = _PARAMETER.fullmatch(name.strip())
    if named is None:
        return
    field, component, subcomponent = (int(named[group] or 0) for group in ("field", "component", "subcomponent"))
    if component > 1:
        yield field, _subcomponents(component, subcomponent, value, syntax)
    else:  # the whole field; and of PID.3.1 too, should a sender put all of it there
        yield field, _components(value, syntax)


def _components(value: str, syntax: Syntax) -> dict[_Part, str]:
    value = value.replace(f"{syntax.escape}S{syntax.escape}", syntax.component)
    if syntax.component not in value:
        value = value.replace(syntax.subcomponent, syntax.component)
    found: dict[_Part, str] = {}
    for component, text in enumerate(value.split(syntax.component), start=1):
        found |= _subcomponents(component, 0, text, syntax)
    return found


def _subcomponents(component: int, subcomponent: int, value: str, syntax: Syntax) -> dict[_Part, str]:
    value = value.replace(f"{syntax.escape}T{syntax.escape}", syntax.subcomponent)
    texts = value.split(syntax.subcomponent)
    return {(component, at): text for at, text in enumerate(texts, start=subcomponent or 1) if text.strip()}


def _to_text(parts: dict[_Part, str], syntax: Syntax) -> str:
    """A field's repetition as it would stand in a segment."""
    last = max((component for component, _ in parts), default=0)
    components = []
    for component in range(1, last + 1):
        deepest = max((at for found, at in parts if found == component), default=0)
        components.append(syntax.subcomponent.join(parts.get((component, at), "") for at in range(1, deepest + 1)))
    return syntax.component.join(components)


def _pid(syntax: Syntax, identifier: str, name: str = "", born: str = "") -> Segment:
    return Segment(syntax.field.join(["PID", "", "", identifier, "", name, "", born]), syntax)


def _whole(text: str) -> str:
    """A name, unless it is only a pattern that names should fit."""
    return "" if _WILDCARD in text else text
