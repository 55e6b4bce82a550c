"""What is a call and what is not: each refusal names what to mend, and none of them carries what was sent."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from fhir_adapter.cds_hooks.calls import read_call
from fhir_adapter.cds_hooks.errors import Refused
from fhir_adapter.cds_hooks.services import ENCOUNTER_START, PATIENT_VIEW, Service
from tests.fhir_adapter.cds_hooks.clinic import Clinic, request

VIEW, START = f"/{PATIENT_VIEW.id}", f"/{ENCOUNTER_START.id}"
AUTHORIZATION = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "user/Patient.read", "subject": "s"}


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("POST", "", 405),
        ("PUT", "", 405),
        ("GET", VIEW, 405),
        ("DELETE", START, 405),
        ("GET", f"{VIEW}/feedback", 405),
        ("GET", "/", 404),
        ("POST", "/no-such-service", 404),
        ("POST", f"{VIEW}/", 404),
        ("POST", f"{VIEW}/feedback/", 404),
        ("POST", f"{VIEW}/other", 404),
        ("POST", "child-protection-patient-view", 404),
    ],
)
async def test_an_address_is_served_as_the_table_says_and_no_other_way(
    standing_clinic: Clinic, method: str, path: str, status: int
) -> None:
    response = await standing_clinic.send(method, path, request())
    assert response.status == status
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/fhir+json"])
async def test_another_media_type_is_refused(standing_clinic: Clinic, media_type: str) -> None:
    assert (await standing_clinic.send("POST", VIEW, request(), content_type=media_type)).status == 415


async def test_a_body_that_is_too_long_is_refused(standing_clinic: Clinic) -> None:
    assert (await standing_clinic.send("POST", VIEW, b" " * 300_000)).status == 413


BAD: list[tuple[Service, Any]] = [
    (PATIENT_VIEW, b""),
    (PATIENT_VIEW, b"{"),
    (PATIENT_VIEW, b"[]"),
    (PATIENT_VIEW, b'"text"'),
    (PATIENT_VIEW, b"\xff"),
    (PATIENT_VIEW, {"hook": None}),
    (PATIENT_VIEW, {"hook": "encounter-start"}),
    (PATIENT_VIEW, {"hook": ["patient-view"]}),
    (PATIENT_VIEW, {"hookInstance": None}),
    (PATIENT_VIEW, {"hookInstance": 7}),
    (PATIENT_VIEW, {"hookInstance": "a b"}),
    (PATIENT_VIEW, {"hookInstance": "x" * 100}),
    (PATIENT_VIEW, {"context": {"patientId": None}}),
    (PATIENT_VIEW, {"context": {"patientId": "../Patient"}}),
    (PATIENT_VIEW, {"context": {"patientId": 7}}),
    (PATIENT_VIEW, {"context": {"userId": None}}),
    (PATIENT_VIEW, {"context": {"userId": "pra-1"}}),
    (PATIENT_VIEW, {"context": {"userId": "Practitioner/a b"}}),
    (ENCOUNTER_START, {"context": {"encounterId": None}}),
    (ENCOUNTER_START, {"context": {"encounterId": "a\u0000b"}}),
    (PATIENT_VIEW, {"prefetch": {"patient": "Patient/pat-1"}}),
    (PATIENT_VIEW, {"prefetch": {"patient": {"resourceType": "Bundle"}}}),
    (PATIENT_VIEW, {"prefetch": {"patient": {}}}),
    (PATIENT_VIEW, {"prefetch": {"patient": {"resourceType": ["Patient"]}}}),
    (PATIENT_VIEW, {"fhirServer": 7}),
    (PATIENT_VIEW, {"fhirAuthorization": "token"}),
    (PATIENT_VIEW, {"fhirAuthorization": AUTHORIZATION | {"token_type": "Basic"}}),
    (PATIENT_VIEW, {"fhirAuthorization": AUTHORIZATION | {"access_token": "a\r\nb: c"}}),
]


@pytest.mark.parametrize("service, changes", BAD)
async def test_what_is_no_call_is_refused_and_asks_nobody(standing_clinic: Clinic, service: Service, changes: Any) -> None:
    body = changes if isinstance(changes, bytes) else request(service, **changes)
    response = await standing_clinic.send("POST", f"/{service.id}", body)
    assert (response.status, response.json["error"]) == (400, "bad-request")
    assert response.json["message"]
    assert await standing_clinic.house.rows("SELECT * FROM accesses") == []


@pytest.mark.parametrize("user", ["Patient/pat-1", "RelatedPerson/mother"])
async def test_no_card_is_shown_to_a_patient_or_relative_not_even_an_empty_list(standing_clinic: Clinic, user: str) -> None:
    response = await standing_clinic.call(context={"userId": user})
    assert response.status == 403
    assert "cards" not in response.json
    assert await standing_clinic.house.rows("SELECT * FROM accesses") == []


@pytest.mark.parametrize("prefetch", [None, {}, {"patient": None}, {"other": {"resourceType": "Patient"}}, []])
@pytest.mark.parametrize("more", [{}, {"fhirServer": "https://fhir.evil.example"}])
@pytest.mark.parametrize("authorization", [None, AUTHORIZATION])
async def test_without_the_patient_it_is_412_and_nothing_is_fetched(
    standing_clinic: Clinic, prefetch: Any, more: Any, authorization: Any
) -> None:
    response = await standing_clinic.call(prefetch=prefetch, fhirAuthorization=authorization, **more)
    assert (response.status, response.json["error"]) == (412, "no-patient")


JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-9, 9) | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(some.fixed_dictionaries({}, optional=dict.fromkeys(("hookInstance", "context", "prefetch", "fhirServer"), JSON)))
def test_whatever_is_sent_is_a_call_or_refused(said: dict[str, Any]) -> None:
    with suppress(Refused):
        assert read_call(PATIENT_VIEW, orjson.dumps({"hook": "patient-view"} | said)).patient_id
