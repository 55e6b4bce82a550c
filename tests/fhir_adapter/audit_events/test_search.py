"""What a search of AuditEvent asks: every parameter that is published is taken, by one view or the other, and no other."""

import pytest

from fhir_adapter.audit_events.search import parse_history, parse_trail
from fhir_adapter.errors import Refused
from fhir_adapter.search_parameters import PARAMETERS
from tests.fhir_adapter.audit_events.reading import INCLUDE, query_of
from tests.fhir_adapter.doorway import BASE_URL
from tests.safeguarding.house import CHILD

PATIENT = ("patient", str(CHILD))
VALUES = {
    "patient": str(CHILD), "agent": "ward-app", "agent-name": "carla", "date": "ge2026", "_lastUpdated": "le2027", "_count": "5",
    "_include": INCLUDE, "_format": "json",
}  # fmt: skip
OF_HISTORY = {"patient", "_count", "_include", "_format"}


def test_the_published_parameters_are_these() -> None:
    assert {parameter.name for parameter in PARAMETERS["AuditEvent"]} == set(VALUES)


@pytest.mark.parametrize("name", sorted(OF_HISTORY))
def test_the_history_takes_its_parameters_and_shows_them(name: str) -> None:
    pairs = [PATIENT] if name == "patient" else [PATIENT, (name, VALUES[name])]
    assert dict(pairs) == query_of(parse_history(pairs, BASE_URL, by_post=False, strict=True).self_link)


@pytest.mark.parametrize("name", sorted(set(VALUES) - OF_HISTORY))
def test_what_is_the_auditors_is_refused_to_others_where_they_are_strict(name: str) -> None:
    with pytest.raises(Refused):
        parse_history([PATIENT, (name, VALUES[name])], BASE_URL, by_post=False, strict=True)
    lenient = parse_history([PATIENT, (name, VALUES[name])], BASE_URL, by_post=False, strict=False)
    assert query_of(lenient.self_link) == dict([PATIENT])


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"_include", "_format"}))
def test_the_trail_takes_its_parameters_and_shows_them(name: str) -> None:
    asked = parse_trail([(name, VALUES[name])], BASE_URL, by_post=False, strict=True)
    assert query_of(asked.self_link) == {name: VALUES[name]}


@pytest.mark.parametrize("name", ["_sort", "outcome", "entity", "_has:Flag:x"])
def test_other_parameters_are_refused_where_the_caller_is_strict(name: str) -> None:
    with pytest.raises(Refused):
        parse_history([PATIENT, (name, "x")], BASE_URL, by_post=False, strict=True)
    with pytest.raises(Refused):
        parse_trail([(name, "x")], BASE_URL, by_post=False, strict=True)
    with pytest.raises(Refused):
        parse_trail([PATIENT, (name, "x")], BASE_URL, by_post=False, strict=True)


def test_after_a_post_no_link_shows_the_patient() -> None:
    pairs = [PATIENT, ("_count", "3")]
    for link in (
        parse_history(pairs, BASE_URL, by_post=True, strict=True).self_link,
        parse_trail(pairs, BASE_URL, by_post=True, strict=True).self_link,
    ):
        assert link == f"{BASE_URL}/AuditEvent/_search?_count=3"
