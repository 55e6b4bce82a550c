"""Browsers: only pages of a registered EHR may call and read what comes back (CORS)."""

import asyncio
from typing import Any

import pytest

from fhir_adapter.cds_hooks.parts import Patience
from fhir_adapter.cds_hooks.services import PATIENT_VIEW
from tests.fhir_adapter.cds_hooks.clinic import AMBER, DISABLED, KEEN, Clinic, make_clinic, request

ADDRESSES = ["", f"/{PATIENT_VIEW.id}", f"/{PATIENT_VIEW.id}/feedback"]
ASKED: Any = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,content-type"}
STRANGERS = ["https://evil.example", "null", "", "https://ehr.amber.example.evil.example", DISABLED.origin, KEEN.issuer]


@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_registered_origin_may_call_without_a_token_for_asking_whether_it_may(standing_clinic: Clinic, path: str) -> None:
    answer = await standing_clinic.send("OPTIONS", path, token="", origin=AMBER.origin, **ASKED)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == AMBER.origin
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("path", ADDRESSES)
async def test_another_origin_may_not_call(standing_clinic: Clinic, path: str, origin: str) -> None:
    answer = await standing_clinic.send("OPTIONS", path, token="", origin=origin, **ASKED)
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("status, token", [(200, None), (401, "")])
async def test_answers_and_refusals_can_be_read_there_and_nowhere_else(
    standing_clinic: Clinic, status: int, token: str | None
) -> None:
    for origin, allowed in ((AMBER.origin, AMBER.origin), ("https://evil.example", None)):
        answer = await standing_clinic.send("GET", "", token=token, origin=origin)
        assert answer.status == status
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_a_store_that_never_answers_keeps_no_browser_waiting(clinic: Clinic, method: str) -> None:
    """Who may read the answer is asked within the same time as everything else."""
    hurried = make_clinic(clinic.house, patience=Patience())

    async def never() -> None:
        await asyncio.Event().wait()

    hurried.clients._enabled = never  # type: ignore[assignment, method-assign]
    answer = await asyncio.wait_for(hurried.send(method, f"/{PATIENT_VIEW.id}", request(), origin=AMBER.origin), 60)
    assert (answer.status, answer.json["error"]) == (503, "could-not-check")
