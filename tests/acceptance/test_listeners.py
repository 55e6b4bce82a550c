"""Several HL7 listeners of one whole service: a plain one, and one that demands certificates and takes new ones while it runs."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.acceptance.service import Engine, Service, code_of, register, serving
from tests.embedded.processes import eventually
from tests.hl7_listener.tls import NAME, Office, client

LISTENERS = """
[[listener]]
name = "amber-trust"
address = "127.0.0.1:0"
certificate_file = "certificate.pem"
key_file = "key.pem"
client_ca_file = "clients.pem"

[[listener]]
name = "plain"
address = "127.0.0.1:0"
max_frame_bytes = 4096
"""


@dataclass(slots=True)
class Secured:
    """A service with both listeners, and one hospital's certificate."""

    service: Service
    office: Office
    leaf: trustme.LeafCert

    def connect(self) -> Engine:
        plain = socket.create_connection(("127.0.0.1", self.service.ports["listeners"]["amber-trust"]), timeout=120)  # type: ignore[index]
        return Engine(client(self.office.ca, self.leaf).wrap_socket(plain, server_hostname=NAME))

    def shown(self) -> bytes | None:
        with self.connect() as engine:
            assert isinstance(engine.sock, ssl.SSLSocket)
            return engine.sock.getpeercert(binary_form=True)

    def ready(self) -> dict[str, list[str]]:
        ready = httpx.get(f"http://127.0.0.1:{self.service.ports['http']}/ready", timeout=60)
        answer: dict[str, list[str]] = ready.json()
        return answer


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("l")
    office = Office(folder)
    office.issue()
    file = folder / "listeners.toml"
    file.write_text(LISTENERS)
    with serving(folder / "data", {"NIGHTLIGHT_MLLP_LISTENERS": str(file)}) as service:
        service.furnish(folder)
        yield Secured(service, office, office.leaf())


def test_a_certificate_is_taken_once_it_is_registered_and_no_sooner(secured: Secured, tmp_path: Path) -> None:
    with secured.connect() as engine:
        refused = engine.send(register(1))
    assert code_of(refused) == "AE"
    assert "certificate is not registered" in refused
    certificate = tmp_path / "amber.pem"
    certificate.write_bytes(secured.leaf.cert_chain_pems[0].bytes())
    secured.service.run("peer", "add", "amber-pas", "--certificate", str(certificate), "--sites", "R0A01")
    assert "amber-pas" in secured.service.run("peer", "list")

    def taken() -> bool:
        with secured.connect() as engine:
            return code_of(engine.send(register(2))) == "AA"

    eventually(taken, "the directory is read anew")
    assert secured.service.value("SELECT count(*) FROM alerts") == 1


def test_each_listener_has_its_own_limits(secured: Secured) -> None:
    long = register(3) + b"ZZZ|" + b"x" * 5_000 + b"\r"
    with secured.service.connect() as engine:
        assert code_of(engine.send(long)) == "AR"
    with secured.connect() as engine:
        assert code_of(engine.send(long)) != "AR"


def test_a_new_certificate_is_shown_without_a_restart_and_a_broken_one_is_not(secured: Secured) -> None:
    before, process = secured.shown(), secured.service.process("listener")
    secured.office.issue()
    eventually(lambda: secured.shown() != before, "the new certificate is shown")
    eventually(lambda: "amber-trust" in secured.ready()["certificates"], "its end is known")
    eventually(lambda: secured.ready()["reasons"] == [], "every process was heard")
    (secured.office.folder / "certificate.pem").write_text("spoilt")
    eventually(lambda: secured.ready()["reasons"] != [], "a broken file is said")
    assert "amber-trust cannot use its newest certificate files" in secured.ready()["reasons"][0]
    assert secured.shown() is not None
    assert secured.service.process("listener") == process, "nothing was restarted"
