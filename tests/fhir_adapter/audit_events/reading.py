"""Reads searchsets of AuditEvents for the tests, and holds each against R4's required bindings and IHE's BALP profiles.

The rules are typed by hand from FHIR R4 (AuditEvent) and from BALP's PatientQuery and PatientRead; the code is not asked.
"""

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fhir_adapter.asking import Response
from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.validity import check_valid

INCLUDE = "AuditEvent:entity-type=http://terminology.hl7.org/CodeSystem/v3-RoleClass|ASSIGNED"
ROLE_PROFILE = "https://fhir.nhs.uk/Id/sds-role-profile-id"

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_RULES = {
    # profile: subtype, action, client's role, server's role, type and role of the entity that was asked for
    "PatientQuery": ("search", "E", "110153", "110152", ("2", "24")),
    "PatientRead": ("read", "R", "110152", "110153", ("2", "4")),
}


async def audit(doorway: Doorway, target: str, form: str | None = None, **headers: str) -> Response:
    """Ask as the auditor: GET, or POST where there is a form."""
    if form is None:
        return await doorway.get(target, "auditor-app", **headers)
    return await doorway.post(target, form, "auditor-app", **headers)


def resources(response: Response, mode: str = "match") -> list[dict[str, Any]]:
    """The resources of a valid searchset, by search mode."""
    assert response.status == 200, response.body
    bundle = response.json
    for entry in bundle["entry"]:
        check_valid(entry["resource"])
        if entry["resource"]["resourceType"] == "AuditEvent":
            check_audit_event(entry["resource"])
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)
    return [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == mode]


def sentences(response: Response) -> list[str]:
    [outcome] = resources(response, "outcome")
    return [issue["details"]["text"] for issue in outcome["issue"]]


def links(response: Response) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in response.json["link"]}


def path_of(url: str) -> str:
    """What is asked of the door for an address of its own."""
    parts = urlsplit(url)
    return f"{parts.path.removeprefix('/FHIR/R4')}{'?' if parts.query else ''}{parts.query}"


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def check_audit_event(event: dict[str, Any]) -> None:
    assert event["action"] in {"C", "R", "U", "D", "E"}
    assert event["outcome"] in {"0", "4", "8", "12"}
    assert sum(agent["requestor"] for agent in event["agent"]) == 1
    assert event["source"]["observer"]["display"] == "Nightlight"
    for agent in event["agent"]:
        assert agent.get("network", {}).get("type", "5") in {"1", "2", "3", "4", "5"}
    for entity in event["entity"]:
        assert not ("name" in entity and "query" in entity), "sev-1"
    for profile in event.get("meta", {}).get("profile", ()):
        assert profile.startswith(_BALP)
        check_balp(event, profile.removeprefix(_BALP))


def check_balp(event: dict[str, Any], profile: str) -> None:
    subtype, action, client_role, server_role, asked = _RULES[profile]
    assert event["type"]["code"] == "rest"
    assert subtype in [each["code"] for each in event["subtype"]]
    assert (event["action"], event["outcome"]) == (action, "0")
    for role in (client_role, server_role):
        [agent] = [each for each in event["agent"] if _code(each) == (_DCM, role)]
        assert agent["who"]
        assert agent["network"]
    for user in (each for each in event["agent"] if _code(each)[1] == "IRCP"):
        assert user["requestor"]
        assert user["who"]
        assert "network" not in user
    [patient] = [each for each in event["entity"] if each["type"]["code"] == "1"]
    assert patient["role"]["code"] == "1"
    assert patient["what"]["type"] == "Patient"
    [what] = [each for each in event["entity"] if (each["type"]["code"], each.get("role", {}).get("code")) == asked]
    assert "detail" not in what
    assert "what" not in what if profile == "PatientQuery" else "query" not in what
    if profile == "PatientQuery":
        assert base64.b64decode(what["query"]).startswith(b"Flag?")


def _code(agent: dict[str, Any]) -> tuple[str, str]:
    coding = agent.get("type", {"coding": [{}]})["coding"][0]
    return coding.get("system", ""), coding.get("code", "")
