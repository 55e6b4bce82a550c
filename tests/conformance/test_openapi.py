"""The OpenAPI document is served to anybody, describes every address of the table, and every real answer is as it says."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from fhir_adapter.cds_hooks.services import SERVICES
from fhir_adapter.interactions import INTERACTIONS
from fhir_adapter.openapi.document import openapi
from fhir_adapter.search_parameters import FORMAT, PARAMETERS
from tests.conformance.breaking import Break, flag, plan, team
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import BASE_URL, Doorway, open_doorway

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    described: Json = json.loads(json.dumps(openapi(BASE_URL)))
    return described


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, by_method in document["paths"].items():
        for method, described in by_method.items():
            yield method.upper(), path, described


def check(document: Json, name: str, resource: Json) -> None:
    """Raises ValidationError where a resource is not as the schema of that name says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(resource)


async def test_anybody_may_read_it(fresh_database: FreshDatabase) -> None:
    async with open_doorway(fresh_database.service_url) as doorway:
        await check_served(doorway)


async def check_served(doorway: Doorway) -> None:
    response = await ask(doorway.app, "GET", "/openapi.json")
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json == json.loads(json.dumps(openapi(BASE_URL)))


def test_every_address_of_the_table_is_described_and_no_other(document: Json) -> None:
    described = {(method, path.removeprefix("/FHIR/R4")) for method, path, _ in operations(document) if "/FHIR/R4" in path}
    assert described == {(each.method, each.path) for each in INTERACTIONS}
    others = {path for _, path, _ in operations(document) if not path.startswith("/FHIR/R4/")}
    cards = {f"/cds-services/{service}{suffix}" for service in SERVICES for suffix in ("", "/feedback")}
    assert others == {"/oauth2/token", "/cds-services", *cards}
    assert document["servers"] == [{"url": "https://hospital.example"}]


def test_what_needs_a_token_says_with_which_scope(document: Json) -> None:
    scopes = {(method, path): [scope for each in described["security"] for scopes in each.values() for scope in scopes]
              for method, path, described in operations(document)}  # fmt: skip
    for each in INTERACTIONS:
        assert scopes[each.method, f"/FHIR/R4{each.path}"] == ([each.scope] if each.scope else [])
    flows = document["components"]["securitySchemes"]["smart"]["flows"]
    assert flows["clientCredentials"]["tokenUrl"] == "https://hospital.example/oauth2/token"
    assert set(flows["clientCredentials"]["scopes"]) == {each.scope for each in INTERACTIONS if each.scope}


@pytest.mark.parametrize("resource", PARAMETERS)
def test_a_search_is_described_with_every_parameter_of_the_table(resource: str, document: Json) -> None:
    described = {each.get("name") for each in document["paths"][f"/FHIR/R4/{resource}"]["get"]["parameters"]}
    form = document["paths"][f"/FHIR/R4/{resource}/_search"]["post"]["requestBody"]["content"]
    asked = {parameter.name for parameter in PARAMETERS[resource]}
    assert asked <= described
    assert asked - {FORMAT} <= set(form["application/x-www-form-urlencoded"]["schema"]["properties"])


def test_the_operation_ids_are_different(document: Json) -> None:
    ids = [described["operationId"] for _, _, described in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_answer_is_as_its_schema_says(samples: dict[str, Json], document: Json) -> None:
    for resource in samples.values():
        name = resource["resourceType"]
        is_error = name == "OperationOutcome" and resource["issue"][0]["severity"] == "error"
        known = name if name in document["components"]["schemas"] else "Resource"
        check(document, "Error" if is_error else known, resource)


@pytest.mark.parametrize(
    "breaking",
    [
        lambda bundle: flag(bundle).update(status="entered-in-error"),
        lambda bundle: flag(bundle).pop("extension"),
        lambda bundle: flag(bundle)["subject"]["identifier"].update(value="999"),
        lambda bundle: plan(bundle).update(intent="proposal"),
        lambda bundle: team(bundle).pop("telecom"),
        lambda bundle: team(bundle).update(period={}),
        lambda bundle: bundle.update(total=-1),
        lambda bundle: bundle.update(entry=[]),
        lambda bundle: bundle.update(type="batch"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_so_breaks_the_schema(breaking: Break, samples: dict[str, Json], document: Json) -> None:
    bundle = json.loads(json.dumps(samples["flags of one plan"]))
    breaking(bundle)
    with pytest.raises(jsonschema.ValidationError):
        check(document, "Bundle", bundle)
