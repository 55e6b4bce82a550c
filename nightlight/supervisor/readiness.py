"""When the service is ready, and the file that says so to others.

Called by `serve.py` once the children run. Ready means that what a caller would use answers, not that processes exist.
"""

import asyncio
import http.client
import json
import os
import socket
import time
from collections.abc import Callable
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
    """What `ports.json` says: where the service listens, and the supervisor's process."""

    http: int
    mllp: int
    pid: int


async def wait_until_ready(web: Address, mllp: Address, hopeless: Callable[[], str | None]) -> None:
    """Wait until /live and /ready answer 200 and the MLLP port takes a connection.

    `hopeless` gives the reason to stop waiting early. Raises NotReady with that reason or with what was missing.
    """
    deadline = time.monotonic() + READY_SECONDS
    while (missing := await asyncio.to_thread(what_is_missing, web.reachable, mllp.reachable)) is not None:
        reason = hopeless()
        if reason is not None or time.monotonic() > deadline:
            raise NotReady(f"the service did not become ready: {reason or missing}")
        await asyncio.sleep(LOOK_SECONDS)


def what_is_missing(web: Address, mllp: Address) -> str | None:
    """The first thing that does not answer; None when everything does."""
    for path in PATHS:
        try:
            status = get(web, path)
        except (OSError, http.client.HTTPException) as error:
            return f"{path} does not answer ({type(error).__name__})"
        if status != http.client.OK:
            return f"{path} answers {status}"
    try:
        with socket.create_connection((mllp.host, mllp.port), timeout=5):
            return None
    except OSError as error:
        return f"the MLLP port does not answer ({type(error).__name__})"


def get(web: Address, path: str) -> int:
    connection = http.client.HTTPConnection(web.host, web.port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def write_ports(data_folder: Path, web: Address, mllp: Address) -> Ports:
    """Write `ports.json`, whole or not at all."""
    ports = Ports(web.port, mllp.port, os.getpid())
    write_private(ports_file(data_folder), json.dumps(asdict(ports)) + "\n")
    return ports


def ports_file(data_folder: Path) -> Path:
    return data_folder / "ports.json"
