"""A message for a person's eyes: segments and numbered fields, from any bytes at all.

The quarantine's page and the commands show them; nothing is decided by it.
Source: HL7 v2.5.1 section 2.5 (message framework).
"""

import re

from domain.replaying import SegmentText
from hl7_listener.charsets import decode
from hl7_listener.errors import Unreadable
from hl7_listener.escapes import STANDARD, read_delimiters

_HEADERS = frozenset({"MSH", "BHS", "FHS"})
_LINE_ENDS = re.compile(r"[\r\n]+")
_NOT_SHOWN = "�"


def read_segments(raw: bytes, site_default: str = "") -> tuple[SegmentText, ...]:
    """Every line as a segment, fields as they were sent; a line without a field separator is a name alone. Never raises.

    What cannot be printed is shown as U+FFFD: a message is never let loose on a terminal.
    """
    text = decode(raw, site_default)[0].strip()
    separator = _separator(text)
    return tuple(_segment(line, separator) for line in _LINE_ENDS.split(text) if line)


def _separator(text: str) -> str:
    if text[:3] not in _HEADERS:
        return STANDARD.field
    try:
        return read_delimiters(text).field
    except Unreadable:
        return STANDARD.field


def _segment(line: str, separator: str) -> SegmentText:
    name, *fields = ("".join(each if each.isprintable() else _NOT_SHOWN for each in line)).split(separator)
    first = 2 if name in _HEADERS else 1
    return SegmentText(name, tuple((number, value) for number, value in enumerate(fields, first) if value))
