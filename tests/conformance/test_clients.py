"""Applications on two well-known client libraries ask a running Nightlight, and understand what it answers."""

from tests.acceptance.service import Service
from tests.conformance.hospital import CHILD, NOBODY, base_of, token_of
from tests.conformance.programs import Programs

FLAG = ["child-protection-information-system-flag", CHILD]
TEAM = ["301 - Ambershire", ["work", "mobile"]]
TYPES = ["Flag", "CarePlan", "CareTeam", "OperationOutcome"]
READ = {"Flag": True, "CarePlan": True, "CareTeam": True}


def given(hospital: Service) -> dict[str, str]:
    return {"base": base_of(hospital), "token": token_of(hospital), "number": CHILD, "unknown": NOBODY}


def test_fhirpy_searches_and_reads_and_is_told_why_not(hospital: Service, programs: Programs) -> None:
    found = programs.run_script("ask_fhirpy", given(hospital))
    refusals = found.pop("wrong number"), found.pop("no token")
    assert ["OperationOutcome: " in refusals[0], "AuthorizationError: " in refusals[1]] == [True, True], refusals
    assert ["INVALID_SEARCH_DATA" in refusals[0], "ACCESS_DENIED" in refusals[1]] == [True, True], refusals
    assert found == {"total": 1, "types": TYPES, "flag": FLAG, "team": TEAM, "read": READ, "none known": 0}


def test_fhirclient_searches_and_reads_into_its_models_of_r4(hospital: Service, programs: Programs) -> None:
    found = programs.run_script("ask_fhirclient", given(hospital))
    assert found == {
        "fhir version": "4.0.1",
        "total": 1,
        "types": TYPES,
        "flag": FLAG,
        "plan": ["active", "342191000000101", "2026-01-05"],
        "team": TEAM,
        "read": READ,
        "no token": 401,
    }
