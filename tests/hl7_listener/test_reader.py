"""Messages are read as hospitals write them; what cannot be read says so, and is never an empty message."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from hl7_listener.charsets import CHARACTER_SETS, codec, decode
from hl7_listener.errors import ERROR_WORDS, ErrorCode, Location, Unreadable
from hl7_listener.message import Message
from hl7_listener.reader import parse
from tests.hl7_listener.samples import NAMES, adt, sample

MSH = rb"MSH|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||ADT^A04|NL1|P|2.4"

UNREADABLE = {
    "nothing": (b"", ErrorCode.SEGMENT_SEQUENCE, "MSH"),
    "blanks only": (b" \r\n\r\n", ErrorCode.SEGMENT_SEQUENCE, "MSH"),
    "no header": (b"PID|1||9990000018^^^NHS^NH\r", ErrorCode.SEGMENT_SEQUENCE, "MSH"),
    "something else": (b"GET / HTTP/1.1\r\n\r\n", ErrorCode.SEGMENT_SEQUENCE, "MSH"),
    "a batch": (b"BHS|^~\\&|PAS\r" + MSH + b"\rBTS|1\r", ErrorCode.SEGMENT_SEQUENCE, "MSH"),
    "a header and no more": (b"MSH", ErrorCode.DATA_TYPE, "MSH-1"),
    "a letter as separator": (b"MSHA^~\\&APAS\r", ErrorCode.DATA_TYPE, "MSH-1"),
    "a line end as separator": (b"MSH\rPID|1\r", ErrorCode.DATA_TYPE, "MSH-1"),
    "a letter as delimiter": (b"MSH|ABCD|PAS\r", ErrorCode.DATA_TYPE, "MSH-2"),
    "two messages in one frame": (MSH + b"\rPID|1\r" + MSH + b"\rPID|2\r", ErrorCode.SEGMENT_SEQUENCE, "MSH"),
    "no message type": (MSH.replace(b"ADT^A04", b""), ErrorCode.REQUIRED_FIELD, "MSH-9"),
    "no event": (MSH.replace(b"ADT^A04", b"ADT"), ErrorCode.REQUIRED_FIELD, "MSH-9"),
    "no control ID": (MSH.replace(b"NL1", b" "), ErrorCode.REQUIRED_FIELD, "MSH-10"),
    "a control ID of control characters": (MSH.replace(b"NL1", b"\x19\x0e"), ErrorCode.REQUIRED_FIELD, "MSH-10"),
    "a header that is broken before the control ID": (MSH.replace(b"||ADT", b"|\r|ADT"), ErrorCode.REQUIRED_FIELD, "MSH-10"),
    "a delimiter that is not ASCII": (MSH.replace(b"|", b"\xa7"), ErrorCode.DATA_TYPE, "MSH-1"),
    "a header that stops early": (b"MSH|^~\\&|PAS\r", ErrorCode.REQUIRED_FIELD, "MSH-9"),
}


@pytest.mark.parametrize("raw,code,location", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_says_why_and_where(raw: bytes, code: ErrorCode, location: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        parse(raw)
    assert (refusal.value.code, str(refusal.value.location)) == (code, location)


def test_a_missing_segment_is_an_error_where_it_is_required() -> None:
    message = parse(MSH)
    assert message.segment("PID") is None
    with pytest.raises(Unreadable, match="no PID segment") as refusal:
        message.required("PID")
    assert refusal.value.location == Location("PID")


def test_no_reason_repeats_what_the_message_says() -> None:
    with pytest.raises(Unreadable) as refusal:
        parse(b"PID|1||9990000018^^^NHS^NH||HARDING\r")
    assert "9990000018" not in str(refusal.value)
    assert "HARDING" not in str(refusal.value)


@given(raw=st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(raw: bytes) -> None:
    take_apart(raw)


@given(
    name=st.sampled_from(NAMES),
    edits=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 5), st.binary(max_size=4)), max_size=6),
)
def test_damaged_messages_are_read_or_refused(name: str, edits: list[tuple[int, int, bytes]]) -> None:
    raw = sample(name)
    for at, length, insertion in edits:
        raw = raw[:at] + insertion + raw[at + length :]
    take_apart(raw)


def take_apart(raw: bytes) -> None:
    """Read everything there is; nothing but Unreadable may come of it."""
    try:
        message = parse(raw)
    except Unreadable:
        return
    assert message.raw == raw
    for segment in message:
        for number in range(1, 60):
            values = [segment.field(number), segment.component(number, 1), segment.component(number, 4, 2)]
            values += [repetition.component(1) for repetition in segment.repetitions(number)]
            assert not any("\0" in value for value in values)


@pytest.mark.parametrize("segment_end", [b"\r", b"\n", b"\r\n", b"\n\r", b"\r\r"], ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_every_segment_end_gives_the_same_message(name: str, segment_end: bytes) -> None:
    expected = [(segment.name, segment.text) for segment in parse(sample(name))]
    assert [(segment.name, segment.text) for segment in parse(sample(name, segment_end))] == expected
    assert len(expected) == sample(name).count(b"\r")


@pytest.mark.parametrize("segment_end", [b"\r", b"\n", b"\r\n"], ids=repr)
@pytest.mark.parametrize(
    "declared,used",
    [
        ("ASCII", "cp1252"),
        ("8859/1", "latin-1"),
        ("8859/1", "cp1252"),
        ("UNICODE", "utf-8"),
        ("", "utf-8"),
        ("", "cp1252"),
    ],
)
def test_character_set_and_segment_end_do_not_change_what_is_read(declared: str, used: str, segment_end: bytes) -> None:
    text = rf"MSH|^~\&|PAS|R0A01|||20261105||ADT^A04|NL1|P|2.4||||||{declared}" + "\nPID|1||9990000018^^^NHS||BRONTË^Zoë\n"
    message = parse(text.encode(used).replace(b"\n", segment_end))
    pid = message.required("PID")
    assert (pid.component(3, 1), pid.component(5, 1), pid.component(5, 2)) == ("9990000018", "BRONTË", "Zoë")


@pytest.mark.parametrize(
    "raw,site_default,expected",
    [
        (b"MSH|^~\\&||||||||||||||||8859/2\r\xb1", "", ("ą", "iso8859-2")),
        (b"MSH|^~\\&||||||||||||||||8859/15\r\xa4", "", ("€", "iso8859-15")),
        (b"MSH|^~\\&||||||||||||||||8859/1\r\x92", "", ("’", "cp1252")),
        (b"MSH|^~\\&||||||||||||||||8859/1~UNICODE\r\xeb", "", ("ë", "cp1252")),
        (b"MSH|^~\\&||||||||||||||||8859/1\r\xc3\xab", "", ("ë", "utf-8")),
        (b"MSH|^~\\&\r\xc3\xab", "8859/1", ("ë", "utf-8")),
        (b"MSH|^~\\&||||||||||||||||8859/15\r\xc3\xab", "8859/1", ("Ã«", "iso8859-15")),
        (b"MSH|^~\\&||||||||||||||||UNICODE UTF-8\r\xc3\xab", "8859/1", ("ë", "utf-8")),
        (b"MSH|^~\\&||||||||||||||||UNICODE\r\xeb", "8859/15", ("ë", "iso8859-15")),
        (b"MSH|^~\\&||||||||||||||||KLINGON\r\xc3\xab", "", ("ë", "utf-8")),
        (b"MSH|^~\\&\r\xb1", "8859/2", ("ą", "iso8859-2")),
        (b"MSH|^~\\&\r\xeb", "", ("ë", "cp1252")),
        (b"MSH|^~\\&\r\x81\xeb", "", ("\ufffdë", "cp1252")),
        (b"MSH|^~\\&\re", "8859/2", ("e", "ascii")),
        (b"\xef\xbb\xbfMSH|^~\\&||||||||||||||||8859/1\r\xc3\xab", "", ("ë", "utf-8")),
    ],
)
def test_bytes_are_decoded_by_msh_18_then_the_site_then_by_what_fits(
    raw: bytes, site_default: str, expected: tuple[str, str]
) -> None:
    text, used = decode(raw, site_default)
    assert (text.partition("\r")[2], used) == expected


def test_the_codes_are_those_of_the_standards_tables() -> None:
    assert {code.value: words for code, words in ERROR_WORDS.items()} == {
        0: "Message accepted",
        100: "Segment sequence error",
        101: "Required field missing",
        102: "Data type error",
        103: "Table value not found",
        200: "Unsupported message type",
        201: "Unsupported event code",
        202: "Unsupported processing id",
        203: "Unsupported version id",
        204: "Unknown key identifier",
        205: "Duplicate key identifier",
        206: "Application record locked",
        207: "Application internal error",
    }
    latin = {f"8859/{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)}
    assert set(CHARACTER_SETS) == latin | {"ASCII", "UNICODE", "UNICODE UTF-8", "UTF-8", "WINDOWS-1252"}


@pytest.mark.parametrize(
    "spelling,expected",
    [
        ("ISO-8859-1", "cp1252"),
        ("8859-15", "iso8859-15"),
        ("utf8", "utf-8"),
        ("UNICODE  UTF-8", "utf-8"),
        ("EBCDIC", ""),
    ],
)
def test_character_sets_are_known_by_the_spellings_of_feeds(spelling: str, expected: str) -> None:
    assert codec(spelling) == expected


def test_fields_are_numbered_as_in_the_standard() -> None:
    message = parse(sample("a04_emergency"))
    header = message.header
    assert (header.raw(1), header.raw(2), header.field(3)) == ("|", "^~\\&", "PAS")
    assert (message.message_type, message.event, message.control_id) == ("ADT", "A04", "NL000417")
    assert (message.sending_application, message.sending_facility) == ("PAS", "R0A01")
    assert (message.processing_id, message.version, header.field(21)) == ("P", "2.4", "ITKv1.0")
    assert message.required("PV1").component(19, 1) == "V2026110500417"


def test_what_is_missing_is_empty() -> None:
    pid = parse(adt("PID|1||633^^^R0A^MR")).required("PID")
    assert pid.raw(40) == pid.field(40) == pid.component(3, 9) == pid.component(3, 1, 2) == pid.component(40, 1) == ""
    assert pid.repetitions(40) == []


def test_an_explicit_null_reads_as_empty_and_stays_visible() -> None:
    pid = parse(adt('PID|1||""~633||""^Amelia')).required("PID")
    assert (pid.component(5, 1), pid.component(5, 2), pid.raw(5)) == ("", "Amelia", '""^Amelia')
    assert [repetition.text for repetition in pid.repetitions(3)] == ["633"]


def test_z_segments_stand_anywhere() -> None:
    message = parse(adt("ZU1|a", "PID|1||633", "ZUK|b", "PV1|1|E", "ZU1|c"))
    assert [segment.name for segment in message] == ["MSH", "ZU1", "PID", "ZUK", "PV1", "ZU1"]
    assert [segment.field(1) for segment in message.segments("ZU1")] == ["a", "c"]
    assert message.required("PV1").field(2) == "E"


def test_unusual_delimiters_are_read_from_the_header() -> None:
    message = parse(sample("a04_own_delimiters"))
    pid = message.required("PID")
    assert (message.event, message.version) == ("A04", "2.5.1")
    assert [r.component(1) for r in pid.repetitions(3)] == ["633", "9990000018"]
    assert [pid.component(3, 4, part) for part in (1, 2, 3)] == ["R0A", "1.2.3", "ISO"]
    assert (pid.component(5, 1, 1), pid.component(5, 1, 2), pid.component(5, 2)) == ("HARD#ING", "van", "Amelia A")
    assert message.required("PV1").component(3, 2) == "MAJORS"


@pytest.mark.parametrize("declared", ["^~\\&", "^~\\&#", "^~\\", "^~", "^", "", "^~\\\\&"])
def test_short_long_and_doubled_encoding_characters_are_understood(declared: str) -> None:
    raw = adt("PID|1||633^^^R0A&1.2&ISO~9990000018^^^NHS||A\\T\\B").replace(b"^~\\&", declared.encode(), 1)
    pid = parse(raw).required("PID")
    assert pid.repetitions(3)[1].component(4) == "NHS"
    assert (pid.component(3, 4, 2), pid.field(5)) == ("1.2", "A&B")


def test_a_recommended_character_that_already_has_a_meaning_is_not_taken_twice() -> None:
    pid = parse(b"MSH~^|PAS~R0A01~~~20261105~~ADT^A04~NL1~P~2.4\rPID~1~~a^b|c^d\r".replace(b"MSH~^|", b"MSH~^|~"))
    assert [(r.component(1), r.component(2)) for r in pid.required("PID").repetitions(3)] == [("a", "b"), ("c", "d")]


def test_the_event_of_an_old_feed_comes_from_evn() -> None:
    message = parse(sample("a04_version_2_2"))
    assert (message.message_type, message.event) == ("ADT", "A04")


def test_a_line_break_inside_a_field_loses_nothing_of_the_segment() -> None:
    message = parse(adt("PID|1||633||HARDING||||||1 Example Street\nFlat 2\r\n|after", "PV1|1|E"))
    pid = message.required("PID")
    assert (pid.field(11), pid.field(12)) == ("1 Example Street\nFlat 2", "after")
    assert message.required("PV1").field(2) == "E"


def test_leading_blanks_and_nuls_do_not_hide_the_patient() -> None:
    raw = b"\r\n " + sample("a04_emergency").replace(b"|E|", b"|\0E|").replace(b"PID|", b"P\0ID|")
    message = parse(raw)
    assert message.required("PV1").field(2) == "E"
    assert message.required("PID").component(5, 1) == "HARDING"
    assert message.raw == raw


@pytest.mark.parametrize("name", [name for name in NAMES if name != "a04_unknown_version"])
def test_every_field_is_where_hl7apy_finds_it(name: str) -> None:
    raw = sample(name).replace(b"%X41%", b"A")  # hl7apy escapes a hexadecimal escape once more
    oracle = parse_message(raw.decode(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    ours = list(parse(raw))
    assert [segment.name for segment in ours] == [segment.name for segment in oracle.children]
    for segment, theirs in zip(ours, oracle.children, strict=True):
        assert fields_of(segment.raw, 45) == fields_of(partial(hl7apy_field, theirs), 45), segment.name


def fields_of(read: Callable[[int], str], last: int) -> dict[int, str]:
    """Field number to text, the empty ones left out."""
    return {number: text for number in range(1, last + 1) if (text := read(number))}


def hl7apy_field(segment: Any, number: int) -> str:
    """hl7apy's text of a field with all its repetitions."""
    separator: str = segment.parent.encoding_chars["REPETITION"]
    name = f"{segment.name}_{number}".lower()
    return separator.join(field.to_er7() for field in segment.children if field.name.lower() == name)


def test_a_message_is_iterated_in_its_own_order() -> None:
    message: Message = parse(sample("a40_two_merges"))
    assert [segment.name for segment in message] == ["MSH", "EVN", "PID", "MRG", "PID", "MRG"]
