"""`nightlight send` against real listeners: what is refused is said in a line, and every acknowledgement that comes is printed."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner, Result

from hl7_listener.answering import Answerer
from hl7_listener.server import listening
from hl7_listener.tls import Certificates
from nightlight.cli import app
from safeguarding.peers import add_peer
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import sample
from tests.hl7_listener.test_listener import LIMITS
from tests.hl7_listener.tls import NAME, Office, fingerprint
from tests.safeguarding.house import OPERATOR, open_house

A04 = sample("a04_emergency")


@dataclass(slots=True)
class Doors:
    """A plain listener and one that demands certificates, with the files of a hospital that is registered."""

    plain: int
    secure: int
    folder: Path

    async def send(self, message: bytes, *options: str, to: int | None = None) -> Result:
        file = self.folder / "message.hl7"
        file.write_bytes(message)
        command = ["send", str(file), "--to", f"127.0.0.1:{to or self.plain}", *options]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, command))

    def tls(self, **other: str) -> list[str]:
        """The options of the registered hospital, some changed; empty leaves one out."""
        files = {"ca": "ca.pem", "certificate": "pas.pem", "key": "pas.key"} | other
        chosen = [part for name, file in files.items() if file for part in (f"--{name}", str(self.folder / file))]
        return [*chosen, "--server-name", NAME]


def write(folder: Path, name: str, leaf: trustme.LeafCert) -> None:
    (folder / f"{name}.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    (folder / f"{name}.key").write_bytes(leaf.private_key_pem.bytes())


@pytest.fixture
async def doors(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Doors]:
    office, strangers = Office(tmp_path), trustme.CA()
    leaf = office.leaf()
    write(tmp_path, "pas", leaf)
    write(tmp_path, "stranger", strangers.issue_cert("stranger.test"))
    (tmp_path / "ca.pem").write_bytes(office.ca.cert_pem.bytes())
    (tmp_path / "strangers.pem").write_bytes(strangers.cert_pem.bytes())
    (tmp_path / "broken.pem").write_text("no certificate")
    async with open_house(fresh_database.service_url) as house:
        async with house.database.transaction() as transaction:
            await add_peer(transaction, OPERATOR, "amber-pas", ["R0A01"], certificate=fingerprint(leaf))
        house.directory.forget()
        answer = Answerer(house.desk, house.directory, house.database).answer
        plain, secure = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        ports = [each.getsockname()[1] for each in (plain, secure)]
        async with listening(plain, answer, LIMITS), listening(secure, answer, LIMITS, Certificates(office.issue())):
            yield Doors(ports[0], ports[1], tmp_path)


def asking(accept: str, application: str, message: bytes = A04) -> bytes:
    """The message with these in MSH-15 and MSH-16."""
    header, rest = message.split(b"\r", 1)
    fields = header.split(b"|")
    fields += [b""] * (16 - len(fields))
    fields[14:16] = [accept.encode(), application.encode()]
    return b"|".join(fields) + b"\r" + rest


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"ca": "strangers.pem"}, "no TLS connection: "),
        ({"certificate": "", "key": ""}, "perhaps it demands a certificate"),
        ({"certificate": "stranger.pem", "key": "stranger.key"}, "does not know who issued this one"),
        ({"key": "stranger.key"}, "cannot be used"),
        ({"ca": "broken.pem"}, "cannot be used"),
        ({"key": ""}, "--certificate and --key belong together"),
    ],
)
async def test_what_keeps_tls_from_working_is_said_in_a_line(
    doors: Doors, changes: dict[str, str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    done = await doors.send(A04, *doors.tls(**changes), to=doors.secure)
    printed = done.output + capfd.readouterr().err
    lines = [line for line in printed.splitlines() if line.startswith("nightlight:")]
    assert (done.exit_code, len(lines)) == (1, 1), printed
    assert said in lines[0]
    assert "Traceback" not in printed


async def test_another_name_than_the_certificates_is_refused(doors: Doors, capfd: pytest.CaptureFixture[str]) -> None:
    done = await doors.send(A04, *doors.tls()[:-1], "other.test", to=doors.secure)
    assert done.exit_code == 1
    assert "no TLS connection: Hostname mismatch" in done.output + capfd.readouterr().err


async def test_tls_needs_the_listeners_address(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "message.hl7").write_bytes(A04)
    done = CliRunner().invoke(app, ["send", str(tmp_path / "message.hl7"), "--tls"])
    assert done.exit_code == 1
    assert "--to HOST:PORT" in done.output + capfd.readouterr().err


async def test_a_message_goes_over_mutual_tls_and_its_acknowledgement_is_printed(doors: Doors) -> None:
    done = await doors.send(A04, *doors.tls(), to=doors.secure)
    assert (done.exit_code, codes(done)) == (0, ["AA"])


@pytest.mark.parametrize(
    "accept, application, taken, held",
    [
        ("", "", ["AA"], ["AE"]),
        ("AL", "AL", ["CA", "AA"], ["CE"]),
        ("AL", "NE", ["CA"], ["CE"]),
        ("AL", "ER", ["CA"], ["CE"]),
        ("NE", "AL", ["AA"], ["AE"]),
        ("NE", "NE", [], []),
        ("ER", "NE", [], ["CE"]),
    ],
)
async def test_as_many_acknowledgements_are_awaited_as_the_message_asks_for(
    doors: Doors, accept: str, application: str, taken: list[str], held: list[str]
) -> None:
    good = asking(accept, application)
    bad = asking(accept, application, A04.replace(b"|NL000417|", b"|NL000418|").replace(b"\rPID", b"\rZID"))
    done = await doors.send(good + bad)
    assert codes(done) == [*taken, *held]
    assert done.exit_code == 1, "one of them was not accepted, or nobody can say"
    done = await doors.send(good)
    assert (codes(done), done.exit_code) == (taken, 0 if taken else 1)
    assert ("No acknowledgement came" in done.output) is not bool(taken)


def codes(done: Result) -> list[str]:
    """The codes of the acknowledgements that were printed, in their order."""
    return [line.split("|")[1] for line in done.output.splitlines() if line.startswith("MSA|")]
