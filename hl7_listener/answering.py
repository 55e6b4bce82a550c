"""One message in, one acknowledgement out: read, map, ask the desk, acknowledge what is on disk.

A connection calls `answer` for each frame. AA after the commit; AE for what a person must mend, once it is kept;
AR for our own trouble, which passes. Source: HL7 v2.5.1 section 2.9.2; docs/hl7.md, "Acknowledgement".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from domain.answer import Outcome
from domain.errors import InvalidInput, NotSpeakingFor, Temporary
from domain.replaying import Refusal, SegmentText
from hl7_listener.acknowledgement import AckCode, AckError, render_ack
from hl7_listener.display import read_segments
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.events import is_acknowledgement
from hl7_listener.fingerprint import fingerprint
from hl7_listener.header import read_header
from hl7_listener.mapping import to_checks
from hl7_listener.message import Message
from hl7_listener.reader import parse
from hl7_listener.sender import Sender
from runtime.clock import now
from runtime.database import Database
from runtime.ids import uuid7
from runtime.logs import get_logger
from safeguarding.desk import CouldNotStore, Desk
from safeguarding.directory import DirectoryReader
from safeguarding.quarantine import Held, hold

_CONTROL_ID_LENGTH = 20

log = get_logger()


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answering needs. `on_message` hears which site has just sent a real message."""

    desk: Desk
    directory: DirectoryReader
    database: Database
    default_charset: str = ""
    on_message: Callable[[str, datetime], None] = lambda _, __: None

    async def answer(self, raw: bytes, sender: Sender) -> bytes | None:
        """The acknowledgement of one message from a sender, or None for what must never be acknowledged."""
        try:
            return await self._take(raw, sender)
        except (Unreadable, NotSpeakingFor, CouldNotStore) as error:
            return await self._hold(raw, sender, error)
        except Temporary as error:
            log.warning("message not taken", error=type(error).__name__, peer=sender.address)
        except Exception as error:  # whatever it is, it is our trouble: the sender keeps the message
            log.error("message not taken", error=type(error).__name__, peer=sender.address)
        return reject(raw)

    async def take_again(self, raw: bytes, address: str, certificate: str | None) -> Refusal | None:
        """A held message once more, by today's rules (`domain.replaying`). Nobody waits for its acknowledgement."""
        try:
            await self._take(raw, Sender(address, certificate))
        except (Unreadable, NotSpeakingFor, CouldNotStore) as error:
            refused = _to_ack_error(error)
            return Refusal(refused.reason, str(refused.code.value))
        return None

    def read(self, raw: bytes) -> tuple[SegmentText, ...]:
        """The segments of a held message, for a person."""
        return read_segments(raw, self.default_charset)

    async def _take(self, raw: bytes, sender: Sender) -> bytes | None:
        message = parse(raw, self.default_charset)
        if is_acknowledgement(message):
            log.info("acknowledgement received and ignored", peer=sender.address)
            return None
        directory = await self.directory.current()
        peer = directory.peer_of(sender.address, sender.certificate)
        site = directory.site_for(peer, message.sending_facility)
        at = now()
        checks = to_checks(message, site, peer.name, at, _accepting(message))
        reply = None
        for check in checks:
            reply = await self.desk.ask(check)
        if not checks[-1].test:
            self.on_message(site.ods_code, at)
        return reply.acknowledgement if reply else None

    async def _hold(self, raw: bytes, sender: Sender, error: InvalidInput | NotSpeakingFor) -> bytes:
        header = read_header(raw)
        ack_error = _to_ack_error(error)
        acknowledgement = render_ack(header, AckCode.ERROR, _ack_control_id(), now(), ack_error)
        held = Held(
            sender.address, header.sending_facility, header.control_id, ack_error.reason, str(ack_error.code.value), raw,
            fingerprint(raw), acknowledgement, sender.certificate,
        )  # fmt: skip
        try:
            kept = await hold(self.database, held)
        except (Temporary, psycopg.Error) as trouble:
            log.warning("message not kept", error=type(trouble).__name__, peer=sender.address)
            return reject(raw)
        log.warning("message quarantined", peer=sender.address, code=ack_error.code.value, reason=ack_error.reason)
        return kept


def reject(raw: bytes, reason: str = "Nightlight cannot take messages just now: send it again") -> bytes:
    """AR: our own trouble, the same message will pass later."""
    return render_ack(read_header(raw), AckCode.REJECT, _ack_control_id(), now(), AckError(ErrorCode.INTERNAL, reason))


def _accepting(message: Message) -> Callable[[Outcome], bytes]:
    """Renders AA. What was found is never in it: an acknowledgement can end up on paper or in a patient's app."""

    def accept(_: Outcome) -> bytes:
        return render_ack(read_header(message.raw), AckCode.ACCEPT, _ack_control_id(), now())

    return accept


def _to_ack_error(error: InvalidInput | NotSpeakingFor) -> AckError:
    if isinstance(error, Unreadable):
        return AckError.from_unreadable(error)
    if isinstance(error, NotSpeakingFor):
        return AckError(ErrorCode.UNKNOWN_KEY, str(error), Location("MSH", 4))
    return AckError(ErrorCode.INTERNAL, str(error))


def _ack_control_id() -> str:
    return uuid7().hex[-_CONTROL_ID_LENGTH:].upper()
