"""Both embedded servers together: take the folder, start, hand out the URLs, stop.

Called by `nightlight serve`, `demo` and the tests (`with EmbeddedServers(folder) as servers:`); `find` is for the other
commands of the same user, which talk to the servers of a running service.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psycopg

from nightlight.embedded import postgres, valkey
from nightlight.embedded.account import choose_account
from nightlight.embedded.binaries import postgres_program
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder, is_locked, open_data_folder, take_lock
from nightlight.embedded.guarded import OURSELVES, Account, Guarded
from nightlight.embedded.log_files import lay_out

Start = Callable[[DataFolder, Account, int], Guarded]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are reached. The URLs hold passwords: never log them."""

    owner_url: str
    service_url: str
    redis_url: str


class EmbeddedServers:
    """PostgreSQL and Valkey for one data folder, from `start` to `stop`, or to the end of this process.

    Either can be left out, where a real server is used in its place.
    """

    def __init__(self, data_folder: Path, *, with_postgres: bool = True, with_valkey: bool = True) -> None:
        self._place = data_folder
        wanted = (("Valkey", valkey.start_valkey, with_valkey), ("PostgreSQL", postgres.start_postgres, with_postgres))
        self._starts: dict[str, Start] = {name: start for name, start, needed in wanted if needed}
        self._running: dict[str, Guarded] = {}
        self._account = OURSELVES
        self._folder: DataFolder | None = None
        self._lock: int | None = None

    def start(self) -> Servers:
        """Start them. Raises FolderInUse or EmbeddedServersError, one line each; then nothing is left running."""
        self._folder = open_data_folder(self._place)
        self._lock = take_lock(self._folder)
        try:
            self._account = choose_account(self._folder, postgres_program("postgres"))
            for name in self._starts:
                self._start_one(name)
        except BaseException:
            self.stop()
            raise
        return urls(self._folder)

    def lay_out_log(self, files: int) -> None:
        """Make PostgreSQL's log files ahead of their use, where they are few: once for a new folder, within a second or two."""
        if self._folder is not None and "PostgreSQL" in self._running:
            with psycopg.connect(postgres.url_of(self._folder, SUPERUSER, "postgres"), autocommit=True) as superuser:
                lay_out(superuser, files)

    @property
    def ended(self) -> str | None:
        """The name of a server that has ended by itself, if one has."""
        return next((name for name, server in self._running.items() if server.ended), None)

    def revive(self, name: str) -> None:
        """Start a server that has ended by itself once more, at the same address. Raises EmbeddedServersError."""
        self._running[name].stop()
        self._start_one(name)

    def stop(self) -> None:
        """Stop them, PostgreSQL with a checkpoint; then the folder is free. May be called twice."""
        for server in self._running.values():
            server.ask_to_stop()
        while self._running:
            self._running.popitem()[1].stop()
        if self._folder is not None and self._lock is not None:
            self._folder.forget_sockets()
            os.close(self._lock)
            self._lock = None

    def _start_one(self, name: str) -> None:
        assert self._folder is not None
        assert self._lock is not None
        self._running[name] = self._starts[name](self._folder, self._account, self._lock)

    def __enter__(self) -> Servers:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def find(data_folder: Path) -> Servers | None:
    """The servers of the service that runs on this folder; None where none does."""
    folder = DataFolder(data_folder.resolve())
    return urls(folder) if is_locked(folder) else None


def urls(folder: DataFolder) -> Servers:
    return Servers(
        owner_url=postgres.url_of(folder, postgres.OWNER),
        service_url=postgres.url_of(folder, postgres.SERVICE),
        redis_url=valkey.url_of(folder),
    )
