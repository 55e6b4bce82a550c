"""A connection to one hospital's engine that stays open: one message at a time, each with the acknowledgement that is its own.

`hl7_listener.outbound` keeps one for each site. What is not acknowledged is tried again by the dispatcher, with the same bytes.
Sources: HL7 Transport Specification: MLLP, Release 1; HL7 v2.5.1 section 2.9.2 and table 0008 (acknowledgment code).
"""

import asyncio
import ssl
from dataclasses import dataclass

from domain.alert import AttemptOutcome
from domain.channel import Attempted
from hl7_listener.errors import Unreadable
from hl7_listener.framing import Frame, FrameReader, Oversized, frame
from hl7_listener.keepalive import keep_alive
from hl7_listener.metrics import OUTBOUND_DROPPED
from hl7_listener.outbound_tls import ClientFiles, client_context
from hl7_listener.reader import parse
from hl7_listener.tls import BadCertificate
from runtime.logs import get_logger

LONGEST_ACK = 65_536
CONNECT_SECONDS = 5.0
_READ_BYTES = 65_536

log = get_logger()

OUTCOMES = {
    "AA": Attempted(AttemptOutcome.DELIVERED),
    "CA": Attempted(AttemptOutcome.SENT),
    "AE": Attempted(AttemptOutcome.PERMANENT, "ack-ae"),
    "CE": Attempted(AttemptOutcome.PERMANENT, "ack-ce"),
    "AR": Attempted(AttemptOutcome.TEMPORARY, "ack-ar"),
    "CR": Attempted(AttemptOutcome.TEMPORARY, "ack-cr"),
}
"""HL7 table 0008. Rejected (AR, CR) passes, as our own does; an error (AE, CE) needs a person."""

UNKNOWN_CODE = Attempted(AttemptOutcome.TEMPORARY, "ack-unclear")


@dataclass(frozen=True, slots=True)
class Engine:
    """Where a site's engine listens; without `files` the connection is in the clear."""

    site: str
    host: str
    port: int
    files: ClientFiles | None = None


class TooLong(Exception):
    """The engine's answer is longer than any acknowledgement."""


class EngineLine:
    """Sends to one engine, in turn. `ack_seconds` is the longest wait for an acknowledgement."""

    def __init__(self, engine: Engine, ack_seconds: float) -> None:
        self.engine = engine
        self._ack_seconds = ack_seconds
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._frames = FrameReader(LONGEST_ACK)

    async def send(self, message: bytes, control_id: str) -> Attempted:
        """How the engine took one message. Where nothing clear came back, the next message gets a connection of its own."""
        async with self._turn:
            try:
                reader, writer = await self._connected()
            except BadCertificate as error:
                log.error("outbound TLS files are no good", site=self.engine.site, reason=str(error))
                return Attempted(AttemptOutcome.PERMANENT, "tls-files")
            except OSError as error:
                return _to_attempted(error, "no-connection")
            code: str | None = None
            try:
                async with asyncio.timeout(self._ack_seconds):
                    writer.write(frame(message))
                    await writer.drain()
                    code = await self._acknowledgement_of(control_id, reader)
            except TooLong:
                return Attempted(AttemptOutcome.TEMPORARY, "ack-too-long")
            except OSError as error:
                return _to_attempted(error, "lost-connection", late="no-ack")
            finally:
                if code is None:
                    self.close()
            return OUTCOMES.get(code, UNKNOWN_CODE)

    def close(self) -> None:
        """Let the connection go; the next message opens another."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is not None and self._writer is not None:
            if not (self._reader.at_eof() or self._writer.is_closing()):
                return self._reader, self._writer
            self.close()
        files = self.engine.files
        context = client_context(files) if files else None
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(self.engine.host, self.engine.port, ssl=context)
        keep_alive(writer.get_extra_info("socket"))
        self._reader, self._writer, self._frames = reader, writer, FrameReader(LONGEST_ACK)
        return reader, writer

    async def _acknowledgement_of(self, control_id: str, reader: asyncio.StreamReader) -> str:
        """MSA-1 of the acknowledgement with this MSA-2. Any other is dropped: it answers another message, or came late."""
        while data := await reader.read(_READ_BYTES):
            found: str | None = None
            for event in self._frames.feed(data):
                if isinstance(event, Oversized):
                    raise TooLong
                code, about = read_acknowledgement(event.payload) if isinstance(event, Frame) else ("", "")
                if found is None and code and about == control_id:
                    found = code
                else:
                    OUTBOUND_DROPPED.labels(self.engine.site, "other" if code else "unreadable").inc()
            if found is not None:
                return found
        raise ConnectionError("closed without an acknowledgement")


def read_acknowledgement(payload: bytes) -> tuple[str, str]:
    """MSA-1 and MSA-2; both empty for what is no acknowledgement."""
    try:
        msa = parse(payload).segment("MSA")
    except Unreadable:
        return "", ""
    return (msa.field(1).upper(), msa.field(2)) if msa else ("", "")


def _to_attempted(error: OSError, otherwise: str, late: str = "timed-out") -> Attempted:
    if isinstance(error, TimeoutError):
        return Attempted(AttemptOutcome.TEMPORARY, late)
    return Attempted(AttemptOutcome.TEMPORARY, "tls-failed" if isinstance(error, ssl.SSLError) else otherwise)
