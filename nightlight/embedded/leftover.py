"""What an earlier PostgreSQL left behind when it or its guard was killed.

Called by `postgres.py` with the folder's lock held, so that a server which still runs there is nobody's.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from nightlight.embedded.errors import EmbeddedServersError
from nightlight.embedded.folder import DataFolder, is_alive

STEPS = ((signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


def stop_leftover(folder: DataFolder) -> None:
    """End a server that lost its guard. Raises EmbeddedServersError where it does not end."""
    process = postmaster(folder)
    if process is None or not is_server_of(process, folder):
        return
    for number, seconds in STEPS:
        os.kill(process, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_alive(process):
                return
            time.sleep(0.02)
    raise EmbeddedServersError(f"an old PostgreSQL (process {process}) of {folder.root} does not end; end it by hand")


def stale_process(folder: DataFolder) -> dict[str, str]:
    """The environment that tells PostgreSQL not to mind the process number in a left-over postmaster.pid.

    It would refuse to start while any process has that number: a killed server that nobody has collected yet, or a
    stranger who was given the number since. It still checks, by the shared memory, that no old session is alive.
    """
    process = postmaster(folder)
    return {} if process is None else {"PG_GRANDPARENT_PID": str(process)}


def postmaster(folder: DataFolder) -> int | None:
    """The process number in postmaster.pid, if there is one."""
    try:
        return int((folder.postgres / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def is_server_of(process: int, folder: DataFolder) -> bool:
    return is_alive(process) and str(folder.postgres) in command_line(process)


def command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = ["ps", "-o", "command=", "-p", str(process)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
