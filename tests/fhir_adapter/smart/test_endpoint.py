"""Who gets a token and who does not: a table of refused assertions and forms, then the good cases and how their tokens end."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.client_keys import add_keys, end_other_keys, revoke_tokens, set_enabled, set_jwks_url
from runtime.clients import SCOPES, TOKEN_LIFE, TokenVerifier
from runtime.database import Database
from runtime.endpoints import Endpoints
from runtime.published_keys import PublishedKeys
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.smart.office import AUDIENCE, EC, OTHERS, RSA, RSA512, Office, endpoint, form
from tests.runtime.answering import answering, http
from tests.runtime.signing import Signer, claims_of, signer, unsigned, with_secret
from tests.safeguarding.house import KEY, OPERATOR


def _claims(client: str = "both-app", **changes: Any) -> dict[str, Any]:
    return claims_of(client, AUDIENCE, **changes)


def _at(seconds: int) -> int:
    return int(_claims()["iat"]) + seconds


def _is_refused(response: Response, error: str, status: int) -> bool:
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json) == {"error", "error_description"}
    return (response.json["error"], response.status) == (error, status)


ASSERTIONS: dict[str, Callable[[], str]] = {
    "nonsense": lambda: "nonsense",
    "not signed": lambda: unsigned(_claims(), "rsa"),
    "HS256 with the public key as secret": lambda: with_secret(RSA.pem, "HS256", "rsa", _claims()),
    "RS256": lambda: RSA.sign(_claims(), "RS256"),
    "PS384": lambda: RSA.sign(_claims(), "PS384"),
    "another algorithm than the key's": lambda: RSA.sign(_claims(), "RS512"),
    "another kind of algorithm than the key's": lambda: EC.sign(_claims(), kid="rsa"),
    "no kid": lambda: EC.sign(_claims(), kid=None),
    "an unknown kid": lambda: EC.sign(_claims(), kid="unknown"),
    "the kid of another client": lambda: OTHERS.sign(_claims()),
    "a key of another client under a kid of its own": lambda: OTHERS.sign(_claims(), kid="ec"),
    "its key, named in the assertion": lambda: OTHERS.sign(_claims(), kid="ec", jwk=OTHERS.public(), jku="http://127.0.0.1/jwks"),
    "expired": lambda: EC.sign(_claims(exp=_at(-31))),
    "good for too long": lambda: EC.sign(_claims(exp=_at(400))),
    "without an end": lambda: EC.sign(_claims(exp=None)),
    "from the future": lambda: EC.sign(_claims(iat=_at(90), exp=_at(200))),
    "not good yet": lambda: EC.sign(_claims(nbf=_at(90))),
    "for another audience": lambda: EC.sign(_claims(aud="https://hospital.example/FHIR/R4")),
    "for no audience": lambda: EC.sign(_claims(aud=None)),
    "of a subject that is not its issuer": lambda: EC.sign(_claims(sub="flags-only-app")),
    "of another client's issuer": lambda: EC.sign(_claims(iss="flags-only-app")),
    "without a subject": lambda: EC.sign(_claims(sub=None)),
    "without an issuer": lambda: EC.sign(_claims(iss=None)),
    "of an unknown client": lambda: EC.sign(_claims("unknown-app")),
    "of a client without keys": lambda: EC.sign(_claims("scheduled-app")),
    "without a jti": lambda: EC.sign(_claims(jti=None)),
}


@pytest.mark.parametrize("name", ASSERTIONS)
async def test_an_assertion_is_refused(office: Office, name: str) -> None:
    response = await office.ask(ASSERTIONS[name]())
    assert _is_refused(response, "invalid_client", 401)
    assert await office.door.house.value("SELECT count(*) FROM used_tokens") == 0


async def test_whatever_is_wrong_the_refusal_is_the_same(office: Office) -> None:
    bodies = {(await office.ask(make())).body for make in ASSERTIONS.values()}
    assert len(bodies) == 1


@pytest.mark.parametrize(
    "changes, error, status",
    [
        ({"grant_type": None}, "invalid_request", 400),
        ({"grant_type": ""}, "invalid_request", 400),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type", 400),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type", 400),
        ({"client_assertion_type": None}, "invalid_client", 401),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_client", 401),
        ({"client_assertion": None}, "invalid_client", 401),
        ({"client_assertion": None, "client_secret": "x"}, "invalid_client", 401),
        ({"client_id": "flags-only-app"}, "invalid_client", 401),
        ({"scope": "system/Patient.rs"}, "invalid_scope", 400),
        ({"scope": "openid launch user/Flag.rs"}, "invalid_scope", 400),
    ],
)
async def test_a_form_is_refused(office: Office, changes: dict[str, str | None], error: str, status: int) -> None:
    assert _is_refused(await office.ask(EC.sign(_claims()), **changes), error, status)


@pytest.mark.parametrize(
    "body, content_type, status",
    [
        (json.dumps(form("x")).encode(), "application/json", 400),
        (urlencode(form("x")).encode(), "", 400),
        (b"", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe=%ff", "application/x-www-form-urlencoded", 400),
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"x=%d" % each for each in range(30)), "application/x-www-form-urlencoded", 400),
        (b"x=" + b"y" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_is_no_token_request_is_refused(office: Office, body: bytes, content_type: str, status: int) -> None:
    assert _is_refused(await office.post(body, content_type), "invalid_request", status)


@pytest.mark.parametrize(
    "method, path, status", [("GET", "/token", 405), ("PUT", "/token", 405), ("POST", "/", 404), ("POST", "/tokens", 404)]
)
async def test_tokens_are_asked_for_by_post_at_one_address(office: Office, method: str, path: str, status: int) -> None:
    response = await ask(office.app, method, path, {})
    assert _is_refused(response, "invalid_request", status)
    assert response.headers.get("allow") == ("POST" if status == 405 else None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=120)
    | st.from_regex(rb"grant_type=client_credentials&client_assertion(_type)?=[ -~]{0,60}", fullmatch=True)
)
async def test_no_bytes_make_it_stumble(office: Office, body: bytes) -> None:
    assert (await office.post(body)).status in {400, 401}


async def test_an_assertion_is_good_once(office: Office) -> None:
    assertion = EC.sign(_claims())
    assert (await office.ask(assertion)).status == 200
    assert _is_refused(await office.ask(assertion), "invalid_client", 401)
    same_id = EC.sign(_claims(jti=json.loads(_payload(assertion))["jti"]))
    assert _is_refused(await office.ask(same_id), "invalid_client", 401)


def _payload(token: str) -> bytes:
    return urlsafe_b64decode(token.split(".")[1] + "==")


@pytest.mark.usefixtures("patient_store")
async def test_of_two_processes_that_get_one_assertion_at_once_one_issues_a_token(
    office: Office, fresh_database: FreshDatabase
) -> None:
    assertion = EC.sign(_claims())
    async with Database(fresh_database.service_url, 8) as database:
        other = Office(endpoint(database, office.published), office.door, office.published)
        responses = await asyncio.gather(*(each.ask(assertion) for each in [office, other] * 4))
    assert sorted(response.status for response in responses) == [200] + [401] * 7


async def test_two_clients_may_use_the_same_id(office: Office) -> None:
    assert (await office.ask(EC.sign(_claims(jti="1")))).status == 200
    assert (await office.ask(OTHERS.sign(_claims("flags-only-app", jti="1")))).status == 200


async def test_without_the_store_nobody_is_refused_and_nobody_gets_in(office: Office) -> None:
    gone = Database("postgresql://127.0.0.1:1/none?connect_timeout=1")
    async with gone:
        cut_off = Office(endpoint(gone, office.published), office.door, office.published)
        response = await cut_off.ask(EC.sign(_claims()))
    assert _is_refused(response, "temporarily_unavailable", 503)
    assert response.headers["retry-after"]


@pytest.mark.parametrize("key", [RSA, RSA512, EC], ids=["RS384", "RS512", "ES384"])
async def test_a_good_assertion_becomes_a_short_token_that_the_fhir_door_takes(office: Office, key: Signer) -> None:
    response = await office.ask(key.sign(_claims()), scope="system/Flag.rs", client_id="both-app")
    assert response.status == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer["token_type"], answer["scope"]) == ("bearer", "system/Flag.rs")
    assert answer["expires_in"] == TOKEN_LIFE.total_seconds() <= 300
    assert (await office.get(answer["access_token"])).status == 200


@pytest.mark.parametrize(
    "asked, granted",
    [
        (None, SCOPES),
        ("", SCOPES),
        ("system/Flag.rs system/Patient.rs", ("system/Flag.rs",)),
        ("system/Flag.read", ("system/Flag.rs",)),
        ("system/*.read", ("system/Flag.rs", "system/CareTeam.rs", "system/AuditEvent.rs", "system/Subscription.rs")),
    ],
)
async def test_granted_is_said_and_signed(office: Office, asked: str | None, granted: tuple[str, ...]) -> None:
    response = await office.ask(EC.sign(_claims()), scope=asked)
    assert response.json["scope"] == " ".join(granted)
    assert TokenVerifier(KEY).verify(response.json["access_token"]).scopes == set(granted)


async def test_a_token_reaches_no_further_than_its_own_scopes(office: Office) -> None:
    token = await office.token("system/Flag.rs")
    assert (await office.get(token)).status == 200
    response = await office.get(token, "/CareTeam?patient=9990000018")
    assert response.status == 403
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]


async def test_a_token_reaches_no_further_than_what_its_client_is_registered_for_now(office: Office) -> None:
    token = await office.token()
    async with office.door.house.database.transaction() as transaction:
        await transaction.execute("UPDATE clients SET scopes = '{system/CareTeam.rs}' WHERE id = 'both-app'")
    assert (await office.get(token)).status == 403
    assert (await office.get(token, "/CareTeam?patient=9990000018")).status == 200


async def test_disabling_a_client_ends_its_tokens_for_good(office: Office) -> None:
    token, database = await office.token(), office.door.house.database
    for enabled in (False, True):
        async with database.transaction() as transaction:
            await set_enabled(transaction, OPERATOR, "both-app", enabled=enabled)
        assert (await office.get(token)).status == 401
        assert (await office.ask(EC.sign(_claims()))).status == (200 if enabled else 401)


async def test_revoking_ends_every_token_that_was_issued_and_none_that_comes_after(office: Office) -> None:
    token = await office.token()
    async with office.door.house.database.transaction() as transaction:
        await revoke_tokens(transaction, OPERATOR, "both-app")
    assert (await office.get(token)).status == 401
    assert (await office.get(await office.token())).status == 200


async def test_a_key_that_is_being_replaced_is_good_beside_the_new_one_until_it_ends(office: Office) -> None:
    new, database = signer("ES384", "new"), office.door.house.database
    async with database.transaction() as transaction:
        await add_keys(transaction, OPERATOR, "both-app", [new.public()])
    assert await office.token(key=EC)
    assert await office.token(key=new)
    async with database.transaction() as transaction:
        assert await end_other_keys(transaction, OPERATOR, "both-app", ["new"]) == ["ec", "rsa", "rsa-512"]
    assert (await office.ask(EC.sign(_claims()))).status == 401
    assert await office.token(key=new)


def _key_set(*keys: Signer) -> bytes:
    return http(json.dumps({"keys": [key.public() for key in keys]}).encode(), "200 OK", "content-type: application/json")


async def test_keys_that_a_client_publishes_are_fetched_and_changed_without_us(office: Office) -> None:
    old, new = signer("ES384", "published-old"), signer("ES384", "published-new")
    clock = [0.0]
    published = PublishedKeys(Endpoints(("127.0.0.1",)), lambda: clock[0])
    async with answering(_key_set(old)) as server:
        async with office.door.house.database.transaction() as transaction:
            await set_jwks_url(transaction, OPERATOR, "both-app", f"http://127.0.0.1:{server.port}/jwks.json")
        office = Office(endpoint(office.door.house.database, published), office.door, published)
        assert await office.token(key=old)
        assert await office.token(key=EC)  # registered still
        assert len(server.asked) == 1
        server.answer = _key_set(new)
        clock[0] += 31
        assert await office.token(key=new)
        assert (await office.ask(old.sign(_claims()))).status == 401
        server.answer = http(b"", "500 Oh")
        clock[0] += 301
        assert await office.token(key=new)


async def test_keys_that_cannot_be_fetched_are_no_refusal(office: Office) -> None:
    async with answering(http(b"", "500 Oh")) as server:
        async with office.door.house.database.transaction() as transaction:
            await set_jwks_url(transaction, OPERATOR, "both-app", f"http://127.0.0.1:{server.port}/jwks.json")
        response = await office.ask(signer("ES384", "published").sign(_claims()))
    assert _is_refused(response, "temporarily_unavailable", 503)


async def test_a_client_cannot_make_it_fetch(office: Office) -> None:
    async with answering(_key_set(OTHERS)) as server:
        address = f"http://127.0.0.1:{server.port}/jwks.json"
        for claims in (_claims(), _claims("flags-only-app"), _claims(iss=address, sub=address)):
            assert (await office.ask(signer("ES384", "x").sign(claims, jku=address, x5u=address))).status == 401
        assert server.asked == []


async def test_why_is_logged_and_never_a_token(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assertion = EC.sign(_claims(aud="https://elsewhere.example"))
    await office.ask(assertion)
    logged = capsys.readouterr()
    assert "token refused" in logged.out + logged.err
    assert "audience" in logged.out + logged.err
    assert not any(part in logged.out + logged.err for part in assertion.split("."))
