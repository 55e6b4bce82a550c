"""The running service: children and embedded servers kept alive, readiness announced, everything stopped in order.

Called by `serve.py` with everything that the service consists of; returns when it has been asked to stop and has.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hl7_listener.ports import Port, plain_one
from nightlight.embedded import EmbeddedServers, EmbeddedServersError
from nightlight.supervisor.children import Child, KeptChild
from nightlight.supervisor.readiness import Ports, ports_file, wait_until_ready, write_ports
from nightlight.supervisor.sockets import address_of
from runtime.logs import get_logger

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_WITH_PARENT = "NIGHTLIGHT_EXIT_WITH_PARENT"  # set by `make run`: a killed make must not leave a service behind
HOPELESS_FAILURES = 5
LOOK_SECONDS = 0.2
REVIVE_PAUSE = 2.0

log = get_logger()


@dataclass(frozen=True, slots=True)
class Service:
    """What one service consists of."""

    children: Sequence[Child]
    environment: Mapping[str, str]
    sockets: Mapping[str, socket.socket]
    ports: tuple[Port, ...]
    embedded: EmbeddedServers | None
    data_folder: Path


async def run(service: Service, when_ready: Callable[[Ports], Awaitable[None]]) -> None:
    """Run until a stop signal. Raises NotReady, or what `when_ready` raises, after everything has been stopped."""
    ports_file(service.data_folder).unlink(missing_ok=True)
    children = [KeptChild(child, service.sockets, service.environment) for child in service.children]
    try:
        await until_stopped(
            announce(service, children, when_ready),
            *(child.keep() for child in children),
            *([keep_servers(service.embedded)] if service.embedded else []),
            *([end_with_parent()] if os.environ.get(EXIT_WITH_PARENT) else []),
        )
    finally:
        for child in children:
            child.ask_to_stop()
        await asyncio.gather(*(asyncio.to_thread(child.stop) for child in children))


async def until_stopped(*work: Coroutine[None, None, None]) -> None:
    """Run the work side by side until a stop signal, or until some of it raises, which is then raised here."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[None] = loop.create_future()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, settle, stopped, None)
    tasks = [loop.create_task(coroutine) for coroutine in work]
    for task in tasks:
        task.add_done_callback(lambda task: settle(stopped, None if task.cancelled() else task.exception(), only_errors=True))
    try:
        await stopped
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def settle(stopped: asyncio.Future[None], error: BaseException | None, *, only_errors: bool = False) -> None:
    if stopped.done() or (only_errors and error is None):
        return
    if error is None:
        stopped.set_result(None)
    else:
        stopped.set_exception(error)


async def announce(service: Service, children: Sequence[KeptChild], when_ready: Callable[[Ports], Awaitable[None]]) -> None:
    """Say that the service is ready, in `ports.json` and to the caller, once it is."""

    def hopeless() -> str | None:
        failing = next((child.name for child in children if child.failures >= HOPELESS_FAILURES), None)
        return failing and f"{failing} ended {HOPELESS_FAILURES} times; its own lines say why"

    http = address_of(service.sockets["http"])
    listeners = {port.name: address_of(service.sockets[port.socket_name]) for port in service.ports}
    await wait_until_ready(http, list(listeners.values()), hopeless)
    await when_ready(write_ports(service.data_folder, http, listeners, plain_one(service.ports).name))


async def keep_servers(embedded: EmbeddedServers) -> None:
    """Start an embedded server again when it ends by itself; meanwhile the doors say that they could not check."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        name = embedded.ended
        if name is None:
            continue
        log.error("server ended; starting it again", child=name)
        try:
            await asyncio.to_thread(embedded.revive, name)
        except EmbeddedServersError as error:
            log.error("server does not start; trying again", child=name, seconds=REVIVE_PAUSE, error=type(error).__name__)
            await asyncio.sleep(REVIVE_PAUSE)


async def end_with_parent() -> None:
    """Stop, as if by SIGTERM, when whoever started this process has gone."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 -- a process sets no event
        await asyncio.sleep(LOOK_SECONDS)
    signal.raise_signal(signal.SIGTERM)
