"""One query in, one response out: may the peer ask, what does it ask, what does the desk say.

The answerer hands every QBP message to `answer_query`. Whatever happens, the answer is an RSP; nothing is remembered of a query
but its audit, so that the same query is asked anew. Source: docs/hl7-profile.md; docs/hl7.md, "Who may speak".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.actor import Actor, ActorKind
from domain.answer import Answer, Flagged, Recorded
from domain.errors import NotSpeakingFor, Temporary
from hl7_listener.accept_modes import AckCode, Taking, decide_acknowledgements
from hl7_listener.acknowledgement import AckError, render_ack
from hl7_listener.answered import new_control_id
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.message import Message
from hl7_listener.query import to_check
from hl7_listener.query_response import Surroundings, Team, render_answer, render_refusal
from hl7_listener.query_segments import Reference, refer_to
from hl7_listener.sender import Sender
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.check import Check
from safeguarding.contacts import contacts, ring_instead
from safeguarding.desk import CouldNotStore, Desk
from safeguarding.directory import Directory, DirectoryReader, Peer, Site

_OUR_TROUBLE = "Nightlight cannot answer just now: ask again"

log = get_logger()


@dataclass(frozen=True, slots=True)
class QueryDoor:
    """What answering queries needs. `on_lookup` hears of every number that was looked up, and for which peer."""

    desk: Desk
    directory: DirectoryReader
    database: Database
    on_lookup: Callable[[str, Check], None] = lambda _, __: None


async def answer_query(door: QueryDoor, message: Message, sender: Sender) -> tuple[bytes, ...]:
    """What goes back: the commit acknowledgement where MSH-15 wants one, and the response, whatever MSH-16 says.

    Never raises: what goes wrong is said in the response, as AE or AR.
    """
    reference = refer_to(message)
    header = reference.header
    codes = decide_acknowledgements(header.accept_condition, header.application_condition, Taking.TAKEN)
    accepted = [render_ack(header, each, new_control_id(), now()) for each in codes if each is AckCode.COMMIT_ACCEPT]
    return (*accepted, await _respond(door, message, sender, reference))


async def _respond(door: QueryDoor, message: Message, sender: Sender, reference: Reference) -> bytes:
    try:
        return await _answer(door, message, sender, reference)
    except NotSpeakingFor as error:
        refusal = AckError(ErrorCode.UNKNOWN_KEY, str(error), Location("MSH", 4))
    except Unreadable as error:
        refusal = AckError.from_unreadable(error)
    except CouldNotStore as error:
        refusal = AckError(ErrorCode.INTERNAL, str(error))
    except Exception as error:  # whatever it is, it is our trouble, and never an answer about a child
        return _reject(reference, sender, error)
    log.warning("query refused", peer=sender.address, code=refusal.code.value, reason=refusal.reason)
    return render_refusal(reference, AckCode.ERROR, refusal, new_control_id(), now())


async def _answer(door: QueryDoor, message: Message, sender: Sender, reference: Reference) -> bytes:
    directory = await door.directory.current()
    peer, site = await _admit(door, directory, message, sender)
    at = now()
    check = to_check(message, site, peer.name, at)
    answer = (await door.desk.ask(check)).outcome
    assert not isinstance(answer, Recorded)
    if check.identity.nhs_number:
        door.on_lookup(peer.name, check)
    around = _surroundings(await door.directory.current(), site, answer, at)
    return render_answer(reference, check.identity.nhs_number, answer, around, new_control_id(), at)


async def _admit(door: QueryDoor, directory: Directory, message: Message, sender: Sender) -> tuple[Peer, Site]:
    """The peer and the site it asks for. Raises NotSpeakingFor, once the refusal is in the audit trail."""
    name, organisation, site = sender.address, "", None
    try:
        peer = directory.peer_of(sender.address, sender.certificate)
        name = peer.name
        site = directory.site_for(peer, message.sending_facility)
        organisation = site.organisation_code
        check_may_query(sender, peer, site)
    except NotSpeakingFor as error:
        actor = Actor(ActorKind.SYSTEM, name, name, organisation)
        async with door.database.transaction() as transaction:
            await record_audit(
                transaction, actor, "query.refused", "site", site.ods_code if site else "", reason=str(error), peer=sender.address
            )
        raise
    return peer, site


def check_may_query(sender: Sender, peer: Peer, site: Site) -> None:
    """Raises NotSpeakingFor where the peer may not ask for the site: a right of its own, and mutual TLS."""
    if not sender.mutual:
        raise NotSpeakingFor("queries need mutual TLS")
    if site.ods_code not in peer.may_query:
        raise NotSpeakingFor("this peer may not ask for the facility in MSH-4")


def _surroundings(directory: Directory, site: Site, answer: Answer, at: datetime) -> Surroundings:
    held = [shown.flag for shown in answer.flags] if isinstance(answer, Flagged) else []
    masked = {flag.authority_code for flag in held if flag.sensitive}
    responsible = [code for code in dict.fromkeys(flag.authority_code for flag in held) if code not in masked]
    return Surroundings(
        {flag.authority_code: _team(directory, flag.authority_code) for flag in held},
        contacts(directory, site, responsible, at),
        ring_instead(site),
    )


def _team(directory: Directory, code: str) -> Team:
    authority = directory.authorities[code]
    return Team(code, authority.name, authority.office_phone, authority.emergency_phone)


def _reject(reference: Reference, sender: Sender, error: Exception) -> bytes:
    tell = log.warning if isinstance(error, Temporary) else log.error
    tell("query not answered", error=type(error).__name__, peer=sender.address)
    return render_refusal(reference, AckCode.REJECT, AckError(ErrorCode.INTERNAL, _OUR_TROUBLE), new_control_id(), now())
