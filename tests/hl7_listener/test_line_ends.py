"""Whatever ends its segments and whatever encodes its letters, a message asks the same question and gets the same answer."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.nhs_number import check_digit
from hl7_listener.framing import CutOff, Frame, FrameReader, frame
from hl7_listener.sender import Sender
from safeguarding.check import Check
from tests.hl7_listener.fuzzing.seam import open_seam

CODECS = {"ASCII": "ascii", "8859/1": "latin-1", "UNICODE UTF-8": "utf-8", "WINDOWS-1252": "cp1252"}
DECLARED = (*CODECS, "UNICODE", "KLINGON", "")
"""What MSH-18 says: rightly, wrongly, or nothing."""
LINE_ENDS = ("\r", "\n", "\r\n")
ASCII_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ACCENTED = ASCII_LETTERS + "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
LETTERS = {"ASCII": ASCII_LETTERS, "8859/1": ACCENTED, "UNICODE UTF-8": ACCENTED, "WINDOWS-1252": ACCENTED + "ŠŒŽšœžŸ’"}
SOME_TIME = datetime(2026, 11, 5, tzinfo=UTC)
EVENTS = ("A01", "A02", "A03", "A04", "A05", "A08", "A11", "A13", "A28", "A31", "A40")


@dataclass(frozen=True, slots=True)
class Told:
    """What one message tells."""

    event: str
    number: str
    family_name: str
    given_name: str
    visit: str
    patient_class: str
    version: str

    def text(self, declared: str) -> str:
        lines = [
            rf"MSH|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||ADT^{self.event}|NL1|P|{self.version}||||||{declared}",
            f"EVN|{self.event}|20261105101529||||20261105101200",
            f"PID|1||633^^^R0A^MR~{self.number}^^^NHS^NH||{self.family_name}^{self.given_name}||20190304|2",
            "MRG|634^^^R0A^MR",
            f"NK1|1|{self.family_name}^Joanne|MTH",
            f"PV1|1|{self.patient_class}|ED^MAJORS|21||||||180|||||||||{self.visit}" + "|" * 25 + "20261105101200|20261105111200",
            f"ZU1|{self.family_name}",
        ]
        return "".join(f"{line}\n" for line in lines)


def names(letters: str) -> st.SearchStrategy[str]:
    return st.text(letters, min_size=1, max_size=12)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    stem = draw(st.integers(999_000_000, 999_999_999).map(str).filter(lambda stem: check_digit(stem) is not None))
    number = f"{stem}{check_digit(stem)}"
    return draw(st.sampled_from([number, f"{number[:3]} {number[3:6]} {number[6:]}", ""]))


@st.composite
def told(draw: st.DrawFn, letters: str) -> Told:
    return Told(
        event=draw(st.sampled_from(EVENTS)),
        number=draw(numbers()),
        family_name=draw(names(letters)),
        given_name=draw(names(letters)),
        visit=draw(st.text("0123456789V", max_size=12)),
        patient_class=draw(st.sampled_from("EIOP")),
        version=draw(st.sampled_from(["2.2", "2.3", "2.4", "2.5.1", "2.8"])),
    )


def take(raw: bytes) -> tuple[list[Check], bytes]:
    """What the desk is asked, and what goes back, but for what only says which message it was, when, and in which letters."""
    with open_seam() as seam:
        [ack] = asyncio.run(seam.answerer.answer(raw, Sender("127.0.0.1"))).frames
    assert not seam.held
    checks = [replace(each, at=SOME_TIME, message=None, acknowledge=None) for each in seam.checks]
    header, _, rest = ack.partition(b"\r")
    fields = header.split(b"|")
    fields[6] = fields[9] = b""
    return checks, b"|".join(fields[:17]).rstrip(b"|") + b"\r" + rest


@pytest.mark.parametrize("character_set", CODECS)
@given(data=st.data())
def test_every_line_end_and_character_set_gives_the_same_question_and_the_same_answer(
    character_set: str, data: st.DataObject
) -> None:
    """But for letters of windows-1252 whose bytes happen to be UTF-8, such as A with a tilde before a sign: nobody can tell."""
    message = data.draw(told(LETTERS[character_set]))
    codec = CODECS[character_set]
    assume(codec in {"ascii", "utf-8"} or not is_utf_8(message.text("").encode(codec)))
    expected = take(message.text("UNICODE UTF-8").replace("\n", "\r").encode())
    checks, ack = expected
    assert checks[-1].identity.family_name == message.family_name
    assert checks[-1].identity.nhs_number == (message.number.replace(" ", "") or None)
    assert b"MSA|AA|NL1\r" in ack
    for declared, line_end in product(DECLARED, LINE_ENDS):
        assert take(message.text(declared).replace("\n", line_end).encode(codec)) == expected, (declared, line_end)


def is_utf_8(raw: bytes) -> bool:
    if raw.isascii():
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(data=st.data())
def test_any_split_of_the_same_messages_gives_the_same_frames(data: st.DataObject) -> None:
    charsets = st.sampled_from(sorted(CODECS))
    payloads = [
        data.draw(told(LETTERS[name])).text(name).replace("\n", data.draw(st.sampled_from(LINE_ENDS))).encode(CODECS[name])
        for name in data.draw(st.lists(charsets, min_size=1, max_size=4))
    ]
    stream = b"".join(map(frame, payloads))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    reader = FrameReader(max_frame_bytes=10_000)
    events = [event for chunk in chunks(stream, cuts) for event in reader.feed(chunk)]
    assert events == [Frame(payload) for payload in payloads]
    assert reader.close() == []


@given(data=st.data())
def test_a_message_that_is_cut_off_anywhere_is_no_frame(data: st.DataObject) -> None:
    stream = frame(data.draw(told(ACCENTED)).text("").encode())
    cut = data.draw(st.integers(1, len(stream) - 2))
    reader = FrameReader(max_frame_bytes=10_000)
    assert reader.feed(stream[:cut]) == []
    assert reader.close() == [CutOff(cut - 1)]


def chunks(stream: bytes, cuts: list[int]) -> Iterator[bytes]:
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        yield stream[start:end]
