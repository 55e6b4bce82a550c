"""What the other tests stand on: databases of their own, made by the real migrations."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.conftest import FreshDatabase


def test_a_fresh_database_is_migrated_and_empty(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.service_url) as connection:
        assert connection.execute("SELECT count(*) FROM persons").fetchone() == (0,)


def test_the_service_may_not_create_tables(fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.service_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (id integer)")


def test_the_owner_is_no_superuser(blank_database: FreshDatabase) -> None:
    with psycopg.connect(blank_database.owner_url) as connection:
        row = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False, False)
