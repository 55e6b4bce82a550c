"""The header of a message as it goes back in its acknowledgement, from any bytes at all.

The listener reads it beside the message, because what cannot be read must be acknowledged too.
Source: HL7 v2.5.1 section 2.15.9 (MSH).
"""

import re
from dataclasses import dataclass

from hl7_listener.errors import Unreadable
from hl7_listener.escapes import STANDARD, Delimiters, read_delimiters
from hl7_listener.header_line import find_header_line

WIRE = "latin-1"
"""Header fields are kept one character per byte, so that they go back as they came whatever the character set is."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_FIELD = 250
_ACKNOWLEDGEMENTS = frozenset({"ACK", "MCF"})


@dataclass(frozen=True, slots=True)
class Header:
    """Fields as sent, escapes and all, without control characters; empty where missing. No MSH gives the defaults.

    Of a batch or a file (BHS, FHS) it has the delimiters, the parties, and BHS-11 or FHS-11 as the control ID.
    """

    delimiters: Delimiters = STANDARD
    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    message_type: str = ""
    event: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    accept_condition: str = ""
    application_condition: str = ""
    character_set: str = ""

    @property
    def is_acknowledgement(self) -> bool:
        """Whether this is somebody's acknowledgement: it is never acknowledged, or two systems would thank each other."""
        return self.message_type in _ACKNOWLEDGEMENTS

    @property
    def facility(self) -> str:
        """MSH-4 as a code: its namespace, or its universal id where that is all there is."""
        parts = self.sending_facility.split(self.delimiters.component)
        return next((part.strip() for part in parts[:2] if part.strip()), "")


def read_header(raw: bytes) -> Header:
    """What can be told of a message's header. Never raises."""
    found = find_header_line(raw.replace(b"\0", b""))
    line = _Line(found[0] if found else b"")
    message_type, event, *_ = (*line.field(9).split(line.delimiters.component), "")
    return Header(
        delimiters=line.delimiters,
        sending_application=line.field(3),
        sending_facility=line.field(4),
        receiving_application=line.field(5),
        receiving_facility=line.field(6),
        message_type=message_type.strip().upper(),
        event=event,
        control_id=line.field(10),
        processing_id=line.field(11),
        version=line.field(12),
        accept_condition=line.field(15),
        application_condition=line.field(16),
        character_set=line.field(18),
    )


def read_batch_header(segment: bytes) -> Header:
    """What can be told of a BHS or FHS segment. Never raises. Source: HL7 v2.5.1 sections 2.15.2 and 2.15.6."""
    line = _Line(segment.replace(b"\0", b""))
    return Header(
        delimiters=line.delimiters,
        sending_application=line.field(3),
        sending_facility=line.field(4),
        receiving_application=line.field(5),
        receiving_facility=line.field(6),
        control_id=line.field(11),
    )


def _delimiters(text: str) -> Delimiters:
    """As the segment declares them; where only its encoding characters are none, its field separator and the standard's others."""
    try:
        return read_delimiters(text)
    except Unreadable:
        return read_delimiters(text[:4] + text[3:4])


class _Line:
    """A header segment's fields by the standard's numbers; none where the field separator cannot be read."""

    def __init__(self, segment: bytes) -> None:
        text = segment.decode(WIRE)
        try:
            self.delimiters = _delimiters(text)
        except Unreadable:
            self.delimiters, text = STANDARD, ""
        fields = text.split(self.delimiters.field, 19)
        if len(text) > _LONGEST_FIELD or _UNSAFE.search(text):
            fields = [_UNSAFE.sub("", field)[:_LONGEST_FIELD] for field in fields]
        self._fields = fields

    def field(self, number: int) -> str:
        return self._fields[number - 1] if number <= len(self._fields) else ""
