"""What is published about tokens, held against how they are had."""

import pytest

from api.doors import FHIR, OAUTH
from fhir_adapter.capability import capability_statement
from fhir_adapter.interactions import INTERACTIONS, Interaction
from fhir_adapter.smart.configuration import FHIR_PATH, TOKEN_PATH, smart_configuration, token_url
from runtime.clients import SCOPES
from runtime.scopes import permits
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import BASE_URL, Doorway
from tests.fhir_adapter.smart.office import AUDIENCE, EC, RSA, RSA512, Office
from tests.runtime.signing import claims_of


def test_the_doors_are_where_their_addresses_say() -> None:
    assert FHIR_PATH == FHIR
    assert TOKEN_PATH.startswith(OAUTH + "/")


@pytest.mark.parametrize(
    "base_url, token_endpoint",
    [
        ("https://hospital.example/FHIR/R4", "https://hospital.example/oauth2/token"),
        ("https://hospital.example/nightlight/FHIR/R4", "https://hospital.example/nightlight/oauth2/token"),
        ("http://127.0.0.1:8000/FHIR/R4", "http://127.0.0.1:8000/oauth2/token"),
    ],
)
def test_the_token_endpoint_stands_beside_the_fhir_base(base_url: str, token_endpoint: str) -> None:
    assert token_url(base_url) == token_endpoint


async def test_the_configuration_is_json_that_anybody_may_read(doorway: Doorway) -> None:
    response = await ask(doorway.app, "GET", "/.well-known/smart-configuration", {"accept": "application/json"})
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.json == smart_configuration(BASE_URL)
    assert response.json["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert response.json["grant_types_supported"] == ["client_credentials"]


async def test_every_algorithm_that_is_published_is_taken(office: Office) -> None:
    published = smart_configuration(BASE_URL)["token_endpoint_auth_signing_alg_values_supported"]
    keys = {key.algorithm: key for key in (RSA, RSA512, EC)}
    assert set(published) == set(keys)
    for algorithm in published:
        assert (await office.ask(keys[algorithm].sign(claims_of("both-app", AUDIENCE)))).status == 200


def test_every_scope_that_is_needed_is_published() -> None:
    published = smart_configuration(BASE_URL)["scopes_supported"]
    assert published == list(SCOPES)
    assert {each.scope for each in INTERACTIONS if each.scope} <= set(published)


@pytest.mark.parametrize(
    "interaction", [each for each in INTERACTIONS if each.scope], ids=lambda each: f"{each.method} {each.path}"
)
def test_what_an_interaction_needs_is_within_its_scope(interaction: Interaction) -> None:
    scope, letter = interaction.scope, interaction.letter
    assert permits([scope], f"{scope.rpartition('.')[0]}.{letter}")


def test_the_capability_statement_names_the_same_address() -> None:
    security = capability_statement(BASE_URL)["rest"][0]["security"]
    [uris] = security["extension"]
    assert uris["url"] == "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    assert uris["extension"] == [{"url": "token", "valueUri": smart_configuration(BASE_URL)["token_endpoint"]}]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


async def test_a_token_for_reading_does_not_search(office: Office) -> None:
    token = await office.token("system/Flag.r")
    assert (await office.get(token)).status == 403
    assert (await office.get(await office.token("system/Flag.s"))).status == 200
