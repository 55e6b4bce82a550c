"""What the listener promises about any frame at all, checked for one frame after the other.

The campaigns and the test-suite's short run feed an `Examiner` with streams; it raises Broken with the promise that was broken.
"""

import re
import signal
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from domain.answer import NoneKnown
from hl7_listener.accept_modes import Taking
from hl7_listener.answered import Answered
from hl7_listener.batches import read_batches
from hl7_listener.errors import Unreadable
from hl7_listener.framing import Frame, FrameReader
from hl7_listener.message import Message
from hl7_listener.reader import parse
from hl7_listener.sender import Sender
from safeguarding.check import Check
from tests.hl7_listener.fuzzing.oracle import Sight, look
from tests.hl7_listener.fuzzing.seam import RECORDED, Seam, outcome_of

SENDER = Sender("127.0.0.1", mutual=True)
SECONDS = 2.0
"""Of the processor's time that one frame may take."""

_POSITIVE = frozenset({"AA", "CA"})
_UNSENT = re.compile(rb"[\x00-\x1f\x7f]")
_LONGEST_ECHO = 250


class Broken(AssertionError):
    """A promise was broken by a frame."""

    def __init__(self, promise: str, frame: bytes) -> None:
        super().__init__(promise)
        self.promise = promise
        self.frame = frame


class Hangs(BaseException):
    """A frame took too long. No `except Exception` of the listener shall catch it."""


@dataclass(slots=True)
class Examiner:
    """Feeds streams to the seam's answerer, and checks what comes of each frame. `answers` counts what they were answered."""

    seam: Seam
    frames: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    def examine(self, reads: Iterable[bytes], longest: int = 1_000_000) -> Iterator[tuple[bytes, Answered]]:
        """Each frame of the stream and its answer, once it has kept every promise. Raises Broken."""
        reader = FrameReader(longest)
        for data in reads:
            for event in reader.feed(data):
                if isinstance(event, Frame):
                    yield event.payload, self.examine_frame(event.payload)
        reader.close()

    def examine_frame(self, raw: bytes) -> Answered:
        """What one frame is answered. Raises Broken."""
        self.frames += 1
        self.seam.forget()
        try:
            with _time_limit():
                answered = finish(self.seam.answerer.answer(raw, SENDER))
        except Exception as error:
            raise Broken(f"no exception escapes: {type(error).__name__}", raw) from error
        except Hangs as hangs:
            raise Broken("no frame hangs the listener", raw) from hangs
        try:
            self.check(raw, answered)
        except AssertionError as broken:
            raise Broken(str(broken), raw) from broken
        return answered

    def check(self, raw: bytes, answered: Answered) -> None:
        """That what came of the last frame keeps every promise. Raises AssertionError."""
        assert answered.taking is not Taking.TROUBLE, "nothing in a message is trouble of ours"
        assert not any(held.error_code == "207" for held in self.seam.held), "the listener never fails at a message"
        assert not answered.close, "no message closes its connection"
        batch = read_batches(raw)
        messages = [message for each in batch.batches for message in each.messages] if batch else [raw]
        sights = [look(message) for message in messages]
        acks = [ack for content in answered.frames for ack in read_answers(content)]
        if batch is None:
            self._check_alone(sights[0], answered)
            is_known = any(ack.message_type == "RSP" for ack in acks) or sights[0].message_type in {b"ACK", b"MCF"}
            assert self.seam.checks or self.seam.held or is_known, "every frame is asked about, or held"
            assert self.seam.checks or not sights[0].plainly_arrives, "whoever plainly arrives is asked about"
        else:
            assert len(answered.frames) <= 1, "a batch gets one response"
            assert len(acks) <= len(messages), "a batch's response has no more acknowledgements than it has messages"
        for ack in acks:
            self._check_ack(ack, sights)
        for check in self.seam.checks:
            check_question(check, sights)
        self.answers.update(outcome_word(each) for each in self.seam.checks)

    def _check_alone(self, sight: Sight, answered: Answered) -> None:
        if sight.message_type in {b"ACK", b"MCF"}:
            assert not (answered.frames and sight.has_delimiters), "an acknowledgement is never acknowledged"
        elif not sight.is_enhanced:
            assert len(answered.frames) == 1, "every frame in original mode gets exactly one answer"
        else:
            assert len(answered.frames) <= 2, "no frame gets more than two answers"

    def _check_ack(self, ack: Message, sights: list[Sight]) -> None:
        msa = ack.required("MSA")
        code = msa.raw(1)
        self.answers[code] += 1
        if all(sight.has_delimiters for sight in sights):
            echoed = {_UNSENT.sub(b"", sight.control_id)[:_LONGEST_ECHO] for sight in sights}
            assert _echo(ack.raw) in echoed, "MSA-2 is the control ID"
        if code in _POSITIVE and ack.message_type == "ACK" and not any(sight.is_query for sight in sights):
            assert self.seam.checks, "nothing is accepted that was not asked about"
            assert msa.raw(2).strip(), "what is accepted is named"
        if ack.message_type == "RSP" and ack.required("QAK").field(2) in {"OK", "NF"}:
            assert any(isinstance(outcome_of(check), NoneKnown) for check in self.seam.checks), "no query is answered unasked"


def check_question(check: Check, sights: list[Sight]) -> None:
    """That nobody is asked about who is not in the message, and that who plainly is in it is asked about."""
    number = check.identity.nhs_number
    assert (number is None) != (check.identity.no_number is None) or check.trigger in RECORDED, "no number has its reason"
    is_query = check.message is None and check.prior is None
    if check.trigger not in RECORDED and not is_query:
        assert any(sight.has_pid for sight in sights), "nothing is checked without a PID"
    if number is not None:
        assert any(number.encode() in sight.digits or sight.has_hex for sight in sights), "no number is made up"
    if len(sights) != 1 or is_query or check.prior is not None:
        return
    [sight] = sights
    if number is not None and sight.in_pid is not None:
        assert number in sight.in_pid, "the number is the patient's, not somebody else's"
    if sight.only_number is not None and check.trigger not in RECORDED:
        assert number == sight.only_number, "a number that is plain to see is found"


def read_answers(content: bytes) -> list[Message]:
    """The acknowledgements of one frame that goes back, as our own reader sees them."""
    batch = read_batches(content)
    parts = [message for each in batch.batches for message in each.messages] if batch else [content]
    try:
        return [parse(part) for part in parts]
    except Unreadable as error:
        raise AssertionError(f"every answer can be read: {error}") from error


def finish(answering: Coroutine[Any, Any, Answered]) -> Answered:
    """What comes of it. At the seam nothing waits for anything, so that there is no loop."""
    try:
        answering.send(None)
    except StopIteration as finished:
        answered: Answered = finished.value
        return answered
    answering.close()
    raise AssertionError("it waits for what never comes")


def outcome_word(check: Check) -> str:
    return type(outcome_of(check)).__name__


def _echo(ack: bytes) -> bytes:
    """MSA-2 as it stands on the wire."""
    [msa] = [line for line in ack.split(b"\r") if line.startswith(b"MSA" + ack[3:4])]
    return [*msa.split(ack[3:4]), b"", b""][2]


@contextmanager
def _time_limit() -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(_: int, __: FrameType | None) -> None:
    raise Hangs
