"""A yardstick that listens is a process of its own, started for one measurement and stopped after it by its own process.

`message_foundry` and `without_database` use it, so that none of them is at work while another is measured.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0


class NotRunning(Exception):
    """A yardstick did not start; its own words are in its log."""


def free_port() -> int:
    """One that nobody has just now, on loopback."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@asynccontextmanager
async def listening(
    command: Sequence[str], port: int, log: Path, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> AsyncIterator[int]:
    """Start it, wait until it takes connections on the port of loopback, stop it at the end. Raises NotRunning."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output, cwd=folder, env=environment)
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while not await _takes_connections(port):
                if process.returncode is not None:
                    raise NotRunning(f"{command[0]} did not start: {_last_words(log)}")
                await asyncio.sleep(0.1)
        yield port
    finally:
        await stop_process(process)


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-500:]


async def _takes_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def stop_process(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop, and make it stop."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
