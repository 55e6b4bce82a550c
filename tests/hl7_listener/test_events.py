"""Every trigger event has one meaning; an unknown one is recorded, and what is no ADT is refused."""

from pathlib import Path

import pytest

from domain.encounter import TriggerEvent
from hl7_listener.errors import ErrorCode, Unreadable
from hl7_listener.events import TRIGGER_EVENTS, trigger_event
from hl7_listener.header import read_header
from hl7_listener.reader import parse
from tests.hl7_listener.samples import NAMES, adt, sample

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.mark.parametrize("message_type", ["ORU^R01", "SIU^S12", "QBP^Q22", "ACK^A04", "MDM"])
def test_what_is_no_adt_is_refused_as_unsupported(message_type: str) -> None:
    message = parse(adt("PID|1||633").replace(b"ADT^A04", message_type.encode()))
    with pytest.raises(Unreadable) as refusal:
        trigger_event(message)
    assert refusal.value.code is ErrorCode.UNSUPPORTED_MESSAGE_TYPE


@pytest.mark.parametrize("event", ["A09", "A24", "A60", "Z99", "A4", "A040"])
def test_an_event_without_a_meaning_here_is_recorded_only(event: str) -> None:
    assert trigger_event(parse(adt("PID|1||633", event=event))) is TriggerEvent.OTHER


def test_the_table_is_that_of_the_design() -> None:
    assert {code: event.name for code, event in TRIGGER_EVENTS.items()} == {
        "A01": "ADMIT",
        "A02": "TRANSFER",
        "A03": "DISCHARGE",
        "A04": "REGISTER",
        "A05": "PRE_ADMIT",
        "A06": "CLASS_CHANGE",
        "A07": "CLASS_CHANGE",
        "A08": "UPDATE",
        "A11": "CANCEL_ADMIT",
        "A12": "CANCEL_TRANSFER",
        "A13": "CANCEL_DISCHARGE",
        "A14": "PRE_ADMIT",
        "A18": "MERGE",
        "A28": "ADD_PERSON",
        "A31": "UPDATE_PERSON",
        "A34": "MERGE",
        "A36": "MERGE",
        "A37": "UNLINK",
        "A38": "PRE_ADMIT",
        "A40": "MERGE",
        "A47": "MERGE",
    }


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("a")])
def test_every_sample_means_what_its_name_says(name: str) -> None:
    assert trigger_event(parse(sample(name))) is TRIGGER_EVENTS[name[:3].upper()]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.hl7")), ids=lambda path: path.stem)
def test_every_example_of_the_documentation_is_taken(path: Path) -> None:
    message = parse(path.read_bytes())
    assert trigger_event(message) is TRIGGER_EVENTS[path.stem[4:7].upper()]
    assert message.required("PID").repetitions(3)


def test_an_event_is_known_in_small_letters() -> None:
    assert trigger_event(parse(adt("PID|1").replace(b"ADT^A04", b"adt^a04"))) is TriggerEvent.REGISTER


def test_an_acknowledgement_is_known_so_that_it_is_never_acknowledged() -> None:
    acks = [b"ACK", b"ACK^A04^ACK", b"MCF", b"ADT^A04"]
    headers = [read_header(adt("MSA|AA|1").replace(b"ADT^A04", message_type)) for message_type in acks]
    assert [header.is_acknowledgement for header in headers] == [True, True, True, False]


@pytest.mark.parametrize("encoding", ["^~ \\&", "ABCD", " ", "^~\\\xa7"], ids=["blank", "letters", "only a blank", "not ASCII"])
@pytest.mark.parametrize("separator", ["|", "^", "~"])
def test_an_acknowledgement_is_known_though_its_encoding_characters_are_none(encoding: str, separator: str) -> None:
    fields = ("MSH", encoding.replace(separator, "!"), "PAS", "R0A01", "", "", "", "", "ACK", "NL1", "P", "2.4")
    header = read_header(separator.join(fields).encode("latin-1"))
    assert header.is_acknowledgement
    assert (header.sending_application, header.control_id, header.delimiters.field) == ("PAS", "NL1", separator)
