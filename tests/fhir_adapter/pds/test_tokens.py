"""The signed assertion, and the token that it is exchanged for: kept, renewed in time, fetched once for all who wait."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt

from fhir_adapter.pds.access import PdsAccess
from fhir_adapter.pds.tokens import SPARE_SECONDS, NoToken, Tokens, assertion_form, read_token
from tests.fhir_adapter.pds.register import rsa_key

ACCESS = PdsAccess("https://pds.example/FHIR/R4", "https://pds.example/oauth2/token", "an-api-key", "test-1", rsa_key())


class Endpoint:
    """Gives a new token each time, and counts."""

    def __init__(self) -> None:
        self.given = 0

    async def exchange(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        assert form["grant_type"] == "client_credentials"
        await asyncio.sleep(0)
        self.given += 1
        return {"access_token": f"token {self.given}", "expires_in": "599", "token_type": "Bearer"}


def test_the_assertion_has_what_nhs_england_asks_for_and_lives_five_minutes() -> None:
    form = assertion_form(ACCESS, 1_000.7)
    assertion = jwt.decode(form["client_assertion"], rsa_key(), algorithms=["RS512"])
    assert assertion.header == {"alg": "RS512", "typ": "JWT", "kid": "test-1"}
    jti = assertion.claims.pop("jti")
    assert assertion.claims == {
        "iss": "an-api-key", "sub": "an-api-key", "aud": "https://pds.example/oauth2/token", "iat": 1000, "exp": 1300,
    }  # fmt: skip
    assert jti != jwt.decode(assertion_form(ACCESS, 1_000.7)["client_assertion"], rsa_key(), algorithms=["RS512"]).claims["jti"]
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def test_a_token_is_kept_until_shortly_before_it_runs_out() -> None:
    endpoint = Endpoint()
    tokens = Tokens(ACCESS, endpoint.exchange)
    assert await tokens.current(0.0, 0.0) == "token 1"
    assert await tokens.current(599 - SPARE_SECONDS - 0.1, 0.0) == "token 1"
    assert await tokens.current(599 - SPARE_SECONDS, 0.0) == "token 2"


async def test_who_comes_together_shares_one_token() -> None:
    endpoint = Endpoint()
    tokens = Tokens(ACCESS, endpoint.exchange)
    assert set(await asyncio.gather(*(tokens.current(0.0, 0.0) for _ in range(10)))) == {"token 1"}


async def test_a_token_that_was_refused_is_forgotten_and_a_newer_one_is_not() -> None:
    endpoint = Endpoint()
    tokens = Tokens(ACCESS, endpoint.exchange)
    old = await tokens.current(0.0, 0.0)
    tokens.forget(old)
    new = await tokens.current(0.0, 0.0)
    tokens.forget(old)
    assert await tokens.current(0.0, 0.0) == new == "token 2"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"access_token": "", "expires_in": 599},
        {"access_token": None, "expires_in": 599},
        {"access_token": "x"},
        {"access_token": "x", "expires_in": "soon"},
        {"access_token": "x", "expires_in": "nan"},
        {"access_token": "x", "expires_in": 0},
        {"access_token": "x", "expires_in": -1},
        {"access_token": "x", "expires_in": 599, "token_type": "mac"},
    ],
)
def test_what_is_no_bearer_token_with_a_life_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(NoToken):
        read_token(body, 0.0)


@pytest.mark.parametrize("life,used", [(599, 539.0), ("599", 539.0), (60, 30.0), (10, 5.0)])
def test_a_short_life_is_used_by_half(life: object, used: float) -> None:
    assert read_token({"access_token": "x", "expires_in": life}, 100.0).good_until == 100.0 + used
