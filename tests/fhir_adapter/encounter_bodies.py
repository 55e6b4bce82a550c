"""Invented Encounters, and the ways to send them: what a hospital's own system would."""

import json
from collections.abc import Mapping
from typing import Any

from domain.care_setting import CareSetting
from runtime.clients import Care, Client, add_client, sign_token
from safeguarding.sites import add_site
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.doorway import CLIENTS, NHS_NUMBER, Doorway
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import CHILD, KEY, OPERATOR

Body = dict[str, Any]
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
STARTED = "2026-03-03T14:00:00Z"
RECORDS_ONLY = Client("records-only-app", "R0A", ["system/Encounter.cu"], Care.BOTH, True)
OF_ANOTHER_TRUST = Client("birch-app", "R0B", ["system/Encounter.cu", "system/Flag.rs"], Care.BOTH, True)
MORE_CLIENTS = {client.id: client for client in (RECORDS_ONLY, OF_ANOTHER_TRUST)}


def encounter(
    status: str = "in-progress",
    *,
    number: str | None = CHILD,
    visit: str = "V1",
    site: str = "R0A01",
    code: str = "EMER",
    end: str | None = None,
    updated: str | None = None,
    start: str | None = STARTED,
    **elements: Any,
) -> Body:
    """An attendance of CHILD at R0A01, visit V1, unless changed."""
    period = {name: value for name, value in (("start", start), ("end", end)) if value}
    body: Body = {
        "resourceType": "Encounter",
        "meta": {
            "profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Encounter"],
            **({"lastUpdated": updated} if updated else {}),
        },
        "identifier": [{"system": "https://amber.example/Id/visit", "value": visit}],
        "status": status,
        "class": {"system": ACT_CODE, "code": code},
        "serviceProvider": {"identifier": {"system": ODS, "value": site}},
        **({"subject": {"identifier": {"system": NHS_NUMBER, "value": number}}} if number else {}),
        **({"period": period} if period else {}),
    }
    return body | elements


def with_patient(number: str | None = CHILD, **patient: Any) -> Body:
    """Elements of an Encounter whose subject is a contained Patient."""
    identifiers = [{"system": NHS_NUMBER, "value": number}] if number else []
    contained = {"resourceType": "Patient", "id": "p", **({"identifier": identifiers} if identifiers else {}), **patient}
    return {"contained": [contained], "subject": {"reference": "#p"}}


async def post(doorway: Doorway, body: Body | bytes, client: str = "both-app", **headers: str) -> Response:
    """POST an Encounter as a client; header names with underscores for hyphens."""
    return await _send(doorway, "POST", "/Encounter", body, client, headers)


async def put(doorway: Doorway, encounter_id: str, body: Body | bytes, client: str = "both-app", **headers: str) -> Response:
    """PUT an Encounter as a client; its id is put into the body unless it has one."""
    sent = body if isinstance(body, bytes) else {"id": encounter_id, **body}
    return await _send(doorway, "PUT", f"/Encounter/{encounter_id}", sent, client, headers)


async def _send(
    doorway: Doorway, method: str, target: str, body: Body | bytes, client: str, headers: Mapping[str, str]
) -> Response:
    sent = {
        "authorization": f"Bearer {sign_token(KEY, {**CLIENTS, **MORE_CLIENTS}[client])}",
        "content-type": "application/fhir+json",
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await ask(doorway.app, method, target, sent, raw)
    if response.body:
        check_valid(response.json)
    return response


async def furnish(doorway: Doorway) -> None:
    """More clients, and a site with rules of its own: R0A05, a maternity unit."""
    async with doorway.house.database.transaction() as transaction:
        for client in MORE_CLIENTS.values():
            await add_client(transaction, OPERATOR, client)
        await add_site(transaction, OPERATOR, "R0A05", "Amber Maternity", CareSetting.MATERNITY)


def id_of(response: Response) -> str:
    """The id that a create gave."""
    assert response.status in {200, 201}, response.body
    return response.headers["location"].rpartition("/")[2]


def said(response: Response) -> list[str]:
    """The sentences of an OperationOutcome that is no error."""
    assert response.status in {200, 201}, response.body
    assert response.json["resourceType"] == "OperationOutcome"
    return [issue["details"]["text"] for issue in response.json["issue"]]


def wrong(response: Response) -> list[tuple[str, str]]:
    """Code and expression of each issue of an error."""
    assert response.json["resourceType"] == "OperationOutcome"
    return [(issue["code"], issue["expression"][0]) for issue in response.json["issue"]]
