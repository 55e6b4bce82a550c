"""A second, naive reading of a message's bytes, which shares no code with the reader: what anybody can see is in it.

`promises` holds against it what the listener made of the same bytes. Where a reading is a matter of opinion it says nothing.
"""

import re
from dataclasses import dataclass

_PUNCTUATION = re.compile(rb"[!-/:-@[-`{-~]{1,7}")
_BLANKS = b" \t\r\n\x85\xa0"
"""Of 8859/1, as which headers are echoed."""
_ARRIVAL = re.compile(rb"MSH\|\^~\\&\|[^|]*\|R0A0[12]\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|ADT\^A0[14](\^[A-Z0-9_]*)?\|[^|\s]")
_WEIGHTS = range(10, 0, -1)
_NAMED = {("NHS", "NH"), ("NHS", ""), ("", "NH"), ("", "NI")}
"""Assigning authority and type that docs/hl7.md promises to take for an NHS number."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is plain to see in one message.

    `digits` are all of the message's, with nothing between them; `has_hex` says that more can be in its escapes. `in_pid` are the
    numbers in PID-2 and PID-3 of its PIDs, and `only_number` is the one there is where it stands alone and is named as an NHS
    number; None where that is not plain.
    """

    has_delimiters: bool
    control_id: bytes
    is_enhanced: bool
    message_type: bytes
    is_query: bool
    has_pid: bool
    digits: bytes
    has_hex: bool
    in_pid: frozenset[str] | None
    only_number: str | None
    plainly_arrives: bool
    """An A01 or A04 of a site of the seam, in its usual shape, about the one who has `only_number`: nothing excuses not asking."""


def look(raw: bytes) -> Sight:
    """What is plain to see in the bytes of one message. Never raises."""
    raw = raw.replace(b"\0", b"")
    start = re.search(rb"MSH[^\w\s]", raw)
    header = re.split(rb"[\r\n]", raw[start.start() :], maxsplit=1)[0] if start else b""
    fields = [*header.split(header[3:4] or b"|"), *[b""] * 19]
    lines = [line for line in re.split(rb"[\r\n]+", raw) if line]
    pids = [line for line in lines if line[:3] == b"PID" and line[3:4] in {header[3:4], b""}]
    is_plain = (
        header.startswith(rb"MSH|^~\&|")
        and raw.isascii()
        and b"\\" not in raw.replace(header, b"")
        and all(re.match(rb"(?=[0-9]*[A-Z])[A-Z0-9]{3}(\||\Z)", line) for line in lines)
    )
    has_delimiters = _PUNCTUATION.fullmatch(header[3:4] + fields[1]) is not None
    component = header[4:5] if has_delimiters and header[4:5] else b"^"
    message_type = re.sub(rb"[\x00-\x1f\x7f]", b"", fields[8]).split(component)[0].strip(_BLANKS).upper()
    only_number = _only_number(pids[0]) if is_plain and len(pids) == 1 else None
    begins = [line for line in lines if line[:3] == b"MSH"]
    return Sight(
        has_delimiters,
        fields[9],
        any(field.strip() not in {b"", b'""'} for field in fields[14:16]),
        message_type,
        message_type.startswith(b"QBP"),
        bool(pids),
        re.sub(rb"[^0-9]", b"", raw),
        b"\\X" in raw or (header[6:7] + b"X") in raw,
        frozenset().union(*map(_numbers, pids)) if is_plain else None,
        only_number,
        only_number is not None and lines[:1] == begins and bool(_ARRIVAL.match(header)),
    )


def _numbers(pid: bytes) -> frozenset[str]:
    fields = [*pid.split(b"|"), b"", b"", b"", b""]
    parts = re.split(rb"[~^&]", fields[2] + b"~" + fields[3])
    return frozenset(re.sub(rb"[\s-]", b"", part).decode() for part in parts if len(part) >= 10)


def _only_number(pid: bytes) -> str | None:
    fields = [*pid.split(b"|"), b"", b"", b"", b""]
    if fields[2].strip() or b"~" in fields[3] or b"&" in fields[3]:
        return None
    parts = [part.strip().decode() for part in fields[3].split(b"^")] + [""] * 5
    digits = re.sub(r"[ -]", "", parts[0])
    is_number = re.fullmatch(r"[0-9]{10}", digits) and sum(w * int(d) for w, d in zip(_WEIGHTS, digits, strict=True)) % 11 == 0
    return digits if is_number and (parts[3], parts[4]) in _NAMED else None
