"""The embedded PostgreSQL: a foreground child on a socket of its own, never on a TCP port.

Called by `servers.py` with the data folder and the rights to use; a running server that holds the database goes back.
"""

import os
import signal
import time
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from nightlight.embedded.binaries import postgres_program
from nightlight.embedded.cluster import SUPERUSER, last_line, make_cluster, own_environment, write_settings
from nightlight.embedded.errors import EmbeddedServersError
from nightlight.embedded.folder import DataFolder, open_log
from nightlight.embedded.guarded import Account, Ending, Guarded
from nightlight.embedded.leftover import stale_process, stop_leftover

DATABASE = "nightlight"
OWNER = "nightlight_owner"
SERVICE = "nightlight_service"

# SIGINT ends sessions and writes a checkpoint; SIGQUIT leaves the rest to the next start's recovery.
ENDING = Ending(((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0)))
START_SECONDS = 120
RETRY_SECONDS = 20


def start_postgres(folder: DataFolder, account: Account, lock: int) -> Guarded:
    """Make the cluster where there is none, start it, and wait until the database is there.

    `lock` stays open in the guard. Raises EmbeddedServersError with the server's last words where it does not start.
    """
    if not folder.postgres.exists():
        make_cluster(folder, account)
    settings = write_settings(folder, account)
    stop_leftover(folder)
    command = [str(postgres_program("postgres")), "-D", str(folder.postgres), "-c", f"config_file={settings}"]
    retry_until = time.monotonic() + RETRY_SECONDS
    while True:
        log = open_log(folder.log("postgres"))
        server = Guarded.start(
            command,
            ending=ENDING,
            account=account,
            output=log,
            environment={**own_environment(), **stale_process(folder)},
            folder=folder.postgres,
            keep_descriptors=[lock],
        )
        os.close(log)
        try:
            with connect_when_ready(folder, server) as superuser:
                ensure_database(superuser, folder)
        except BaseException:
            server.stop()
            said = last_line(folder.log("postgres"))
            if "shared memory block" in said and time.monotonic() < retry_until:
                time.sleep(0.2)  # sessions of a killed server are still on their way out
                continue
            raise
        return server


def url_of(folder: DataFolder, role: str, database: str = DATABASE) -> str:
    """The URL by which `role` reaches the database through the socket. It holds a password: never log it."""
    return f"postgresql://{role}:{quote(folder.password(role))}@/{database}?host={quote(str(folder.sockets), safe='')}"


def connect_when_ready(folder: DataFolder, server: Guarded) -> psycopg.Connection[TupleRow]:
    """Connect as the superuser as soon as the server answers; it may first have to recover."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return psycopg.connect(url_of(folder, SUPERUSER, "postgres"), autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedServersError(
                    f"{folder.root / 'passwords'} does not fit the database in {folder.postgres}; put both back from one copy"
                ) from None
        if server.ended or time.monotonic() > deadline:
            raise EmbeddedServersError(f"PostgreSQL did not start: {last_line(folder.log('postgres'))}")
        time.sleep(0.01)


def ensure_database(superuser: psycopg.Connection[TupleRow], folder: DataFolder) -> None:
    """The owner's and the service's roles, and the database; does nothing where they are there."""
    for role in (OWNER, SERVICE):
        if superuser.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
            make_role = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
            superuser.execute(make_role.format(sql.Identifier(role), sql.Literal(folder.password(role))))
    if superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
        with psycopg.connect(url_of(folder, SUPERUSER, "template1"), autocommit=True) as template:
            template.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        create_database(superuser, DATABASE, "template1")


def create_database(superuser: psycopg.Connection[TupleRow], name: str, template: str) -> None:
    """A database that belongs to the owner, that the service may enter, and nobody else."""
    database = sql.Identifier(name)
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
    superuser.execute(make.format(database, sql.Identifier(template), sql.Identifier(OWNER)))
    superuser.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    allow = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}")
    superuser.execute(allow.format(database, sql.Identifier(SERVICE)))
