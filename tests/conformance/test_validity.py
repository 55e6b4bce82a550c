"""Every answer of the door is valid to four validators that know nothing of each other, and each of them finds faults."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.breaking import BROKEN, FHIRKIT, NPM_FHIR, OURS, PYROFILE, VALIDATORS, broken, found_by
from tests.conformance.programs import Programs
from tests.fhir_adapter.subscriptions.validity import check_structure
from tests.fhir_adapter.validity import check_valid

Json = dict[str, Any]
Problems = dict[str, list[str]]
Validate = Callable[[dict[str, Json]], Problems]

WRONGLY_FOUND = {
    PYROFILE: (
        # FHIR R4, "Contained resources": a contained resource refers to the one that contains it by "#".
        r"Provenance\.target\[0\]: Contained reference # does not resolve",
        # FHIR R4, CapabilityStatement.format: "or a mime type"; this value set holds every MIME type, and none by name.
        r"CapabilityStatement\.format\[0\]: Code 'application/fhir\+json' is not in required ValueSet",
        # FHIR R4, "JSON representation": _payload has the extensions of payload.
        r"Subscription\.channel\._payload: Unknown element",
        # FHIR R4, AuditEvent.entity.query is base64Binary: the other three take it, this one knows its type by another name.
        r"AuditEvent\.entity\[\d+\]\.query: \S+ must be EncodedBytes",
        # Subscriptions R5 Backport IG, "Topics in FHIR R4": a topic is a Basic with the elements of R5 as extensions.
        r"Basic\.(e|modifierE)xtension\[\d+\]: The extension http://hl7\.org/fhir/5\.0/\S+ could not be found",
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
    tells = any(entry["resource"]["resourceType"] == "Parameters" for entry in resource.get("entry", ()) if "resource" in entry)
    check = check_structure if tells else check_valid  # which knows the Bundles that answer about patients
    try:
        check(resource)
    except (AssertionError, ValueError, LookupError) as error:
        return [str(error) or type(error).__name__]
    return []


def _really_found(validator: str, problems: list[str]) -> list[str]:
    return [each for each in problems if not any(re.match(words, each) for words in WRONGLY_FOUND.get(validator, ()))]


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
        assert all(any(re.match(words, each) for each in problems) for words in wrongly)
