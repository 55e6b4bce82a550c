"""When the service is ready, and the file that says so to others.

Called by `serve.py` once the children run. Ready means that what a caller would use answers, not that processes exist.
"""

import asyncio
import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from domain.errors import NightlightError
from nightlight.embedded.folder import write_private
from nightlight.supervisor.sockets import Address

READY_SECONDS = 90.0
LOOK_SECONDS = 0.05
PATHS = ("/live", "/ready")


class NotReady(NightlightError):
    """The service was started and did not become ready."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What `ports.json` says: where the service listens, and the supervisor's process.

    `mllp` is the listener that this machine's own tools send to; `listeners` holds every HL7 listener's port by its name.
    """

    http: int
    mllp: int
    pid: int
    listeners: Mapping[str, int]


async def wait_until_ready(web: Address, mllp: Sequence[Address], hopeless: Callable[[], str | None]) -> None:
    """Wait until /live and /ready answer 200 and every MLLP port takes a connection.

    `hopeless` gives the reason to stop waiting early. Raises NotReady with that reason or with what was missing.
    """
    deadline = time.monotonic() + READY_SECONDS
    while (missing := await asyncio.to_thread(what_is_missing, web.reachable, [each.reachable for each in mllp])) is not None:
        reason = hopeless()
        if reason is not None or time.monotonic() > deadline:
            raise NotReady(f"the service did not become ready: {reason or missing}")
        await asyncio.sleep(LOOK_SECONDS)


def what_is_missing(web: Address, mllp: Sequence[Address]) -> str | None:
    """The first thing that does not answer; None when everything does."""
    for path in PATHS:
        try:
            status = get(web, path)
        except (OSError, http.client.HTTPException) as error:
            return f"{path} does not answer ({type(error).__name__})"
        if status != http.client.OK:
            return f"{path} answers {status}"
    for address in mllp:
        try:
            socket.create_connection((address.host, address.port), timeout=5).close()
        except OSError as error:
            return f"the MLLP port {address.port} does not answer ({type(error).__name__})"
    return None


def get(web: Address, path: str) -> int:
    connection = http.client.HTTPConnection(web.host, web.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def write_ports(data_folder: Path, web: Address, listeners: Mapping[str, Address], usual: str) -> Ports:
    """Write `ports.json`, whole or not at all."""
    numbers = {name: address.port for name, address in listeners.items()}
    ports = Ports(web.port, numbers[usual], os.getpid(), numbers)
    write_private(ports_file(data_folder), json.dumps(asdict(ports)) + "\n")
    return ports


def ports_file(data_folder: Path) -> Path:
    return data_folder / "ports.json"
