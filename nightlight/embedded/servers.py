"""Both embedded servers together: take the folder, start, hand out the URLs, stop.

Called by `nightlight serve`, `demo` and the tests (`with EmbeddedServers(folder) as servers:`); `find` is for the other
commands of the same user, which talk to the servers of a running service.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from nightlight.embedded import postgres, valkey
from nightlight.embedded.account import choose_account
from nightlight.embedded.binaries import postgres_program
from nightlight.embedded.folder import DataFolder, is_locked, open_data_folder, take_lock
from nightlight.embedded.guarded import Guarded


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are reached. The URLs hold passwords: never log them."""

    owner_url: str
    service_url: str
    redis_url: str


class EmbeddedServers:
    """PostgreSQL and Valkey for one data folder, from `start` to `stop`, or to the end of this process."""

    def __init__(self, data_folder: Path) -> None:
        self._place = data_folder
        self._folder: DataFolder | None = None
        self._lock: int | None = None
        self._running: list[Guarded] = []

    def start(self) -> Servers:
        """Start both. Raises FolderInUse or EmbeddedServersError, one line each; then nothing is left running."""
        self._folder = open_data_folder(self._place)
        self._lock = take_lock(self._folder)
        try:
            account = choose_account(self._folder, postgres_program("postgres"))
            self._running.append(valkey.start_valkey(self._folder, account, self._lock))
            self._running.append(postgres.start_postgres(self._folder, account, self._lock))
        except BaseException:
            self.stop()
            raise
        return urls(self._folder)

    @property
    def ended(self) -> str | None:
        """The name of a server that has ended by itself, if one has."""
        names = ("Valkey", "PostgreSQL")
        return next((name for name, server in zip(names, self._running, strict=False) if server.ended), None)

    def stop(self) -> None:
        """Stop both, PostgreSQL with a checkpoint; then the folder is free. May be called twice."""
        for server in self._running:
            server.ask_to_stop()
        while self._running:
            self._running.pop().stop()
        if self._folder is not None and self._lock is not None:
            self._folder.forget_sockets()
            os.close(self._lock)
            self._lock = None

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
