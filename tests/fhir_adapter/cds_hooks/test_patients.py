"""Who the patient is: a number that is doubtful is no number, and names of former times compare with nothing."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.answer import CouldNotCheckReason
from fhir_adapter.cds_hooks.patients import ANOTHER, NOT_GIVEN, read_patient
from tests.fhir_adapter.cds_hooks.clinic import NHS_NUMBER, STATUS, patient
from tests.safeguarding.house import CHILD, OTHER_CHILD

TODAY = date(2026, 3, 3)


def nhs(value: Any, **more: Any) -> dict[str, Any]:
    return {"system": NHS_NUMBER, "value": value, **more}


def status(code: str) -> dict[str, Any]:
    return {"extension": [{"url": STATUS, "valueCodeableConcept": {"coding": [{"code": code}]}}]}


@pytest.mark.parametrize(
    "identifiers, reason",
    [
        ([], CouldNotCheckReason.NO_NUMBER),
        (None, CouldNotCheckReason.NO_NUMBER),
        ("9990000018", CouldNotCheckReason.NO_NUMBER),
        ([{"value": "9990000018"}], CouldNotCheckReason.NO_NUMBER),
        ([{"system": "https://amber.example/Id/local", "value": "9990000018"}], CouldNotCheckReason.NO_NUMBER),
        ([nhs(None, **status("07"))], CouldNotCheckReason.NO_NUMBER),
        ([nhs("9990000018", use="old")], CouldNotCheckReason.NO_NUMBER),
        ([nhs("9990000018", period={"end": "2026-03-02"})], CouldNotCheckReason.NO_NUMBER),
        ([nhs("9990000018", period={"end": "2025"})], CouldNotCheckReason.NO_NUMBER),
        ([nhs("9990000019")], CouldNotCheckReason.INVALID_NUMBER),
        ([nhs("")], CouldNotCheckReason.INVALID_NUMBER),
        ([nhs({})], CouldNotCheckReason.INVALID_NUMBER),
        ([nhs("9990000018"), nhs("9990000026")], CouldNotCheckReason.AMBIGUOUS_NUMBER),
        ([nhs("9990000018"), nhs("9990000019")], CouldNotCheckReason.AMBIGUOUS_NUMBER),
    ],
)
def test_a_doubtful_number_is_no_number(identifiers: Any, reason: CouldNotCheckReason) -> None:
    given = read_patient(patient(identifier=identifiers), "pat-1", TODAY)
    assert (given.identity.nhs_number, given.identity.no_number) == (None, reason)


@pytest.mark.parametrize(
    "identifiers",
    [
        [nhs("9990000018")],
        [nhs("999 000 0018")],
        [nhs("9990000018"), nhs("999-000-0018")],
        [nhs("9990000026", use="old"), nhs("9990000018")],
        [nhs("9990000026", period={"end": "2026-03-02T10:00:00Z"}), nhs("9990000018", period={"end": "2026-03-03"})],
    ],
)
def test_the_number_in_use_is_taken(identifiers: Any) -> None:
    assert read_patient(patient(identifier=identifiers), "pat-1", TODAY).identity.nhs_number == CHILD


@pytest.mark.parametrize(
    "more, unverified",
    [
        ({}, False),
        (status("01"), False),
        (status("number-present-and-verified"), False),
        (status("02"), True),
        (status("number-present-but-not-traced"), True),
        ({"extension": [{"url": STATUS}]}, True),
        ({"extension": [{"url": "https://another.example"}]}, False),
        ({"extension": "none"}, False),
    ],
)
def test_what_the_hospital_has_not_verified_is_said(more: Any, unverified: bool) -> None:
    assert read_patient(patient(identifier=[nhs("9990000018", **more)]), "pat-1", TODAY).identity.unverified is unverified


@pytest.mark.parametrize(
    "names, expected",
    [
        ([{"family": "Example", "given": ["Ada", "May"]}], ("Example", "Ada May")),
        ([{"use": "usual", "family": "Usual"}, {"use": "official", "family": "Official"}], ("Official", "")),
        ([{"use": "old", "family": "Former"}, {"use": "nickname", "family": "Nick"}], ("Nick", "")),
        ([{"use": "maiden", "family": "Former"}], ("", "")),
        ([{"family": None, "given": "Ada"}], ("", "")),
        ([{"text": "Ada Example"}, "Ada"], ("", "")),
        (None, ("", "")),
    ],
)
def test_the_name_in_use_is_compared(names: Any, expected: tuple[str, str]) -> None:
    identity = read_patient(patient(name=names), "pat-1", TODAY).identity
    assert (identity.family_name, identity.given_name) == expected


@pytest.mark.parametrize(
    "text, expected",
    [("2018-05-06", date(2018, 5, 6)), ("2018-05", None), ("2018", None), ("20180506", None), ("2018-13-01", None), (7, None)],
)
def test_a_whole_date_of_birth_is_compared(text: Any, expected: date | None) -> None:
    assert read_patient(patient(birthDate=text), "pat-1", TODAY).identity.birth_date == expected


def test_another_patient_than_the_one_that_is_open_is_nobody() -> None:
    given = read_patient(patient(OTHER_CHILD), "pat-2", TODAY)
    assert (given.identity.nhs_number, given.problem) == (None, ANOTHER)
    assert read_patient(patient(id=None), "pat-2", TODAY).identity.nhs_number == CHILD


def test_an_operation_outcome_is_nobody() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
    assert read_patient(outcome, "pat-1", TODAY).problem == NOT_GIVEN


JSON = some.recursive(
    some.none() | some.integers(-9, 9) | some.text(max_size=12) | some.sampled_from([NHS_NUMBER, STATUS, "9990000018", "old"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["system", "value", "use", "period", "end", "extension", "url", "coding", "code", "family", "given"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = ["system", "value", "use", "period", "extension", "family", "given"]
LISTS = JSON | some.lists(
    some.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON) | {"system": some.just(NHS_NUMBER), "family": some.text()})
)


@given(some.fixed_dictionaries({"id": JSON, "identifier": LISTS, "name": LISTS, "birthDate": JSON}))
def test_whatever_a_patient_holds_there_is_a_number_or_a_reason(said: dict[str, Any]) -> None:
    identity = read_patient(patient() | said, "pat-1", TODAY).identity
    assert (identity.nhs_number is None) == (identity.no_number is not None)
