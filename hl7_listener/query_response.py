"""Responses to queries: RSP with the answer's rows, or with the reason why there is none. Pure.

`query_door` renders one after the desk's commit. "None known" (AA, NF) and "could not check" (AE) share no code and no sentence.
Sources: HL7 v2.5.1 sections 3.3.56, 3.3.57, 5.5.2 (QAK, table 0208), 7.4.2 (OBX), 2.15.10 (NTE); docs/hl7-profile.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from unicodedata import normalize

from domain.answer import Answer, CouldNotCheck, CouldNotCheckReason, Flagged, NoneKnown, ShownFlag
from domain.flag import DISPLAY, SNOMED, Standing
from domain.nhs_number import NhsNumber
from hl7_listener.accept_modes import AckCode
from hl7_listener.acknowledgement import AckError, render_ack
from hl7_listener.charsets import codec
from hl7_listener.errors import ErrorCode
from hl7_listener.escapes import escape
from hl7_listener.header import WIRE, Header, read_header
from hl7_listener.message import Message
from hl7_listener.query import NUMBER_PLACE
from hl7_listener.times import format_time
from safeguarding.contacts import Contact

NO_ANSWER = "There is no answer. This does not mean that no plan is known."
NONE_KNOWN = "No plan is known."
SENSITIVE = "Sensitive: who is responsible and since when are withheld."
ENDED_FOR_AGE = "Ended for age: the 18th birthday has passed."

_STRUCTURE = "RSP_K21"
"""MSH-9.3 of both: IHE PDQ says so, and HL7 v2.5 knows no RSP_K22."""

_UNSPECIFIED_NAME = ("", "", "", "", "", "", "U")
_CODES = {
    CouldNotCheckReason.NO_NUMBER: ErrorCode.REQUIRED_FIELD,
    CouldNotCheckReason.INVALID_NUMBER: ErrorCode.DATA_TYPE,
}
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
class Team:
    """The social care team behind a flag, with both its phones."""

    code: str
    name: str
    office_phone: str
    emergency_phone: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a response needs beside the answer: who is behind each authority's code, whom to ring now, and whom instead."""

    teams: Mapping[str, Team]
    contacts: Sequence[Contact]
    ring_instead: str


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


def render_answer(
    reference: Reference, number: NhsNumber | None, answer: Answer, around: Surroundings, control_id: str, at: datetime
) -> bytes:
    """The response to a query that the desk has answered; `number` is the one that was asked for."""
    segments = _Segments(reference.header)
    ring = [Note(NoteKind.RING, _line(contact)) for contact in around.contacts]
    if isinstance(answer, CouldNotCheck):
        error = AckError(code_of(answer.reason), answer.reason.words, NUMBER_PLACE)
        return render_refusal(reference, AckCode.ERROR, error, control_id, at, ring)
    cautions = [Note(NoteKind.CAUTION, caution.words) for caution in answer.cautions]
    coverage = [Note(NoteKind.COVERAGE, sentence) for sentence in answer.coverage.sentences]
    if isinstance(answer, NoneKnown):
        begin = segments.begin(reference, AckCode.ACCEPT, QueryStatus.NONE_FOUND, 0, control_id, at)
        return _encoded([*begin, *segments.notes([Note(NoteKind.ANSWER, NONE_KNOWN), *cautions, *coverage, *ring])])
    known = "Known to social care." if answer.is_current else "Known to social care: plan ended."
    return _encoded([
        *segments.begin(reference, AckCode.ACCEPT, QueryStatus.FOUND, 1, control_id, at),
        segments.join("PID", "1", "", segments.parts(number or "", "", "", "NHS", "NH"), "", segments.parts(*_UNSPECIFIED_NAME)),
        *segments.notes([Note(NoteKind.ANSWER, known), *cautions, *coverage, *ring]),
        *_rows(segments, answer, around),
    ])  # fmt: skip


def code_of(reason: CouldNotCheckReason) -> ErrorCode:
    """What ERR says of a query without a usable number."""
    return _CODES.get(reason, ErrorCode.UNKNOWN_KEY)


def render_refusal(
    reference: Reference, code: AckCode, error: AckError, control_id: str, at: datetime, notes: Sequence[Note] = ()
) -> bytes:
    """The response to a query that has no answer: AE where the asker must mend something, AR for our own trouble."""
    segments = _Segments(reference.header)
    status = QueryStatus.REJECTED if code == AckCode.REJECT else QueryStatus.ERROR
    begin = segments.begin(reference, code, status, None, control_id, at, error)
    why = [Note(NoteKind.ANSWER, error.reason), Note(NoteKind.ANSWER, NO_ANSWER)]
    return _encoded([*begin, *segments.notes([*why, *notes])])


def _rows(segments: "_Segments", answer: Flagged, around: Surroundings) -> Iterator[str]:
    for number, shown in enumerate(answer.flags, start=1):
        yield _observation(segments, number, shown)
        yield from segments.notes(_notes_of(shown, around))


def _observation(segments: "_Segments", number: int, shown: ShownFlag) -> str:
    """One flag. A sensitive one keeps its kind and whether it is open, and nothing else."""
    flag = shown.flag
    status = "open" if shown.standing is Standing.OPEN else "ended"
    last = flag.end_date if shown.standing is Standing.OPEN else flag.last_open_day()
    days = () if flag.sensitive else (f"{flag.start_date:%Y%m%d}", f"{last:%Y%m%d}" if last else "")
    return segments.join(
        "OBX", str(number), "ST", segments.parts(SNOMED[flag.kind], DISPLAY[flag.kind], "SCT"), str(number),
        segments.repetitions(status, *days), "", "", "", "", "", "F", "", "R" if flag.sensitive else "",
        "" if flag.sensitive else format_time(flag.last_confirmed_at),
    )  # fmt: skip


def _notes_of(shown: ShownFlag, around: Surroundings) -> Iterator[Note]:
    if shown.flag.sensitive:
        yield Note(NoteKind.WITHHELD, SENSITIVE)
        yield Note(NoteKind.RING, around.ring_instead)
        return
    team = around.teams[shown.flag.authority_code]
    phones = f"office team {team.office_phone}, emergency duty team {team.emergency_phone}"
    yield Note(NoteKind.AUTHORITY, f"Responsible: {team.code} - {team.name}: {phones}.")
    if shown.ended_for_age:
        yield Note(NoteKind.ANSWER, ENDED_FOR_AGE)


def _line(contact: Contact) -> str:
    return f"Ring {contact.who}: {contact.phone} ({contact.why})."


class _Segments:
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
            yield self.join("NTE", str(number), "O", self._text(note.text), self.parts(note.kind, note.kind.capitalize(), "L"))

    def _text(self, text: str) -> str:
        if self._codec == "ascii":
            text = normalize("NFKD", text).encode("ascii", "ignore").decode()
        return escape(text.encode(self._codec, "replace").decode(WIRE), self._delimiters)


def _encoded(segments: Iterable[str]) -> bytes:
    return "".join(f"{segment}\r" for segment in segments).encode(WIRE, "replace")
