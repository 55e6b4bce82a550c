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


@dataclass(frozen=True, slots=True)
class Header:
    """Fields as sent, escapes and all, without control characters; empty where missing. No MSH gives the defaults."""

    delimiters: Delimiters = STANDARD
    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    event: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    character_set: str = ""


def read_header(raw: bytes) -> Header:
    """What can be told of a message's header. Never raises."""
    found = find_header_line(raw.replace(b"\0", b""))
    text = found[0].decode(WIRE) if found else ""
    try:
        delimiters = read_delimiters(text)
    except Unreadable:
        return Header()
    fields = text.split(delimiters.field, 19)

    def field(number: int) -> str:
        return _UNSAFE.sub("", fields[number - 1])[:_LONGEST_FIELD] if number <= len(fields) else ""

    return Header(
        delimiters=delimiters,
        sending_application=field(3),
        sending_facility=field(4),
        receiving_application=field(5),
        receiving_facility=field(6),
        event="".join(field(9).split(delimiters.component)[1:2]),
        control_id=field(10),
        processing_id=field(11),
        version=field(12),
        character_set=field(18),
    )
