"""What PDS answered and what it means: each status and body of the specification, and whatever else may come."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.trace import (
    Confidentiality,
    Detail,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Traced,
    Verified,
)
from fhir_adapter.pds.reading import Unclear, read_patient, read_search
from nightlight.demo.pds_people import to_patient
from tests.fhir_adapter.pds.register import AMELIA, NOBODY, PEOPLE, told

AMELIAS = to_patient(PEOPLE[0])


def outcome(code: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "details": {"coding": [{"code": code}]}}]}


def searchset(*patients: Any, total: int | None = None) -> dict[str, Any]:
    entries = [{"search": {"score": 1}, "resource": patient} for patient in patients]
    count = len(entries) if total is None else total
    return {"resourceType": "Bundle", "type": "searchset", "total": count, **({"entry": entries} if entries else {})}


def security(code: str) -> dict[str, Any]:
    return {**AMELIAS, "meta": {"versionId": "2", "security": [{"code": code}]}}


@pytest.mark.parametrize(
    "status,body,means",
    [
        (200, AMELIAS, Verified(AMELIA, compared=True)),
        (200, security("R"), Verified(AMELIA, True, Confidentiality.RESTRICTED)),
        (200, security("V"), Verified(AMELIA, True, Confidentiality.VERY_RESTRICTED)),
        (200, security("X"), Verified(AMELIA, True, Confidentiality.VERY_RESTRICTED)),
        (200, security("REDACTED"), Invalidated()),
        (200, {**AMELIAS, "meta": {}}, Verified(AMELIA, compared=True)),
        (200, {**AMELIAS, "deceasedDateTime": "2020-01-01"}, Verified(AMELIA, True, deceased=True)),
        (200, {**AMELIAS, "deceasedBoolean": True}, Verified(AMELIA, True, deceased=True)),
        (200, {**AMELIAS, "deceasedBoolean": False}, Verified(AMELIA, True)),
        (200, {**AMELIAS, "id": NOBODY}, Superseded(NOBODY, compared=True)),
        (200, {**AMELIAS, "birthDate": "2018-05-07"}, DetailsDiffer((Detail.BIRTH_DATE,))),
        (200, {**security("R"), "birthDate": "2018-05-07"}, DetailsDiffer((Detail.BIRTH_DATE,), Confidentiality.RESTRICTED)),
        (200, {**AMELIAS, "birthDate": "2018"}, NotVerified(NotVerifiedReason.TOO_LITTLE)),
        (200, {**AMELIAS, "name": []}, NotVerified(NotVerifiedReason.TOO_LITTLE)),
        (200, to_patient(PEOPLE[-1]) | {"id": AMELIA}, NotVerified(NotVerifiedReason.TOO_LITTLE)),
        (404, outcome("RESOURCE_NOT_FOUND"), NotFound()),
        (404, outcome("INVALIDATED_RESOURCE"), Invalidated()),
        (400, outcome("INVALID_RESOURCE_ID"), NotFound()),
        (400, outcome("MISSING_VALUE"), NotVerified(NotVerifiedReason.REFUSED)),
        (401, outcome("ACCESS_DENIED"), NotVerified(NotVerifiedReason.REFUSED)),
        (403, outcome("ACCESS_DENIED"), NotVerified(NotVerifiedReason.REFUSED)),
    ],
)
def test_each_answer_about_a_number_means_one_thing(status: int, body: Any, means: Traced) -> None:
    assert read_patient(status, body, AMELIA, told()) == means


@pytest.mark.parametrize(
    "status,body,means",
    [
        (200, searchset(), NotFound()),
        (200, searchset(AMELIAS), Verified(AMELIA, compared=True)),
        (200, searchset(AMELIAS, AMELIAS), NotUnique()),
        (200, searchset(AMELIAS, total=2), NotUnique()),
        (200, searchset(total=1), NotUnique()),
        (200, outcome("TOO_MANY_MATCHES"), NotUnique()),
        (200, searchset({**AMELIAS, "birthDate": "2018-05-07"}), DetailsDiffer((Detail.BIRTH_DATE,))),
        (200, searchset(security("REDACTED")), Invalidated()),
        (400, outcome("INVALID_SEARCH_DATA"), NotVerified(NotVerifiedReason.TOO_LITTLE)),
        (400, outcome("INVALID_VALUE"), NotVerified(NotVerifiedReason.TOO_LITTLE)),
        (400, outcome("ADDITIONAL_PROPERTIES"), NotVerified(NotVerifiedReason.REFUSED)),
        (400, None, NotVerified(NotVerifiedReason.REFUSED)),
        (403, outcome("INVALID_VALUE"), NotVerified(NotVerifiedReason.REFUSED)),
    ],
)
def test_each_answer_to_a_search_means_one_thing(status: int, body: Any, means: Traced) -> None:
    assert read_search(status, body, told()) == means


def test_without_details_a_number_is_somebodys_and_nothing_was_compared() -> None:
    assert read_patient(200, AMELIAS, AMELIA, None) == Verified(AMELIA, compared=False)
    assert read_patient(200, to_patient(PEOPLE[-1]) | {"id": AMELIA}, AMELIA, None) == Verified(AMELIA, compared=False)


@pytest.mark.parametrize("code,is_verified", [("01", True), ("02", False), ("04", False), ("", False)])
def test_a_number_that_pds_itself_has_not_verified_is_not_used(code: str, is_verified: bool) -> None:
    patient = to_patient(PEOPLE[0])
    patient["identifier"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] = code
    means = Verified(AMELIA, True) if is_verified else NotVerified(NotVerifiedReason.UNVERIFIED)
    assert read_search(200, searchset(patient), told()) == means


def test_a_former_name_is_not_compared() -> None:
    patient = {**AMELIAS, "name": [{"use": "old", "family": "O'Brien-Example", "given": ["Amelia"]}]}
    assert read_patient(200, patient, AMELIA, told()) == NotVerified(NotVerifiedReason.TOO_LITTLE)


ODD: list[tuple[int, Any]] = [
    (200, None),
    (200, []),
    (200, "Patient"),
    (200, {"resourceType": "Patient"}),
    (200, {**AMELIAS, "id": "9990000019"}),
    (200, {**AMELIAS, "name": "Amelia"}),
    (200, {**AMELIAS, "meta": {"security": ["R"]}}),
    (200, {**AMELIAS, "identifier": {}}),
    (200, outcome("RESOURCE_NOT_FOUND")),
    (404, None),
    (404, outcome("SOMETHING_ELSE")),
    (302, None),
    (204, None),
    (418, {}),
]


@pytest.mark.parametrize("status,body", ODD)
def test_what_pds_never_says_is_no_answer(status: int, body: Any) -> None:
    """An address that is wrong answers 404 as well: that is not "nobody has this number"."""
    with pytest.raises(Unclear):
        read_patient(status, body, AMELIA, told())
    with pytest.raises(Unclear):
        read_search(status, searchset(body) if status == 200 and body else body, told())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceType", "id", "meta", "security", "code", "name", "entry", "issue", "total", "type", "birthDate"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(st.sampled_from([200, 400, 404]), JSON, st.sampled_from(["Patient", "Bundle", "OperationOutcome"]))
def test_nothing_that_may_come_is_read_as_a_patient_or_breaks_the_reader(status: int, body: Any, kind: str) -> None:
    if isinstance(body, dict):
        body = {**body, "resourceType": kind}
    with suppress(Unclear):
        assert not isinstance(read_patient(status, body, AMELIA, told()), Verified | Superseded)
    with suppress(Unclear):
        assert not isinstance(read_search(status, body, told()), Verified | Superseded)
