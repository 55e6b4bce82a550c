"""The service under test: `nightlight serve` as anybody runs it, on a folder of its own, with its own PostgreSQL and Valkey.

`rounds` uses it as `with running_service(folder) as service:`; afterwards nothing is left running.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.certificates import Certificates, issue
from nightlight.embedded import Servers, find
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder
from nightlight.embedded.postgres import DATABASE, url_of
from runtime.secret import secret_key
from runtime.settings import load_settings

_READY_SECONDS = 120.0
_STOP_SECONDS = 60.0
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")


class ServiceFailed(Exception):
    """The service did not start, or is not as durable as the figures claim."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is reached. `process` is the id of its supervisor, `data` its folder."""

    http: int
    mllp: int
    mllp_tls: int
    certificates: Certificates
    servers: Servers
    key: bytes
    process: int
    data: Path

    @property
    def superuser_url(self) -> str:
        """Of its PostgreSQL."""
        return url_of(DataFolder(self.data), SUPERUSER, DATABASE)


@contextmanager
def running_service(folder: Path) -> Iterator[Service]:
    """Start it, wait until it is ready, and stop it at the end. Its own words go to `serve.log`. Raises ServiceFailed."""
    log = folder / "serve.log"
    command = [
        sys.executable, "-m", "nightlight", "serve", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0",
        "--data", str(folder / "data"),
    ]  # fmt: skip
    certificates = issue(folder)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment_of(certificates))
    try:
        yield _when_ready(process, folder / "data", log, certificates)
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)


def environment_of(certificates: Certificates) -> dict[str, str]:
    """What every process of the service is told; it may call webhooks on loopback."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTLIGHT_")}
    return {
        **ours,
        "NIGHTLIGHT_LOG_LEVEL": "WARNING",
        "NIGHTLIGHT_EXIT_WITH_PARENT": "1",
        "NIGHTLIGHT_PRIVATE_ENDPOINTS": "127.0.0.1",
        "NIGHTLIGHT_MLLP_TLS": "127.0.0.1:0",
        "NIGHTLIGHT_MLLP_TLS_CERTIFICATE_FILE": str(certificates.listener),
        "NIGHTLIGHT_MLLP_TLS_KEY_FILE": str(certificates.listener_key),
        "NIGHTLIGHT_MLLP_TLS_CLIENT_CA_FILE": str(certificates.authority),
    }


def _when_ready(process: "subprocess.Popen[bytes]", data: Path, log: Path, certificates: Certificates) -> Service:
    deadline = time.monotonic() + _READY_SECONDS
    ports = data / "ports.json"
    while not ports.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(f"the service did not start: see {log}")
        time.sleep(0.1)
    servers = find(data)
    if servers is None:
        raise ServiceFailed(f"the service has no servers: see {log}")
    where = json.loads(ports.read_text())
    key = secret_key(load_settings(data_dir=data))
    return Service(where["http"], where["mllp"], where["listeners"]["tls"], certificates, servers, key, process.pid, data)


def durability(service_url: str) -> dict[str, str]:
    """The server's settings on which an acknowledgement rests. Raises ServiceFailed where one is not on."""
    with psycopg.connect(service_url) as connection:
        found = {name: str(connection.execute(b"SHOW " + name.encode()).fetchone()[0]) for name in DURABILITY}  # type: ignore[index]
    if set(found.values()) != {"on"}:
        raise ServiceFailed(f"not durable: {found}")
    return found


def server_version(service: Service) -> str:
    """PostgreSQL's own."""
    with psycopg.connect(service.servers.service_url) as connection:
        return str(connection.info.parameter_status("server_version"))
