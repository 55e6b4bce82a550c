"""What the CDS Hooks Sandbox sends, said again word for word: `recorded.json` was heard in Chromium, preflights too.

The Sandbox is not everywhere (`test_sandbox` drives it, and holds the recording against it); this runs without it. Requests,
headers, tokens and bodies are its own; only the key that signs is another, under the same name.
"""

import json
import time
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from runtime.clock import now
from safeguarding.cds_clients import CdsClient
from tests.conformance.sandbox.ehr import KNOWN
from tests.conformance.sandbox.hearing import ISSUER, JKU, RECORDING, Request, again
from tests.conftest import FreshDatabase
from tests.fhir_adapter.cds_hooks.clinic import Ehr, held, key_pair, register
from tests.fhir_adapter.cds_hooks.test_documentation import serving
from tests.safeguarding.house import House, open_house

RECORDED: list[Request] = json.loads(RECORDING.read_text(encoding="utf-8"))
KID = next(request["token"]["header"]["kid"] for request in RECORDED if "token" in request)
SANDBOX = "http://127.0.0.1:8080"
VIEW = "/cds-services/child-protection-patient-view"


def test_the_recording_has_every_request_that_the_sandbox_makes_with_its_preflight() -> None:
    kinds = [(request["method"], request["path"]) for request in RECORDED]
    for method, path, times in (("GET", "/cds-services", 1), ("POST", VIEW, 1), ("POST", f"{VIEW}/feedback", 3)):
        assert kinds.count((method, path)) == times
        assert kinds.index(("OPTIONS", path)) < kinds.index((method, path))


def test_each_token_is_for_the_very_address_that_is_called() -> None:
    for request in (request for request in RECORDED if "token" in request):
        assert request["token"]["header"] == {"alg": "ES384", "typ": "JWT", "kid": KID, "jku": JKU}
        assert request["token"]["claims"]["iss"] == ISSUER
        assert request["token"]["claims"]["aud"] == f"$NIGHTLIGHT{request['path']}"


async def test_what_the_sandbox_sends_is_answered_as_it_was(fresh_database: FreshDatabase) -> None:
    """With the status that the Sandbox got, and so that a browser lets the Sandbox send and read it."""
    ehr = Ehr(ISSUER, key_pair("EC", KID), jku=JKU)
    async with open_house(fresh_database.service_url) as house:
        await furnish(house, ehr)
        async with serving(house) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
            values = {"$NIGHTLIGHT": base, "$SANDBOX": SANDBOX, "$FHIR": "http://127.0.0.1:8081"}
            for recorded in RECORDED:
                asked_anew = ("POST", VIEW) if "$CARD" in json.dumps(recorded) else None
                for each in [*(each for each in RECORDED if (each["method"], each["path"]) == asked_anew), recorded]:
                    request = again(each, values | {"$UUID": str(uuid4()), "$MOMENT": now().isoformat()})
                    answer = await send(client, ehr, request)
                    assert answer.status_code == request["status"], (request, answer.text)
                    assert may_be_read(request, answer), (request, answer.headers)
                    values |= card_of(answer)
        assert await house.rows("SELECT outcome, reason FROM card_outcomes ORDER BY said_at") == [
            ("overridden", "already-acted"),
            ("followed", ""),
        ]
        assert await house.value("SELECT count(*) FROM alerts") == 1


async def furnish(house: House, ehr: Ehr) -> None:
    """Its patient is known, and it is registered by its key, with the address that its tokens name."""
    [name] = KNOWN["name"]
    born = date.fromisoformat(KNOWN["birthDate"])
    await house.flag(KNOWN["identifier"][1]["value"], given_name=name["given"][0], family_name=name["family"], birth_date=born)
    await register(house, CdsClient(ISSUER, "R0A", jku=JKU, key_set=held(ehr), origins=(SANDBOX,)))


async def send(client: httpx.AsyncClient, ehr: Ehr, request: Request) -> httpx.Response:
    headers = dict(request["headers"])
    if "token" in request:
        said = request["token"]
        seconds = int(said["claims"]["exp"].removeprefix("$NOW+"))
        started = int(time.time())
        token = ehr.token("", said["header"], **said["claims"] | {"iat": started, "exp": started + seconds})
        headers["authorization"] = f"{said['scheme']} {token}"
    body = json.dumps(request["body"], separators=(",", ":")) if "body" in request else None
    return await client.request(request["method"], request["path"], headers=headers, content=body)


def may_be_read(request: Request, answer: httpx.Response) -> bool:
    """Whether a browser lets the page go on (Fetch Standard, "CORS protocol"); for a preflight, whether it lets it ask."""
    asked: dict[str, str] = request["headers"]
    if answer.headers.get("access-control-allow-origin") != asked["origin"]:
        return False
    if request["method"] != "OPTIONS":
        return True
    methods, names = (listed(answer.headers[f"access-control-allow-{what}"]) for what in ("methods", "headers"))
    return {asked["access-control-request-method"].lower()} <= methods and listed(asked["access-control-request-headers"]) <= names


def listed(value: str) -> set[str]:
    return {part.strip().lower() for part in value.split(",")}


def card_of(answer: httpx.Response) -> dict[str, str]:
    """The names of a card and of its suggestion, where one has come."""
    cards: list[Any] = answer.json().get("cards", []) if answer.content else []
    if not cards:
        return {}
    [card] = cards
    assert urlsplit(card["links"][0]["url"]).path.startswith("/encounters/")
    return {"$CARD": card["uuid"], "$SUGGESTION": card["suggestions"][0]["uuid"]}
