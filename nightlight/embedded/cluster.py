"""The embedded PostgreSQL's files: the cluster, made once by initdb, and its settings, written at each start.

Called by `postgres.py` before the server starts.
"""

import os
import shutil
import sys
from pathlib import Path

from nightlight.embedded.binaries import postgres_program
from nightlight.embedded.errors import EmbeddedServersError
from nightlight.embedded.folder import DataFolder, write_private
from nightlight.embedded.guarded import Account, run_as

SUPERUSER = "postgres"

# What is acknowledged is on disk. What is logged names no patient: errors, which quote values, are not logged at all.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "min_wal_size": "512MB",  # what `log_files` lays out is kept
    "max_wal_size": "1GB",
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "io_method": "sync",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_duration": "off",
    "log_lock_waits": "off",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "cluster_name": "nightlight",
}
if sys.platform == "darwin":
    SETTINGS["wal_sync_method"] = "fsync_writethrough"  # anything less stays in the drive's cache on macOS


def make_cluster(folder: DataFolder, account: Account) -> None:
    """Run initdb, into a folder that gets its name only when it is whole. Raises EmbeddedServersError."""
    scratch, password = folder.root / "postgres.new", folder.root / "postgres.password"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    write_private(password, folder.password(SUPERUSER))
    for path in (scratch, password):
        account.give(path)
    command = [
        str(postgres_program("initdb")), "--pgdata", str(scratch), "--username", SUPERUSER, "--pwfile", str(password),
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
        "--builtin-locale", "C.UTF-8", "--no-instructions",
    ]  # fmt: skip
    try:
        finished = run_as(account, command, folder=scratch)
    finally:
        password.unlink()
    if finished.returncode != 0:
        reason = (finished.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise EmbeddedServersError(f"PostgreSQL could not make its cluster in {folder.root}: {reason}")
    scratch.rename(folder.postgres)


def write_settings(folder: DataFolder, account: Account) -> Path:
    """Write the settings of this release and who may connect; the cluster's own postgresql.conf is not read."""
    settings_file, access_file = folder.postgres / "nightlight.conf", folder.postgres / "nightlight.hba"
    paths = {"unix_socket_directories": str(folder.sockets), "hba_file": str(access_file)}
    lines = [f"{name} = '{quoted(value)}'\n" for name, value in {**SETTINGS, **paths}.items()]
    for path, text in ((settings_file, "".join(lines)), (access_file, "local all all scram-sha-256\n")):
        if not path.exists() or path.read_text() != text:
            write_private(path, text)
            account.give(path)
    return settings_file


def quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")


def last_line(log: Path) -> str:
    """The last thing that a server said, and where to read on."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f"{lines[-1]} (see {log})" if lines else f"it said nothing (see {log})"


def own_environment() -> dict[str, str]:
    """What a server gets of our environment: none of our secrets."""
    return {"PATH": os.defpath, "LC_ALL": "C"}
