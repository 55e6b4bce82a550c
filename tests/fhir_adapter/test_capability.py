"""What the server says that it does, held against what it does."""

import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_adapter.capability import capability_statement, flag_code_parameter
from fhir_adapter.interactions import INTERACTIONS, Interaction
from tests.fhir_adapter.doorway import BASE_URL, Doorway
from tests.fhir_adapter.validity import check_valid

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

BY_HAND = {
    ("GET", "/metadata"),
    ("GET", "/openapi.json"),
    ("GET", "/SearchParameter/England-FlagCode"),
    ("GET", "/Flag"),
    ("POST", "/Flag/_search"),
    ("GET", "/PatientFlag"),
    ("POST", "/PatientFlag/_search"),
    ("GET", "/CareTeam"),
    ("POST", "/CareTeam/_search"),
    ("POST", "/Encounter"),
    ("PUT", "/Encounter/{id}"),
}


def statement() -> dict[str, Any]:
    rendered: dict[str, Any] = orjson.loads(orjson.dumps(capability_statement(BASE_URL)))
    return rendered


def test_the_statement_is_valid_and_speaks_of_r4() -> None:
    check_valid(statement())
    assert statement()["fhirVersion"] == "4.0.1"
    assert statement()["kind"] == "instance"
    assert statement()["implementation"]["url"] == BASE_URL


def test_the_search_parameter_is_valid() -> None:
    check_valid(flag_code_parameter())
    assert flag_code_parameter()["url"] == "https://fhir.nhs.uk/England/SearchParameter/England-FlagCode"


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
    assert published == {(each.resource, each.code) for each in INTERACTIONS if each.resource}


def test_the_flags_parameters_are_published_with_their_definitions() -> None:
    flag = next(resource for resource in statement()["rest"][0]["resource"] if resource["type"] == "Flag")
    assert {parameter["name"]: parameter["type"] for parameter in flag["searchParam"]} == {
        "patient": "reference",
        "subject": "reference",
        "code": "token",
    }
    assert all(parameter["definition"].startswith("http") for parameter in flag["searchParam"])


CALLED_IN_TESTS_OF_THEIR_OWN = {"Encounter"}
"""Resources that need more than a number to be called."""


@pytest.mark.parametrize(
    "interaction",
    [each for each in INTERACTIONS if each.resource not in CALLED_IN_TESTS_OF_THEIR_OWN],
    ids=lambda each: f"{each.method} {each.path}",
)
async def test_what_is_published_is_really_there(doorway: Doorway, interaction: Interaction) -> None:
    if interaction.method == "POST":
        response = await doorway.post(interaction.path, "patient=9990000034")
    elif interaction.scope:
        response = await doorway.get(f"{interaction.path}?patient=9990000034")
    else:
        response = await doorway.get(interaction.path)
    assert response.status == 200
    if interaction.code != "openapi":
        check_valid(response.json)
