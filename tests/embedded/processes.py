"""Other processes, as the tests of the servers and of the supervisor need them: started, listed, waited for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


def processes_about(text: str) -> dict[int, str]:
    """Living processes whose command line holds `text`: number to command line. Ours is left out."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listed.splitlines():
        process, state, command = line.split(None, 2)
        if text in command and not state.startswith("Z") and int(process) != os.getpid():
            found[int(process)] = command
    return found


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until it holds; what is asserted is that it does, not when."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"it never came to pass: {what}"
        time.sleep(0.02)


@contextmanager
def another_python(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python that runs `script` at the root of the repository; its standard output is a pipe."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
