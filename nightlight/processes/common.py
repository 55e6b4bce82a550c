"""What every process does: configure logs, open the store, beat, and stop when it is told to."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import uvloop

from domain.errors import CouldNotReachStore
from nightlight.supervisor.sockets import Address, listen
from runtime.database import Connection, Database
from runtime.logs import configure, get_logger
from runtime.nudge import DELIVERIES, Nudges
from runtime.settings import Settings

_CHECK_AGAIN_SECONDS = 2.0

log = get_logger()


def run(settings: Settings, name: str, main: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run a process's main coroutine on uvloop. Raises what it raises, UnsafeServer among it."""
    configure(settings.log_level, name)
    gc.freeze()  # what is loaded stays: no collection need walk it again
    gc.set_threshold(20_000)  # a message makes some hundred objects and no cycle
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(settings))


@asynccontextmanager
async def store(
    settings: Settings, name: str, on_connect: Callable[[Connection], None] = lambda _: None
) -> AsyncIterator[Database]:
    """The database, as the service role. It need not be there yet: who asks meanwhile is told to ask again."""
    url = settings.database_url.get_secret_value()
    async with Database(url, settings.database_connections, f"nightlight-{name}", on_connect=on_connect) as database:
        yield database


async def until_safe(database: Database) -> None:
    """Wait for the server, then check that it cannot lose what is acknowledged. Raises UnsafeServer."""
    while True:
        try:
            return await database.check_server()
        except CouldNotReachStore:
            await asyncio.sleep(_CHECK_AGAIN_SECONDS)


async def until_stopped(*tasks: Coroutine[Any, Any, None]) -> None:
    """Run the tasks until SIGTERM or SIGINT; then cancel them and wait for each. A task that fails ends the process."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    running = [asyncio.create_task(task) for task in tasks]
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    for task in (*running, stopping):
        task.cancel()
    await asyncio.gather(*running, stopping, return_exceptions=True)
    for task in done - {stopping}:
        task.result()


def handed_socket(name: str, address: str) -> socket.socket:
    """The listening socket that the supervisor handed down, or a new one on the address."""
    return handed_down(name) or listen(Address.from_text(address), name)


def handed_down(name: str) -> socket.socket | None:
    """The listening socket of that name that the supervisor handed down, if it did."""
    descriptor = os.environ.get(f"NIGHTLIGHT_{name.upper()}_FD")
    return socket.socket(fileno=int(descriptor)) if descriptor else None


class Nudger:
    """Nudges the dispatcher after a commit, without making anybody wait for Redis."""

    def __init__(self, nudges: Nudges) -> None:
        self._nudges = nudges
        self._sending: set[asyncio.Task[bool]] = set()

    def __call__(self) -> None:
        task = asyncio.create_task(self._nudges.send(DELIVERIES))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


class SiteFeeds:
    """When each site sent its last real message, and told of its last attendance: noted as they come, written with the heartbeat,
    so that no row runs hot."""

    def __init__(self) -> None:
        self._messages: dict[str, datetime] = {}
        self._attendances: dict[str, datetime] = {}

    def note(self, site: str, at: datetime, attended: bool) -> None:
        """A message of the site was answered; `attended`: it told of somebody who is there and whom an authority hears of."""
        self._messages[site] = at
        if attended:
            self._attendances[site] = at

    def note_attendance(self, site: str, at: datetime) -> None:
        """The site told of an attendance."""
        self.note(site, at, True)

    async def write(self, transaction: Connection) -> None:
        """Write down what came since the last time."""
        messages, attendances = self._messages, self._attendances
        self._messages, self._attendances = {}, {}
        for site, at in sorted(messages.items()):
            await transaction.execute(
                """
                INSERT INTO site_feeds AS known (site, last_message_at, last_attendance_at) VALUES (%s, %s, %s)
                ON CONFLICT (site) DO UPDATE
                SET last_message_at = greatest(known.last_message_at, excluded.last_message_at),
                    last_attendance_at = greatest(known.last_attendance_at, excluded.last_attendance_at)
                """,
                (site, at, attendances.get(site)),
            )
