"""What each status and class of an Encounter means, held against tables typed by hand; and care, as a truth table."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.care_setting import CareSetting
from domain.encounter import EncounterState
from fhir_adapter.encounters.classes import read_class
from fhir_adapter.encounters.rules import RULES, setting_of, trigger_event
from fhir_adapter.encounters.validity import STATUSES
from runtime.clients import Care
from safeguarding.recorded import Held

V3, V2 = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://terminology.hl7.org/CodeSystem/v2-0004"
EMERGENCY, STAY = read_class({"system": V3, "code": "EMER"}), read_class({"system": V3, "code": "IMP"})

# The HL7 v2 event that each status stands for: a new visit by POST | a known one by POST | by PUT: open, over, cancelled
EVENTS = {
    "planned": ("pre-admit", "pre-admit", "pre-admit", "pre-admit", "pre-admit"),
    "arrived": ("register", "register", "update", "cancel-discharge", "register"),
    "triaged": ("register", "register", "update", "cancel-discharge", "register"),
    "in-progress": ("register", "register", "update", "cancel-discharge", "register"),
    "onleave": ("register", "register", "update", "cancel-discharge", "register"),
    "finished": ("update", "discharge", "discharge", "discharge", "discharge"),
    "cancelled": ("cancel-admit", "cancel-admit", "cancel-admit", "cancel-admit", "cancel-admit"),
    "entered-in-error": ("cancel-admit", "cancel-admit", "cancel-admit", "cancel-admit", "cancel-admit"),
    "unknown": ("register", "update", "update", "update", "update"),
}


def held(
    state: EncounterState = EncounterState.OPEN,
    setting: CareSetting = CareSetting.EMERGENCY_DEPARTMENT,
    *,
    unscheduled: bool = True,
) -> Held:
    at = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
    return Held(UUID(int=1), "R0A01", "V1", state, setting, unscheduled, False, at, 1)


def test_every_status_of_fhir_has_its_rule() -> None:
    assert RULES.keys() == EVENTS.keys() == STATUSES


@pytest.mark.parametrize("status", EVENTS)
def test_each_status_is_the_event_of_the_table(status: str) -> None:
    assert EVENTS[status] == (
        trigger_event(status, EMERGENCY, None, creates=True).value,
        trigger_event(status, EMERGENCY, held(), creates=True).value,
        trigger_event(status, EMERGENCY, held(EncounterState.OPEN), creates=False).value,
        trigger_event(status, EMERGENCY, held(EncounterState.CLOSED), creates=False).value,
        trigger_event(status, EMERGENCY, held(EncounterState.CANCELLED), creates=False).value,
    )


@pytest.mark.parametrize("status", EVENTS)
def test_an_encounter_that_expired_is_over(status: str) -> None:
    expired, closed = held(EncounterState.EXPIRED), held(EncounterState.CLOSED)
    assert trigger_event(status, EMERGENCY, expired, creates=False) is trigger_event(status, EMERGENCY, closed, creates=False)


def test_an_arrival_for_a_stay_is_an_admission() -> None:
    assert trigger_event("arrived", STAY, None, creates=True).value == "admit"


@pytest.mark.parametrize(
    "system, code, letter, is_stay",
    [
        (V3, "EMER", "E", False),
        (V3, "IMP", "I", True),
        (V3, "ACUTE", "I", True),
        (V3, "NONAC", "I", True),
        (V3, "OBSENC", "I", True),
        (V3, "SS", "I", True),
        (V3, "AMB", "O", False),
        (V3, "PRENC", "P", False),
        (V3, "FLD", "", False),
        (V3, "HH", "", False),
        (V3, "VR", "", False),
        (V3, "emer", "OTHER", False),
        (V3, "", "OTHER", False),
        (V2, "E", "E", False),
        (V2, "I", "I", True),
        (V2, "EMER", "OTHER", False),
        ("https://amber.example/classes", "O", "OTHER", False),
        ("", "O", "OTHER", False),
    ],
)
def test_a_class_is_the_letter_that_the_sites_rules_know(system: str, code: str, letter: str, is_stay: bool) -> None:
    found = read_class({"system": system, "code": code})
    assert (found.patient_class, found.is_stay) == (letter, is_stay)


ED, CLINIC, SARC = CareSetting.EMERGENCY_DEPARTMENT, CareSetting.OUTPATIENT, CareSetting.SARC


@pytest.mark.parametrize(
    "care, by_rules, expected",
    [
        (Care.BOTH, ED, ED),
        (Care.BOTH, CLINIC, CLINIC),
        (Care.BOTH, SARC, SARC),
        (Care.UNSCHEDULED, ED, ED),
        (Care.UNSCHEDULED, CLINIC, CareSetting.UNCLASSIFIED),
        (Care.UNSCHEDULED, SARC, SARC),
        (Care.SCHEDULED, ED, CLINIC),
        (Care.SCHEDULED, CareSetting.GP, CareSetting.GP),
        (Care.SCHEDULED, SARC, SARC),
    ],
)
def test_the_setting_is_the_rules_within_what_the_client_is_registered_for(
    care: Care, by_rules: CareSetting, expected: CareSetting
) -> None:
    assert setting_of(care, by_rules, EMERGENCY, None) is expected


def test_a_stay_that_a_client_of_scheduled_care_opens_is_elective() -> None:
    assert setting_of(Care.SCHEDULED, ED, STAY, None) is CareSetting.ELECTIVE_ADMISSION


def test_a_client_of_scheduled_care_leaves_the_setting_of_a_known_encounter_as_it_is() -> None:
    assert setting_of(Care.SCHEDULED, CareSetting.GP, EMERGENCY, held(setting=ED)) is ED


def test_nor_does_it_make_one_that_is_held_as_scheduled_tell() -> None:
    assert setting_of(Care.SCHEDULED, ED, EMERGENCY, held(setting=ED, unscheduled=False)) is CLINIC
