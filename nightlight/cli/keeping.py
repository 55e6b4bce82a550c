"""Commands of the engineers who keep the service: backup, restore, retention."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from domain.errors import Conflict, InvalidInput, NightlightError
from nightlight.cli.console import DataFolder, err, out
from nightlight.embedded import EmbeddedServers, find
from nightlight.embedded.binaries import postgres_program
from runtime.migrate import SERVICE_ROLE, migrate
from runtime.settings import load_settings
from safeguarding.retention import TRAIL_YEARS

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


class BackupFailed(NightlightError):
    """pg_dump or pg_restore refused."""


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; must not be there yet.", show_default=False)],
    data: DataFolder = None,
) -> None:
    """Write the whole store to one file (pg_dump, custom format), while the service runs or not.

    Keep `secret.key` of the data folder with it, in another safe place: it keys what the store knows only by hash.
    """
    if file.exists():
        raise Conflict(f"{file} is there already")
    with _owner_of(data) as (url, _):
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.close(descriptor)
        try:
            _postgres("pg_dump", url, "--format=custom", f"--file={file}")
        except BackupFailed:
            file.unlink()
            raise
    out.print(f"Wrote {file} ({file.stat().st_size:,} bytes). It holds people: keep it as you keep the store.", markup=False)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, show_default=False)],
    yes: Yes = False,
    data: DataFolder = None,
) -> None:
    """Put a backup in place of the whole store. The service on the data folder must be stopped.

    All or nothing: where the file cannot be restored, the store stays as it was.
    """
    settings = load_settings(data_dir=data)
    if not settings.owner_database_url.get_secret_value() and find(settings.data_dir):
        raise Conflict(f"a service is running on {settings.data_dir}: stop it first")
    if not yes:
        typer.confirm("This replaces everything that the store holds now. Go on?", abort=True)
    with _owner_of(data) as (url, role):
        _replace_store(url, file)
        revision = migrate(url, role)
    out.print(f"Restored {file}; the database stands at revision {revision}.", markup=False)


def retention(
    yes: Annotated[bool, typer.Option("--drop", help="Drop what is listed; without it, only list.")] = False,
    data: DataFolder = None,
) -> None:
    """List, or drop, the monthly partitions of the audit trail that are past their time. Runs as the owner role."""
    with _owner_of(data) as (url, _), psycopg.connect(url) as owner:
        old = [name for name in _partitions(owner) if _is_past(name)]
        for name in old:
            out.print(name, markup=False)
            if yes:
                owner.execute(psycopg.sql.SQL("DROP TABLE {}").format(psycopg.sql.Identifier(name)))
    out.print(f"{len(old)} partitions older than {TRAIL_YEARS} years {'dropped' if yes else 'found'}.", markup=False)


def _partitions(owner: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = owner.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relkind = 'r' ORDER BY c.relname"
    )
    return [str(name) for (name,) in rows.fetchall()]


def _is_past(partition: str) -> bool:
    year, month = partition[-7:-3], partition[-2:]
    return year.isdigit() and month.isdigit() and int(year) + TRAIL_YEARS < datetime.now(UTC).year


@contextmanager
def _owner_of(data: Path | None) -> Iterator[tuple[str, str]]:
    """The owner's URL and the service role's name: of real servers, of the running service, or of one started for this."""
    settings = load_settings(data_dir=data)
    given = settings.owner_database_url.get_secret_value()
    running = find(settings.data_dir)
    if given:
        service = psycopg.conninfo.conninfo_to_dict(settings.database_url.get_secret_value())
        yield given, str(service.get("user") or SERVICE_ROLE)
    elif settings.database_url.get_secret_value():
        raise InvalidInput("set NIGHTLIGHT_OWNER_DATABASE_URL: this runs as the owner role")
    elif running:
        yield running.owner_url, SERVICE_ROLE
    else:
        err.print(f"Starting the servers of {settings.data_dir} for this.", markup=False)
        with EmbeddedServers(settings.data_dir, with_valkey=False) as servers:
            yield servers.owner_url, SERVICE_ROLE


def _replace_store(url: str, file: Path) -> None:
    """Empty the store and fill it from the backup in one transaction."""
    with tempfile.TemporaryDirectory(prefix="nightlight-") as folder:  # 0700: what is in it is the store
        script = Path(folder) / "store.sql"
        _run([str(postgres_program("pg_restore")), "--no-owner", "--no-comments", f"--file={script}", str(file)], {**os.environ})
        empty = "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        _postgres(
            "psql", url, "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "-c", empty, "-f", str(script)
        )


def _postgres(program: str, url: str, *arguments: str) -> None:
    """Run a PostgreSQL program on the store; the password goes by the environment, never by the command line."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    environment = {**os.environ, "PGPASSWORD": str(parts.pop("password", "") or "")}
    target = psycopg.conninfo.make_conninfo("", **parts)
    _run([str(postgres_program(program)), f"--dbname={target}", *arguments], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupFailed(f"{Path(command[0]).name} failed: {_first_line(done.stderr) or done.returncode}")


def _first_line(said: str) -> str:
    """What a PostgreSQL program complained of; its DETAIL, which may quote a row, stays unsaid."""
    return next((line for line in said.splitlines() if "ERROR" in line or "error" in line), "")
