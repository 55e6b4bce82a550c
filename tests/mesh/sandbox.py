"""The MESH sandbox of NHS England, in an environment of its own: installed once into pytest's cache, run as a process on loopback.

Nothing of it is imported here. Its mailboxes X26ABC1 to X26ABC3 have the password `password`; here X26ABC1 is Nightlight's.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from mesh_client import MeshClient

from mesh_mailbox.access import MeshAccess, Workflows
from tests.environments import installed
from tests.ports import bound
from tools.page_assets import Remedy

LOCK = Path(__file__).parent / "sandbox.txt"
OURS, AMBERSHIRE, STRANGER = "X26ABC1", "X26ABC2", "X26ABC3"
SHARED_KEY, PASSWORD = "a key for tests", "password"
WORKFLOWS = Workflows(("CPIS_UPLOAD",), "CPIS_UPLOAD_RESPONSE", "CPIS_NOTIFICATION", "CPIS_INACTIVE_NHS_NUMBER")


def fetch_sandbox(cache: Path) -> Path:
    """An environment with the sandbox, in a folder of the cache. Raises Remedy where pip cannot reach what it needs."""
    return installed(LOCK, cache, "the MESH sandbox")


@dataclass(slots=True)
class Sandbox:
    """A running sandbox, and who uses it."""

    environment: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def access(self, mailbox: str = OURS, **changes: Any) -> MeshAccess:
        """As Nightlight is set up for it."""
        values = {"poll_seconds": 0.2, "timeout_seconds": 10.0, **changes}
        return MeshAccess(self.url, mailbox, PASSWORD, SHARED_KEY, WORKFLOWS, **values)

    def start(self) -> None:
        """Start it, on the same port as before, with what it has kept."""
        with bound(self.port) as sock:
            sock.listen()
            self.process = self.run(sock)
        until(self._answers)

    def run(self, sock: socket.socket, *options: str) -> "subprocess.Popen[bytes]":
        """A process of it that listens on this socket."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTLIGHT_", "PYTHON", "COVERAGE"))}
        environment = {
            **ours, "SHARED_KEY": SHARED_KEY, "AUTH_MODE": "full", "STORE_MODE": "file", "MAILBOXES_DATA_DIR": str(self.folder),
            "NO_PROXY": "*", "no_proxy": "*",
        }  # fmt: skip
        command = [str(self.environment / "bin" / "uvicorn"), "mesh_sandbox.api:app", "--fd", str(sock.fileno()), *options]
        return subprocess.Popen(
            command, env=environment, cwd=self.folder, pass_fds=(sock.fileno(),), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/messageexchange/_ping", timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """Kill it, as a machine that goes away."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @contextmanager
    def mailbox(self, name: str = AMBERSHIRE) -> Iterator[MeshClient]:
        """The mailbox as its own system sees it, by the client of NHS England."""
        with MeshClient(self.url, name, PASSWORD, shared_key=SHARED_KEY.encode(), max_retries=0, timeout=10) as client:
            yield client

    def send(self, content: bytes, sender: str = AMBERSHIRE, **headers: Any) -> str:
        """Send to Nightlight as an authority's system does."""
        with self.mailbox(sender) as client:
            return client.send_message(OURS, content, **{"workflow_id": "CPIS_UPLOAD", **headers})

    def inbox(self, name: str = AMBERSHIRE) -> list[str]:
        """The ids of what waits in a mailbox."""
        with self.mailbox(name) as client:
            return client.list_messages()

    def fetch(self, name: str = AMBERSHIRE) -> list[tuple[dict[str, Any], bytes]]:
        """Everything that waits in a mailbox, with its headers; it is acknowledged."""
        found = []
        with self.mailbox(name) as client:
            while message_ids := client.list_messages():  # five hundred at most
                for message_id in message_ids:
                    message: Any = client.retrieve_message(message_id)
                    found.append((dict(message.mex_headers()), message.read()))
                    message.close()
                    client.acknowledge_message(message_id)
        return found


@contextmanager
def running_sandbox(config: pytest.Config, folder: Path, untried: str) -> Iterator[Sandbox]:
    """A sandbox, until the block ends. Where its environment cannot be made the test is skipped, which says what was not tried."""
    assert config.cache is not None
    try:
        environment = fetch_sandbox(config.cache.mkdir("mesh"))
    except Remedy as remedy:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{untried}: {remedy}")
    with bound() as held:  # the port is nobody else's while the sandbox is stopped
        sandbox = Sandbox(environment, folder, held.getsockname()[1])
        sandbox.start()
        yield sandbox
        sandbox.stop()


def until(is_so: Any, seconds: float = 60) -> None:
    """Wait until it is so. The limit only ends a test that has failed already."""
    give_up_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up_at, "it never came to that"
        time.sleep(0.05)
