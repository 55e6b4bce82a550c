"""Every answer of the door is valid to four validators that know nothing of each other, and each of them finds faults."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.breaking import BROKEN, FHIRKIT, NPM_FHIR, OURS, PYROFILE, VALIDATORS, broken, found_by
from tests.conformance.programs import Programs
from tests.fhir_adapter.validity import check_valid

Json = dict[str, Any]
Problems = dict[str, list[str]]
Validate = Callable[[dict[str, Json]], Problems]

WRONGLY_FOUND = {
    PYROFILE: (
        # FHIR R4, "Contained resources": a contained resource refers to the one that contains it by "#".
        "Provenance.target[0]: Contained reference # does not resolve",
        # FHIR R4, CapabilityStatement.format: "or a mime type"; this value set holds every MIME type, and none by name.
        "CapabilityStatement.format[0]: Code 'application/fhir+json' is not in required ValueSet",
        # FHIR R4, base64Binary: this one takes no string for it, "AAAA" neither.
        *(f"AuditEvent.entity[{each}].query: AuditEvent.entity[{each}].query must be EncodedBytes" for each in (0, 1)),
    ),
}
"""What a validator finds fault with although the standard allows it."""


@pytest.fixture(scope="module")
def validators(programs: Programs) -> dict[str, Validate]:
    return {
        FHIRKIT: lambda resources: programs.run_script("validate_fhirkit", resources),
        PYROFILE: lambda resources: programs.run_script("validate_pyrofile", resources),
        NPM_FHIR: lambda resources: programs.run_node("validate", resources),
        OURS: lambda resources: {name: _ours(resource) for name, resource in resources.items()},
    }


def _ours(resource: Json) -> list[str]:
    try:
        check_valid(resource)
    except (AssertionError, ValueError, LookupError) as error:
        return [str(error) or type(error).__name__]
    return []


def _really_found(validator: str, problems: list[str]) -> list[str]:
    wrongly = WRONGLY_FOUND.get(validator, ())
    return [each for each in problems if not each.startswith(wrongly)] if wrongly else problems


@pytest.mark.parametrize("validator", VALIDATORS)
def test_a_broken_answer_is_found_by_those_that_we_say(
    validator: str, validators: dict[str, Validate], samples: dict[str, Json]
) -> None:
    problems = validators[validator]({name: broken(samples, name) for name in BROKEN})
    found = {name for name in BROKEN if _really_found(validator, problems[name])}
    assert found == {name for name in BROKEN if validator in found_by(name)}


def test_no_fault_is_found_by_nobody() -> None:
    assert all(found_by(name) for name in BROKEN)
    for validator in VALIDATORS:
        assert sum(validator in found_by(name) for name in BROKEN) > len(BROKEN) / 2


@pytest.mark.parametrize("validator", VALIDATORS)
def test_every_answer_is_valid(validator: str, validators: dict[str, Validate], samples: dict[str, Json]) -> None:
    problems = validators[validator](samples)
    assert problems.keys() == samples.keys()
    assert {name: found for name in samples if (found := _really_found(validator, problems[name]))} == {}


def test_what_is_wrongly_found_is_still_found(validators: dict[str, Validate], samples: dict[str, Json]) -> None:
    """A line that is no longer needed would hide a fault."""
    for validator, wrongly in WRONGLY_FOUND.items():
        problems = [each for found in validators[validator](samples).values() for each in found]
        assert all(any(each.startswith(words) for each in problems) for words in wrongly)
