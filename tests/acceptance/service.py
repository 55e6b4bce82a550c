"""A whole service as its users have it: processes started by the command line, asked over real sockets, looked into by SQL."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from hl7_listener.framing import frame
from nightlight.demo.sample import register_message
from runtime.clock import ENGLAND, now
from tests.embedded.processes import ROOT, eventually, processes_about

COLUMNS = "nhs_number,kind,start_date,end_date,delete_date,expected_delivery_date,given_name,family_name,birth_date,local_id"
CHILD_ROW = "9990000018,CPP,2026-01-05,,,,Amelia,Harding,2019-03-04,A-1"
IDENTIFYING = ("9990000018", "999 000 0018", "harding", "amelia", "20190304", "2019-03-04", "example street", "te1 1st")
"""What must be in no log: the number, the names, the date of birth and the address of the child of these tests."""


@dataclass(slots=True)
class Service:
    """A running service and what belongs to it. `environment` is what its processes and commands are given."""

    data: Path
    environment: dict[str, str]
    database_url: str
    log: Path
    owner_url: str = ""
    ports: dict[str, int] = field(default_factory=dict)

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command of Nightlight and return what it printed. Its exit status is asserted."""
        command = [sys.executable, "-m", "nightlight", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if status == 0 else done.stdout + done.stderr

    def rows(self, statement: str, url: str = "") -> list[tuple[Any, ...]]:
        with psycopg.connect(url or self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str) -> Any:
        [(value,)] = self.rows(statement)
        return value

    def process(self, name: str) -> int:
        """The process that `nightlight NAME` is, not the guard in front of it."""
        ours = f"NIGHTLIGHT_DATA_DIR={self.data}".encode()
        found = [
            number
            for number, command in processes_about(f"-m nightlight {name}").items()
            if re.search(rf"^\S*python\S* -m nightlight {name}$", command) and ours in _environment_of(number)
        ]
        assert len(found) == 1, found
        return found[0]

    def furnish(self, tmp_path: Path) -> None:
        """An authority, a site and one flagged child, by the commands that a person types.

        The authority has no office hours: its people are told at whatever hour a test runs.
        """
        phones = ("--office-phone", "01632 960301", "--emergency-phone", "01632 961301", "--email", "duty@ambershire.example")
        self.run("authority", "add", "301", "--name", "Ambershire", *phones, "--live")
        self.rows("DELETE FROM authority_hours")
        place = ("--setting", "emergency-department", "--host-authority", "301", "--safeguarding-phone", "01632 960900")
        self.run("site", "add", "R0A01", "--name", "Amber Royal Infirmary", *place)
        extract = tmp_path / "extract.csv"
        extract.write_text(f"{COLUMNS}\n{CHILD_ROW}\n")
        self.run("extract", "load", str(extract), "--authority", "301")

    def connect(self) -> "Engine":
        return Engine(socket.create_connection(("127.0.0.1", self.ports["mllp"]), timeout=120))

    def until_taken(self, message: bytes) -> str:
        """Send it as an engine does: again and again until it is accepted."""
        accepted: list[str] = []

        def take() -> bool:
            try:
                with self.connect() as engine:
                    accepted.append(engine.send(message))
            except OSError:
                return False
            return code_of(accepted[-1]) == "AA"

        eventually(take, "the message is taken")
        return accepted[-1]


@dataclass(slots=True)
class Engine:
    """A hospital's integration engine on one MLLP connection."""

    sock: socket.socket

    def send(self, message: bytes) -> str:
        self.sock.sendall(frame(message))
        return self.receive()

    def receive(self) -> str:
        received = b""
        while not received.endswith(b"\x1c\r"):
            data = self.sock.recv(65_536)
            if not data:
                raise ConnectionError("closed without an acknowledgement")
            received += data
        return received[1:-2].decode()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def register(number: int, control_id: str | None = None) -> bytes:
    """An ADT^A04 of the flagged child: visit V<number>."""
    return register_message(f"{now().astimezone(ENGLAND):%Y%m%d%H%M%S}", control_id or f"CTL{number:06}", f"V{number}")


def code_of(acknowledgement: str) -> str:
    return acknowledgement.split("\rMSA|")[1].split("|", maxsplit=1)[0]


@contextmanager
def serving(data: Path, settings: dict[str, str], command: str = "serve") -> Iterator[Service]:
    """`nightlight serve` on free ports, until the block ends; then it is stopped by SIGTERM and must leave nothing behind."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTLIGHT_")}
    environment |= {
        "NIGHTLIGHT_DATA_DIR": str(data),
        "NIGHTLIGHT_HTTP": "127.0.0.1:0",
        "NIGHTLIGHT_MLLP": "127.0.0.1:0",
        "NIGHTLIGHT_SPARE_LOG_FILES": "0",
        **settings,
    }
    log = data.parent / "service.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "nightlight", command], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    try:
        ports = data / "ports.json"
        eventually(lambda: process.poll() is not None or ports.exists(), f"{command} is ready")
        assert process.poll() is None, log.read_text()
        service = Service(data, environment, settings.get("NIGHTLIGHT_DATABASE_URL", ""), log)
        service.ports = json.loads(ports.read_text())
        if not service.database_url:
            service.database_url = _embedded_url(data)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    eventually(lambda: not processes_about(str(data)), "no process is left")


def _embedded_url(data: Path) -> str:
    from nightlight.embedded import find

    servers = find(data)
    assert servers is not None
    return servers.service_url


def _environment_of(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
