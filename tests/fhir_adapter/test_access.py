"""Who is kept out, and how each is told: refusals of the door itself, then the good case."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from time_machine import travel

from domain.errors import NotAllowed
from fhir_adapter.access import MOST_TOKENS, Access
from fhir_adapter.errors import NOT_AUTHENTICATED, Refused
from runtime.clients import KEPT_SECONDS, UNKNOWN_SECONDS, Care, Client, ClientReader, TokenVerifier, add_client, sign_token
from runtime.clock import now
from runtime.database import Database
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import CLIENTS, Doorway, token
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import KEY, OPERATOR

SEARCH = "/Flag?patient=9990000018"
OTHER_KEY = b"x" * 32


def _signed(key: bytes = KEY, **claims: Any) -> str:
    at = int(now().timestamp())
    payload = {
        "sub": "both-app",
        "aud": "nightlight-fhir",
        "iat": at,
        "exp": at + 60,
        "jti": "1",
        "scope": "system/Flag.rs",
        "gen": 0,
        **claims,
    }
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode({"alg": "HS256"}, kept, OctKey.import_key(key), algorithms=["HS256"])


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token"])
async def test_without_a_token_nothing_is_answered(doorway: Doorway, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    response = await ask(doorway.app, "GET", SEARCH, headers)
    assert (response.status, response.spine_code) == (401, "ACCESS_DENIED")
    assert response.headers["www-authenticate"] == 'Bearer realm="Nightlight FHIR"'
    check_valid(response.json)


@pytest.mark.parametrize(
    "bad_token",
    [
        "nonsense",
        "a.b.c",
        "é.ü.ß",
        "x" * 5000,
        _signed(OTHER_KEY),
        _signed(aud="another-service"),
        _signed(exp=1),
        _signed(exp=None),
        _signed(sub=None),
        _signed(scope=None),
        _signed(gen=None),
        _signed(gen=1),
        _signed(sub="nobody-knows-me"),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib3RoLWFwcCIsImF1ZCI6Im5pZ2h0bGlnaHQtZmhpciIsImV4cCI6NDEwMjQ0NDgwMH0.",
    ],
)
async def test_a_bad_token_is_refused(doorway: Doorway, bad_token: str) -> None:
    response = await ask(doorway.app, "GET", SEARCH, {"authorization": f"Bearer {bad_token}"})
    assert (response.status, response.spine_code) == (401, "ACCESS_DENIED")
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_a_client_that_is_disabled_is_out(doorway: Doorway) -> None:
    assert (await doorway.get(SEARCH)).status == 200
    async with doorway.house.database.transaction() as transaction:
        await transaction.execute("UPDATE clients SET disabled_at = now() WHERE id = 'both-app'")
    assert (await doorway.get(SEARCH)).status == 401


def test_a_client_is_remembered_for_three_seconds_at_most() -> None:
    assert KEPT_SECONDS <= 3


async def test_a_client_needs_the_scope_of_what_it_searches(doorway: Doorway) -> None:
    response = await doorway.get("/CareTeam?patient=9990000018", "flags-only-app")
    assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert 'scope="system/CareTeam.rs"' in response.headers["www-authenticate"]
    assert (await doorway.get(SEARCH, "flags-only-app")).status == 200


@pytest.mark.parametrize("site", ["R0B01", "R0B", "R0X99"])
async def test_a_client_cannot_look_from_another_organisation(doorway: Doorway, site: str) -> None:
    response = await doorway.get(SEARCH, NHSD_End_User_Organisation_ODS=site)
    assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert site not in response.body.decode()


async def test_a_client_of_an_organisation_without_sites_cannot_look(doorway: Doorway) -> None:
    assert (await doorway.get(SEARCH, "siteless-app")).status == 403


async def test_a_client_of_an_authority_cannot_look_from_any_site(doorway: Doorway) -> None:
    theirs = Client("authority-app", "", ["system/Flag.rs"], Care.BOTH, True, authority_code="301")
    async with doorway.house.database.transaction() as transaction:
        await add_client(transaction, OPERATOR, theirs)
    for site in ("", "R0A01", "301"):
        headers = {"authorization": f"Bearer {sign_token(KEY, theirs)}", "nhsd-end-user-organisation-ods": site}
        response = await ask(doorway.app, "GET", SEARCH, {name: value for name, value in headers.items() if value})
        assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 0


async def test_who_is_kept_out_leaves_no_access_behind(doorway: Doorway) -> None:
    await ask(doorway.app, "GET", SEARCH)
    await doorway.get(SEARCH, NHSD_End_User_Organisation_ODS="R0B01")
    await doorway.get("/CareTeam?patient=9990000018", "flags-only-app")
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 0


async def test_a_token_is_good_for_every_request_until_it_runs_out(doorway: Doorway) -> None:
    access = Access(TokenVerifier(KEY), ClientReader(doorway.house.database))
    short = sign_token(KEY, CLIENTS["both-app"], timedelta(minutes=1))
    for _ in range(2):
        assert (await access.admit(f"bearer {short}", "system/Flag.rs")).id == "both-app"
    with travel(now() + timedelta(seconds=61), tick=False), pytest.raises(Refused) as refused:
        access.verified(short)
    assert refused.value.kind is NOT_AUTHENTICATED


async def test_remembered_tokens_are_bounded(doorway: Doorway) -> None:
    access = Access(_AnyToken(KEY), ClientReader(doorway.house.database))
    for each in range(MOST_TOKENS + 10):
        assert access.verified(f"{each}").client_id == "both-app"
    assert len(access._verified) == MOST_TOKENS


class _AnyToken(TokenVerifier):
    """Verifies one real token instead of thousands of different ones, which would take minutes to sign."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self._good = super().verify(token("both-app"))

    def verify(self, token: str) -> Any:
        return self._good


@given(st.text(max_size=60) | st.from_regex(r"[\w-]{1,20}\.[\w-]{1,20}\.[\w-]{0,20}", fullmatch=True))
def test_no_text_makes_the_verifier_stumble(text: str) -> None:
    with pytest.raises(NotAllowed):
        TokenVerifier(KEY).verify(text)


async def test_clients_are_read_once_while_they_are_fresh(doorway: Doorway) -> None:
    clients = ClientReader(doorway.house.database)
    first = await clients.find("both-app")
    assert isinstance(first, Client)
    assert await clients.find("both-app") is first
    assert await clients.find("nobody") is None


async def test_the_store_is_asked_again_for_a_client_that_is_no_longer_fresh(doorway: Doorway) -> None:
    clients = ClientReader(doorway.house.database, kept_seconds=0)
    assert await clients.find("both-app") is not await clients.find("both-app")


async def test_who_was_registered_a_moment_ago_is_found_although_the_others_are_fresh(doorway: Doorway) -> None:
    clients = ClientReader(doorway.house.database, kept_seconds=3600)
    assert await clients.find("new-app") is None
    async with doorway.house.database.transaction() as transaction:
        await add_client(transaction, OPERATOR, Client("new-app", "R0A", ["system/Flag.rs"], Care.BOTH, True))
    await asyncio.sleep(UNKNOWN_SECONDS)
    found = await clients.find("new-app")
    assert found is not None
    assert await clients.find("new-app") is found


async def test_metadata_needs_no_token(doorway: Doorway) -> None:
    response = await ask(doorway.app, "GET", "/metadata")
    assert response.status == 200
    assert response.json["resourceType"] == "CapabilityStatement"


def test_a_database_is_not_needed_to_refuse() -> None:
    access = Access(TokenVerifier(KEY), ClientReader(Database("postgresql://nowhere.invalid/none")))
    with pytest.raises(Refused):
        access.verified("nonsense")


async def test_a_client_may_do_what_its_token_says_and_no_more(doorway: Doorway) -> None:
    access = Access(TokenVerifier(KEY), ClientReader(doorway.house.database, kept_seconds=0))
    narrow = await access.admit(f"Bearer {_signed(scope='system/Flag.s system/Encounter.u')}", "system/Flag.rs", "s")
    assert narrow.scopes == ["system/Flag.s", "system/Encounter.u"]
    whole = await access.admit(f"Bearer {token('both-app')}", "system/Flag.rs")
    assert whole == CLIENTS["both-app"]
