"""Who may call: every JWT that is not exactly right is refused, alike; one is good once, for one address."""

import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from runtime.endpoints import Endpoints
from safeguarding.cds_clients import CdsClient
from tests.conftest import FreshDatabase
from tests.fhir_adapter.cds_hooks.clinic import (
    AMBER,
    BASE,
    CLINIC,
    DISABLED,
    Clinic,
    Ehr,
    all_at_once,
    by,
    key_pair,
    key_set,
    make_clinic,
    open_clinic,
    register,
)
from tests.fhir_adapter.cds_hooks.web import serving

DISCOVERY = f"{BASE}/cds-services"
SERVICE = f"{DISCOVERY}/child-protection-patient-view"
STRANGER = Ehr("https://stranger.example")
CURVE_256 = ECKey.generate_key("P-256", {"kid": "one"})
OTHER_KEY = ECKey.generate_key("P-384", {"kid": "one"})
RSA_KEY = RSAKey.generate_key(2048, {"kid": "one"})


def _part(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str = "none") -> str:
    now = int(time.time())
    claims = {"iss": AMBER.issuer, "aud": DISCOVERY, "exp": now + 60, "iat": now, "jti": "j"}
    return f"{_part({'alg': algorithm, 'typ': 'JWT', 'kid': 'one'})}.{_part(claims)}."


def shared_secret(algorithm: str) -> str:
    """Signed with the EHR's public key as if it were a secret."""
    now = int(time.time())
    claims = {"iss": AMBER.issuer, "aud": DISCOVERY, "exp": now + 60, "iat": now, "jti": "j"}
    secret = OctKey.import_key(json.dumps(key_set(AMBER.key)))
    return jwt.encode({"alg": algorithm, "typ": "JWT", "kid": "one"}, claims, secret, algorithms=[algorithm])


def tampered() -> str:
    head, _, signature = AMBER.token(DISCOVERY).split(".")
    now = int(time.time())
    return f"{head}.{_part({'iss': AMBER.issuer, 'aud': DISCOVERY, 'exp': now + 60, 'iat': now, 'jti': 'x'})}.{signature}"


def refused_tokens() -> dict[str, str]:
    now = int(time.time())
    return {
        "none": unsigned(),
        "none in capitals": unsigned("NONE"),
        "unsigned under a real name": unsigned("ES384"),
        **{algorithm: shared_secret(algorithm) for algorithm in ("HS256", "HS384", "HS512")},
        "ES256": by(AMBER, key=CURVE_256, algorithm="ES256").token(DISCOVERY),
        "RS512": by(CLINIC, algorithm="RS512").token(DISCOVERY),
        "RS256": by(CLINIC, algorithm="RS256").token(DISCOVERY),
        "another's key": by(AMBER, key=OTHER_KEY).token(DISCOVERY),
        "a key of another kind": by(AMBER, key=RSA_KEY, algorithm="RS384").token(DISCOVERY),
        "an unknown kid": AMBER.token(DISCOVERY, {"kid": "two"}),
        "no kid": AMBER.token(DISCOVERY, {"kid": None}),
        "another typ": AMBER.token(DISCOVERY, {"typ": "at+jwt"}),
        "no typ": AMBER.token(DISCOVERY, {"typ": None}),
        "an unknown issuer": STRANGER.token(DISCOVERY),
        "a disabled issuer": DISABLED.token(DISCOVERY),
        "no issuer": AMBER.token(DISCOVERY, iss=None),
        "another's issuer": AMBER.token(DISCOVERY, iss=CLINIC.issuer),
        "an unknown jku": AMBER.token(DISCOVERY, {"jku": "https://keys.evil.example/jwks.json"}),
        "no audience": AMBER.token(DISCOVERY, aud=None),
        "the audience of a service": AMBER.token(SERVICE),
        "an audience with a slash": AMBER.token(DISCOVERY + "/"),
        "the audience of the host": AMBER.token(BASE),
        "the audience of another host": AMBER.token("https://elsewhere.example/cds-services"),
        "two audiences": AMBER.token(DISCOVERY, aud=[DISCOVERY, SERVICE]),
        "expired": AMBER.token(DISCOVERY, exp=now - 60, iat=now - 300),
        "good for an hour": AMBER.token(DISCOVERY, exp=now + 3600),
        "no exp": AMBER.token(DISCOVERY, exp=None),
        "exp as text": AMBER.token(DISCOVERY, exp=str(now + 60)),
        "no iat": AMBER.token(DISCOVERY, iat=None),
        "issued in an hour": AMBER.token(DISCOVERY, iat=now + 3600),
        "not yet good": AMBER.token(DISCOVERY, nbf=now + 3600),
        "no jti": AMBER.token(DISCOVERY, jti=None),
        "an empty jti": AMBER.token(DISCOVERY, jti=""),
        "tampered with": tampered(),
        "cut short": AMBER.token(DISCOVERY)[:-8],
        "no JWT": "abc",
        "dots": "...",
        "very long": "x" * 20_000,
    }


@pytest.mark.parametrize("what", refused_tokens())
async def test_a_token_that_is_not_exactly_right_is_refused_like_every_other(standing_clinic: Clinic, what: str) -> None:
    refused = await standing_clinic.send("GET", "", token=refused_tokens()[what])
    none = await standing_clinic.send("GET", "", token="")
    assert (refused.status, refused.body) == (401, none.body)
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert await standing_clinic.house.rows("SELECT * FROM used_tokens") == []


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", AMBER.token(DISCOVERY)])
async def test_without_a_bearer_token_nothing_is_answered(standing_clinic: Clinic, header: str) -> None:
    assert (await standing_clinic.send("GET", "", token="", authorization=header)).status == 401


@pytest.mark.parametrize("path", ["", "/child-protection-patient-view", "/child-protection-encounter-start/feedback"])
async def test_every_address_needs_a_token(standing_clinic: Clinic, path: str) -> None:
    assert (await standing_clinic.send("POST" if path else "GET", path, {}, token="")).status == 401


@pytest.mark.parametrize("ehr", [AMBER, CLINIC], ids=["ES384", "RS384"])
async def test_both_algorithms_are_good(clinic: Clinic, ehr: Ehr) -> None:
    assert (await clinic.send("GET", "", ehr=ehr)).status == 200


async def test_an_audience_may_be_a_list_of_one(clinic: Clinic) -> None:
    assert (await clinic.send("GET", "", token=AMBER.token(DISCOVERY, aud=[DISCOVERY]))).status == 200


async def test_a_clock_may_be_wrong_by_a_little(clinic: Clinic) -> None:
    now = int(time.time())
    assert (await clinic.send("GET", "", token=AMBER.token(DISCOVERY, iat=now + 15, exp=now + 315))).status == 200


@pytest.mark.usefixtures("patient_store")
async def test_a_token_is_good_once_in_every_process(clinic: Clinic) -> None:
    token = AMBER.token(DISCOVERY)
    other = make_clinic(clinic.house)
    answers = await all_at_once(*(each.send("GET", "", token=token) for each in (clinic, other) * 4))
    assert sorted(answer.status for answer in answers) == [200] + [401] * 7


async def test_two_ehrs_may_happen_to_use_the_same_jti(clinic: Clinic) -> None:
    for ehr in (AMBER, CLINIC):
        assert (await clinic.send("GET", "", token=ehr.token(DISCOVERY, jti="1"), ehr=ehr)).status == 200


async def test_an_ehr_that_is_disabled_is_answered_no_more(clinic: Clinic) -> None:
    assert (await clinic.send("GET", "")).status == 200
    await clinic.house.rows("UPDATE cds_clients SET disabled_at = now() WHERE issuer = %s RETURNING 1", AMBER.issuer)
    assert (await clinic.send("GET", "")).status == 401


async def test_keys_are_fetched_from_the_registered_address_alone_and_are_exchanged_there(fresh_database: FreshDatabase) -> None:
    async with serving() as web:
        url = web.url("/jwks.json")
        ehr = Ehr("https://web.example", key_pair("EC", "first"), jku=url)
        web.pages["/jwks.json"] = key_set(ehr.key)
        async with open_clinic(fresh_database.service_url, endpoints=Endpoints([web.host])) as clinic:
            await register(clinic.house, CdsClient(ehr.issuer, "R0A", jku=url))
            elsewhere = by(ehr, jku=web.url("/elsewhere.json"))
            assert (await clinic.send("GET", "", ehr=elsewhere)).status == 401
            assert web.asked == []
            assert (await clinic.send("GET", "", ehr=ehr)).status == 200
            assert (await clinic.send("GET", "", ehr=by(ehr, jku=None))).status == 200
            assert [path for path, _ in web.asked] == ["/jwks.json"]


async def test_keys_that_cannot_be_had_are_our_trouble_and_no_empty_list(fresh_database: FreshDatabase) -> None:
    async with serving() as web, open_clinic(fresh_database.service_url, endpoints=Endpoints([web.host])) as clinic:
        ehr = Ehr("https://web.example", jku=web.url("/not-there.json"))
        await register(clinic.house, CdsClient(ehr.issuer, "R0A", jku=ehr.jku))
        assert (await clinic.call(ehr=ehr)).status == 503


async def test_held_keys_are_used_whatever_the_jku_that_is_registered_beside_them(clinic: Clinic) -> None:
    """As the public CDS Hooks Sandbox signs: its tokens name an address that nobody here can reach."""
    sandbox = Ehr("https://sandbox.example", key_pair("EC", "44823f3d"), jku="https://sandbox.example/.well-known/jwks.json")
    await register(clinic.house, CdsClient(sandbox.issuer, "R0A", jku=sandbox.jku, key_set=json.dumps(key_set(sandbox.key))))
    assert (await clinic.send("GET", "", ehr=sandbox)).status == 200
