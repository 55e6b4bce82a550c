"""Batches and files of messages in one frame: taken apart without losing a byte of a message, and answered with one response.

The answerer calls `read_batches` with each frame, takes the messages one by one, and renders their acknowledgements into a
response of the same shape. Source: HL7 v2.5.1 sections 2.10.3 (batch protocol), 2.15.2 to 2.15.7 (BHS, BTS, FHS, FTS).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hl7_listener.escapes import escape
from hl7_listener.header import WIRE, Header, read_batch_header
from hl7_listener.times import format_time

_BEGINS = re.compile(rb"[\s\0]*(?:\xef\xbb\xbf)?(?=[FB]HS([^\w\s]))")
_LINE_END = re.compile(rb"[\r\n]")
_BLANK = b" \t\r\n\0"
_LONGEST_COUNT = 9


@dataclass(slots=True)
class Batch:
    """Messages between a BHS and a BTS, each as it was sent; header and trailer are empty where they are missing.

    What stands outside every message is kept among them, so that somebody is told of it.
    """

    header: bytes = b""
    messages: list[bytes] = field(default_factory=list)
    trailer: bytes = b""


@dataclass(slots=True)
class BatchFile:
    """What one frame holds. Header and trailer (FHS, FTS) are empty where the frame begins with BHS."""

    header: bytes = b""
    batches: list[Batch] = field(default_factory=list)
    trailer: bytes = b""

    @property
    def complaints(self) -> list[str]:
        """What its counts say against what came, batch by batch and of the whole, in sentences without content."""
        return [complaint for batch in self.batches if (complaint := _batch_complaint(batch))] + self._file_complaints

    @property
    def _file_complaints(self) -> list[str]:
        complaint = _disagreement("FTS-1", self.trailer, len(self.batches), is_awaited=bool(self.header))
        return [complaint] if complaint else []

    def response(self, acks: Sequence[Sequence[bytes]], new_control_id: Callable[[], str], at: datetime) -> bytes:
        """The content of one frame: the acknowledgements of each batch in a batch of their own, in the same order."""
        whole = replace(read_batch_header(self.header or self.batches[0].header), control_id="")
        parts = [
            _answered(batch, whole, _batch_complaint(batch), held, new_control_id, at)
            for batch, held in zip(self.batches, acks, strict=True)
        ]
        if self.header:
            reference = read_batch_header(self.header)
            trailer = _trailer(reference, "FTS", len(self.batches), " ".join(self._file_complaints))
            parts = [_header(reference, "FHS", new_control_id(), at), *parts, trailer]
        return b"".join(parts)


def read_batches(raw: bytes) -> BatchFile | None:
    """The batches of a frame, or None where it begins with neither FHS nor BHS. Never raises; every byte of a message is kept."""
    begins = _BEGINS.match(raw)
    if begins is None:
        return None
    file, current = BatchFile(), None
    for name, piece in _pieces(raw[begins.end() :], begins[1]):
        if name == b"FHS":
            file.header, current = file.header or piece, None
        elif name == b"FTS":
            file.trailer, current = piece, None
        elif name == b"BHS" or current is None:
            current = Batch()
            file.batches.append(current)
        if name == b"BHS" and current:
            current.header = piece
        elif name == b"BTS" and current:
            current.trailer, current = piece, None
        elif name == b"MSH" and current:
            current.messages.append(piece)
    return file


def _pieces(raw: bytes, separator: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Batch segments by name and line, and all between them as MSH and bytes, whatever it begins with."""
    mark = re.escape(separator)
    begins = re.compile(rb"(?<![^\r\n])(?:(?:FHS|BHS|BTS|FTS)(?=" + mark + rb"|[\r\n]|\Z)|MSH(?=[^\w\s]))")
    starts = [found.start() for found in begins.finditer(raw)]
    for start, until in zip(starts, [*starts[1:], len(raw)], strict=True):
        name, piece = raw[start : start + 3], raw[start:until]
        if name == b"MSH":
            yield name, piece
            continue
        line = _LINE_END.split(piece, 1)
        yield name, line[0]
        if line[1:] and line[1].strip(_BLANK):
            yield b"MSH", line[1].lstrip(_BLANK)


def _answered(
    batch: Batch, whole: Header, complaint: str, acks: Sequence[bytes], new_control_id: Callable[[], str], at: datetime
) -> bytes:
    """A batch without a header is answered by the header of the whole, and each in its delimiters: one response has one set."""
    if not (batch.header or batch.trailer):
        return b"".join(acks)
    reference = replace(read_batch_header(batch.header), delimiters=whole.delimiters) if batch.header else whole
    trailer = _trailer(reference, "BTS", len(acks), complaint)
    return b"".join([_header(reference, "BHS", new_control_id(), at), *acks, trailer])


def _batch_complaint(batch: Batch) -> str:
    return _disagreement("BTS-1", batch.trailer, len(batch.messages), is_awaited=bool(batch.header))


def _disagreement(place: str, trailer: bytes, came: int, *, is_awaited: bool) -> str:
    """A sentence where a trailer is missing or its count is another than what came; an empty count says nothing."""
    if not trailer:
        return f"{place[:3]} is missing, and {came} came." if is_awaited else ""
    count = trailer[4:].split(trailer[3:4], 1)[0].strip() if trailer[3:4] else b""
    if not count:
        return ""
    if not count.isdigit() or len(count) > _LONGEST_COUNT:
        return f"{place} is no number, and {came} came."
    return "" if int(count) == came else f"{place} says {int(count)}, and {came} came."


def _header(reference: Header, name: str, control_id: str, at: datetime) -> bytes:
    """BHS or FHS: the parties change places, field 11 is our own control ID, field 12 the sender's."""
    delimiters = reference.delimiters
    fields = (
        name,
        delimiters.encoding_characters,
        reference.receiving_application,
        reference.receiving_facility,
        reference.sending_application,
        reference.sending_facility,
        escape(format_time(at), delimiters),
        "",
        "",
        "",
        escape(control_id, delimiters),
        reference.control_id,
    )
    return _segment(reference, *fields)


def _trailer(reference: Header, name: str, count: int, comment: str) -> bytes:
    return _segment(reference, name, str(count), escape(comment, reference.delimiters))


def _segment(reference: Header, *fields: str) -> bytes:
    separator = reference.delimiters.field
    return (separator.join(fields).rstrip(separator) + "\r").encode(WIRE, "replace")
