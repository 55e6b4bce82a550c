"""What a hospital's own system gets: an ORU^R01 that says that there is something to open, or an answer, and where. Pure.

`hl7_listener.outbound` sends it. Of the patient it has the numbers that the hospital sent, and nothing else; of the plan, of
the authority and of the answer's words it has nothing, since results are printed, and shown in patients' apps.
Sources: HL7 v2.4 sections 7.2.1 (ORU), 7.4.1 (OBR), 7.4.2 (OBX), tables 0085 and 0123; docs/hl7.md, "Back into the hospital".
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain.alert import AlertEvent
from domain.channel import HospitalPatient
from hl7_listener.answered import ANNOUNCEMENT
from hl7_listener.charsets import codec
from hl7_listener.escapes import STANDARD, escape
from hl7_listener.times import format_time
from safeguarding.outbound import Outbound, OutboundFeed

ANSWERED = "safeguarding information, with an answer: open Nightlight"
WITHDRAWN = "withdrawn: sent for another patient"
UNICODE = "UNICODE UTF-8"

_LONGEST_CONTROL_ID = 20
_NO_NAME = "^^^^^^U"  # table 0200: unspecified
_UNKNOWN_CLASS = "U"  # table 0004
_NOT_THERE = '""'
_WORDS, _LINK = "SAFEGUARDING^Safeguarding information^L", "SAFEGUARDING-LINK^Where to open it^L"


@dataclass(frozen=True, slots=True)
class Party:
    """MSH-3 and MSH-4: who sends."""

    application: str
    facility: str


@dataclass(frozen=True, slots=True)
class _Said:
    """OBX-5 and OBX-11 of the words, OBR-25. `has_link` is false where nothing is to be opened any more."""

    words: str
    observation_status: str
    result_status: str
    has_link: bool = True


_SAID = {
    None: _Said(ANNOUNCEMENT, "F", "F"),
    AlertEvent.ACKNOWLEDGE: _Said(ANSWERED, "C", "C"),
    AlertEvent.REINSTATE: _Said(ANNOUNCEMENT, "C", "C"),
    AlertEvent.WRONG_IDENTITY: _Said(WITHDRAWN, "W", "C", has_link=False),
}
"""By what has happened to the alert. Table 0123 has no W, so that a withdrawn result is a corrected one with OBX-11 W."""


def control_id_of(delivery_id: UUID) -> str:
    """MSH-10: the same each time a delivery is tried, so that the receiver can make repeats one."""
    return delivery_id.hex[-_LONGEST_CONTROL_ID:].upper()


def render_result(outbound: Outbound, delivery_id: UUID, sender: Party, link: Callable[[str], str]) -> bytes:
    """The message as the content of one frame. The same delivery gives the same bytes, while the feed stays as it is."""
    said, at = _SAID[outbound.event], format_time(outbound.at)
    where = escape(link(f"/encounters/{outbound.encounter_id}")) if said.has_link else _NOT_THERE
    body = [
        _pid(outbound.patient, outbound.feed),
        *_pv1(outbound.patient, outbound.feed),
        _obr(outbound, said, at),
        _obx(1, _WORDS, escape(said.words), said, at),
        _obx(2, _LINK, where, said, at),
    ]
    return _encoded(lambda character_set: [_msh(outbound, delivery_id, sender, at, character_set), *body], outbound.feed)


def _encoded(segments: Callable[[str], list[str]], feed: OutboundFeed) -> bytes:
    """In the feed's character set; in UTF-8, and saying so, where an identifier does not fit into that."""
    try:
        return _text(segments(feed.character_set)).encode(codec(feed.character_set) or "ascii")
    except UnicodeEncodeError:
        return _text(segments(UNICODE)).encode()


def _text(segments: list[str]) -> str:
    return "".join(segment + "\r" for segment in segments)


def _msh(outbound: Outbound, delivery_id: UUID, sender: Party, at: str, character_set: str) -> str:
    feed = outbound.feed
    kind = "ORU^R01" if feed.version == "2.3" else "ORU^R01^ORU_R01"  # the structure came with 2.3.1
    return _segment(
        "MSH", STANDARD.encoding_characters, escape(sender.application), escape(sender.facility),
        escape(feed.receiving_application), escape(feed.receiving_facility), at, "", kind, control_id_of(delivery_id),
        "P" if outbound.is_production else "T", feed.version, "", "", "", "", "", character_set,
    )  # fmt: skip


def _pid(patient: HospitalPatient, feed: OutboundFeed) -> str:
    numbers = ((patient.nhs_number, "NHS", "NH"), (patient.local_number, feed.local_authority, "MR"))
    identifiers = [f"{escape(value)}^^^{escape(authority)}^{kind}" for value, authority, kind in numbers if value]
    return _segment("PID", "1", "", STANDARD.repetition.join(identifiers), "", _NO_NAME)


def _pv1(patient: HospitalPatient, feed: OutboundFeed) -> list[str]:
    """Nothing where the hospital gave the visit no number."""
    if not patient.visit_number:
        return []
    visit = f"{escape(patient.visit_number)}^^^{escape(feed.local_authority)}^VN"
    return [_segment("PV1", "1", _UNKNOWN_CLASS, *[""] * 16, visit)]


def _obr(outbound: Outbound, said: _Said, at: str) -> str:
    """OBR-3 is the alert, so that what comes later about it takes the place of what came before."""
    before, after = [""] * 2, [""] * 14
    return _segment(
        "OBR", "1", "", f"{outbound.alert_id.hex}^NIGHTLIGHT", _WORDS, *before, format_time(outbound.raised_at), *after, at, "", "",
        said.result_status,
    )  # fmt: skip


def _obx(number: int, what: str, value: str, said: _Said, at: str) -> str:
    return _segment("OBX", str(number), "TX", what, "1", value, *[""] * 5, said.observation_status, "", "", at)


def _segment(*fields: str) -> str:
    return STANDARD.field.join(fields).rstrip(STANDARD.field)
