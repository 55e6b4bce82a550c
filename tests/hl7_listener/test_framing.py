"""Frames are found whatever stands around them, however the bytes arrive, in bounded memory."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_listener.framing import HEAD_BYTES, CutOff, Event, Frame, FrameReader, Junk, Oversized, frame

LIMIT = 64


def read(*chunks: bytes, limit: int = LIMIT) -> list[Event]:
    """All events of a connection that sends these chunks and closes."""
    reader = FrameReader(limit)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


REFUSALS: dict[str, tuple[bytes, list[Event]]] = {
    "nothing at all": (b"", []),
    "no frame": (b"GET / HTTP/1.1\r\n", [Junk(16)]),
    "a frame that never ends": (b"\x0bMSH|", [CutOff(4)]),
    "a start and no more": (b"\x0b", [CutOff(0)]),
    "an end without a start": (b"\x1c\r", [Junk(2)]),
    "an end given twice": (b"\x0ba\x1c\r\x1c\r", [Frame(b"a"), Junk(2)]),
    "one byte over the limit": (b"\x0b" + b"x" * 65 + b"\x1c\r", [Oversized(b"x" * 65)]),
    "over the limit and never ended": (b"\x0b" + b"x" * 500, [Oversized(b"x" * 65)]),
    "a frame after an oversized one": (b"\x0b" + b"x" * 99 + b"\x1c\r\x0ba\x1c\r", [Oversized(b"x" * 65), Frame(b"a")]),
    "begun anew": (b"\x0bMSH|1\x0bMSH|2\x1c\r", [CutOff(5), Frame(b"MSH|2")]),
    "begun anew twice": (b"\x0bMSH|1\x0bMSH|22\x0bBHS|3\x1c\r", [CutOff(12), Frame(b"BHS|3")]),
}

ACCEPTED: dict[str, tuple[bytes, list[Event]]] = {
    "one frame": (b"\x0bMSH|1\x1c\r", [Frame(b"MSH|1")]),
    "an empty frame": (b"\x0b\x1c\r", [Frame(b"")]),
    "several frames": (b"\x0ba\x1c\r\x0bb\x1c\r", [Frame(b"a"), Frame(b"b")]),
    "junk before, between and after": (
        b"xx\x0ba\x1c\r\r\n\x0bb\x1c\rzzz",
        [Junk(2), Frame(b"a"), Junk(2), Frame(b"b"), Junk(3)],
    ),
    "0B twice": (b"\x0b\x0bMSH|1\x1c\r", [Frame(b"MSH|1")]),
    "1C without 0D, then a frame": (b"\x0ba\x1c\x0bb\x1c\r", [Frame(b"a"), Frame(b"b")]),
    "1C without 0D at the end": (b"\x0ba\x1c", [Frame(b"a")]),
    "an embedded NUL": (b"\x0ba\0b\x1c\r", [Frame(b"a\0b")]),
    "0B as a line break in a text": (b"\x0bMSH|a\x0bb\x1c\r", [Frame(b"MSH|a\x0bb")]),
    "exactly the limit": (b"\x0b" + b"x" * 64 + b"\x1c\r", [Frame(b"x" * 64)]),
}


@pytest.mark.parametrize("data,expected", REFUSALS.values(), ids=REFUSALS)
def test_what_is_no_whole_frame_is_counted_and_never_taken_for_one(data: bytes, expected: list[Event]) -> None:
    assert read(data) == expected


@pytest.mark.parametrize("data,expected", ACCEPTED.values(), ids=ACCEPTED)
def test_frames_are_found_whatever_stands_around_them(data: bytes, expected: list[Event]) -> None:
    assert read(data) == expected


@pytest.mark.parametrize("data,expected", (REFUSALS | ACCEPTED).values(), ids=REFUSALS | ACCEPTED)
def test_a_peer_that_dribbles_single_bytes_gives_the_same_events(data: bytes, expected: list[Event]) -> None:
    assert read(*(data[at : at + 1] for at in range(len(data)))) == expected


STREAM = st.lists(
    st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\n", b"\0", b"MSH|", b"BHS|", b"\x0bMSH|1\x1c\r", b"x" * 40, b"\xff"])
    | st.binary(max_size=8),
    max_size=30,
).map(b"".join)


@given(data=STREAM, cuts=st.lists(st.integers(min_value=0, max_value=600), max_size=20))
def test_the_same_bytes_give_the_same_events_however_they_are_split(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]
    assert read(*chunks) == read(data)


@given(payloads=st.lists(st.binary(max_size=LIMIT).filter(lambda payload: not {0x0B, 0x1C} & set(payload)), max_size=8))
def test_what_is_framed_comes_out_as_it_was(payloads: list[bytes]) -> None:
    assert read(b"".join(map(frame, payloads))) == [Frame(payload) for payload in payloads]


def test_a_frame_is_handed_over_at_1c_without_waiting_for_0d() -> None:
    reader = FrameReader(LIMIT)
    assert reader.feed(b"\x0ba\x1c") == [Frame(b"a")]
    assert not reader.mid_frame
    assert reader.feed(b"\r") == []
    assert reader.close() == []


def test_a_begun_frame_is_seen_until_it_ends() -> None:
    reader = FrameReader(LIMIT)
    seen = []
    for chunk in (b"junk", b"\x0bMSH", b"|", b"\x1c", b"\r", b"\x0b" + b"x" * 99, b"\x1c"):
        reader.feed(chunk)
        seen.append(reader.mid_frame)
    assert seen == [False, True, True, False, False, True, False]


def test_an_oversized_frame_is_told_at_once_with_the_head_that_holds_its_control_id() -> None:
    reader = FrameReader(100_000)
    assert reader.feed(b"\x0bMSH|" + b"x" * 60_000) == []
    assert reader.feed(b"y" * 60_000) == [Oversized((b"MSH|" + b"x" * 60_000)[:HEAD_BYTES])]


@pytest.mark.parametrize("start", [b"", b"\x0b"], ids=["junk without end", "a frame without end"])
def test_a_peer_that_never_ends_costs_bounded_memory(start: bytes) -> None:
    reader = FrameReader(max_frame_bytes=100_000)
    reader.feed(start)
    chunk = b"x" * 50_000
    tracemalloc.start()
    for _ in range(400):
        reader.feed(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400_000
