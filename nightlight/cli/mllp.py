"""A small MLLP sender for `nightlight send` and the demo: one connection, one message at a time."""

import asyncio
import re

from domain.errors import NightlightError
from hl7_listener.framing import CutOff, Frame, FrameReader, frame
from nightlight.supervisor.sockets import Address

_WAIT_SECONDS = 30.0
_LARGEST_ACK = 65_536


class NoAcknowledgement(NightlightError):
    """The listener did not answer."""


def messages_in(content: bytes) -> list[bytes]:
    """The messages of a file, each beginning with MSH, with the CR after each segment that the wire needs."""
    text = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\r").replace(b"\n", b"\r").strip(b"\r\x0b\x1c ")
    return [
        part.strip(b"\r\x0b\x1c") + b"\r" for part in re.split(rb"(?:^|\r)[\x0b\x1c\r]*(?=MSH)", text) if part.startswith(b"MSH")
    ]


async def send_all(address: str, messages: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Send each message and wait for its acknowledgement. Raises NoAcknowledgement where none comes."""
    place = Address.from_text(address)
    try:
        reader, writer = await asyncio.open_connection(place.host, place.port)
    except OSError as error:
        raise NoAcknowledgement(f"nobody listens on {address}: {error.strerror or type(error).__name__}") from None
    answers = []
    try:
        for name, message in messages:
            writer.write(frame(message))
            answers.append((name, (await _acknowledgement(reader, address)).decode("utf-8", "replace")))
    finally:
        writer.close()
    return answers


def acknowledged_code(acknowledgement: str) -> str:
    """MSA-1 of an acknowledgement; nothing where there is none."""
    found = re.search(r"(?:^|\r)MSA.([A-Z]{2})", acknowledgement)
    return found[1] if found else ""


async def _acknowledgement(reader: asyncio.StreamReader, address: str) -> bytes:
    frames = FrameReader(_LARGEST_ACK)
    while True:
        try:
            data = await asyncio.wait_for(reader.read(_LARGEST_ACK), _WAIT_SECONDS)
        except (TimeoutError, OSError):
            raise NoAcknowledgement(f"{address} did not acknowledge within {_WAIT_SECONDS:.0f} seconds") from None
        for event in frames.feed(data) if data else [CutOff(0)]:
            if isinstance(event, Frame):
                return event.payload
            if isinstance(event, CutOff):
                raise NoAcknowledgement(f"{address} closed the connection without an acknowledgement")
