"""The guard by itself: what it passes on, and that it does not let go."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nightlight.embedded.guarded import OURSELVES, Ending, Guarded, run_as
from tests.embedded.processes import eventually, processes_about

STUBBORN = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


@pytest.mark.parametrize("script, status", [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_status_of_the_command_is_passed_on(script: str, status: int) -> None:
    assert run_as(OURSELVES, ["/bin/sh", "-c", script]).returncode == status


def test_what_the_command_says_is_passed_on(tmp_path: Path) -> None:
    finished = run_as(OURSELVES, ["/bin/sh", "-c", "pwd; echo trouble >&2"], tmp_path)
    assert finished.stdout == f"{tmp_path}\ntrouble\n"


def test_a_command_that_ignores_its_signal_is_killed() -> None:
    running = Guarded.start([sys.executable, "-c", STUBBORN], ending=Ending(((signal.SIGTERM, 0.1),)), output=subprocess.PIPE)
    assert running.guard.stdout is not None
    with running.guard.stdout as output:
        assert output.readline() == b"up\n"
        assert not running.ended
        assert running.stop() == 128 + signal.SIGKILL


def test_signals_to_the_guard_are_not_its_business(tmp_path: Path) -> None:
    running = Guarded.start([sys.executable, "-c", "import signal; signal.pause()", str(tmp_path)], ending=Ending())
    eventually(lambda: len(processes_about(str(tmp_path))) == 2, "guard and command run")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(running.guard.pid, number)
    assert not running.ended
    assert running.stop() == 128 + signal.SIGTERM


def test_no_secret_of_the_environment_is_in_a_command_line() -> None:
    running = Guarded.start(["sleep", "600"], ending=Ending(), environment={"PATH": os.defpath, "SECRET": "hunter2"})
    try:
        assert processes_about("hunter2") == {}
        assert b"hunter2" in Path(f"/proc/{running.guard.pid}/environ").read_bytes()
    finally:
        running.stop()
