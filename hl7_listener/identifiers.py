"""Numbers of people in a message: the NHS number wherever a hospital put it, and the hospital's own numbers.

The mapping builds a domain Identity from it. Two different NHS numbers for one patient are never chosen between.
Sources: HL7 v2.5.1 sections 2.A.14 (CX), 3.4.2 (PID), 3.4.5 (NK1), 3.4.9 (MRG), tables 0203, 0363, 0445; ITK HL7 v2.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.answer import CouldNotCheckReason
from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from hl7_listener.message import Message, Repetition, Segment

NHS_AUTHORITIES = frozenset({"NHS", "NHSNUMBER", "NHSNO", "NHSNBR", "2.16.840.1.113883.2.1.4.1"})
"""Assigning authorities (CX.4) that mean the NHS number, in capitals and without blanks."""

NHS_TYPES = frozenset({"NH", "NHS", "NNGBR"})
"""Identifier types (CX.5, table 0203 and its local use in England) that mean the NHS number."""

NATIONAL_TYPE = "NI"
"""Some nation's identifier (table 0203): the NHS number unless an authority says that it is, say, a CHI number."""

_SAID_OF_NHS = NHS_TYPES | {NATIONAL_TYPE, ""}

NUMBER_STATUS = {
    "01": "number present and verified",
    "02": "number present but not traced",
    "03": "trace required",
    "04": "trace attempted, no match or several",
    "05": "trace needs to be resolved",
    "06": "trace in progress",
    "07": "number not present, trace not required",
    "08": "trace postponed, baby under six weeks old",
}
"""HL7 table 0445 as used in England: the code without ITK's prefix NSTS."""

MOTHER = frozenset({"MTH", "MOTHER", "BIRTH MOTHER", "NATURAL MOTHER"})
"""NK1-3 (table 0063) that mean the mother: code or text, in capitals."""

_BLANKS = re.compile(r"[\s-]")
_FILLERS = str.maketrans("", "", " _-")
_BEFORE_2_4 = re.compile(r"2\.[1-3](\.\d+)?|")


@dataclass(frozen=True, slots=True)
class AssignedNumber:
    """A number that somebody other than the NHS gave. `authority` is CX.4 and `kind` CX.5, each possibly empty."""

    value: str
    authority: str
    kind: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers that a message gives for one person. Either `nhs_number` or `no_number` is set, never both."""

    nhs_number: NhsNumber | None
    no_number: CouldNotCheckReason | None
    local: tuple[AssignedNumber, ...] = ()


@dataclass(frozen=True, slots=True)
class Merge:
    """One line of an A40: what `prior` identified is from now on identified by `surviving`."""

    surviving: Numbers
    prior: Numbers


def patient_numbers(pid: Segment, version: str = "") -> Numbers:
    """The patient's numbers, from every repetition of PID-3 and from PID-2.

    In feeds before 2.4 PID-2 is the external number and says nothing of its kind: there a valid NHS number is taken for
    one where PID-3 gives none.
    """
    numbers = _numbers((*pid.repetitions(3), *pid.repetitions(2)))
    external = _parse(pid.component(2, 1)) if _BEFORE_2_4.fullmatch(version) else None
    if external is None or numbers.nhs_number or numbers.no_number is CouldNotCheckReason.AMBIGUOUS_NUMBER:
        return numbers
    return Numbers(external, None, tuple(number for number in numbers.local if _parse(number.value) != external))


def prior_numbers(mrg: Segment) -> Numbers:
    """The numbers that a merge retires: MRG-1, and MRG-4 of older feeds."""
    return _numbers((*mrg.repetitions(1), *mrg.repetitions(4)))


def merges(message: Message) -> Iterator[Merge]:
    """Each PID of the message with the MRG that follows it; an A40 may hold several pairs."""
    pid: Segment | None = None
    for segment in message:
        if segment.name == "PID":
            pid = segment
        elif segment.name == "MRG" and pid is not None:
            yield Merge(patient_numbers(pid, message.version), prior_numbers(segment))


def mother_numbers(message: Message) -> Numbers:
    """The mother's numbers: PID-21, and NK1-33 of a next of kin who is the mother."""
    pid = message.segment("PID")
    identifiers = [] if pid is None else pid.repetitions(21)
    for next_of_kin in message.segments("NK1"):
        if {next_of_kin.component(3, 1).upper(), next_of_kin.component(3, 2).upper()} & MOTHER:
            identifiers += next_of_kin.repetitions(33)
    return _numbers(identifiers)


def number_status(pid: Segment) -> str:
    """PID-32 as a key of NUMBER_STATUS, or nothing where it is missing or no such code."""
    for repetition in pid.repetitions(32):
        code = repetition.component(1).upper().removeprefix("NSTS")
        if code in NUMBER_STATUS:
            return code
    return ""


def _numbers(identifiers: Iterable[Repetition]) -> Numbers:
    found: set[NhsNumber] = set()
    local: dict[AssignedNumber, None] = {}
    invalid = False
    for identifier in identifiers:
        value = identifier.component(1)
        if not value:
            continue
        is_nhs, is_other = _claims(identifier)
        number = _parse(value) if is_nhs else None
        if number is not None:
            found.add(number)
        elif is_nhs and not is_other:
            invalid = True
        else:
            local[AssignedNumber(value, _authority(identifier), identifier.component(5).upper())] = None
    if len(found) == 1:
        return Numbers(found.pop(), None, tuple(local))
    if found:
        return Numbers(None, CouldNotCheckReason.AMBIGUOUS_NUMBER, tuple(local))
    reason = CouldNotCheckReason.INVALID_NUMBER if invalid else CouldNotCheckReason.NO_NUMBER
    return Numbers(None, reason, tuple(local))


def _claims(identifier: Repetition) -> tuple[bool, bool]:
    """Whether authority or type say that it is an NHS number, and whether one of them says that it is another."""
    authorities = (_plain(identifier.component(4, 1)), _plain(identifier.component(4, 2)))
    kind = identifier.component(5).upper()
    has_authority, of_nhs = any(authorities), not NHS_AUTHORITIES.isdisjoint(authorities)
    is_nhs = of_nhs or kind in NHS_TYPES or (not has_authority and kind == NATIONAL_TYPE)
    is_other = (has_authority and not of_nhs) or kind not in _SAID_OF_NHS
    return is_nhs, is_other


def _authority(identifier: Repetition) -> str:
    return identifier.component(4, 1) or identifier.component(4, 2)


def _parse(text: str) -> NhsNumber | None:
    try:
        return parse_nhs_number(_BLANKS.sub("", text))
    except InvalidNhsNumber:
        return None


def _plain(authority: str) -> str:
    return authority.upper().translate(_FILLERS)
