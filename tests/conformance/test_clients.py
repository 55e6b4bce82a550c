"""Applications on two well-known client libraries ask a running Nightlight, and understand what it answers."""

import time
from pathlib import Path
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.acceptance.service import Service
from tests.conformance.hospital import CHILD, CLIENT, NOBODY, base_of, origin_of, token_of
from tests.conformance.programs import Programs

FLAG = ["child-protection-information-system-flag", CHILD]
TEAM = ["301 - Ambershire", ["work", "mobile"]]
TYPES = ["Flag", "CarePlan", "CareTeam", "OperationOutcome"]
READ = {"Flag": True, "CarePlan": True, "CareTeam": True}


def given(hospital: Service) -> dict[str, str]:
    return {"base": base_of(hospital), "token": token_of(hospital), "number": CHILD, "unknown": NOBODY}


def test_fhirpy_searches_and_reads_and_is_told_why_not(hospital: Service, programs: Programs) -> None:
    found = programs.run_script("ask_fhirpy", given(hospital))
    refusals = found.pop("wrong number"), found.pop("no token")
    assert ["OperationOutcome: " in refusals[0], "AuthorizationError: " in refusals[1]] == [True, True], refusals
    assert ["INVALID_SEARCH_DATA" in refusals[0], "ACCESS_DENIED" in refusals[1]] == [True, True], refusals
    assert found == {"total": 1, "types": TYPES, "flag": FLAG, "team": TEAM, "read": READ, "none known": 0}


def test_fhirclient_searches_and_reads_into_its_models_of_r4(hospital: Service, programs: Programs) -> None:
    found = programs.run_script("ask_fhirclient", given(hospital))
    assert found == {
        "fhir version": "4.0.1",
        "total": 1,
        "types": TYPES,
        "flag": FLAG,
        "plan": ["active", "342191000000101", "2026-01-05"],
        "team": TEAM,
        "read": READ,
        "no token": 401,
    }


LOOKS = 23
TRAIL = "system/AuditEvent.rs"


def look_often(hospital: Service) -> None:
    headers = {"authorization": f"Bearer {token_of(hospital)}"}
    with httpx.Client(base_url=base_of(hospital), headers=headers, trust_env=False, timeout=60) as client:
        for _ in range(LOOKS):
            assert client.post("/Flag/_search", data={"patient": CHILD}).status_code == 200


def test_fhirpy_goes_through_the_trail_page_by_page(hospital: Service, programs: Programs) -> None:
    hospital.run("client", "add", "auditor-fhirpy", "--organisation", "R0A", "--scope", TRAIL, "--auditor")
    look_often(hospital)
    token = hospital.run("token", "auditor-fhirpy").strip()
    found = programs.run_script("page_fhirpy", {"base": base_of(hospital), "token": token, "agent": CLIENT})
    assert found["first page"] == 10
    assert len(set(found["ids"])) == len(found["ids"]) >= LOOKS


def test_fhirclient_gets_a_token_by_an_assertion_and_goes_through_the_trail_page_by_page(
    hospital: Service, programs: Programs, tmp_path: Path
) -> None:
    name, kid, key = "auditor-fhirclient", "fhirclient-1", ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "public.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    keys = ("--key", str(tmp_path / "public.pem"), "--kid", kid)
    hospital.run("client", "add", name, "--organisation", "R0A", "--scope", TRAIL, "--auditor", *keys)
    look_often(hospital)
    at, audience = int(time.time()), f"{origin_of(hospital)}/oauth2/token"
    claims = {"iss": name, "sub": name, "aud": audience, "iat": at, "exp": at + 120, "jti": str(uuid4())}
    assertion = jwt.encode({"alg": "ES384", "kid": kid}, claims, ECKey.import_key(key), algorithms=["ES384"])
    asked = {"base": base_of(hospital), "client": name, "scope": TRAIL, "assertion": assertion, "agent": CLIENT}
    pages = programs.run_script("page_fhirclient", asked)["pages"]
    ids = [each for page in pages for each in page]
    assert [len(page) for page in pages[:2]] == [10, 10]
    assert len(set(ids)) == len(ids) >= LOOKS
