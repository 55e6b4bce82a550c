"""Responses to queries: RSP with the answer's rows, or with the reason why there is none. Pure.

`query_door` renders one after the desk's commit. "None known" (AA, NF) and "could not check" (AE) share no code and no sentence.
Sources: HL7 v2.5.1 sections 3.3.56, 3.3.57 and 7.4.2 (OBX); docs/hl7-profile.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.answer import Answer, CouldNotCheck, CouldNotCheckReason, Flagged, NoneKnown, ShownFlag
from domain.flag import DISPLAY, SNOMED, Standing
from domain.nhs_number import NhsNumber
from hl7_listener.accept_modes import AckCode
from hl7_listener.acknowledgement import AckError
from hl7_listener.errors import ErrorCode
from hl7_listener.query import NUMBER_PLACE
from hl7_listener.query_segments import Note, NoteKind, QueryStatus, Reference, Segments, encoded
from hl7_listener.times import format_time
from safeguarding.contacts import Contact
from safeguarding.plan_words import match_words, missing_words

NO_ANSWER = "There is no answer. This does not mean that no plan is known."
NONE_KNOWN = "No plan is known."
SENSITIVE = "Sensitive: who is responsible and since when are withheld."
ENDED_FOR_AGE = "Ended for age: the 18th birthday has passed."

_UNSPECIFIED_NAME = ("", "", "", "", "", "", "U")
_CODES = {
    CouldNotCheckReason.NO_NUMBER: ErrorCode.REQUIRED_FIELD,
    CouldNotCheckReason.INVALID_NUMBER: ErrorCode.DATA_TYPE,
}


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


def render_answer(
    reference: Reference, number: NhsNumber | None, answer: Answer, around: Surroundings, control_id: str, at: datetime
) -> bytes:
    """The response to a query that the desk has answered; `number` is the one that was asked for."""
    segments = Segments(reference.header)
    ring = [Note(NoteKind.RING, _line(contact)) for contact in around.contacts]
    if isinstance(answer, CouldNotCheck):
        error = AckError(code_of(answer.reason), answer.reason.words, NUMBER_PLACE)
        return render_refusal(reference, AckCode.ERROR, error, control_id, at, ring)
    cautions = [Note(NoteKind.CAUTION, caution.words) for caution in answer.cautions]
    coverage = [Note(NoteKind.COVERAGE, sentence) for sentence in answer.coverage.sentences]
    if isinstance(answer, NoneKnown):
        begin = segments.begin(reference, AckCode.ACCEPT, QueryStatus.NONE_FOUND, 0, control_id, at)
        return encoded([*begin, *segments.notes([Note(NoteKind.ANSWER, NONE_KNOWN), *cautions, *coverage, *ring])])
    known = "Known to social care." if answer.is_current else "Known to social care: plan ended."
    return encoded([
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
    segments = Segments(reference.header)
    status = QueryStatus.REJECTED if code == AckCode.REJECT else QueryStatus.ERROR
    begin = segments.begin(reference, code, status, None, control_id, at, error)
    why = [Note(NoteKind.ANSWER, error.reason), Note(NoteKind.ANSWER, NO_ANSWER)]
    return encoded([*begin, *segments.notes([*why, *notes])])


def _rows(segments: Segments, answer: Flagged, around: Surroundings) -> Iterator[str]:
    for number, shown in enumerate(answer.flags, start=1):
        yield _observation(segments, number, shown)
        yield from segments.notes(_notes_of(shown, around))


def _observation(segments: Segments, number: int, shown: ShownFlag) -> str:
    """One flag. A sensitive one keeps its kind and whether it is open, and nothing else."""
    flag = shown.flag
    status = "open" if shown.standing is Standing.OPEN else "ended"
    last = flag.end_date if shown.standing is Standing.OPEN else flag.last_open_day()
    days = () if flag.sensitive else (f"{flag.start_date:%Y%m%d}", f"{last:%Y%m%d}" if last else "")
    return segments.join(
        "OBX", str(number), "ST", segments.parts(SNOMED[flag.kind], DISPLAY[flag.kind], "SCT"), str(number),
        segments.repetitions(status, *days), "", "", "", "", "", "F", "", "R" if flag.sensitive else "",
        "" if flag.sensitive else segments.parts(format_time(flag.last_confirmed_at)),
    )  # fmt: skip


def _notes_of(shown: ShownFlag, around: Surroundings) -> Iterator[Note]:
    if shown.flag.sensitive:
        yield Note(NoteKind.WITHHELD, SENSITIVE)
        yield Note(NoteKind.RING, around.ring_instead)
        yield from _match(shown)
        yield from _missing(shown)
        return
    team = around.teams[shown.flag.authority_code]
    phones = f"office team {team.office_phone}, emergency duty team {team.emergency_phone}"
    yield Note(NoteKind.AUTHORITY, f"Responsible: {team.code} - {team.name}: {phones}.")
    if shown.ended_for_age:
        yield Note(NoteKind.ANSWER, ENDED_FOR_AGE)
    yield from _match(shown)
    yield from _missing(shown, team.name)


def _match(shown: ShownFlag) -> Iterator[Note]:
    if words := match_words(shown.flag):
        yield Note(NoteKind.CAUTION if shown.flag.match.is_doubtful else NoteKind.ANSWER, words)


def _missing(shown: ShownFlag, authority_name: str = "") -> Iterator[Note]:
    if shown.flag.is_missing:
        yield Note(NoteKind.CAUTION, missing_words(shown.flag, authority_name))


def _line(contact: Contact) -> str:
    return f"Ring {contact.who}: {contact.phone} ({contact.why})."
