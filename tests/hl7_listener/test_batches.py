"""A batch is taken apart without losing a byte, whatever its ends and trailers, and answered in its own shape."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_listener.batches import BatchFile, read_batches
from hl7_listener.framing import Frame, FrameReader, frame
from hl7_listener.reader import parse
from tests.hl7_listener.samples import NAMES, sample

AT = datetime(2026, 11, 5, 10, 15, 31, tzinfo=UTC)
FHS = rb"FHS|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||F1||F-7"
BHS = rb"BHS|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||B1||B-7"
ONE = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL1|P|2.4\rPID|1\r"
TWO = b"MSH|^~\\&|PAS|R0A01|||||ADT^A04|NL2|P|2.4\rPID|2\r"


def read(raw: bytes) -> BatchFile:
    """The batches of bytes that hold some."""
    file = read_batches(raw)
    assert file is not None
    return file


def messages(raw: bytes) -> list[list[bytes]]:
    """The messages of each batch."""
    return [batch.messages for batch in read(raw).batches]


def respond(raw: bytes, *acks: list[bytes]) -> list[bytes]:
    """The segments of the response, with control IDs N1, N2."""
    numbers = iter(range(1, 9))
    return read(raw).response(acks, lambda: f"N{next(numbers)}", AT).split(b"\r")


@pytest.mark.parametrize(
    "raw", [b"", b"MSH|^~\\&|", b"BHS", b"BHSX", b"FHS\r", b"BTS|1", b"PID|1\rBHS|^~\\&|\r", *(sample(name) for name in NAMES)]
)
def test_what_begins_with_no_batch_header_is_no_batch(raw: bytes) -> None:
    assert read_batches(raw) is None


SHAPES: dict[str, tuple[bytes, list[list[bytes]]]] = {
    "a header alone": (BHS, [[]]),
    "an empty batch": (BHS + b"\rBTS|0\r", [[]]),
    "an empty file": (FHS + b"\rFTS|0\r", []),
    "messages straight after BHS": (BHS + b"\r" + ONE + TWO, [[ONE, TWO]]),
    "messages straight after FHS": (FHS + b"\r" + ONE + TWO + b"FTS|1\r", [[ONE, TWO]]),
    "a batch": (BHS + b"\r" + ONE + TWO + b"BTS|2\r", [[ONE, TWO]]),
    "a trailer without fields": (BHS + b"\r" + ONE + b"BTS", [[ONE]]),
    "a file of two batches": (
        FHS + b"\r" + BHS + b"\r" + ONE + b"BTS|1\r" + BHS + b"\r" + TWO + b"BTS|1\rFTS|2\r",
        [[ONE], [TWO]],
    ),
    "no BTS between two": (BHS + b"\r" + ONE + BHS + b"\r" + TWO, [[ONE], [TWO]]),
    "a message after the trailer": (BHS + b"\r" + ONE + b"BTS|1\r" + TWO, [[ONE], [TWO]]),
    "a segment outside every message": (BHS + b"\rPID|1\r" + ONE + b"BTS\r", [[b"PID|1\r", ONE]]),
    "a second file header": (FHS + b"\r" + ONE + FHS + b"\r" + TWO, [[ONE], [TWO]]),
    "a byte order mark and blank lines": (b"\xef\xbb\xbf" + BHS + b"\r\r" + ONE, [[ONE]]),
    "blank lines before": (b"\r\n " + BHS + b"\r" + ONE, [[ONE]]),
    "delimiters of its own": (b"BHS#*!%$#PAS\r" + ONE + b"BTS#1\r", [[ONE]]),
    "a trailer with another separator is text": (BHS + b"\r" + ONE + b"BTS-scan done\r", [[ONE + b"BTS-scan done\r"]]),
    "a batch header whose delimiters are none": (b"BHS|abcd|\r" + ONE, [[ONE]]),
}


@pytest.mark.parametrize("raw,expected", SHAPES.values(), ids=SHAPES)
def test_every_message_comes_out_as_it_went_in(raw: bytes, expected: list[list[bytes]]) -> None:
    assert messages(raw) == expected


@pytest.mark.parametrize("raw,expected", SHAPES.values(), ids=SHAPES)
def test_the_ends_of_segments_change_nothing(raw: bytes, expected: list[list[bytes]]) -> None:
    for end in (b"\n", b"\r\n"):
        assert messages(raw.replace(b"\r\n", b"\r").replace(b"\r", end)) == [
            [message.replace(b"\r", end) for message in batch] for batch in expected
        ]


ANY_MESSAGES = st.lists(st.sampled_from([sample(name) for name in NAMES]), max_size=6)


@given(
    batches=st.lists(ANY_MESSAGES, min_size=1, max_size=4),
    end=st.sampled_from([b"\r", b"\n", b"\r\n"]),
    in_file=st.booleans(),
    trailers=st.booleans(),
    cuts=st.lists(st.integers(min_value=0, max_value=20_000), max_size=20),
)
def test_the_same_messages_come_out_however_they_are_batched_and_split(
    batches: list[list[bytes]], end: bytes, in_file: bool, trailers: bool, cuts: list[int]
) -> None:
    held = [[message.replace(b"\r", end) for message in batch] for batch in batches]
    parts = [BHS + end + b"".join(batch) + (b"BTS|%d" % len(batch) + end if trailers else b"") for batch in held]
    raw = b"".join([FHS + end, *parts, b"FTS|%d" % len(parts) + end] if in_file else parts)
    stream = frame(raw)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader(1_000_000)
    [event] = [event for start, until in pairwise(edges) for event in reader.feed(stream[start:until])]
    assert event == Frame(raw)
    assert messages(raw) == held
    read_ids = [parse(message).control_id for batch in messages(raw) for message in batch]
    assert read_ids == [parse(message).control_id for batch in batches for message in batch]
    if trailers:
        assert read(raw).complaints == []


@given(
    lines=st.lists(
        st.sampled_from([FHS, BHS, b"BTS|1", b"FTS|1", b"BTS", ONE[:-1], b"PID|1", b"", b"\0", b"\xff", b"MSH"])
        | st.binary(max_size=6).filter(lambda line: not set(line) & set(b"\r\n"))
    )
)
def test_no_bytes_break_a_batch_and_nothing_in_it_is_dropped(lines: list[bytes]) -> None:
    file = read(b"\r".join([BHS, *lines]))
    kept = b"".join(message for batch in file.batches for message in batch.messages)
    for line in lines:
        if line[:3] not in {b"FHS", b"BHS", b"BTS", b"FTS"} and line.strip(b" \t\r\n\0"):
            assert line.strip(b" \t\r\n\0") in kept
    response = file.response([[] for _ in file.batches], lambda: "N", AT)
    assert not set(response) & (set(range(32)) - {0x0D})


@pytest.mark.parametrize(
    "trailer,complaints",
    [
        (b"BTS|2\r", []),
        (b"BTS| 02 |words\r", []),
        (b"BTS\r", []),
        (b"BTS||words\r", []),
        (b"BTS|3\r", ["BTS-1 says 3, and 2 came."]),
        (b"BTS|two\r", ["BTS-1 is no number, and 2 came."]),
        (b"BTS|" + b"9" * 500 + b"\r", ["BTS-1 is no number, and 2 came."]),
        (b"BTS|-2\r", ["BTS-1 is no number, and 2 came."]),
        (b"BTS|\xb2\r", ["BTS-1 is no number, and 2 came."]),
        (b"", ["BTS is missing, and 2 came."]),
    ],
)
def test_a_count_that_disagrees_is_said_and_nothing_of_the_content(trailer: bytes, complaints: list[str]) -> None:
    raw = BHS + b"\r" + ONE + TWO + trailer
    assert read(raw).complaints == complaints
    said = respond(raw, [b"A\r", b"B\r"])[3]
    assert said == (b"BTS|2|" + complaints[0].encode() if complaints else b"BTS|2")


def test_a_file_that_holds_another_number_of_batches_than_it_says_is_told_so() -> None:
    raw = FHS + b"\r" + BHS + b"\r" + ONE + b"BTS|1\rFTS|2\r"
    assert read(raw).complaints == ["FTS-1 says 2, and 1 came."]
    assert respond(raw, [b"A\r"])[-2] == b"FTS|1|FTS-1 says 2, and 1 came."


def test_a_batch_is_answered_with_a_batch() -> None:
    assert respond(BHS + b"\r" + ONE + TWO + b"BTS|2\r", [b"A\r", b"B\r"]) == [
        rb"BHS|^~\&|NIGHTLIGHT|R0A|PAS|R0A01|20261105101531+0000||||N1|B-7", b"A", b"B", b"BTS|2", b"",
    ]  # fmt: skip


def test_a_file_is_answered_with_a_file_batch_by_batch() -> None:
    raw = FHS + b"\r" + BHS + b"\r" + ONE + b"BTS|1\r" + BHS + b"\rBTS|0\rFTS|2\r"
    names = [segment[:5] for segment in respond(raw, [b"A\r"], [])]
    assert names == [b"FHS|^", b"BHS|^", b"A", b"BTS|1", b"BHS|^", b"BTS|0", b"FTS|2", b""]


def test_a_file_without_batches_is_answered_without_batches() -> None:
    names = [segment[:5] for segment in respond(FHS + b"\r" + ONE + b"FTS|1\r", [b"A\r"])]
    assert names == [b"FHS|^", b"A", b"FTS|1", b""]


def test_the_response_speaks_with_the_batchs_delimiters() -> None:
    header, trailer, _ = respond(b"BHS#*!%$#PAS#R0A01#######B7\rBTS#1\r", [])
    assert header == b"BHS#*!%$###PAS#R0A01#20261105101531+0000####N1#B7"
    assert trailer == b"BTS#0#BTS-1 says 1, and 0 came."


def test_a_batch_without_a_header_is_answered_in_the_delimiters_of_the_whole() -> None:
    raw = b"FHS#*!%$#PAS#R0A01\r" + ONE + b"BTS#1\rFTS#1\r"
    header, batch, *_ = respond(raw, [b"A\r"])
    assert header.startswith(b"FHS#*!%$#")
    assert batch == b"BHS#*!%$###PAS#R0A01#20261105101531+0000####N1"
