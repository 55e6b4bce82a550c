"""Asking the EHR for its patient: only at the registered address, by the right that came along, and 412 for what cannot be had."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from fhir_adapter.cds_hooks.parts import Patience
from runtime.endpoints import Endpoints
from safeguarding.cds_clients import CdsClient
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import Response
from tests.fhir_adapter.cds_hooks.clinic import Clinic, Ehr, held, make_clinic, open_clinic, patient, register
from tests.fhir_adapter.cds_hooks.web import Web, serving

EHR = Ehr("https://fetching.example")


@dataclasses.dataclass(frozen=True, slots=True)
class Fetching:
    clinic: Clinic
    web: Web

    async def call(self, fhir_server: str | None = None, clinic: Clinic | None = None) -> Response:
        authorization = {
            "access_token": "some-opaque-fhir-access-token", "token_type": "Bearer", "expires_in": 300,
            "scope": "user/Patient.read", "subject": "nightlight",
        }  # fmt: skip
        server = self.web.url("/fhir") if fhir_server is None else fhir_server
        return await (clinic or self.clinic).call(ehr=EHR, prefetch=None, fhirServer=server, fhirAuthorization=authorization)


@pytest.fixture
async def fetching(fresh_database: FreshDatabase) -> AsyncIterator[Fetching]:
    async with serving() as web, open_clinic(fresh_database.service_url, endpoints=Endpoints([web.host])) as clinic:
        await register(clinic.house, CdsClient(EHR.issuer, "R0A", key_set=held(EHR), fhir_server=web.url("/fhir")))
        web.pages["/fhir/Patient/pat-1"] = patient()
        yield Fetching(clinic, web)


async def test_another_server_is_never_called(fetching: Fetching) -> None:
    for server in ("/elsewhere", "/fhir/../admin", "/fhir?x=", "//fhir"):
        assert (await fetching.call(fetching.web.url(server))).status == 412
    assert (await fetching.call("http://169.254.169.254/latest")).status == 412
    assert fetching.web.asked == []


async def test_the_registered_server_is_asked_with_the_token_that_came_along(fetching: Fetching) -> None:
    await fetching.clinic.house.flag()
    for server in (None, fetching.web.url("/fhir/")):
        [card] = (await fetching.call(server)).json["cards"]
        assert card["indicator"] == "critical"
    [(path, headers), _] = fetching.web.asked
    assert path == "/fhir/Patient/pat-1"
    assert headers["authorization"] == "Bearer some-opaque-fhir-access-token"
    assert headers["accept"] == "application/fhir+json"


@pytest.mark.parametrize("page", [None, [], "text", {"resourceType": "OperationOutcome"}])
async def test_what_is_no_patient_is_412(fetching: Fetching, page: object) -> None:
    fetching.web.pages.pop("/fhir/Patient/pat-1")
    if page is not None:
        fetching.web.pages["/fhir/Patient/pat-1"] = page
    answer = await fetching.call()
    assert (answer.status, answer.json["error"]) == (412, "no-patient")


async def test_a_server_that_does_not_answer_in_time_is_412(fetching: Fetching) -> None:
    fetching.web.waits = asyncio.Event()
    hurried = make_clinic(fetching.clinic.house, endpoints=Endpoints([fetching.web.host]), patience=Patience(0.1, 60, 60, 60))
    assert (await fetching.call(clinic=hurried)).status == 412
    fetching.web.waits.set()


async def test_an_address_that_is_private_and_not_listed_is_not_called(fetching: Fetching) -> None:
    careful = make_clinic(fetching.clinic.house, endpoints=Endpoints())
    assert (await fetching.call(clinic=careful)).status == 412
    assert fetching.web.asked == []
