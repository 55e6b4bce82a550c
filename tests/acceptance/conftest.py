"""Services for acceptance tests: on servers of the test's own, which it can stop and start as it likes."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from nightlight.embedded import EmbeddedServers
from tests.acceptance.service import Service, serving
from tests.embedded.processes import processes_about


@dataclass(slots=True)
class OwnServers:
    """PostgreSQL and Valkey that the service knows only by their URLs."""

    postgres: EmbeddedServers
    valkey: EmbeddedServers
    settings: dict[str, str]
    folder: Path
    """Of PostgreSQL: its files, and its log."""

    def kill_postgres(self) -> None:
        """SIGKILL to the server's processes, as the machine's out-of-memory killer does it."""
        for process, command in processes_about(str(self.folder)).items():
            if "bin/postgres" in command and "guard" not in command:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


@pytest.fixture
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    folder = tmp_path_factory.mktemp("o")
    postgres = EmbeddedServers(folder / "p", with_valkey=False)
    valkey = EmbeddedServers(folder / "v", with_postgres=False)
    try:
        store, redis = postgres.start(), valkey.start()
        yield OwnServers(
            postgres,
            valkey,
            {
                "NIGHTLIGHT_DATABASE_URL": store.service_url,
                "NIGHTLIGHT_OWNER_DATABASE_URL": store.owner_url,
                "NIGHTLIGHT_REDIS_URL": redis.redis_url,
            },
            folder / "p",
        )
    finally:
        postgres.stop()
        valkey.stop()


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a short path."""
    return tmp_path_factory.mktemp("a") / "data"


@pytest.fixture
def service(own_servers: OwnServers, place: Path, tmp_path: Path) -> Iterator[Service]:
    """A furnished service on servers of its own."""
    with serving(place, own_servers.settings) as service:
        service.owner_url = own_servers.settings["NIGHTLIGHT_OWNER_DATABASE_URL"]
        service.furnish(tmp_path)
        yield service
