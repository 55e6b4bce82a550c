"""MLLP framing without a socket: a connection feeds bytes as they arrive and gets events back.

`connection` calls `feed` with each read and `close` at the end; frames go to the reader, the rest is counted.
Source: HL7 Transport Specification: MLLP, Release 1 (start block 0B, end block 1C, then 0D).
"""

from dataclasses import dataclass

START = b"\x0b"
END = b"\x1c"
CARRIAGE_RETURN = b"\x0d"
HEAD_BYTES = 2048
_NEW_STARTS = (START + b"MSH", START + b"FHS", START + b"BHS")


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame's content, without its marks."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Junk:
    """So many bytes stood outside every frame, and were skipped."""

    count: int


@dataclass(frozen=True, slots=True)
class Oversized:
    """A frame passed the limit. `head` is its beginning, enough to answer its control ID; the rest is not kept."""

    head: bytes


@dataclass(frozen=True, slots=True)
class CutOff:
    """So many bytes of frames were begun and never ended. They must not be acknowledged."""

    count: int


Event = Frame | Junk | Oversized | CutOff


def frame(payload: bytes) -> bytes:
    """The payload between its marks, as it goes on the wire."""
    return START + payload + END + CARRIAGE_RETURN


class FrameReader:
    """Turns a stream into events. The same bytes give the same events, however they were split into reads.

    Holds at most `max_frame_bytes` and looks at each byte a constant number of times.
    """

    def __init__(self, max_frame_bytes: int) -> None:
        self._limit = max_frame_bytes
        self._partial = bytearray()
        self._inside = False
        self._discarding = False
        self._may_skip_return = False
        self._junk = 0

    @property
    def mid_frame(self) -> bool:
        """Whether a frame was begun and its end is awaited: a peer that stays here too long is too slow."""
        return self._inside

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        position = 0
        while position < len(data):
            read = self._read_inside if self._inside else self._read_between
            position = read(data, position, events)
        return events

    def close(self) -> list[Event]:
        """The peer sent its last byte: what is left over."""
        events: list[Event] = []
        self._report_junk(events)
        if self._inside and not self._discarding:
            events.append(CutOff(len(self._partial)))
        self._leave_frame()
        self._may_skip_return = False
        return events

    def _read_between(self, data: bytes, position: int, events: list[Event]) -> int:
        if self._may_skip_return and data.startswith(CARRIAGE_RETURN, position):
            position += 1
        self._may_skip_return = False
        start = data.find(START, position)
        if start == -1:
            self._junk += len(data) - position
            return len(data)
        self._junk += start - position
        self._report_junk(events)
        self._inside = True
        return start + 1

    def _read_inside(self, data: bytes, position: int, events: list[Event]) -> int:
        # The end block alone ends the frame: a sender that never sends the 0D after it waits for its answer.
        end = data.find(END, position)
        stop = len(data) if end == -1 else end
        if not self._discarding:
            self._take(data, position, stop, events)
        if end == -1:
            return stop
        if not self._discarding:
            events.extend(_frames_within(bytes(self._partial)))
        self._leave_frame()
        self._may_skip_return = True
        return end + 1

    def _take(self, data: bytes, position: int, stop: int, events: list[Event]) -> None:
        room = self._limit - len(self._partial)
        if stop - position <= room:
            self._partial += data[position:stop]
            return
        self._partial += data[position : position + min(room + 1, HEAD_BYTES)]
        events.append(Oversized(bytes(self._partial[:HEAD_BYTES])))
        self._partial.clear()
        self._discarding = True

    def _leave_frame(self) -> None:
        self._partial = bytearray()
        self._inside = self._discarding = False

    def _report_junk(self, events: list[Event]) -> None:
        if self._junk:
            events.append(Junk(self._junk))
            self._junk = 0


def _frames_within(content: bytes) -> list[Event]:
    """The frame in what stood between a start and an end block, after what earlier starts left unfinished.

    A 0B inside a text field (the line break that word processors put on the clipboard) is content; a 0B before a
    header segment is a sender that began anew.
    """
    content = content.lstrip(START)
    if START not in content:
        return [Frame(content)]
    restart = max(map(content.rfind, _NEW_STARTS))
    return [Frame(content)] if restart == -1 else [CutOff(restart), Frame(content[restart + 1 :])]
