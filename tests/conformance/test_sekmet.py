"""SEKMET, a hospital information system made for testing, works through what Nightlight supports, step by step."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.acceptance.service import Service
from tests.conformance.hospital import CLIENT, SCOPES, base_of, token_of
from tests.conformance.programs import Programs
from tests.ports import bound

pytestmark = pytest.mark.timeout(600)  # its own steps time out before

SCENARIOS = Path(__file__).parent / "scenarios"
STEPS = 9
Json = dict[str, Any]


def play(
    programs: Programs, scenario: str, peer: Json, folder: Path, *options: str, ward: Json | None = None, **settings: Any
) -> dict[str, str]:
    """Every step of a scenario by its name, and what became of it. `ward` is the hospital's system where there are two."""
    given = {"data_dir": str(folder), "peers": {"nightlight": peer, "ward": ward or peer}, **settings}
    (folder / "settings.yaml").write_text(json.dumps(given))  # JSON is YAML
    done = programs.run_program(
        "sekmet", "scenario", "run", str(SCENARIOS / scenario), "--peer", "nightlight", "--config", "settings.yaml",
        "--report-dir", "reports", *options, folder=folder,
    )  # fmt: skip
    [report] = folder.glob("reports/*/*.json")
    [played] = json.loads(report.read_text())
    assert played["status"] == "passed", done.stdout
    return {step["name"]: step["status"] for step in played["steps"]}


def test_what_is_supported_passes_its_smoke_test(hospital: Service, programs: Programs, tmp_path: Path) -> None:
    peer = {"base_url": base_of(hospital), "auth": {"type": "bearer", "token": token_of(hospital)}}
    steps = play(programs, "smoke.yaml", peer, tmp_path, "--no-serve")
    assert len(steps) == STEPS
    assert set(steps.values()) == {"passed"}


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_the_same_passes_with_a_token_that_smart_backend_services_gets(
    hospital: Service, programs: Programs, tmp_path: Path, algorithm: str
) -> None:
    """Found by discovery, for an assertion that SEKMET signs, with a key of its own that is registered by the command line."""
    key = rsa.generate_private_key(65537, 3072) if algorithm == "RS384" else ec.generate_private_key(ec.SECP384R1())
    (tmp_path / "private.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "public.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    client, kid = f"sekmet-{algorithm.lower()}", "sekmet-1"
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    registered = ("--organisation", "R0A", *scopes, "--care", "both", "--key", str(tmp_path / "public.pem"), "--kid", kid)
    hospital.run("client", "add", client, *registered)
    auth = {"type": "smart", "client_id": client, "private_key_path": "private.pem", "kid": kid, "alg": algorithm}
    peer = {"base_url": base_of(hospital), "auth": {**auth, "scope": " ".join(SCOPES)}}
    steps = play(programs, "smoke.yaml", peer, tmp_path, "--no-serve")
    assert len(steps) == STEPS
    assert set(steps.values()) == {"passed"}


def test_a_subscription_is_greeted_told_and_ended(hospital: Service, programs: Programs, tmp_path: Path) -> None:
    """R4 Backport, id-only, with SEKMET's own server as the subscriber: a local authority's system."""
    with bound() as held:  # until SEKMET binds it itself
        port = held.getsockname()[1]
        endpoint = f"http://127.0.0.1:{port}/hooks/nightlight/case-system"
        hospital.run("client", "add", "council", "--authority", "301", "--scope", "system/Subscription.cruds")
        hospital.run("client", "endpoint", "add", "council", endpoint)
        peer, ward = (
            {"base_url": base_of(hospital), "auth": {"type": "bearer", "token": hospital.run("token", client).strip()}}
            for client in ("council", CLIENT)
        )
    own = {"host": "127.0.0.1", "port": port, "base_url": f"http://127.0.0.1:{port}/fhir"}
    steps = play(programs, "subscription.yaml", peer, tmp_path, "--serve", "--var", f"endpoint={endpoint}", ward=ward, **own)
    assert len(steps) == 11
    assert set(steps.values()) == {"passed"}
