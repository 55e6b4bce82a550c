"""Real servers for every test: one embedded PostgreSQL and Valkey for each test process, and a fresh database at will.

A test that names `fresh_database` gets an empty, migrated database of its own, copied from a template in a few
milliseconds. `servers` are the embedded servers themselves; `redis_url` is their Valkey, which all tests share.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from psycopg import sql

from nightlight.embedded import EmbeddedServers, Servers
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder
from nightlight.embedded.postgres import OWNER, SERVICE, create_database, url_of
from runtime.migrate import migrate

# Property tests are judged by what they find, never by how long they take; one tree has one verdict; `make explore` looks further.
settings.register_profile("repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("exploring", settings.get_profile("repeatable"), derandomize=False, max_examples=1000)
settings.load_profile("repeatable")

TEMPLATE = "template_migrated"
MEMORY, ROOM = Path("/dev/shm"), 3 * 2**30


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """One database of its own: `owner_url` migrates, `service_url` is what the service runs with."""

    owner_url: str
    service_url: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """The running servers of this test process."""

    folder: DataFolder
    servers: Servers

    def superuser(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(url_of(self.folder, SUPERUSER, "postgres"), autocommit=True)

    def new_database(self, template: str) -> FreshDatabase:
        name = f"test_{uuid.uuid4().hex}"
        with self.superuser() as superuser:
            create_database(superuser, name, template)
        return FreshDatabase(url_of(self.folder, OWNER, name), url_of(self.folder, SERVICE, name))


def pytest_runtest_teardown() -> None:
    """A command that a test ran in its own process has set up that process's logs: the next test finds them as they were."""
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """The embedded servers in a folder that goes with the session.

    In memory, where there is room: they flush as ever, and a database is dropped in a hundredth of the time.
    """
    with tempfile.TemporaryDirectory(prefix="nightlight-tests-", dir=_in_memory()) as folder:
        place = Path(folder) / "data"
        with EmbeddedServers(place) as servers:
            yield Embedded(DataFolder(place.resolve()), servers)


def _in_memory() -> str | None:
    """A folder that is no disk, or None where there is none with room for every worker."""
    needed = ROOM * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > needed
    return str(MEMORY) if has_room else None


@pytest.fixture(scope="session")
def servers(embedded: Embedded) -> Servers:
    """The URLs of the embedded servers; their own database is left empty, take `fresh_database` instead."""
    return embedded.servers


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> str:
    """A Valkey that all tests of this process share."""
    return servers.redis_url


@pytest.fixture(scope="session")
def migrated_template(embedded: Embedded) -> str:
    """The name of a migrated database without any data, to copy from."""
    with embedded.superuser() as superuser:
        create_database(superuser, TEMPLATE, "template1")
    migrate(url_of(embedded.folder, OWNER, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def fresh_database(embedded: Embedded, migrated_template: str) -> Iterator[FreshDatabase]:
    """A migrated, empty database for one test."""
    yield from _fresh(embedded, migrated_template)


@pytest.fixture(scope="module")
def module_database(embedded: Embedded, migrated_template: str) -> Iterator[FreshDatabase]:
    """A migrated, empty database that the tests of one module share."""
    yield from _fresh(embedded, migrated_template)


@pytest.fixture
def blank_database(embedded: Embedded) -> Iterator[FreshDatabase]:
    """A database without any table, for tests of the migrations."""
    yield from _fresh(embedded, "template1")


@pytest.fixture
def patient_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who waits for a row or a connection gives up, however slow the machine: for tests in which many want the same one.

    It holds for what is opened after it: name it by `usefixtures`, which comes before the fixtures of the arguments.
    """
    monkeypatch.setattr("runtime.database._SESSION", "-c timezone=UTC")
    monkeypatch.setattr("runtime.database._POOL_SECONDS", 300.0)
    monkeypatch.setattr("runtime.database.LONGEST_SECONDS", 300.0)


def _fresh(embedded: Embedded, template: str) -> Iterator[FreshDatabase]:
    database = embedded.new_database(template)
    yield database
    name = psycopg.conninfo.conninfo_to_dict(database.owner_url)["dbname"]
    with embedded.superuser() as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(name))))
