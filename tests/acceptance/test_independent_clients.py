"""Four HL7 clients of other makers send to a running service, and read their acknowledgements with their own parsers."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hl7  # type: ignore[import-untyped]
import pytest

from hl7_listener.framing import frame
from tests.acceptance.node import Node, fetch_clients
from tests.acceptance.service import Service, register, serving
from tools.page_assets import Remedy

Answers = list[list[list[str]]]
"""MSA-1 and MSA-2 of each acknowledgement that came back for each frame, as a client's own parser has them."""

Client = Callable[[Service, list[str]], Answers]

SECONDS = 60
LONG_NOTE = "x" * 200_000


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("i")
    with serving(folder / "data", {}) as service:
        service.furnish(folder)
        yield service


@pytest.fixture(scope="module")
def node(pytestconfig: pytest.Config) -> Node:
    assert pytestconfig.cache is not None
    try:
        return fetch_clients(pytestconfig.cache.mkdir("hl7-clients"))
    except Remedy as remedy:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE CLIENTS FROM npm WERE NOT TRIED: {remedy}")


@pytest.fixture(params=["mllp_send", "mllp_send --loose", "simple-hl7", "node-hl7-client", "medplum"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Client:
    if request.param.startswith("mllp_send"):
        return lambda service, messages: mllp_send(service, messages, tmp_path, loose=request.param.endswith("--loose"))
    node: Node = request.getfixturevalue("node")

    def send(service: Service, messages: list[str]) -> Answers:
        given = json.dumps({"port": service.ports["mllp"], "messages": messages})
        answers: Answers = json.loads(node.run(f"{request.param}.mjs", given, SECONDS))
        return answers

    return send


def mllp_send(service: Service, messages: list[str], folder: Path, *, loose: bool) -> Answers:
    """The command of python-hl7: with a file of frames, or, loosely, with one of lines."""
    file = folder / "messages"
    text = "\n".join(message.replace("\r", "\n") for message in messages).encode()
    file.write_bytes(text if loose else b"".join(frame(message.encode()) for message in messages))
    command = [str(Path(sys.executable).parent / "mllp_send"), "--file", str(file), "--port", str(service.ports["mllp"])]
    done = subprocess.run([*command, *["--loose"] * loose, "127.0.0.1"], capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    acks = [content.split(b"\x1c")[0] for content in done.stdout.split(b"\x0b")[1:]]
    return [[[str(msa[1]), str(msa[2])] for msa in hl7.parse(ack.decode()).segments("MSA")] for ack in acks]


def registration(name: str) -> str:
    """The flagged child is registered; control ID and visit bear the name, the visit with an accent before it."""
    return register(0, name).decode().replace("|V0^", f"|VÉ{name}^")


def test_what_cannot_be_taken_is_an_error_to_its_sender(hospital: Service, client: Client) -> None:
    without_patient = "\r".join(line for line in registration("E1").split("\r") if not line.startswith("PID"))
    assert client(hospital, [without_patient, registration("E2")]) == [[["AE", "E1"]], [["AA", "E2"]]]


def test_every_message_is_acknowledged_to_its_sender_and_its_encounter_is_on_disk(
    hospital: Service, client: Client, request: pytest.FixtureRequest
) -> None:
    names = [f"{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}-{number}" for number in range(4)]
    messages = [registration(name) for name in names]
    messages[2] += f"OBX|1|TX|NOTE||{LONG_NOTE}||||||F\r"
    assert client(hospital, messages) == [[["AA", name]] for name in names]
    for name in names:
        alerts = f"SELECT count(*) FROM alerts JOIN encounters e ON e.id = encounter_id WHERE e.reference = 'VÉ{name}'"
        assert hospital.value(alerts) == 1, name


@pytest.mark.parametrize("client", ["mllp_send", "simple-hl7", "node-hl7-client"], indirect=True)
def test_a_batch_is_answered_with_one_response_that_holds_an_acknowledgement_for_each_message(
    hospital: Service, client: Client, request: pytest.FixtureRequest
) -> None:
    names = [f"{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}-{number}" for number in range(3)]
    batch = "BHS|^~\\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||||B1\r" + "".join(map(registration, names)) + "BTS|3\r"
    assert client(hospital, [batch]) == [[["AA", name] for name in names]]
