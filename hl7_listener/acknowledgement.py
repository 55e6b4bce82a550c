"""Acknowledgements as bytes: in original and enhanced mode, with ERR as the sender's version has it.

The listener renders them inside the desk's transaction and sends them after the commit; they are kept with the control ID,
so that a repeat gets the same bytes.
Sources: HL7 v2.5.1 sections 2.9.2 and 2.9.3 (modes), 2.15.5 (ERR), 2.15.8 (MSA); v2.4 section 2.16.4 (ERR-1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hl7_listener.accept_modes import AckCode, Taking, decide_acknowledgements, is_enhanced
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.escapes import escape
from hl7_listener.header import WIRE, Header
from hl7_listener.times import format_time

DEFAULT_VERSION = "2.4"
DEFAULT_PROCESSING_ID = "P"
_BETWEEN_KEPT = b"\x1c"  # ends a frame, so that no acknowledgement holds it


class Severity(StrEnum):
    """HL7 table 0516."""

    ERROR = "E"
    WARNING = "W"
    INFORMATION = "I"


@dataclass(frozen=True, slots=True)
class AckError:
    """What the ERR segment says. `reason` is one sentence without anything about the patient.

    With severity INFORMATION it is no error: what the sender shall know, in an NTE segment before version 2.5.
    """

    code: ErrorCode
    reason: str
    location: Location | None = None
    severity: Severity = Severity.ERROR

    @classmethod
    def from_unreadable(cls, unreadable: Unreadable) -> "AckError":
        """The error of a message that could not be taken."""
        return cls(unreadable.code, unreadable.reason, unreadable.location)


def render_acks(
    header: Header, taking: Taking, new_control_id: Callable[[], str], at: datetime, error: AckError | None = None
) -> tuple[bytes, ...]:
    """All that goes back for the message with this header, each the content of one frame, in their order.

    None for an acknowledgement, and where the sender wants to hear nothing. An `error` of severity INFORMATION stands only
    in an application acknowledgement.
    """
    if header.is_acknowledgement:
        return ()
    codes = decide_acknowledgements(header.accept_condition, header.application_condition, taking)
    return tuple(render_ack(header, code, new_control_id(), at, None if code is AckCode.COMMIT_ACCEPT else error) for code in codes)


def to_kept(acknowledgements: tuple[bytes, ...]) -> bytes:
    """The acknowledgements of one message as they are kept with its control ID; a single one as it is."""
    return _BETWEEN_KEPT.join(acknowledgements)


def from_kept(kept: bytes) -> tuple[bytes, ...]:
    """What `to_kept` was given."""
    return tuple(kept.split(_BETWEEN_KEPT)) if kept else ()


def render_ack(header: Header, code: AckCode, ack_control_id: str, at: datetime, error: AckError | None = None) -> bytes:
    """One acknowledgement of the message with this header, as the content of one frame.

    `ack_control_id` is the acknowledgement's own MSH-10 (20 characters at most before version 2.7), `at` an aware time.
    """
    segments = [_msh(header, ack_control_id, at), _msa(header, code, error)]
    if error is not None:
        segments.append(_nte(header, error) if _is_note(header, error) else _err(header, error))
    return "".join(segment + "\r" for segment in segments).encode(WIRE, "replace")


def _msh(header: Header, ack_control_id: str, at: datetime) -> str:
    fields = [
        "MSH",
        header.delimiters.encoding_characters,
        header.receiving_application,
        header.receiving_facility,
        header.sending_application,
        header.sending_facility,
        escape(format_time(at), header.delimiters),
        "",
        _message_type(header),
        escape(ack_control_id, header.delimiters),
        header.processing_id or DEFAULT_PROCESSING_ID,
        header.version or DEFAULT_VERSION,
        "",
        "",
        *_conditions(header),
        "",
        header.character_set,
    ]
    return _segment(header, *fields)


def _conditions(header: Header) -> tuple[str, str]:
    """MSH-15 and MSH-16 of an acknowledgement: nobody shall acknowledge it."""
    return ("NE", "NE") if is_enhanced(header.accept_condition, header.application_condition) else ("", "")


def _message_type(header: Header) -> str:
    """MSH-9: the event joined in 2.3, the structure in 2.3.1."""
    version = _version(header)
    if not header.event or version < (2, 3):
        return "ACK"
    parts = ("ACK", header.event) if version < (2, 3, 1) else ("ACK", header.event, "ACK")
    return header.delimiters.component.join(parts)


def _msa(header: Header, code: AckCode, error: AckError | None) -> str:
    """MSA-3, the text, gave way to ERR in 2.5."""
    in_msa = error is not None and not _has_new_err(header) and not _is_note(header, error)
    text = escape(error.reason, header.delimiters) if error and in_msa else ""
    return _segment(header, "MSA", code, header.control_id, text)


def _err(header: Header, error: AckError) -> str:
    place = error.location
    position = [place.segment, str(place.sequence), str(place.field or "")] if place else ["", "", ""]
    coded = [str(error.code.value), escape(error.code.words, header.delimiters), "HL70357"]
    delimiters = header.delimiters
    if not _has_new_err(header):
        return _segment(header, "ERR", delimiters.component.join([*position, delimiters.subcomponent.join(coded)]))
    where = delimiters.component.join(position).rstrip(delimiters.component)
    what = delimiters.component.join(coded)
    return _segment(header, "ERR", "", where, what, error.severity, "", "", "", escape(error.reason, delimiters))


def _is_note(header: Header, error: AckError) -> bool:
    """Before 2.5 ERR has no severity, so that what is no error stands in a note."""
    return error.severity is Severity.INFORMATION and not _has_new_err(header)


def _nte(header: Header, error: AckError) -> str:
    return _segment(header, "NTE", "1", "", escape(error.reason, header.delimiters))


def _segment(header: Header, *fields: str) -> str:
    return header.delimiters.field.join(fields).rstrip(header.delimiters.field)


def _has_new_err(header: Header) -> bool:
    return _version(header) >= (2, 5)


def _version(header: Header) -> tuple[int, ...]:
    """MSH-12.1 as numbers; what is no version counts as 2.4, the version of English hospitals."""
    numbers = header.version.split(header.delimiters.component)[0].strip().split(".")
    if len(numbers) < 2 or not all(number.isdecimal() and number.isascii() for number in numbers):
        numbers = DEFAULT_VERSION.split(".")
    return tuple(map(int, numbers))
