"""From a parsed message to the question that the desk answers.

The listener calls `to_checks` with what the reader made and the site that the peer speaks for.
Source: HL7 v2.4 chapter 3 (EVN, PID, MRG, PV1); docs/hl7.md, "What each event means here".
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from domain.actor import Actor, ActorKind, Purpose
from domain.answer import Outcome
from domain.care_setting import CareSetting
from domain.encounter import Identity, LocalNumber, TriggerEvent, to_arrival_mode
from domain.nhs_number import NhsNumber
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.events import trigger_event
from hl7_listener.fingerprint import fingerprint
from hl7_listener.identifiers import Numbers, merges, mother_numbers, number_status, patient_numbers
from hl7_listener.message import Message, Segment
from hl7_listener.times import parse_date, parse_time
from safeguarding.care_settings import decide_care_setting
from safeguarding.check import BABY, Check, MessageKey
from safeguarding.directory import Site

LEFT_BEFORE_SEEN = frozenset({"12", "LBS", "LWBS", "DNW", "1066301000000103", "1066311000000101"})
"""PV1-36: A&E attendance disposal 12, the usual local codes, and the SNOMED CT codes of the emergency care data set."""

_OF_SEVERAL = frozenset({TriggerEvent.MERGE, TriggerEvent.UNLINK})
_MAY_SAY_LEFT = frozenset({TriggerEvent.DISCHARGE, TriggerEvent.UPDATE})
_VERIFIED = frozenset({"", "01"})
_NON_ZERO = frozenset("123456789")
_LONGEST_SEQUENCE = 16
_TEST_PROCESSING = frozenset({"T", "D"})


def to_checks(message: Message, site: Site, peer_name: str, at: datetime, acknowledge: Callable[[Outcome], bytes]) -> list[Check]:
    """The questions of one message, the one that carries its control ID last: only a merge of several pairs has more than one.

    Raises Unreadable for what is not an ADT, has no PID, more than one patient, or is a merge without MRG.
    """
    trigger = trigger_event(message)
    if trigger not in _OF_SEVERAL and len(message.segments("PID")) > 1:
        raise Unreadable("the message is about more than one patient", ErrorCode.SEGMENT_SEQUENCE, Location("PID", sequence=2))
    pid = message.required("PID") if trigger is not TriggerEvent.OTHER else message.segment("PID")
    identity = _identity(pid, patient_numbers(pid, message.version), site) if pid else Identity(None)
    if mother := _mother(message, identity, at):
        identity = replace(identity, mother_number=mother)
    key = MessageKey(message.sending_application, site.ods_code, message.control_id, fingerprint(message.raw))
    main = _check(message, trigger, identity, site, peer_name, at, key, acknowledge)
    if trigger is TriggerEvent.UNLINK:
        return [_unlink_check(message, main, site)]
    return _merge_checks(message, main, site) if trigger is TriggerEvent.MERGE else [main]


def _check(
    message: Message,
    trigger: TriggerEvent,
    identity: Identity,
    site: Site,
    peer_name: str,
    at: datetime,
    key: MessageKey,
    acknowledge: Callable[[Outcome], bytes],
) -> Check:
    pv1 = message.segment("PV1")
    event = message.segment("EVN")
    recorded = parse_time(event.component(2, 1)) if event else None
    occurred = parse_time(event.component(6, 1)) if event else None
    sent = parse_time(message.header.component(7, 1))
    return Check(
        actor=Actor(ActorKind.SYSTEM, f"{site.ods_code} {message.sending_application}".strip(), peer_name, site.organisation_code),
        purpose=Purpose.DIRECT_CARE,
        trigger=trigger,
        identity=identity,
        site=site.ods_code,
        care_setting=_care_setting(site, pv1),
        at=at,
        event_at=recorded or sent,
        sequence=_sequence(message.header.component(13, 1)),
        visit_number=pv1.component(19, 1) if pv1 else "",
        arrived_at=(parse_time(pv1.component(44, 1)) if pv1 else None) or occurred,
        departed_at=_departed(pv1, trigger, at),
        left_before_seen=pv1 is not None and pv1.component(36, 1).upper() in LEFT_BEFORE_SEEN,
        arrival_mode=_arrival_mode(message),
        test=message.processing_id in _TEST_PROCESSING,
        message=key,
        acknowledge=acknowledge,
    )


def _sequence(text: str) -> int | None:
    """MSH-13. HL7 keeps 0 and -1 for agreeing where to begin; NM has 16 characters. Source: HL7 v2.5.1, section 2.10.1."""
    return (int(text) or None) if len(text) <= _LONGEST_SEQUENCE and text.isascii() and text.isdigit() else None


def _departed(pv1: Segment | None, trigger: TriggerEvent, at: datetime) -> datetime | None:
    """PV1-45 of a discharge, or of an update that comes after it; an expected time in the future is nobody's leaving."""
    left = parse_time(pv1.component(45, 1)) if pv1 and trigger in _MAY_SAY_LEFT else None
    return left if left and left <= at else None


def _arrival_mode(message: Message) -> str:
    """PV2-38. Source: HL7 v2.4, section 3.4.4.38 and table 0430."""
    pv2 = message.segment("PV2")
    return to_arrival_mode(pv2.component(38, 1)) if pv2 else ""


def _care_setting(site: Site, pv1: Segment | None) -> CareSetting:
    if pv1 is None:
        return site.setting
    return decide_care_setting(site, *care_setting_codes(pv1))


def care_setting_codes(pv1: Segment) -> tuple[str, str, str, str]:
    """PV1-2, PV1-4, PV1-10 and PV1-3, as the rules read them."""
    return pv1.component(2, 1), pv1.component(4, 1), pv1.component(10, 1), pv1.component(3, 1)


def _identity(pid: Segment, numbers: Numbers, site: Site) -> Identity:
    return Identity(
        numbers.nhs_number,
        numbers.no_number,
        _own_numbers(numbers, site),
        family_name=pid.component(5, 1),
        given_name=pid.component(5, 2),
        birth_date=parse_date(pid.component(7, 1)),
        unverified=number_status(pid) not in _VERIFIED,
    )


def _mother(message: Message, identity: Identity, at: datetime) -> NhsNumber | None:
    """PID-21 or NK1-33 of a baby; of an older child nobody needs it."""
    if identity.birth_date and at.date() - identity.birth_date > BABY:
        return None
    mother = mother_numbers(message).nhs_number
    return None if mother == identity.nhs_number else mother


def _own_numbers(numbers: Numbers, site: Site) -> tuple[LocalNumber, ...]:
    """Those that the site itself gave: by the authority; else of type MR, or without an authority; else all of them.

    The same digits mean somebody else where another place gave them, and "UNKNOWN" or 0000 mean nobody at all.
    """
    given = [each for each in numbers.local if not _NON_ZERO.isdisjoint(each.value)]
    by_authority = [each for each in given if each.authority.upper() in {site.ods_code, site.organisation_code}]
    by_type = [each for each in given if each.kind == "MR" or not each.authority]
    return tuple(LocalNumber(site.ods_code, each.value) for each in by_authority or by_type or given)


def _merge_checks(message: Message, main: Check, site: Site) -> list[Check]:
    pairs = list(merges(message))
    if not pairs:
        raise Unreadable("the merge has no MRG segment", ErrorCode.SEGMENT_SEQUENCE, Location("MRG"))
    pids = message.segments("PID")
    checks = []
    for number, pair in enumerate(pairs):
        prior = Identity(
            pair.prior.nhs_number,
            pair.prior.no_number,
            _own_numbers(pair.prior, site),
        )
        surviving = _identity(pids[min(number, len(pids) - 1)], pair.surviving, site)
        checks.append(_paired(main, surviving, prior, is_last=pair is pairs[-1]))
    return checks


def _unlink_check(message: Message, main: Check, site: Site) -> Check:
    """A37: the first two PIDs were taken for one patient, and are not."""
    pids = message.segments("PID")
    if len(pids) != 2:
        raise Unreadable("an unlink is about two patients", ErrorCode.SEGMENT_SEQUENCE, Location("PID", sequence=2))
    return replace(main, prior=_identity(pids[1], patient_numbers(pids[1], message.version), site), visit_number="")


def _paired(main: Check, surviving: Identity, prior: Identity, *, is_last: bool) -> Check:
    check = replace(main, identity=surviving, prior=prior, visit_number="")
    return check if is_last else replace(check, message=None, acknowledge=None)
