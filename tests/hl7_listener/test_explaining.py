"""What is said of a message before it is sent is what the listener would do with it; hl7apy says where its structure is wrong."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from domain.care_setting import CareSetting
from hl7_listener.explaining import Explanation, explain
from hl7_listener.reader import parse
from hl7_listener.structure import Severity, check_structure, field_names, nearest_version, structure_of
from safeguarding.care_settings import DEFAULT_RULES, SITES_OWN
from safeguarding.directory import CareSettingRule, Site
from tests.hl7_listener.samples import NAMES, adt, sample

SITE = Site(
    "R0A01", "R0A", "Amber Trust", "Amber Royal", CareSetting.MINOR_INJURY_UNIT, None, "", (), DEFAULT_RULES, feed_live=True
)
PID = "PID|1||9990000018^^^NHS^NH||HARDING^Amelia||20190304|2"


def said(explanation: Explanation, label: str) -> str:
    return next((value for each, value in explanation.found if each == label), "")


@pytest.mark.parametrize(
    "raw,code,where",
    [
        (b"", 100, "MSH"),
        (b"not HL7 at all", 100, "MSH"),
        (adt("PV1|1|E"), 100, "PID"),
        (adt(PID, PID), 100, "PID"),
        (adt(PID, event="A40"), 100, "MRG"),
        (adt(PID).replace(b"|NL1|", b"||"), 101, "MSH-10"),
        (adt(PID).replace(b"ADT^A04", b"ORU^R01"), 200, "MSH-9"),
    ],
)
def test_what_would_be_held_is_explained_with_code_place_and_the_very_answer(raw: bytes, code: int, where: str) -> None:
    explained = explain(raw)
    assert explained.error is not None
    assert (explained.error.code, str(explained.error.location)) == (code, where)
    assert b"|AE|" in explained.answer[0]


def test_an_acknowledgement_is_ignored_without_an_answer() -> None:
    explained = explain(adt("MSA|AA|1").replace(b"ADT^A04", b"ACK^A04^ACK"))
    assert (explained.is_ignored, explained.error, explained.answer) == (True, None, ())


def test_a_facility_that_nobody_knows_would_be_held() -> None:
    explained = explain(adt(PID), is_known=False)
    assert explained.error is not None
    assert explained.error.code == 204


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("a")])
def test_every_good_sample_would_be_taken(name: str) -> None:
    explained = explain(sample(name))
    assert explained.error is None
    assert b"\rMSA|AA|" in explained.answer[0].replace(b"#", b"|")
    assert said(explained, "Control ID")


def test_the_numbers_the_event_and_the_visit_are_named() -> None:
    explained = explain(sample("a04_emergency", b"\n"), SITE)
    assert said(explained, "NHS number") == "999 000 0018"
    assert said(explained, "Local number") == "633 of R0A01"
    assert said(explained, "Means") == "register: an arrival"
    assert said(explained, "Visit") == "V2026110500417"
    assert said(explained, "Event time") == "05 Nov 2026 10:15:29"
    assert said(explained, "Site") == "R0A01, Amber Royal"
    assert said(explain(sample("a04_no_number")), "NHS number").startswith("We could not check")


NEVER = CareSettingRule(frozenset({"X"}), frozenset(), frozenset(), "", CareSetting.GP)
OWN = CareSettingRule(frozenset({"E"}), frozenset(), frozenset(), "", SITES_OWN)
BY_PLACE = CareSettingRule(frozenset(), frozenset(), frozenset(), "ED", CareSetting.PAEDIATRIC_WARD)


@pytest.mark.parametrize(
    "rules,pv1,expected",
    [
        ((NEVER, OWN), "PV1|1|E|ED", "Minor injury unit, by rule 2 of 2"),
        ((NEVER, BY_PLACE, OWN), "PV1|1|E|ED", "Paediatric ward, by rule 2 of 3"),
        ((NEVER,), "PV1|1|E|ED", "Unclassified (treated as unscheduled), no rule fits"),
        ((), "PV1|1|E|ED", "Unclassified (treated as unscheduled), no rule fits"),
        ((NEVER, OWN), "PV1|1||ED", "Minor injury unit, the site's own: PV1 says nothing of it"),
        ((NEVER, OWN), "ZZ1|1", "Minor injury unit, the site's own: PV1 says nothing of it"),
    ],
)
def test_the_rule_that_fires_is_named_by_its_number(rules: tuple[CareSettingRule, ...], pv1: str, expected: str) -> None:
    assert said(explain(adt(PID, pv1), replace(SITE, rules=rules)), "Care setting") == expected


def test_a_private_service_is_what_it_is_whatever_its_messages_say() -> None:
    private = replace(SITE, setting=CareSetting.SARC)
    explained = explain(adt(PID, "PV1|1|E|ED"), private)
    assert said(explained, "Care setting") == "Sexual assault referral centre, as the site always is"
    assert said(explained, "Unscheduled") == "no"


@pytest.mark.parametrize(
    "version,expected", [("2.4", "2.4"), ("2.4.1", "2.4"), ("2.5.1", "2.5.1"), ("2.9", "2.4"), ("", "2.4"), ("nonsense", "2.4")]
)
def test_a_version_that_is_none_is_looked_at_as_the_nearest(version: str, expected: str) -> None:
    assert nearest_version(version) == expected


def test_fields_have_the_names_of_their_version_and_unknown_segments_none() -> None:
    assert field_names("PID", "2.4")[5] == "Patient name"
    assert field_names("PV1", "2.4.1")[19] == "Visit number"
    assert field_names("ZU1", "2.4") == {}


@pytest.mark.parametrize(
    "event,version,expected",
    [
        ("A04^ADT_A01", "2.4", "ADT_A01"), ("A04", "2.4", "ADT_A01"), ("A31", "2.4", "ADT_A05"), ("A31", "2.3.1", "ADT_A01"),
        ("A40", "2.5.1", "ADT_A39"), ("A04", "2.2", "ADT_A04"), ("A04^nonsense", "2.4", "ADT_A01"), ("Z99", "2.4", ""),
    ],
)  # fmt: skip
def test_a_structure_that_msh_9_leaves_out_is_known_by_the_event(event: str, version: str, expected: str) -> None:
    assert structure_of(parse(adt(PID, event=event, version=version)), version) == expected


@pytest.mark.parametrize(
    "before,after,segment,sentence",
    [
        (b"PV1|", b"ZV1|", "", "Missing required child ADT_A01.PV1"),
        (b"PV1|", b"XX1|", "XX1", "Invalid name for Segment: XX1"),
        (b"PD1|", b"PID|", "PID (2)", "Missing required child PID-5"),
        (b"|P|2.4|", b"|P|2.4.9|", "MSH", "MSH-12: there is no version 2.4.9; looked at as 2.4"),
        (b"ADT^A04^ADT_A01", b"ADT^Z99", "", "version 2.4 has no structure for ADT^Z99: only segments were looked at"),
        (b"|PID|", b"|PID|", "PID", "Value 2 not in table HL70001 in element PID-8"),
    ],
)
def test_what_is_not_as_the_standard_has_it_is_found_where_it_is(before: bytes, after: bytes, segment: str, sentence: str) -> None:
    found = check_structure(parse(sample("a04_emergency").replace(before, after)))
    assert (segment, sentence) in [(each.segment, each.sentence) for each in found]


@pytest.mark.parametrize("name", ["a01_admission", "a04_emergency", "a04_own_delimiters", "a04_version_2_2", "a40_two_merges"])
def test_a_message_as_the_standard_has_it_has_no_errors(name: str) -> None:
    assert [each for each in check_structure(parse(sample(name))) if each.severity is Severity.ERROR] == []


@pytest.mark.parametrize("module", ["nightlight.processes.listener", "nightlight.processes.api", "nightlight.cli"])
def test_no_process_loads_hl7apy(module: str) -> None:
    loaded = f"import sys, {module}; sys.exit(any(name.startswith('hl7apy') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=Path(__file__).parents[2], check=False).returncode == 0
