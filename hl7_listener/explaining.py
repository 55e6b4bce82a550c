"""What would become of a message, without asking anybody: what is found in it, what is decided, what goes back, what is wrong.

`nightlight hl7 explain` prints it, `hl7_listener.trying` says it on a page. It goes through the same reader and mapping as the
listener, and stops before the desk. Source: docs/hl7.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from domain.errors import NotSpeakingFor
from domain.nhs_number import to_spaced
from hl7_listener import query
from hl7_listener.accept_modes import Taking
from hl7_listener.acknowledgement import AckError
from hl7_listener.answered import render, to_ack_error
from hl7_listener.errors import Unreadable
from hl7_listener.header import read_header
from hl7_listener.identifiers import NUMBER_STATUS, number_status
from hl7_listener.mapping import care_setting_codes, to_checks
from hl7_listener.message import Message, Segment
from hl7_listener.reader import parse
from hl7_listener.times import parse_date, parse_time
from runtime.clock import ENGLAND, now
from safeguarding.care_settings import DEFAULT_RULES, fitting_rule
from safeguarding.check import Check
from safeguarding.directory import Site

_MEANINGS = {
    TriggerEvent.ADMIT: "an arrival",
    TriggerEvent.REGISTER: "an arrival",
    TriggerEvent.PRE_ADMIT: "nobody has come yet",
    TriggerEvent.TRANSFER: "the patient is in another place now",
    TriggerEvent.CLASS_CHANGE: "the patient is treated as another class now",
    TriggerEvent.CANCEL_TRANSFER: "the patient was not moved after all",
    TriggerEvent.UPDATE: "new details of the visit",
    TriggerEvent.UPDATE_PERSON: "new details of the person",
    TriggerEvent.ADD_PERSON: "a person is made known",
    TriggerEvent.DISCHARGE: "the visit ends",
    TriggerEvent.CANCEL_ADMIT: "the patient did not come after all",
    TriggerEvent.CANCEL_DISCHARGE: "the visit has not ended after all",
    TriggerEvent.MERGE: "two numbers are one person",
    TriggerEvent.UNLINK: "two numbers are two people",
    TriggerEvent.OTHER: "nothing here",
}
_BORN = 7
_TIMES = (
    ("EVN", 2, "time of the event"), ("EVN", 6, "time of the event"), ("PID", _BORN, "date of birth"), ("PV1", 44, "arrival"),
    ("PV1", 45, "leaving time"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explanation:
    """`found` are labels and values; `error` is None where the message would be taken; `answer` are the frames that go back.

    `check` is its question, the last one where it has several, and None where it comes to none. `wrong` are places and what is
    wrong there, of what would be taken all the same. `is_ignored`: it is somebody's acknowledgement, neither taken nor held, and
    nothing goes back.
    """

    message: Message | None
    found: tuple[tuple[str, str], ...]
    error: AckError | None
    answer: tuple[bytes, ...]
    check: Check | None = None
    wrong: tuple[tuple[str, str], ...] = ()
    is_ignored: bool = False


def explain(raw: bytes, site: Site | None = None, default_charset: str = "", *, is_known: bool = True) -> Explanation:
    """What the listener would make of the bytes of one frame that a peer of the site sends.

    Without a site: by the rules that a new one begins with. `is_known` False: nobody knows the facility in MSH-4.
    """
    message: Message | None = None
    found: list[tuple[str, str]] = []
    header = read_header(raw)
    if header.is_acknowledgement:
        return Explanation(None, (), None, (), is_ignored=True)
    try:
        message = parse(raw, (site.character_set if site else "") or default_charset)
        if not is_known:
            raise NotSpeakingFor("this peer may not speak for the facility in MSH-4")
        where = site or _new_site(message.sending_facility)
        found += _header(message, where, is_looked_up=site is not None)
        checks = _questions(message, where)
        for check in checks:
            found += _of_check(check, message, where)
    except (Unreadable, NotSpeakingFor) as error:
        said = to_ack_error(error)
        return Explanation(message, tuple(found), said, render(header, Taking.HELD, said))
    answer = () if query.is_query(message) else render(header, Taking.TAKEN)
    return Explanation(message, tuple(found), None, answer, checks[-1], tuple(_wrong(message)))


def why_care_setting(site: Site, pv1: Segment | None) -> tuple[int | None, str]:
    """The place of the rule that decides the care setting, from 1, or None; and the reason in words."""
    if site.setting.is_private:
        return None, "as the site always is"
    codes = care_setting_codes(pv1) if pv1 else ("", "", "", "")
    place = fitting_rule(site, *codes) if pv1 else None
    if place:
        return place, f"by rule {place} of {len(site.rules)}"
    return None, "no rule fits" if any(codes[:3]) else "the site's own: PV1 says nothing of it"


def _questions(message: Message, site: Site) -> list[Check]:
    if query.is_query(message):
        return [query.to_check(message, site, "explained", now())]
    return to_checks(message, site, "explained", now(), lambda _: b"")


def _new_site(facility: str) -> Site:
    return Site(
        facility.upper(),
        facility[:3].upper(),
        "",
        "",
        CareSetting.EMERGENCY_DEPARTMENT,
        None,
        "",
        (),
        DEFAULT_RULES,
        feed_live=True,
    )


def _header(message: Message, site: Site, *, is_looked_up: bool) -> Iterator[tuple[str, str]]:
    yield "Message", f"{message.message_type}^{message.event}, version {message.version or 'not said'}"
    yield "Control ID", message.control_id
    yield "Site", f"{site.ods_code}, {site.name}" if is_looked_up else f"{site.ods_code or 'none'} (not looked up)"


def _of_check(check: Check, message: Message, site: Site) -> Iterator[tuple[str, str]]:
    yield "Means", f"{check.trigger.value.replace('-', ' ')}: {_MEANINGS.get(check.trigger, 'somebody asks')}"
    if check.test:
        yield "Test", "MSH-11 says that nobody is to be told"
    yield "Event time", _moment(check.event_at)
    yield from _of_identity(check.identity, "NHS number")
    if check.prior:
        yield from _of_identity(check.prior, "Prior NHS number")
    pid = message.segment("PID")
    if pid and (status := number_status(pid)):
        yield "Number status", NUMBER_STATUS[status]
    if check.visit_number:
        yield "Visit", check.visit_number
    yield "Arrived", _moment(check.arrived_at)
    if check.departed_at:
        yield "Left", _moment(check.departed_at) + (", before being seen" if check.left_before_seen else "")
    if not (check.prior or query.is_query(message)):
        yield "Care setting", f"{check.care_setting.words}, {why_care_setting(site, message.segment('PV1'))[1]}"
        yield "Unscheduled", "yes: an arrival tells the authorities of open plans" if check.care_setting.is_unscheduled else "no"


def _of_identity(identity: Identity, label: str) -> Iterator[tuple[str, str]]:
    if identity.nhs_number:
        yield label, to_spaced(identity.nhs_number)
    elif identity.no_number:
        yield label, identity.no_number.words
    for local in identity.local_numbers:
        yield "Local number", f"{local.value} of {local.facility}"
    if identity.family_name or identity.given_name or identity.birth_date:
        born = f", born {identity.birth_date}" if identity.birth_date else ""
        yield "Name", f"{identity.family_name}, {identity.given_name}{born}"
    if identity.mother_number:
        yield "Mother's NHS number", to_spaced(identity.mother_number)


def _wrong(message: Message) -> Iterator[tuple[str, str]]:
    """Times that cannot be read: they count as missing, and refuse no message."""
    for name, number, what in _TIMES:
        segment = message.segment(name)
        value = segment.component(number, 1) if segment else ""
        if value and (parse_date if number == _BORN else parse_time)(value) is None:
            yield f"{name}-{number}", f"the {what} cannot be read, and counts as missing"


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(ENGLAND):%d %b %Y %H:%M:%S}" if at else "not said"
