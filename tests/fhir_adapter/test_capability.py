"""What the server says that it does, held against what it does."""

import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_adapter.capability import capability_statement, search_parameters
from fhir_adapter.codes import FLAG_CODE
from fhir_adapter.errors import Refused
from fhir_adapter.interactions import INTERACTIONS, Interaction
from fhir_adapter.search import parse_search
from fhir_adapter.search_parameters import PARAMETERS
from tests.fhir_adapter.doorway import BASE_URL, Doorway
from tests.fhir_adapter.validity import check_valid

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

BY_HAND = {
    ("GET", "/metadata"),
    ("GET", "/openapi.json"),
    ("GET", "/.well-known/smart-configuration"),
    ("GET", "/SearchParameter/{id}"),
    ("GET", "/Flag"),
    ("POST", "/Flag/_search"),
    ("GET", "/PatientFlag"),
    ("POST", "/PatientFlag/_search"),
    ("GET", "/Flag/{id}"),
    ("GET", "/CarePlan/{id}"),
    ("GET", "/CareTeam/{id}"),
    ("GET", "/CareTeam"),
    ("POST", "/CareTeam/_search"),
    ("POST", "/Encounter"),
    ("PUT", "/Encounter/{id}"),
    ("POST", "/Subscription"),
    ("GET", "/Subscription/{id}"),
    ("PUT", "/Subscription/{id}"),
    ("DELETE", "/Subscription/{id}"),
    ("GET", "/Subscription"),
    ("POST", "/Subscription/_search"),
    ("GET", "/Subscription/$status"),
    ("POST", "/Subscription/$status"),
    ("GET", "/Subscription/{id}/$status"),
    ("POST", "/Subscription/{id}/$status"),
    ("GET", "/Subscription/{id}/$events"),
    ("POST", "/Subscription/{id}/$events"),
    ("GET", "/Communication/{id}"),
    ("GET", "/Basic/{id}"),
    ("GET", "/Basic"),
    ("POST", "/Basic/_search"),
    ("GET", "/AuditEvent"),
    ("POST", "/AuditEvent/_search"),
}


def statement() -> dict[str, Any]:
    rendered: dict[str, Any] = orjson.loads(orjson.dumps(capability_statement(BASE_URL)))
    return rendered


def test_the_statement_is_valid_and_speaks_of_r4() -> None:
    check_valid(statement())
    assert statement()["fhirVersion"] == "4.0.1"
    assert statement()["kind"] == "instance"
    assert statement()["implementation"]["url"] == BASE_URL


OWN_PARAMETERS = {
    "England-FlagCode": ("https://fhir.nhs.uk/England/SearchParameter/England-FlagCode", "code", "Flag.code"),
    "Nightlight-FlagStatus": (f"{BASE_URL}/SearchParameter/Nightlight-FlagStatus", "status", "Flag.status"),
    "Nightlight-FlagCategory": (f"{BASE_URL}/SearchParameter/Nightlight-FlagCategory", "category", "Flag.category"),
    "Nightlight-FlagDetail": (
        f"{BASE_URL}/SearchParameter/Nightlight-FlagDetail",
        "detail",
        "Flag.extension('http://hl7.org/fhir/StructureDefinition/flag-detail').value",
    ),
}


async def test_every_search_parameter_that_r4_lacks_is_published_where_it_says(doorway: Doorway) -> None:
    assert [each["id"] for each in search_parameters(BASE_URL)] == list(OWN_PARAMETERS)
    for name, (url, code, expression) in OWN_PARAMETERS.items():
        response = await doorway.get(f"/SearchParameter/{name}")
        check_valid(response.json)
        assert (response.json["url"], response.json["code"], response.json["expression"]) == (url, code, expression)
        assert response.json["base"] == ["Flag"]


async def test_a_search_parameter_of_another_name_is_not_there(doorway: Doorway) -> None:
    assert (await doorway.get("/SearchParameter/Flag-status")).status == 404


def test_what_the_statement_refers_to_here_is_published_here() -> None:
    own = {each["url"] for each in search_parameters(BASE_URL)}
    resources = statement()["rest"][0]["resource"]
    defined = {each["definition"] for one in resources for each in one.get("searchParam", ()) if "definition" in each}
    assert {each for each in defined if each.startswith(BASE_URL)} <= own


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    assert statement()["software"]["version"] == project["version"]


def test_served_is_what_was_agreed() -> None:
    assert {(each.method, each.path) for each in INTERACTIONS} == BY_HAND


def test_every_interaction_served_is_published_and_none_else() -> None:
    published = {
        (resource["type"], interaction["code"])
        for resource in statement()["rest"][0]["resource"]
        for interaction in resource["interaction"]
    }
    assert published == {(each.resource, each.code) for each in INTERACTIONS if each.resource and not each.is_operation}


def test_every_operation_served_is_published_and_none_else() -> None:
    published = {
        (resource["type"], f"${operation['name']}")
        for resource in statement()["rest"][0]["resource"]
        for operation in resource.get("operation", ())
    }
    assert published == {(each.resource, each.code) for each in INTERACTIONS if each.is_operation}


def test_the_flags_parameters_are_published_with_their_definitions() -> None:
    flag = next(resource for resource in statement()["rest"][0]["resource"] if resource["type"] == "Flag")
    assert {parameter["name"]: parameter["type"] for parameter in flag["searchParam"]} == {
        "patient": "reference",
        "subject": "reference",
        "code": "token",
        "category": "token",
        "status": "token",
        "_id": "token",
        "identifier": "token",
        "date": "date",
        "_lastUpdated": "date",
        "_count": "number",
        "_summary": "token",
        "_elements": "string",
        "_format": "token",
        "_include": "special",
    }
    shaping = {"_count", "_summary", "_elements", "_format", "_include"}
    defined = {parameter["name"] for parameter in flag["searchParam"] if parameter.get("definition", "").startswith("http")}
    assert defined == {parameter["name"] for parameter in flag["searchParam"]} - shaping
    assert flag["searchInclude"] == ["Flag:detail", "CarePlan:care-team"]
    assert (flag["versioning"], flag["conditionalRead"]) == ("versioned", "full-support")


@pytest.mark.parametrize("resource", ["Flag", "CareTeam"])
def test_every_parameter_that_is_published_is_taken_and_no_other(resource: str) -> None:
    values = {
        "patient": "9990000018", "subject": "9990000018", "code": FLAG_CODE, "category": FLAG_CODE, "date": "2026",
        "_lastUpdated": "2026", "_count": "1", "_summary": "false", "_elements": "code", "_include": "Flag:detail",
    }  # fmt: skip
    for each in PARAMETERS[resource]:
        pair = (each.name, values.get(each.name, "x"))
        asked = [pair] if each.name in {"patient", "subject"} else [("patient", "9990000018"), pair]
        assert pair in parse_search(resource, asked, strict=True).used
    with pytest.raises(Refused):
        parse_search(resource, [("patient", "9990000018"), ("_sort", "date")], strict=True)


def test_subscriptions_are_published_with_their_topics() -> None:
    subscription = next(resource for resource in statement()["rest"][0]["resource"] if resource["type"] == "Subscription")
    backport = "http://hl7.org/fhir/uv/subscriptions-backport"
    assert subscription["supportedProfile"] == [f"{backport}/StructureDefinition/backport-subscription"]
    assert subscription["extension"] == [
        {
            "url": f"{backport}/StructureDefinition/capabilitystatement-subscriptiontopic-canonical",
            "valueCanonical": f"https://nightlight.example/fhir/SubscriptionTopic/{topic}",
        }
        for topic in ("flagged-child-seen", "alert-acknowledged")
    ]
    assert statement()["instantiates"] == [f"{backport}/CapabilityStatement/backport-subscription-server-r4"]


CALLED_IN_TESTS_OF_THEIR_OWN = {"Encounter", "Subscription"}
"""Resources that need more than a number to be called."""


@pytest.mark.parametrize(
    "interaction",
    [each for each in INTERACTIONS if each.resource not in CALLED_IN_TESTS_OF_THEIR_OWN],
    ids=lambda each: f"{each.method} {each.path}",
)
async def test_what_is_published_is_really_there(doorway: Doorway, interaction: Interaction) -> None:
    if interaction.method == "POST":
        response = await doorway.post(interaction.path, "patient=9990000034")
    elif interaction.path == "/SearchParameter/{id}":
        response = await doorway.get("/SearchParameter/England-FlagCode")
    elif "{id}" in interaction.path:
        response = await doorway.get(interaction.path.replace("{id}", "0199aaaa-0000-7000-8000-000000000001"))
        assert (response.status, response.spine_code) == (404, "RESOURCE_NOT_FOUND")
        return
    elif interaction.scope:
        response = await doorway.get(f"{interaction.path}?patient=9990000034")
    else:
        response = await doorway.get(interaction.path)
    assert response.status == 200
    if interaction.code not in {"openapi", "smart-configuration"}:
        check_valid(response.json)
