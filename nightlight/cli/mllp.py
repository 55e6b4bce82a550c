"""A small MLLP sender for `nightlight send` and the demo: one connection, one message at a time.

In enhanced mode it waits for as many acknowledgements as the message asks for. Source: HL7 v2.5.1 sections 2.9.2 and 2.9.3.
"""

import asyncio
import re
import ssl
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from domain.errors import NightlightError
from hl7_listener.accept_modes import AckCode, Taking, decide_acknowledgements, is_never_told
from hl7_listener.framing import CutOff, Frame, FrameReader, frame
from hl7_listener.header import Header, read_header
from nightlight.supervisor.sockets import Address

_WAIT_SECONDS = 30.0
_SILENCE_SECONDS = 3.0
_LARGEST_ACK = 65_536


class NoAcknowledgement(NightlightError):
    """The listener did not answer, or there was no getting through to it."""


def messages_in(content: bytes) -> list[bytes]:
    """The messages of a file, each beginning with MSH, with the CR after each segment that the wire needs."""
    text = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\r").replace(b"\n", b"\r").strip(b"\r\x0b\x1c ")
    return [
        part.strip(b"\r\x0b\x1c") + b"\r" for part in re.split(rb"(?:^|\r)[\x0b\x1c\r]*(?=MSH)", text) if part.startswith(b"MSH")
    ]


@dataclass(frozen=True, slots=True)
class Tls:
    """How a listener with TLS is spoken to: whom to trust and what to show, and the name in the listener's certificate."""

    context: ssl.SSLContext
    name: str | None = None


async def send_all(address: str, messages: list[tuple[str, bytes]], tls: Tls | None = None) -> list[tuple[str, tuple[str, ...]]]:
    """Send each message and wait for its acknowledgements: those that it asks for in MSH-15 and MSH-16, else one.

    None where it wants to hear nothing, or of errors only and there is none. Raises NoAcknowledgement.
    """
    reader, writer = await _connect(address, tls)
    replies = _Replies(reader, address, is_tls=tls is not None)
    answers = []
    try:
        for name, message in messages:
            writer.write(frame(message))
            answers.append((name, await _acknowledgements(replies, read_header(message))))
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):  # whatever is wrong has been said by now
            async with asyncio.timeout(_SILENCE_SECONDS):
                await writer.wait_closed()
    return answers


async def _connect(address: str, tls: Tls | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = Address.from_text(address)
    try:
        if tls is None:
            return await asyncio.open_connection(place.host, place.port)
        return await asyncio.open_connection(place.host, place.port, ssl=tls.context, server_hostname=tls.name or place.host)
    except ssl.SSLError as error:
        raise NoAcknowledgement(f"{address}: no TLS connection: {_reason(error)}") from None
    except OSError as error:
        raise NoAcknowledgement(f"nobody listens on {address}: {error.strerror or type(error).__name__}") from None


async def _acknowledgements(replies: "_Replies", header: Header) -> tuple[str, ...]:
    """After CA the application acknowledgement, where the message asks for one; after any other code nothing more."""
    wants = (header.accept_condition, header.application_condition)
    if is_never_told(*wants):
        return ()
    if_taken = decide_acknowledgements(*wants, Taking.TAKEN)
    found: list[str] = []
    while True:
        try:
            found.append(await replies.next(_WAIT_SECONDS if if_taken else _SILENCE_SECONDS))
        except TimeoutError:
            if if_taken:
                raise NoAcknowledgement(f"{replies.address} did not acknowledge within {_WAIT_SECONDS:.0f} seconds") from None
            return ()
        if acknowledged_code(found[-1]) != AckCode.COMMIT_ACCEPT or AckCode.ACCEPT not in if_taken:
            return tuple(found)


class _Replies:
    """What comes back on one connection, frame by frame; one read may bring several."""

    def __init__(self, reader: asyncio.StreamReader, address: str, *, is_tls: bool) -> None:
        self._reader = reader
        self._frames = FrameReader(_LARGEST_ACK)
        self._waiting: deque[str] = deque()
        # With TLS 1.3 a client hears only now, if at all, that its certificate is not taken.
        self._perhaps = ": perhaps it demands a certificate, or does not know who issued this one" if is_tls else ""
        self.address = address

    async def next(self, seconds: float) -> str:
        """Raises TimeoutError, and NoAcknowledgement where the connection ends."""
        async with asyncio.timeout(seconds):
            while not self._waiting:
                data = await self._read()
                for event in self._frames.feed(data) if data else [CutOff(0)]:
                    if isinstance(event, Frame):
                        self._waiting.append(event.payload.decode("utf-8", "replace"))
                    elif isinstance(event, CutOff):
                        raise NoAcknowledgement(f"{self.address} closed the connection without an acknowledgement{self._perhaps}")
        return self._waiting.popleft()

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_LARGEST_ACK)
        except (ssl.SSLError, ConnectionError):
            return b""


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return (error.reason or "no reason given").replace("_", " ").lower()


def acknowledged_code(acknowledgement: str) -> str:
    """MSA-1 of an acknowledgement; nothing where there is none."""
    found = re.search(r"(?:^|\r)MSA.([A-Z]{2})", acknowledgement)
    return found[1] if found else ""
