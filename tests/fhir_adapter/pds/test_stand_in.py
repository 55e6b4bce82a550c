"""The stand-in for PDS, against what the public specification says of the service: codes, shapes, headers, refusals."""

import socket
import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from fhir_adapter.pds.tokens import assertion_form
from nightlight.demo.pds_people import PEOPLE as DEMO_PEOPLE
from nightlight.demo.pds_people import to_patient
from nightlight.demo.pds_stand_in import BASE, server_on
from tests.fhir_adapter.pds.register import AMELIA, BARE, INVALID, NOBODY, OLD, SENSITIVE, TWIN, Register, rsa_key

REQUEST_ID = "60e0b220-8136-4ca5-ae46-1d97ef59d068"
FIT = {"family": "o'brien-example", "birthdate": "eq2018-05-06"}


async def get(register: Register, path: str, parameters: dict[str, Any] | None = None, **headers: str | None) -> httpx.Response:
    given = {"authorization": f"Bearer {await register.token()}", "x-request-id": REQUEST_ID, "x-correlation-id": "11C46F5F"}
    sent = {**given, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with httpx.AsyncClient(timeout=60) as http:
        url = f"{register.origin}{BASE}{path}"
        return await http.get(url, params=parameters, headers={name: value for name, value in sent.items() if value is not None})


def code(answer: httpx.Response) -> str:
    """The Spine code; the whole outcome has the published shape."""
    [issue] = answer.json()["issue"]
    [coding] = issue["details"]["coding"]
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert coding["system"] == "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
    assert {"version", "display"} < set(coding)
    assert issue["severity"] in {"error", "information"}
    return str(coding["code"])


def signed(register: Register, key: Any = None, algorithm: str = "RS512", kid: str = "test-1", **claims: Any) -> dict[str, str]:
    access, now = register.access(), int(time.time())
    given = {"iss": access.api_key, "sub": access.api_key, "aud": access.token_url, "jti": "one", "exp": now + 300, **claims}
    header = {"alg": algorithm, "typ": "JWT", "kid": kid}
    assertion = jwt.encode(header, given, key or rsa_key(), algorithms=[algorithm])
    return {**assertion_form(access, now), "client_assertion": assertion}


@pytest.mark.parametrize(
    "changes",
    [
        {"key": RSAKey.generate_key(2048)},
        {"algorithm": "RS256"},
        {"algorithm": "HS512", "key": OctKey.import_key("k" * 64)},
        {"kid": "test-2"},
        {"iss": "another"},
        {"sub": "another"},
        {"aud": "https://api.service.nhs.uk/oauth2/token"},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 4_000},
        {"exp": "soon"},
        {"jti": ""},
    ],
    ids=" ".join,
)
async def test_an_assertion_that_is_not_as_nhs_england_asks_gets_no_token(register: Register, changes: dict[str, Any]) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        refused = await http.post(register.access().token_url, data=signed(register, **changes))
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_request"


@pytest.mark.parametrize("changes", [{"grant_type": "password"}, {"client_assertion_type": "x"}, {"client_assertion": "x"}])
async def test_a_form_that_asks_for_something_else_gets_no_token(register: Register, changes: dict[str, str]) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        refused = await http.post(register.access().token_url, data={**signed(register), **changes})
    assert refused.status_code == 400


async def test_an_assertion_gets_a_token_once(register: Register) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        form = signed(register)
        first, again = [await http.post(register.access().token_url, data=form) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 400)
    assert first.json()["token_type"] == "Bearer"
    assert first.json()["expires_in"] == "599"
    assert "jti" in again.json()["error_description"]


@pytest.mark.parametrize(
    "headers,status,spine",
    [
        ({"authorization": None}, 401, "ACCESS_DENIED"),
        ({"authorization": "Bearer nonsense"}, 401, "ACCESS_DENIED"),
        ({"authorization": "Basic nonsense"}, 401, "ACCESS_DENIED"),
        ({"x_request_id": None}, 400, "MISSING_VALUE"),
        ({"x_request_id": "1234"}, 400, "INVALID_VALUE"),
    ],
)
async def test_every_request_needs_a_token_and_a_request_id(
    register: Register, headers: dict[str, str | None], status: int, spine: str
) -> None:
    for path, parameters in ((f"/Patient/{AMELIA}", None), ("/Patient", FIT)):
        answer = await get(register, path, parameters, **headers)
        assert (answer.status_code, code(answer)) == (status, spine)


@pytest.mark.parametrize(
    "number,status,spine",
    [
        ("9000000000", 400, "INVALID_RESOURCE_ID"),
        ("nonsense", 400, "INVALID_RESOURCE_ID"),
        (NOBODY, 404, "RESOURCE_NOT_FOUND"),
        (INVALID, 404, "INVALIDATED_RESOURCE"),
    ],
)
async def test_a_number_that_nobody_has_says_why(register: Register, number: str, status: int, spine: str) -> None:
    answer = await get(register, f"/Patient/{number}")
    assert (answer.status_code, code(answer)) == (status, spine)


async def test_a_patient_comes_with_mirrored_ids_and_a_version(register: Register) -> None:
    answer = await get(register, f"/Patient/{AMELIA}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json"
    assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == (REQUEST_ID, "11C46F5F")
    assert answer.headers["etag"] == 'W/"2"'
    patient = answer.json()
    assert (patient["id"], patient["identifier"][0]["value"]) == (AMELIA, AMELIA)
    assert patient["meta"]["security"] == [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "U", "display": "unrestricted"}
    ]
    assert patient["name"][0]["use"] == "usual"


async def test_a_superseded_number_brings_the_successor(register: Register) -> None:
    assert (await get(register, f"/Patient/{OLD}")).json()["id"] == AMELIA


async def test_of_a_restricted_patient_nothing_says_where_they_are(register: Register) -> None:
    patient = (await get(register, f"/Patient/{SENSITIVE}")).json()
    assert patient["meta"]["security"][0]["code"] == "R"
    assert {"address", "telecom", "generalPractitioner", "contact"}.isdisjoint(patient)


async def test_a_patient_of_whom_little_is_held_has_a_number_and_nothing_else(register: Register) -> None:
    assert set((await get(register, f"/Patient/{BARE}")).json()) == {"resourceType", "id", "identifier", "meta"}


@pytest.mark.parametrize(
    "parameters,status,spine",
    [
        ({}, 400, "UNSUPPORTED_SERVICE"),
        ({**FIT, "manufacturer": "x"}, 400, "ADDITIONAL_PROPERTIES"),
        ({**FIT, "_max-results": "2"}, 403, "INVALID_VALUE"),
        ({**FIT, "birthdate": "06/05/2018"}, 400, "INVALID_VALUE"),
        ({"family": "Oakley"}, 400, "MISSING_VALUE"),
        ({"birthdate": "eq2018-05-06"}, 400, "INVALID_SEARCH_DATA"),
        ({"family": "Oakley", "birthdate": "eq2018-05-06"}, 200, "TOO_MANY_MATCHES"),
    ],
)
async def test_a_search_that_gives_nobody_says_why(register: Register, parameters: dict[str, str], status: int, spine: str) -> None:
    answer = await get(register, "/Patient", parameters)
    assert (answer.status_code, code(answer)) == (status, spine)


@pytest.mark.parametrize(
    "parameters,found",
    [
        (FIT, [AMELIA]),
        ({**FIT, "birthdate": "2018-05-06"}, [AMELIA]),
        ({**FIT, "birthdate": ["ge2018-05-01", "le2018-05-31"]}, [AMELIA]),
        ({**FIT, "birthdate": "ge2019-01-01"}, []),
        ({**FIT, "given": ["amelia", "Rose"]}, [AMELIA]),
        ({**FIT, "given": "Isla"}, []),
        ({**FIT, "family": "O'B*"}, [AMELIA]),
        ({**FIT, "family": "O'Brien"}, []),
        ({**FIT, "family": "Gone"}, []),
        ({**FIT, "family": "Example"}, []),
        ({**FIT, "family": "Selby"}, [SENSITIVE]),
        ({**FIT, "family": "Selby", "address-postalcode": "TE1 1ST"}, []),
        ({**FIT, "family": "Oakley", "address-postalcode": "te22st"}, [TWIN]),
        ({**FIT, "gender": "male"}, []),
    ],
    ids=str,
)
async def test_a_search_gives_a_unique_match_or_none(register: Register, parameters: dict[str, Any], found: list[str]) -> None:
    bundle = (await get(register, "/Patient", {"_max-results": "1", **parameters})).json()
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", len(found))
    assert bundle["timestamp"]
    assert [entry["resource"]["id"] for entry in bundle.get("entry", [])] == found
    assert all(
        entry["fullUrl"].endswith(f"/Patient/{number}") for entry, number in zip(bundle.get("entry", []), found, strict=True)
    )


async def test_trouble_comes_in_the_services_own_words(register: Register) -> None:
    register.stand_in.troubles.extend([429, 503, 408])
    answers = [await get(register, f"/Patient/{AMELIA}") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 503, 408, 200]
    assert [code(answer) for answer in answers[:3]] == ["TOO_MANY_REQUESTS", "UNABLE_TO_CALL_SERVICE", "UNABLE_TO_CALL_SERVICE"]
    assert answers[0].headers["retry-after"] == "1"


def test_it_serves_this_machine_alone() -> None:
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        with pytest.raises(ValueError, match="this machine alone"):
            server_on(Any, sock)  # type: ignore[arg-type]


def test_the_demos_people_are_invented() -> None:
    assert all(person.number.startswith("999") for person in DEMO_PEOPLE)
    assert len({person.number for person in DEMO_PEOPLE}) == len(DEMO_PEOPLE)
    assert all("address" not in to_patient(person) for person in DEMO_PEOPLE if person.confidentiality != "U")
