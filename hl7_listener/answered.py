"""What goes back for a message that was taken, held, or left with its sender: in words, then as frames.

The answerer and its batches make it, a connection sends it.
Source: HL7 v2.5.1 sections 2.9.2 and 2.9.3; docs/hl7.md, "Acknowledgement".
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain.answer import Flagged, Outcome
from domain.errors import InvalidInput, NotSpeakingFor
from hl7_listener.accept_modes import Taking
from hl7_listener.acknowledgement import AckError, Severity, render_acks
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.header import Header, read_header
from runtime.clock import now
from runtime.ids import uuid7

ANNOUNCEMENT = "safeguarding information: open Nightlight"
"""It says neither what is known nor of whom: it can end up on paper or in a patient's app."""

_CONTROL_ID_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Answered:
    """The contents of the frames that go back for one frame, in their order, and whether the connection closes after them."""

    frames: tuple[bytes, ...] = ()
    taking: Taking = Taking.TAKEN
    close: bool = False


def render(header: Header, taking: Taking, error: AckError | None = None) -> tuple[bytes, ...]:
    """The acknowledgements of the message with this header, as the sender wants them."""
    return render_acks(header, taking, new_control_id, now(), error)


def reject(raw: bytes, reason: str = "Nightlight cannot take messages just now: send it again") -> tuple[bytes, ...]:
    """AR or CR: our own trouble, the same message will pass later."""
    return render(read_header(raw), Taking.TROUBLE, AckError(ErrorCode.INTERNAL, reason))


def announcement(outcome: Outcome, link: Callable[[str], str]) -> AckError | None:
    """That something is known, with the address of the encounter's banner; None where nothing is."""
    if not isinstance(outcome, Flagged):
        return None
    where = f" {link(f'/encounters/{outcome.encounter_id}')}" if outcome.encounter_id else ""
    return AckError(ErrorCode.MESSAGE_ACCEPTED, ANNOUNCEMENT + where, severity=Severity.INFORMATION)


def to_ack_error(error: InvalidInput | NotSpeakingFor) -> AckError:
    """What a person must mend, as ERR says it."""
    if isinstance(error, Unreadable):
        return AckError.from_unreadable(error)
    if isinstance(error, NotSpeakingFor):
        return AckError(ErrorCode.UNKNOWN_KEY, str(error), Location("MSH", 4))
    return AckError(ErrorCode.INTERNAL, str(error))


def new_control_id() -> str:
    """A control ID of our own, no longer than any version allows."""
    return uuid7().hex[-_CONTROL_ID_LENGTH:].upper()
