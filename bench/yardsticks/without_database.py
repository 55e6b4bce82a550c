"""The listener without a database, as a yardstick: what reading, mapping and acknowledging cost alone.

`rounds` starts it as a process of its own for each measurement. Its sockets, frames, reader, mapping and acknowledgements are
`hl7_listener`'s; the desk behind them knows nobody, keeps nothing and answers at once.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench.world import SITES
from bench.yardsticks.processes import free_port, listening
from domain.answer import NoneKnown
from domain.care_setting import CareSetting
from hl7_listener.answering import Answerer
from hl7_listener.server import Limits
from hl7_listener.server import listening as listening_for_hl7
from runtime.clock import now
from runtime.database import Database
from runtime.logs import configure
from safeguarding.care_settings import DEFAULT_RULES
from safeguarding.check import Check, Reply
from safeguarding.desk import Desk
from safeguarding.directory import Directory, DirectoryReader, Peer, Site

_LIMITS = Limits(frame_bytes=1_048_576, connections=100, connections_per_peer=100, idle_seconds=3600, frame_seconds=60)


class _Directory(DirectoryReader):
    """The bench's sites with the rules of a new site, and this machine as their peer."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        sites = {ods: _site(ods) for ods in SITES}
        peer = Peer("bench", ip_network("127.0.0.0/8"), frozenset(SITES))
        self.known = Directory(False, sites, {}, (peer,), now())

    async def current(self) -> Directory:
        return self.known


class _NobodyKnown(Desk):
    """Answers from memory."""

    def __init__(self, database: Database, directory: _Directory) -> None:
        super().__init__(database, directory, b"")
        self._known = directory.known

    async def ask(self, check: Check) -> Reply:
        outcome = NoneKnown((), self._known.coverage(check.at), None)
        return Reply(outcome, check.acknowledge(outcome) if check.acknowledge else b"")


def _site(ods: str) -> Site:
    return Site(
        ods, "R0A", "Amber Hospitals Trust", f"Hospital {ods}", CareSetting.EMERGENCY_DEPARTMENT, None, "", (), DEFAULT_RULES,
        feed_live=True,
    )  # fmt: skip


@asynccontextmanager
async def running() -> AsyncIterator[int]:
    """The port of a fresh one. Raises NotRunning."""
    port = free_port()
    with TemporaryDirectory(prefix="nightlight-bench-") as name:
        command = [sys.executable, "-m", "bench.yardsticks.without_database", str(port)]
        async with listening(command, port, Path(name) / "log") as ready:
            yield ready


async def _serve(port: int) -> None:
    database = Database("")  # never opened: nothing reaches it
    directory = _Directory(database)
    answerer = Answerer(_NobodyKnown(database, directory), directory, database)
    sock = socket.create_server(("127.0.0.1", port))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with listening_for_hl7(sock, answerer.answer, _LIMITS):
        await stop.wait()


if __name__ == "__main__":
    configure("WARNING", "bench")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
