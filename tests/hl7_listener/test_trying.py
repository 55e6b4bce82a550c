"""A message that somebody tries on the page of a site's rules: what is said of it is what the listener would do."""

from dataclasses import replace

import pytest

from domain.care_setting import CareSetting
from domain.trying import Tried
from hl7_listener.trying import try_message
from safeguarding.care_settings import DEFAULT_RULES
from tests.hl7_listener.samples import NAMES, adt, sample
from tests.hl7_listener.test_explaining import PID, SITE


def tried(*segments: str, event: str = "A04") -> Tried:
    return try_message(adt(*segments, event=event).decode(), SITE)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "The frame is empty (MSH, the header)."),
        ("not HL7 at all", "The message does not begin with MSH (MSH, the header)."),
        (adt("PV1|1|E").decode(), "The message has no PID segment (PID, the patient)."),
        (adt(PID).replace(b"|NL1|", b"||").decode(), "The control ID is missing (MSH-10, control ID)."),
        (adt(PID).replace(b"ADT^A04", b"ORU^R01").decode(), "Only ADT messages are taken here (MSH-9, message type)."),
    ],
)
def test_what_would_be_held_says_why_and_where(text: str, said: str) -> None:
    found = try_message(text, SITE)
    assert (found.refusal, found.setting, found.fired) == (said, "", None)
    assert found.told == "No: it would be held, and nobody would be checked by it."


@pytest.mark.parametrize("kind", [b"ACK", b"ACK^A04^ACK", b"MCF", b"ack"])
def test_an_acknowledgement_would_be_ignored_and_is_not_said_to_be_held(kind: bytes) -> None:
    found = try_message(adt("MSA|AA|1").replace(b"ADT^A04", kind).decode(), SITE)
    assert (found.is_ignored, found.refusal, found.found, found.wrong) == (True, "", (), ())
    assert found.told.startswith("No: it is an acknowledgement. The listener ignores it")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("around", ["", "\r\n\r\n", "\x0b", "\ufeff"])
def test_a_paste_is_read_alike_with_any_line_ends_and_marks_around_it(end: str, around: str) -> None:
    text = sample("a04_emergency").decode().replace("\r", end)
    assert try_message(around + text + around, SITE) == try_message(sample("a04_emergency").decode(), SITE)


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "8859/1", "ASCII", ""])
def test_letters_with_accents_stay_what_was_pasted_whatever_msh_18_says(declared: str) -> None:
    fields = ["MSH", "^~\\&", "PAS", SITE.ods_code, "", "", "20261105101530", "", "ADT^A04", "C1", "P", "2.4", *[""] * 5, declared]
    text = "|".join(fields) + "\rPID|1||9990000018^^^NHS^NH||BRÖNTE^Zoë||20190304|2\rPV1|1|E\r"
    assert ("Name", "BRÖNTE, Zoë, born 2019-03-04") in try_message(text, SITE).found


@pytest.mark.parametrize(
    "event, pv1, told, fired",
    [
        ("A04", "PV1|1|E", "Yes: the authority of an open plan is told.", 3),
        ("A08", "PV1|1|E", "Yes, unless it was told of this visit before: the authority of an open plan is told.", 3),
        ("A04", "PV1|1|O", "No: this is scheduled care. The patient is checked, and nobody is told.", 9),
        ("A04", "PV1|1|O||||||||711", "Never: nobody may hear who uses this service.", 1),
        ("A04", "PV1|1|X", "Yes: the authority of an open plan is told.", None),
        ("A04", "PV1|1", "Yes: the authority of an open plan is told.", None),
        ("A05", "PV1|1|E", "No: nobody has come yet. It is a silent check.", 3),
    ],
)
def test_who_would_be_told_and_the_rule_that_fired_are_named(event: str, pv1: str, told: str, fired: int | None) -> None:
    found = tried(PID, pv1, event=event)
    assert (found.told, found.fired, found.refusal) == (told, fired, "")


def test_a_baby_that_is_made_known_is_an_arrival() -> None:
    pid = "PID|1||9990000018^^^NHS^NH||BABY^HARDING" + "|" * 16 + "9990000026^^^NHS^NH"
    assert tried(pid, event="A28").told.startswith("Yes: a baby is made known.")


def test_a_test_message_tells_nobody() -> None:
    text = adt(PID, "PV1|1|E").replace(b"|P|2.", b"|T|2.").decode()
    assert try_message(text, SITE).told == "No: MSH-11 says that it is a test. Nobody is ever told of one."


def test_an_event_without_a_meaning_and_a_merge_have_no_care_setting() -> None:
    assert (tried(PID, "PV1|1|E", event="A60").setting, tried(PID, "MRG|633^^^R0A01^MR", event="A40").setting) == ("", "")


def test_what_is_wrong_is_said_with_its_place_although_it_would_be_taken() -> None:
    text = adt("PID|1||12345^^^R0A01^MR||HARDING^Amelia||soon", "PV1|1|X").decode().replace("|R0A01|", "|R0Z99|")
    wrong = dict(try_message(text, SITE).wrong)
    assert wrong["MSH-4, sending facility"].startswith("it does not name R0A01")
    assert wrong["PID-3, the patient's numbers"] == "no NHS number was given."
    assert wrong["PID-7, date of birth"] == "the date of birth cannot be read, and counts as missing"
    assert wrong["PV1, the visit"].startswith("no rule fits what it says")


def test_a_private_site_never_tells_whatever_a_rule_says() -> None:
    private = replace(SITE, setting=CareSetting.SARC, rules=DEFAULT_RULES)
    found = try_message(adt(PID, "PV1|1|E").decode(), private)
    assert (found.told, found.fired, found.why) == ("Never: nobody may hear who uses this service.", None, "as the site always is")


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_can_be_tried(name: str) -> None:
    assert try_message(sample(name).decode("utf-8", "replace"), SITE).told
