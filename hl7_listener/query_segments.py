"""The segments of a response to a query, in the asker's own version, delimiters and character set. Pure.

`query_response` says what stands in them. Header and error are those of an acknowledgement of the query.
Sources: HL7 v2.5.1 sections 5.5.2 (QAK, table 0208), 2.15.10 (NTE), 2.7 (escapes); docs/hl7-profile.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from unicodedata import normalize

from hl7_listener.accept_modes import AckCode
from hl7_listener.acknowledgement import AckError, render_ack
from hl7_listener.charsets import codec
from hl7_listener.escapes import Delimiters, escape
from hl7_listener.header import WIRE, Header, read_header
from hl7_listener.message import Message

_STRUCTURE = "RSP_K21"
"""MSH-9.3 of both: IHE PDQ says so, and HL7 v2.5 knows no RSP_K22."""

_CONTROLS = dict.fromkeys((*range(32), 127))


class QueryStatus(StrEnum):
    """HL7 table 0208: QAK-2."""

    FOUND = "OK"
    NONE_FOUND = "NF"
    ERROR = "AE"
    REJECTED = "AR"


class NoteKind(StrEnum):
    """What a note is about: NTE-4, a table of this profile."""

    ANSWER = "answer"
    CAUTION = "caution"
    COVERAGE = "coverage"
    RING = "ring"
    AUTHORITY = "authority"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence for a person."""

    kind: NoteKind
    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What of a query goes back in its response, one character per byte, as it came."""

    header: Header
    name: str = ""
    tag: str = ""
    parameters: str = ""


def refer_to(message: Message) -> Reference:
    """The reference to a query that may be wrong in any way. Never raises."""
    header = read_header(message.raw)
    qpd = message.segment("QPD")
    if qpd is None:
        return Reference(header)
    name, tag, text = (
        each.encode(message.syntax.encoding, "replace").decode(WIRE).translate(_CONTROLS)
        for each in (qpd.raw(1), qpd.raw(2), qpd.text)
    )
    return Reference(header, name, tag, text)


class Segments:
    """Segments in the asker's delimiters and character set, one character per byte."""

    def __init__(self, header: Header) -> None:
        self._delimiters = header.delimiters
        first = header.character_set.partition(header.delimiters.repetition)[0]
        self._codec = codec(first) or "ascii"
        self._header = header

    def begin(
        self,
        reference: Reference,
        code: AckCode,
        status: QueryStatus,
        hits: int | None,
        control_id: str,
        at: datetime,
        error: AckError | None = None,
    ) -> Iterator[str]:
        """MSH, MSA and ERR as in an acknowledgement of the query, then QAK and the query itself."""
        header, *acknowledged = render_ack(reference.header, code, control_id, at, error).decode(WIRE).split("\r")[:-1]
        fields = header.split(self._delimiters.field)
        event = f"K{reference.header.event[1:]}" if reference.header.event[:1] in {"Q", "q"} else reference.header.event
        fields[8] = self._delimiters.component.join(("RSP", event, _STRUCTURE))
        yield self._delimiters.field.join(fields)
        yield from acknowledged
        counted = () if hits is None else (str(hits), str(hits), "0")
        yield self.join("QAK", reference.tag, status, reference.name, *counted)
        if reference.parameters:
            yield reference.parameters

    def join(self, *fields: str) -> str:
        """A segment of fields that are ready."""
        return self._delimiters.field.join(fields).rstrip(self._delimiters.field)

    def parts(self, *texts: str) -> str:
        """One repetition, of components."""
        return self._delimiters.component.join(map(self._text, texts)).rstrip(self._delimiters.component)

    def repetitions(self, *texts: str) -> str:
        """A field, of repetitions."""
        return self._delimiters.repetition.join(map(self._text, texts)).rstrip(self._delimiters.repetition)

    def notes(self, notes: Iterable[Note]) -> Iterator[str]:
        """An NTE for each note."""
        for number, note in enumerate(notes, start=1):
            yield self.join("NTE", str(number), "O", *_note(note, self._codec, self._delimiters))

    def _text(self, text: str) -> str:
        return _to_wire(text, self._codec, self._delimiters)


@lru_cache(maxsize=1024)
def _note(note: Note, encoding: str, delimiters: Delimiters) -> tuple[str, str]:
    """NTE-3 and NTE-4. Remembered, because the same sentences stand in every response; no patient is in any of them."""
    kind = delimiters.component.join((note.kind, note.kind.capitalize(), "L"))
    return _to_wire(note.text, encoding, delimiters), kind


def _to_wire(text: str, encoding: str, delimiters: Delimiters) -> str:
    if encoding == "ascii":
        text = normalize("NFKD", text).encode("ascii", "ignore").decode()
    return escape(text.encode(encoding, "replace").decode(WIRE), delimiters)


def encoded(segments: Iterable[str]) -> bytes:
    """The response as the content of one frame."""
    return "".join(f"{segment}\r" for segment in segments).encode(WIRE, "replace")
