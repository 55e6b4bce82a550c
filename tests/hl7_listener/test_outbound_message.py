"""What goes back into a hospital: neutral words, the hospital's own numbers, and nothing of the plan or of who holds it."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import text

from domain.alert import AlertEvent, CodedAnswer
from domain.channel import HospitalPatient
from domain.flag import FlagKind
from hl7_listener.answered import ANNOUNCEMENT
from hl7_listener.message import Message
from hl7_listener.outbound_message import ANSWERED, WITHDRAWN, Party, control_id_of, render_result
from hl7_listener.reader import parse
from hl7_listener.structure import Severity, check_structure
from safeguarding.outbound import VERSIONS, Outbound, OutboundFeed
from tests.docs.reading import code_blocks

DELIVERY = UUID("0199a5c2-7f00-7d3e-8a51-2b6c4d9e0f17")
ALERT = UUID("0199a5c2-7eff-7001-9c0d-1e2f3a4b5c6d")
ENCOUNTER = UUID("0199a5c2-7efe-7aaa-8bbb-0123456789ab")
FEED = OutboundFeed("R0A01", "127.0.0.1", 2575, False, "PAS", "R0A01", "R0A01", "2.4", "")
PATIENT = HospitalPatient("R0A01", "9990000018", "633", "V19")
RAISED_AT, AT = datetime(2026, 11, 21, 3, 5, tzinfo=UTC), datetime(2026, 11, 21, 3, 5, 1, tzinfo=UTC)
OUTBOUND = Outbound(FEED, True, True, ALERT, ENCOUNTER, PATIENT, None, RAISED_AT, AT)
NIGHTLIGHT = Party("NIGHTLIGHT", "NIGHTLIGHT")
STRICTER_THAN_THE_STANDARD = {
    "2.3": ("Missing required child OBR-27",),
    "2.8": (
        "Missing required child ORU_R01_COMMON_ORDER.ORC",
        "Child limit exceeded ORU_R01_COMMON_ORDER.ORU_R01_ORDER_DOCUMENT",
        "Missing required child ORU_R01_ORDER_DOCUMENT.TXA",
    ),
}
"""What hl7apy demands although chapters 4 and 7 of these versions make it optional (a quantity, an order, a document)."""
EVENTS = [None, AlertEvent.ACKNOWLEDGE, AlertEvent.REINSTATE, AlertEvent.WRONG_IDENTITY]


def link(path: str) -> str:
    return f"https://nightlight.amber.example{path}"


def rendered(outbound: Outbound = OUTBOUND, party: Party = NIGHTLIGHT) -> bytes:
    return render_result(outbound, DELIVERY, party, link)


def of_feed(**changes: str) -> Outbound:
    return replace(OUTBOUND, feed=replace(FEED, **changes))  # type: ignore[arg-type]


def statuses(message: Message) -> tuple[str, list[str]]:
    return message.required("OBR").field(25), [segment.field(11) for segment in message.segments("OBX")]


@pytest.mark.parametrize("event", EVENTS)
def test_no_word_of_the_plan_the_authority_or_the_answer_is_in_it(event: AlertEvent | None) -> None:
    text = rendered(replace(OUTBOUND, event=event)).decode("ascii").lower()
    told = [kind.value.lower() for kind in FlagKind] + [answer.words.lower() for answer in CodedAnswer]
    for forbidden in (
        *told,
        *(answer.value for answer in CodedAnswer),
        "child",
        "protection",
        "plan",
        "social",
        "authority",
        "01632",
    ):
        assert forbidden not in text.replace("unicode", ""), forbidden


@pytest.mark.parametrize("event", EVENTS)
def test_of_the_patient_it_has_the_hospitals_own_numbers_and_no_name(event: AlertEvent | None) -> None:
    pid = parse(rendered(replace(OUTBOUND, event=event))).required("PID")
    assert pid.text == r"PID|1||9990000018^^^NHS^NH~633^^^R0A01^MR||^^^^^^U"


@pytest.mark.parametrize(
    "patient,expected",
    [
        (HospitalPatient("R0A01", "9990000018", "", "V1"), "9990000018^^^NHS^NH"),
        (HospitalPatient("R0A01", "", "633", "V1"), "633^^^R0A01^MR"),
    ],
)
def test_a_number_that_the_hospital_did_not_send_is_not_sent_back(patient: HospitalPatient, expected: str) -> None:
    assert parse(rendered(replace(OUTBOUND, patient=patient))).required("PID").raw(3) == expected


def test_a_visit_without_a_number_has_no_pv1() -> None:
    message = parse(rendered(replace(OUTBOUND, patient=replace(PATIENT, visit_number=""))))
    assert message.segment("PV1") is None
    assert parse(rendered()).required("PV1").component(19, 1) == "V19"


@pytest.mark.parametrize("event", EVENTS)
def test_the_address_holds_no_number_of_the_patient(event: AlertEvent | None) -> None:
    _, where = parse(rendered(replace(OUTBOUND, event=event))).segments("OBX")
    for number in ("9990000018", "633", "V19"):
        assert number not in where.raw(5).replace(str(ENCOUNTER), "")


@pytest.mark.parametrize(
    "event,words,result,observations",
    [
        (None, ANNOUNCEMENT, "F", ["F", "F"]),
        (AlertEvent.ACKNOWLEDGE, ANSWERED, "C", ["C", "C"]),
        (AlertEvent.REINSTATE, ANNOUNCEMENT, "C", ["C", "C"]),
        (AlertEvent.WRONG_IDENTITY, WITHDRAWN, "C", ["W", "W"]),
    ],
)
def test_what_has_happened_decides_words_and_status(
    event: AlertEvent | None, words: str, result: str, observations: list[str]
) -> None:
    message = parse(rendered(replace(OUTBOUND, event=event)))
    said, where = message.segments("OBX")
    assert said.field(5) == words
    assert statuses(message) == (result, observations)
    assert message.required("OBR").component(3, 1) == ALERT.hex, "what comes later takes the place of what came before"
    assert where.field(5) == ("" if event is AlertEvent.WRONG_IDENTITY else link(f"/encounters/{ENCOUNTER}"))


def test_a_withdrawn_result_has_no_address_any_more() -> None:
    _, where = parse(rendered(replace(OUTBOUND, event=AlertEvent.WRONG_IDENTITY))).segments("OBX")
    assert where.raw(5) == '""'


def test_the_same_delivery_is_the_same_bytes_each_time() -> None:
    assert rendered() == rendered()
    assert parse(rendered()).control_id == control_id_of(DELIVERY)


def test_another_delivery_has_another_control_id_that_every_version_can_hold() -> None:
    one, other = control_id_of(DELIVERY), control_id_of(UUID("0199a5c2-7f00-7d3e-8a51-2b6c4d9e0f18"))
    assert one != other
    assert len(one) == 20


@pytest.mark.parametrize("is_production,expected", [(True, "P"), (False, "T")])
def test_a_test_store_says_so(is_production: bool, expected: str) -> None:
    assert parse(rendered(replace(OUTBOUND, is_production=is_production))).processing_id == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_its_message_type_and_asks_for_the_original_mode(version: str) -> None:
    message = parse(rendered(of_feed(version=version)))
    assert message.version == version
    assert message.header.raw(9) == ("ORU^R01" if version == "2.3" else "ORU^R01^ORU_R01")
    assert (message.header.field(15), message.header.field(16)) == ("", "")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("event", EVENTS)
def test_the_structure_is_that_of_the_standard(version: str, event: AlertEvent | None) -> None:
    findings = check_structure(parse(rendered(replace(of_feed(version=version), event=event))))
    errors = {finding.sentence for finding in findings if finding.severity is Severity.ERROR}
    assert errors == set(STRICTER_THAN_THE_STANDARD.get(version, ()))


def test_the_parties_are_those_of_the_settings_and_of_the_feed() -> None:
    header = parse(rendered(of_feed(receiving_application="EPR", receiving_facility="R0A"), Party("NL", "X26"))).header
    assert [header.field(number) for number in (3, 4, 5, 6)] == ["NL", "X26", "EPR", "R0A"]


@pytest.mark.parametrize("hostile", ["V|19", "V^1", "V~1", "V\\1", "V&1", "V\r1", "V\x1c\r1", "V\x0b1"])
def test_nothing_in_a_number_is_taken_for_structure(hostile: str) -> None:
    message = rendered(replace(OUTBOUND, patient=HospitalPatient("R0A01", "9990000018", hostile, hostile)))
    assert b"\x1c" not in message
    assert b"\x0b" not in message
    read = parse(message)
    assert [segment.name for segment in read] == ["MSH", "PID", "PV1", "OBR", "OBX", "OBX"]
    assert read.required("PV1").component(19, 1) == hostile.strip()
    assert read.required("PID").repetitions(3)[1].component(1) == hostile.strip()


@given(text().filter(lambda number: number.strip() and "\0" not in number and number != '""'))
def test_whatever_a_number_holds_arrives_as_it_was(number: str) -> None:
    for character_set in ("", "8859/15", "UNICODE UTF-8"):
        outbound = replace(of_feed(character_set=character_set), patient=replace(PATIENT, visit_number=number))
        assert parse(rendered(outbound)).required("PV1").component(19, 1) == number.strip()


@pytest.mark.parametrize(
    "character_set,declared,encoding",
    [
        ("", "UNICODE UTF-8", "utf-8"),
        ("8859/1", "8859/1", "latin-1"),
        ("UNICODE", "UNICODE", "utf-8"),
        ("ASCII", "UNICODE UTF-8", "utf-8"),
    ],
)
def test_a_number_beyond_ascii_arrives_whole_in_a_character_set_that_is_named(
    character_set: str, declared: str, encoding: str
) -> None:
    outbound = replace(of_feed(character_set=character_set), patient=replace(PATIENT, visit_number="Vé1"))
    message = parse(rendered(outbound))
    assert message.header.field(18) == declared
    assert "Vé1".encode(encoding) in message.raw
    assert message.required("PV1").component(19, 1) == "Vé1"


def test_the_example_in_the_documents_is_what_is_sent() -> None:
    shown = [block for block in code_blocks("hl7.md", "hl7") if "ORU^R01" in block]
    assert shown == [rendered().decode("ascii").replace("\r", "\n")]
