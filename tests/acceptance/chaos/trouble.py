"""What befalls the service: processes killed and stopped, servers gone and back, in an order that a seed settles.

Each trouble strikes and, after a while, heals; the next may strike before.
"""

import heapq
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.chaos.receivers import Host
from tests.acceptance.service import Service
from tests.embedded.processes import processes_about

BETWEEN = (0.5, 2.5)
LASTS = (0.5, 4.0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that happens to the service. `strike` returns how it is mended; by itself, where that is None."""

    name: str
    strike: Callable[[random.Random], Callable[[], None] | None]


def troubles_of(service: Service, hosts: Mapping[str, Host]) -> list[Trouble]:
    """Everything that can happen to this service and to those whom it tells."""

    def gone(host: Host) -> Callable[[random.Random], Callable[[], None]]:
        def strike(_: random.Random) -> Callable[[], None]:
            host.stop()
            return host.start

        return strike

    def dispatcher_killed(chance: random.Random) -> None:
        kill(chance.sample(found := dispatchers(service), min(1, len(found))))

    def all_dispatchers_killed(_: random.Random) -> None:
        kill(dispatchers(service))

    def dispatcher_stands_still(chance: random.Random) -> Callable[[], None] | None:
        found = dispatchers(service)
        if not found:
            return None
        process = chance.choice(found)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)

        def go_on() -> None:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

        return go_on

    return [
        Trouble("a dispatcher is killed", dispatcher_killed),
        Trouble("a dispatcher stands still", dispatcher_stands_still),
        Trouble("PostgreSQL is killed", lambda _: kill(servers(service, "bin/postgres"))),
        Trouble("Valkey is killed", lambda _: kill(servers(service, "valkey-server"))),
        Trouble("all dispatchers are killed", all_dispatchers_killed),
        *(Trouble(f"{name} goes away", gone(host)) for name, host in hosts.items()),
    ]


@dataclass
class Chaos:
    """Trouble for so many seconds: each kind once, in an order of chance, then any of them."""

    troubles: list[Trouble]
    seed: int
    seconds: float
    told: list[str] = field(default_factory=list)

    def rage(self) -> None:
        """Strike and heal until the time is over; then heal what is left."""
        chance = random.Random(self.seed)
        began = time.monotonic()
        to_heal: list[tuple[float, int, str, Callable[[], None]]] = []
        under_way: set[str] = set()
        for number, trouble in enumerate(self._order(chance)):
            strikes_at = time.monotonic() + chance.uniform(*BETWEEN)
            while to_heal and to_heal[0][0] <= strikes_at:
                self._heal(heapq.heappop(to_heal), under_way, began)
            if strikes_at - began > self.seconds:
                break
            time.sleep(max(0.0, strikes_at - time.monotonic()))
            if trouble.name in under_way:
                continue
            self._tell(began, trouble.name)
            mend = trouble.strike(chance)
            if mend is not None:
                under_way.add(trouble.name)
                heapq.heappush(to_heal, (time.monotonic() + chance.uniform(*LASTS), number, trouble.name, mend))
        for each in sorted(to_heal):
            self._heal(each, under_way, began)

    def _order(self, chance: random.Random) -> Iterator[Trouble]:
        yield from chance.sample(self.troubles, len(self.troubles))
        while True:
            yield chance.choice(self.troubles)

    def _heal(self, healing: tuple[float, int, str, Callable[[], None]], under_way: set[str], began: float) -> None:
        at, _, name, mend = healing
        time.sleep(max(0.0, at - time.monotonic()))
        mend()
        under_way.discard(name)
        self._tell(began, f"… and is over: {name}")

    def _tell(self, began: float, what: str) -> None:
        self.told.append(f"{time.monotonic() - began:6.1f} s  {what}")


def dispatchers(service: Service) -> list[int]:
    """The processes that dispatch for this service, not the guards in front of them."""
    ours = f"NIGHTLIGHT_DATA_DIR={service.data}".encode()
    return sorted(
        number
        for number, command in processes_about("-m nightlight dispatcher").items()
        if re.search(r"^\S*python\S* -m nightlight dispatcher$", command) and ours in environment_of(number)
    )


def servers(service: Service, program: str) -> list[int]:
    """The processes of one of the service's own servers."""
    folder = str(service.data)
    return [number for number, command in processes_about(program).items() if folder in command and "guard" not in command]


def kill(processes: list[int]) -> None:
    """As the machine's out-of-memory killer does it."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def environment_of(process: int) -> list[bytes]:
    """What it was given; nothing, where it has gone."""
    try:
        return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
