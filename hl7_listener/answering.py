"""One frame in, the frames that go back out: read, map, ask the desk, acknowledge what is on disk.

A connection calls `answer` for each frame. AA after the commit; AE for what a person must mend, once it is kept;
AR for our own trouble, which passes. Source: HL7 v2.5.1 sections 2.9.2 and 2.9.3; docs/hl7.md, "Acknowledgement".
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from domain.answer import Outcome
from domain.errors import InvalidInput, NotSpeakingFor, Temporary
from domain.replaying import Refusal, SegmentText
from hl7_listener.accept_modes import Taking, is_never_told
from hl7_listener.acknowledgement import from_kept, to_kept
from hl7_listener.answered import Answered, announcement, reject, render, to_ack_error
from hl7_listener.answering_batches import answer_batches
from hl7_listener.batches import read_batches
from hl7_listener.display import read_segments
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.header import Header, read_header
from hl7_listener.holding import hold_message
from hl7_listener.insisting import Insistence
from hl7_listener.mapping import to_checks
from hl7_listener.message import Message
from hl7_listener.metrics import RECYCLED
from hl7_listener.query import is_query
from hl7_listener.query_door import QueryDoor, answer_query
from hl7_listener.reader import parse
from hl7_listener.sender import Sender
from runtime.clock import now
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.check import Check
from safeguarding.desk import CouldNotStore, Desk
from safeguarding.directory import DirectoryReader, Peer, Site
from safeguarding.encounter_events import is_attendance
from safeguarding.inbox import is_recycled

log = get_logger()


@dataclass(frozen=True, slots=True)
class Answerer:
    """What answering needs. `link` makes a path an address.

    `on_message` hears which site has just sent a real message, when, and whether of an attendance.
    """

    desk: Desk
    directory: DirectoryReader
    database: Database
    default_charset: str = ""
    on_message: Callable[[str, datetime, bool], None] = lambda _, __, ___: None
    link: Callable[[str], str] = lambda path: path
    on_lookup: Callable[[str, Check], None] = lambda _, __: None
    insistence: Insistence = field(default_factory=Insistence)

    async def answer(self, raw: bytes, sender: Sender) -> Answered:
        """What goes back for one frame of a sender: nothing for what must never be acknowledged, one response for a batch."""

        async def answer_one(message: bytes) -> Answered:
            return await self._answer_one(message, sender)

        batches = read_batches(raw)
        return await (answer_batches(batches, sender.address, answer_one) if batches else answer_one(raw))

    async def take_again(self, raw: bytes, address: str, certificate: str | None) -> Refusal | None:
        """A held message once more, by today's rules (`domain.replaying`). Nobody waits for its acknowledgement.

        A recycled control ID is no reason to refuse it: a person has looked at it.
        """
        try:
            await self._take(raw, read_header(raw), Sender(address, certificate), may_be_recycled=True)
        except (Unreadable, NotSpeakingFor, CouldNotStore) as error:
            refused = to_ack_error(error)
            return Refusal(refused.reason, str(refused.code.value))
        except Temporary:
            raise
        except Exception as error:  # it stays held, and the next one is not kept waiting
            log.error("held message not taken", error=type(error).__name__, peer=address)
            return Refusal("Nightlight failed at this message", str(ErrorCode.INTERNAL.value))
        return None

    def read(self, raw: bytes) -> tuple[SegmentText, ...]:
        """The segments of a held message, for a person."""
        return read_segments(raw, self.default_charset)

    async def _answer_one(self, raw: bytes, sender: Sender) -> Answered:
        header = read_header(raw)
        if header.is_acknowledgement:
            log.info("acknowledgement received and ignored", peer=sender.address)
            return Answered()
        answered = await self._try(raw, header, sender)
        if answered.taking is Taking.TROUBLE and is_never_told(header.accept_condition, header.application_condition):
            return await self.insistence.until_taken(lambda: self._try(raw, header, sender))
        return answered

    async def _try(self, raw: bytes, header: Header, sender: Sender) -> Answered:
        try:
            return Answered(await self._take(raw, header, sender))
        except (Unreadable, NotSpeakingFor, CouldNotStore) as error:
            return await hold_message(self.database, raw, sender, error) or self._fail(raw, header)
        except Temporary as error:
            log.warning("message not taken", error=type(error).__name__, peer=sender.address)
        except Exception as error:  # whatever it is, it is our trouble: the sender keeps the message
            log.error("message not taken", error=type(error).__name__, peer=sender.address)
            if is_never_told(header.accept_condition, header.application_condition):
                failed = InvalidInput("Nightlight failed at this message")
                return await hold_message(self.database, raw, sender, failed) or self._fail(raw, header)
        return self._fail(raw, header)

    async def _take(self, raw: bytes, header: Header, sender: Sender, *, may_be_recycled: bool = False) -> tuple[bytes, ...]:
        message = parse(raw, self.default_charset)
        if is_query(message) and may_be_recycled:
            raise Unreadable("queries are not replayed", ErrorCode.UNSUPPORTED_MESSAGE_TYPE, Location("MSH", 9))
        if is_query(message):
            return await answer_query(QueryDoor(self.desk, self.directory, self.database, self.on_lookup), message, sender)
        directory = await self.directory.current()
        peer = directory.peer_of(sender.address, sender.certificate)
        site = directory.site_for(peer, message.sending_facility)
        if site.character_set:
            message = parse(raw, site.character_set)
        checks = self._checks(message, header, site, peer, sender)
        if site.refuse_recycled and not may_be_recycled:
            await self._check_control_id(checks[-1])
        replies = [await self.desk.ask(check) for check in checks]
        if replies[-1].recycled:
            RECYCLED.labels(site.ods_code).inc()
        if not checks[-1].test:
            attended = not replies[-1].repeated and any(is_attendance(check) for check in checks)
            self.on_message(site.ods_code, checks[-1].at, attended)
        return from_kept(replies[-1].acknowledgement)

    def _checks(self, message: Message, header: Header, site: Site, peer: Peer, sender: Sender) -> list[Check]:
        """The questions of the message, with how it is acknowledged.

        What was found is announced only where the site wants it and mutual TLS says who hears it, and never for a test.
        """

        def acknowledge(outcome: Outcome) -> bytes:
            announces = site.announce_in_ack and sender.mutual and not checks[-1].test
            found = announcement(outcome, self.link) if announces else None
            return to_kept(render(header, Taking.TAKEN, found))

        checks = to_checks(message, site, peer.name, now(), acknowledge)
        return checks

    async def _check_control_id(self, check: Check) -> None:
        if check.message and await is_recycled(self.database, check.message):
            RECYCLED.labels(check.site).inc()
            raise Unreadable("the control ID came before with other content", ErrorCode.DUPLICATE_KEY, Location("MSH", 10))

    def _fail(self, raw: bytes, header: Header) -> Answered:
        """Our own trouble: said with AR, or, where the site takes AR as final, by closing without a word."""
        directory = self.directory.last_known
        site = directory.sites.get(header.facility.upper()) if directory else None
        if site and site.silent_on_failure:
            return Answered(taking=Taking.TROUBLE, close=True)
        return Answered(reject(raw), Taking.TROUBLE)
