"""An acknowledgement answers the message it belongs to, in the sender's own version, delimiters and bytes."""

from datetime import UTC, datetime

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from hl7_listener.accept_modes import AckCode, Taking
from hl7_listener.acknowledgement import AckError, Severity, from_kept, render_ack, render_acks, to_kept
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.header import Header, read_header
from hl7_listener.reader import parse
from tests.hl7_listener.samples import NAMES, sample

AT = datetime(2026, 11, 5, 10, 15, 31, tzinfo=UTC)
NO_PID = AckError(ErrorCode.SEGMENT_SEQUENCE, "the message has no PID segment", Location("PID"))


def answer(raw: bytes, code: AckCode = AckCode.ACCEPT, error: AckError | None = None) -> bytes:
    """The acknowledgement of these bytes."""
    return render_ack(read_header(raw), code, "NA1", AT, error)


BARELY_READABLE = {
    "nothing": (b"", b"MSA|AE"),
    "no header": (b"PID|1||9990000018\r", b"MSA|AE"),
    "a broken separator": (b"MSHX^~\\&XPAS", b"MSA|AE"),
    "a header that stops early": (b"MSH|^~\\&|PAS|R0A01", b"MSA|AE"),
    "junk before the header": (b"\x02\x02MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|P|2.4\r", b"MSA|AE|NL1"),
    "a header after another segment": (b"PID|1\nMSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|P|2.4\n", b"MSA|AE|NL1"),
    "a blank among the encoding characters": (b"MSH|^~ \\&|PAS|R0A01|||||ADT^A04|NL1|P|2.4\r", b"MSA|AE|NL1"),
    "letters for encoding characters": (b"MSH|ABCDEFGH|PAS|R0A01|||||ADT^A04|NL1|P|2.4\r", b"MSA|AE|NL1"),
    "control characters": (b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|N\x0bL\x1c1\0|P|2.4\r", b"MSA|AE|NL1"),
    "no event": (b"MSH|^~\\&|PAS|R0A01|||||ADT|NL1|P|2.4\r", b"MSA|AE|NL1"),
}


@pytest.mark.parametrize("raw,msa", BARELY_READABLE.values(), ids=BARELY_READABLE)
def test_what_can_barely_be_read_is_still_answered(raw: bytes, msa: bytes) -> None:
    header, acknowledged, rest = answer(raw, AckCode.ERROR).split(b"\r")
    assert header.startswith(b"MSH|^~\\&|")
    assert header.split(b"|")[8].split(b"^")[0] == b"ACK"
    assert acknowledged == msa
    assert rest == b""


@given(raw=st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"MSH|^~\\&|" + tail))
def test_no_bytes_break_an_acknowledgement_or_its_frame(raw: bytes) -> None:
    rendered = answer(raw, AckCode.REJECT, NO_PID)
    assert rendered.startswith(b"MSH")
    assert rendered.endswith(b"\r")
    assert rendered.count(b"\r") == 3
    assert not set(rendered) & (set(range(32)) - {0x0D})


def test_a_hostile_header_costs_a_bounded_answer() -> None:
    assert len(answer(b"MSH|^~\\&|" + b"|".join([b"x" * 100_000] * 20))) < 3_000


def test_an_acknowledgement_swaps_the_parties_and_copies_what_is_the_senders() -> None:
    assert answer(sample("a04_emergency")) == (
        b"MSH|^~\\&|NIGHTLIGHT|R0A|PAS|R0A01|20261105101531+0000||ACK^A04^ACK|NA1|P|2.4||||||UNICODE\rMSA|AA|NL000417\r"
    )


def test_it_speaks_with_the_senders_delimiters() -> None:
    error = AckError(ErrorCode.REQUIRED_FIELD, "a # is a separator here", Location("PID", 3, 2))
    assert answer(sample("a04_own_delimiters"), AckCode.ERROR, error) == (
        b"MSH#*!%$#NIGHTLIGHT#R0A#PAS#R0A01#20261105101531+0000##ACK*A04*ACK#NA1#P#2.5.1######8859/1\r"
        b"MSA#AE#NL000417\r"
        b"ERR##PID*2*3#101*Required field missing*HL70357#E####a %F% is a separator here\r"
    )


@pytest.mark.parametrize(
    "version,expected",
    [
        (b"2.1", b"MSA|AE|NL1|the message has no PID segment\rERR|PID^1^^100&Segment sequence error&HL70357\r"),
        (b"2.4", b"MSA|AE|NL1|the message has no PID segment\rERR|PID^1^^100&Segment sequence error&HL70357\r"),
        (b"2.4.1", b"MSA|AE|NL1|the message has no PID segment\rERR|PID^1^^100&Segment sequence error&HL70357\r"),
        (b"", b"MSA|AE|NL1|the message has no PID segment\rERR|PID^1^^100&Segment sequence error&HL70357\r"),
        (b"2.5", b"MSA|AE|NL1\rERR||PID^1|100^Segment sequence error^HL70357|E||||the message has no PID segment\r"),
        (
            b"2.5.1^GBR",
            b"MSA|AE|NL1\rERR||PID^1|100^Segment sequence error^HL70357|E||||the message has no PID segment\r",
        ),
        (b"2.8.2", b"MSA|AE|NL1\rERR||PID^1|100^Segment sequence error^HL70357|E||||the message has no PID segment\r"),
        (b"2.10", b"MSA|AE|NL1\rERR||PID^1|100^Segment sequence error^HL70357|E||||the message has no PID segment\r"),
    ],
)
def test_the_error_has_the_form_of_the_senders_version(version: bytes, expected: bytes) -> None:
    raw = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|P|" + version + b"\r"
    assert answer(raw, AckCode.ERROR, NO_PID).partition(b"\r")[2] == expected


@pytest.mark.parametrize("version", [b"2.3", b"2.5"])
def test_an_error_without_a_place_names_none(version: bytes) -> None:
    error = AckError(ErrorCode.INTERNAL, "try again later", severity=Severity.WARNING)
    raw = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|P|" + version + b"\r"
    expected = {
        b"2.3": b"MSA|AR|NL1|try again later\rERR|^^^207&Application internal error&HL70357\r",
        b"2.5": b"MSA|AR|NL1\rERR|||207^Application internal error^HL70357|W||||try again later\r",
    }
    assert answer(raw, AckCode.REJECT, error).partition(b"\r")[2] == expected[version]


@pytest.mark.parametrize(
    "version,message_type",
    [
        (b"2.1", b"ACK"),
        (b"2.2", b"ACK"),
        (b"2", b"ACK^A04^ACK"),
        (b"2.3", b"ACK^A04"),
        (b"2.3.1", b"ACK^A04^ACK"),
        (b"2.8.2", b"ACK^A04^ACK"),
        (b"two", b"ACK^A04^ACK"),
    ],
)
def test_the_message_type_has_the_parts_that_the_version_knows(version: bytes, message_type: bytes) -> None:
    raw = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|P|" + version + b"\r"
    assert answer(raw).split(b"|")[8] == message_type


@pytest.mark.parametrize("control_id", [b"NL1", b"A&B^C", b"Z\\T\\1", b" 7 ", b"\xeb\xff", "ë".encode()])
def test_the_control_id_comes_back_byte_for_byte(control_id: bytes) -> None:
    raw = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|" + control_id + b"|P|2.4||||||8859/1\rPID|1\r"
    assert answer(raw).split(b"\r")[1] == b"MSA|AA|" + control_id


@pytest.mark.parametrize("processing_id", [b"P", b"T", b"D^A"])
def test_a_test_message_is_acknowledged_as_one(processing_id: bytes) -> None:
    raw = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|" + processing_id + b"|2.4\r"
    assert answer(raw).split(b"|")[10] == processing_id


def test_what_could_not_be_read_becomes_the_error_that_explains_it() -> None:
    with pytest.raises(Unreadable) as refusal:
        parse(b"MSH|^~\\&|PAS|R0A01|||||ADT^A04||P|2.5\r")
    assert AckError.from_unreadable(refusal.value) == AckError(
        ErrorCode.REQUIRED_FIELD, "the control ID is missing", Location("MSH", 10)
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "a04_unknown_version"])
def test_hl7apy_reads_every_acknowledgement_as_we_meant_it(name: str) -> None:
    raw = sample(name)
    oracle = parse_message(
        answer(raw, AckCode.ERROR, NO_PID).decode(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False
    )
    assert oracle.msa.msa_1.value == "AE"
    assert oracle.msa.msa_2.value == parse(raw).control_id
    assert oracle.msh.msh_10.value == "NA1"
    assert (oracle.msh.msh_5.value, oracle.msh.msh_6.value) == (parse(raw).sending_application, "R0A01")
    assert "100" in oracle.err.to_er7()


def test_the_codes_are_those_of_tables_0008_and_0516() -> None:
    assert {code.value for code in AckCode} == {"AA", "AE", "AR", "CA", "CE", "CR"}
    assert {severity.value for severity in Severity} == {"E", "W", "I"}


def test_a_header_without_anything_has_the_recommended_delimiters() -> None:
    assert read_header(b"") == Header()
    assert Header().delimiters.encoding_characters == "^~\\&"


def enhanced(accept: str, application: str, version: str = "2.5", message_type: str = "ADT^A04") -> Header:
    """The header of a message with these conditions in MSH-15 and MSH-16."""
    return read_header(f"MSH|^~\\&|PAS|R0A01|NL|R0A|||{message_type}|NL1|P|{version}|||{accept}|{application}||UNICODE\r".encode())


def acks(header: Header, taking: Taking, error: AckError | None = None) -> tuple[bytes, ...]:
    """All that goes back, with control IDs NA1, NA2."""
    numbers = iter(range(1, 9))
    return render_acks(header, taking, lambda: f"NA{next(numbers)}", AT, error)


@pytest.mark.parametrize("message_type", ["ACK", "ACK^A04", "ack", "MCF"])
def test_no_mode_acknowledges_an_acknowledgement(message_type: str) -> None:
    assert acks(enhanced("", "", message_type=message_type), Taking.TROUBLE) == ()
    assert acks(enhanced("AL", "AL", message_type=message_type), Taking.TAKEN) == ()


def test_accept_and_application_acknowledgement_are_two_messages_about_one() -> None:
    accept, application = acks(enhanced("AL", "AL"), Taking.TAKEN)
    head = b"MSH|^~\\&|NL|R0A|PAS|R0A01|20261105101531+0000||ACK^A04^ACK|%s|P|2.5|||NE|NE||UNICODE\r"
    assert accept == head % b"NA1" + b"MSA|CA|NL1\r"
    assert application == head % b"NA2" + b"MSA|AA|NL1\r"


@pytest.mark.parametrize("accept,taking,code", [("AL", Taking.HELD, b"CE"), ("ER", Taking.TROUBLE, b"CR")])
def test_what_is_not_accepted_says_why_and_no_application_speaks_after_it(accept: str, taking: Taking, code: bytes) -> None:
    [ack] = acks(enhanced(accept, "AL"), taking, NO_PID)
    assert ack.split(b"\r")[1:3] == [
        b"MSA|" + code + b"|NL1",
        b"ERR||PID^1|100^Segment sequence error^HL70357|E||||the message has no PID segment",
    ]


NEWS = AckError(ErrorCode.MESSAGE_ACCEPTED, "news | of nobody", severity=Severity.INFORMATION)


@pytest.mark.parametrize(
    "version,expected",
    [
        ("2.4", b"MSA|AA|NL1\rNTE|1||news \\F\\ of nobody\r"),
        ("2.5", b"MSA|AA|NL1\rERR|||0^Message accepted^HL70357|I||||news \\F\\ of nobody\r"),
    ],
)
def test_information_is_a_note_before_2_5_and_an_err_that_is_no_error_from_then_on(version: str, expected: bytes) -> None:
    [ack] = acks(enhanced("", "", version), Taking.TAKEN, NEWS)
    assert ack.partition(b"\r")[2] == expected


def test_information_stands_only_where_the_application_speaks() -> None:
    accept, application = acks(enhanced("AL", "AL"), Taking.TAKEN, NEWS)
    assert b"news" not in accept
    assert b"news" in application
    assert b"news" not in b"".join(acks(enhanced("AL", "NE"), Taking.TAKEN, NEWS))


@given(
    raws=st.lists(st.binary(max_size=80).map(lambda tail: b"MSH|^~\\&|" + tail), max_size=3),
    reason=st.text(max_size=20),
)
def test_what_is_kept_of_acknowledgements_gives_the_same_frames_again(raws: list[bytes], reason: str) -> None:
    error = AckError(ErrorCode.INTERNAL, reason)
    rendered = tuple(answer(raw, AckCode.ERROR, error) for raw in raws)
    assert from_kept(to_kept(rendered)) == rendered


def test_a_single_acknowledgement_is_kept_as_it_is() -> None:
    assert to_kept((answer(sample("a04_emergency")),)) == answer(sample("a04_emergency"))
