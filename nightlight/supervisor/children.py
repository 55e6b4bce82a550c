"""One child process of the service: start it, start it again when it ends, stop it.

Called by `serve.py`, which runs one `keep` for each child. A guard stands between, so no child outlives the service.
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from nightlight.embedded.guarded import Ending, Guarded
from runtime.logs import get_logger

DRAIN = Ending(((signal.SIGTERM, 15.0),))
LOOK_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
HEALTHY_SECONDS = 60.0

log = get_logger()


@dataclass(frozen=True, slots=True)
class Child:
    """What to run. `sockets` names the listening sockets ("http", "mllp") that it is handed by number.

    To `serve`, "mllp" means those of every HL7 listener.
    """

    name: str
    command: tuple[str, ...]
    sockets: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def nightlight_child(name: str, *sockets: str) -> Child:
    """The child that `nightlight NAME` runs."""
    return Child(name, (sys.executable, "-m", "nightlight", name), sockets)


class KeptChild:
    """A child that is kept running, from `keep` until `ask_to_stop`."""

    def __init__(self, child: Child, sockets: Mapping[str, socket.socket], environment: Mapping[str, str]) -> None:
        self.name = child.name
        self.failures = 0
        self._command = child.command
        self._descriptors = [sockets[name].fileno() for name in child.sockets]
        handed = {f"NIGHTLIGHT_{name.upper()}_FD": str(sockets[name].fileno()) for name in child.sockets}
        self._environment = {**environment, **child.environment, **handed}
        self._running: Guarded | None = None

    async def keep(self) -> None:
        """Run it for ever. The pause before a restart doubles, and is short again once it has run for a minute."""
        pause = FIRST_PAUSE
        while True:
            self._running = self._start()
            started = time.monotonic()
            while not self._running.ended:  # noqa: ASYNC110 -- a process sets no event
                await asyncio.sleep(LOOK_SECONDS)
            status = self._running.stop()
            pause = FIRST_PAUSE if time.monotonic() - started > HEALTHY_SECONDS else pause
            self.failures += 1
            log.error("child ended; starting it again", child=self.name, status=status, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def ask_to_stop(self) -> None:
        """SIGTERM, and SIGKILL when it has not drained in time. Returns at once; `keep` must have been cancelled."""
        if self._running is not None:
            self._running.ask_to_stop()

    def stop(self) -> None:
        """Wait until it has ended."""
        if self._running is not None:
            self._running.stop()

    def _start(self) -> Guarded:
        return Guarded.start(self._command, ending=DRAIN, environment=self._environment, pass_descriptors=self._descriptors)
