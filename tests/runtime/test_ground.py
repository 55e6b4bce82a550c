"""The ground: what the service role may not do, what a log may not hold, where settings and secrets come from."""

import io
import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr, ValidationError

from domain.errors import CouldNotReachStore
from domain.nhs_number import NhsNumber
from runtime.database import Database, UnsafeServer
from runtime.ids import uuid7
from runtime.logs import configure, get_logger
from runtime.migrate import WrongKindOfStore, migrate, newest_revision
from runtime.secret import number_hash, secret_key
from runtime.settings import Settings, load_settings
from tests.conftest import Embedded, FreshDatabase

TRAILS = ("accesses", "audit_events", "alert_events", "attempts")


@pytest.mark.parametrize("table", TRAILS)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}"])
def test_the_service_role_cannot_change_what_is_written_once(fresh_database: FreshDatabase, table: str, statement: str) -> None:
    with psycopg.connect(fresh_database.service_url) as service, pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute(statement.format(table).encode())


def test_nor_by_a_months_own_partition(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.service_url, autocommit=True) as service:
        partitions = service.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r'"
        )
        names = [str(name) for (name,) in partitions.fetchall()]
        assert len(names) >= 4 * 13
        for name in names:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(psycopg.sql.SQL("DELETE FROM {}").format(psycopg.sql.Identifier(name)))


def test_partitions_for_a_year_ahead_can_be_made_by_the_service_and_then_hold_rows(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.service_url) as service:
        service.execute("SELECT ensure_partitions(14)")
        row = service.execute("SELECT count(*) FROM pg_inherits WHERE inhrelid::regclass::text LIKE 'accesses_2%'").fetchone()
        assert row
        assert row[0] >= 15


async def test_start_up_refuses_the_owner_a_superuser_and_a_server_that_forgets(
    embedded: Embedded, fresh_database: FreshDatabase
) -> None:
    async with Database(fresh_database.service_url) as database:
        await database.check_server()
    async with Database(fresh_database.owner_url) as database:
        with pytest.raises(UnsafeServer, match="service role"):
            await database.check_server()
    with embedded.superuser() as superuser:
        superuser_url = superuser.info.dsn + f" password={superuser.info.password}"
    async with Database(superuser_url) as database:
        with pytest.raises(UnsafeServer, match="superuser"):
            await database.check_server()
    with embedded.superuser() as superuser:
        database_name = psycopg.conninfo.conninfo_to_dict(fresh_database.service_url)["dbname"]
        superuser.execute(f"ALTER ROLE nightlight_service IN DATABASE {database_name} SET synchronous_commit = off".encode())
    async with Database(fresh_database.service_url) as database:
        with pytest.raises(UnsafeServer, match="synchronous_commit"):
            await database.check_server()


async def test_a_server_that_is_away_is_said_to_be_away() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none") as database:
        with pytest.raises(CouldNotReachStore):
            await database.check_server()


async def test_a_transaction_that_raises_leaves_nothing_and_its_connection_is_good_again(fresh_database: FreshDatabase) -> None:
    async with Database(fresh_database.service_url, 3) as database:
        with pytest.raises(RuntimeError):
            await _write_and_fail(database)
        async with database.transaction() as transaction:
            assert await (await transaction.execute("SELECT * FROM organisations")).fetchall() == []


async def _write_and_fail(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute("INSERT INTO organisations VALUES ('R0Z', 'Nowhere')")
        raise RuntimeError


def test_migrating_twice_changes_nothing_and_a_test_store_never_becomes_a_production_store(blank_database: FreshDatabase) -> None:
    assert migrate(blank_database.owner_url) == migrate(blank_database.owner_url) == newest_revision()
    with pytest.raises(WrongKindOfStore):
        migrate(blank_database.owner_url, production=True)


def test_two_migrations_at_once_are_one_after_the_other(blank_database: FreshDatabase) -> None:
    with ThreadPoolExecutor(2) as both:
        assert list(both.map(migrate, [blank_database.owner_url] * 2)) == [newest_revision()] * 2


def test_a_log_holds_only_what_is_allowed() -> None:
    captured = io.StringIO()
    with redirect_stderr(captured):
        configure("INFO", "test")
        get_logger().info("message taken", site="R0A01", nhs_number="9990000018", name="Harding")
        logging.getLogger("psycopg").error("Key (nhs_number)=(9990000018) already exists")
        try:
            raise ValueError("9990000018")
        except ValueError:
            logging.getLogger("asyncio").exception("9990000018 %s", "Harding")
    written = captured.getvalue()
    assert '"site": "R0A01"' in written
    assert '"error": "ValueError"' in written
    assert "9990000018" not in written
    assert "Harding" not in written


def test_a_secret_can_come_from_a_file_and_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("postgresql://service:hush@db/nightlight\n")
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL_FILE", str(file))
    settings = load_settings()
    assert settings.database_url.get_secret_value() == "postgresql://service:hush@db/nightlight"
    assert "hush" not in repr(settings)


def test_a_setting_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DESK_QUEUE", "none")
    with pytest.raises(ValidationError, match="desk_queue"):
        load_settings()


def test_the_key_is_made_once_private_and_the_same_for_processes_that_start_together(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as processes:
        keys = set(processes.map(secret_key, [settings] * 8))
    assert len(keys) == 1
    assert stat.S_IMODE(os.stat(tmp_path / "data" / "secret.key").st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        secret_key(Settings(secret_key=SecretStr("short")))


def test_an_unknown_number_is_kept_only_as_a_keyed_hash() -> None:
    number = NhsNumber("9990000018")
    assert number_hash(b"a" * 32, number) != number_hash(b"b" * 32, number)
    assert number.encode() not in number_hash(b"a" * 32, number)


def test_keys_made_here_are_version_7_and_grow_with_time() -> None:
    keys = [uuid7() for _ in range(1000)]
    assert {(key.version, key.variant) for key in keys} == {(7, UUID(int=0x8000 << 48).variant)}
    assert len(set(keys)) == 1000
    assert keys[0].int >> 80 <= keys[-1].int >> 80


@pytest.mark.parametrize("url", ["https://alerts.amber.example", "https://alerts.amber.example/"])
def test_an_address_is_the_same_with_and_without_a_slash_at_the_end_of_the_public_one(url: str) -> None:
    """It is the audience that tokens must name to the letter."""
    assert Settings(public_url=url).link("/oauth2/token") == "https://alerts.amber.example/oauth2/token"
