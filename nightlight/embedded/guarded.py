"""Start a command under a guard (`guard.py`), so that it cannot outlive this process; see whether it lives; stop it.

Called by the embedded servers and by `nightlight.supervisor`. The guard is a session of its own: Ctrl-C in a terminal
reaches this process only, which then stops its children in the order that it chooses.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

_GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True, slots=True)
class Account:
    """Whose rights a command gets: our own, nobody's in a user namespace, or another user's of this machine."""

    namespace: bool = False
    user: int | None = None
    group: int | None = None

    def give(self, path: Path) -> None:
        """Make the path this account's own, where it is not ours anyway."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


OURSELVES = Account()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command is asked to stop: signals with the seconds that each gets; SIGKILL follows."""

    steps: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 10.0),)

    @property
    def patience(self) -> float:
        """Seconds after which it must have ended."""
        return sum(seconds for _, seconds in self.steps) + 15


@dataclass(frozen=True, slots=True)
class Guarded:
    """A running command and its guard. `ending` is what it was started with."""

    guard: subprocess.Popen[bytes]
    ending: Ending

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        ending: Ending,
        account: Account = OURSELVES,
        output: IO[bytes] | int | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        pass_descriptors: Sequence[int] = (),
        keep_descriptors: Sequence[int] = (),
    ) -> Self:
        """`pass_descriptors` go to the command; `keep_descriptors` stay in the guard until it has ended."""
        order = {
            "command": list(command),
            "folder": None if folder is None else str(folder),
            "signals": [[int(number), seconds] for number, seconds in ending.steps],
            "keep": list(keep_descriptors),
            "namespace": account.namespace,
            "user": account.user,
            "group": account.group,
        }
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=environment,
            pass_fds=[*pass_descriptors, *keep_descriptors],
            start_new_session=True,
        )
        return cls(guard, ending)

    @property
    def ended(self) -> bool:
        return self.guard.poll() is not None

    def ask_to_stop(self) -> None:
        """Close the pipe: the guard sends the signals. Returns at once."""
        assert self.guard.stdin is not None
        self.guard.stdin.close()

    def stop(self) -> int:
        """Ask, and wait until it has ended. Returns its exit status (128 + n when it died of signal n)."""
        self.ask_to_stop()
        try:
            return self.guard.wait(self.ending.patience)
        except subprocess.TimeoutExpired:
            self.guard.kill()
            return self.guard.wait()


def run_as(account: Account, command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end with these rights; what it says is in `stdout`. Never raises for its status."""
    running = Guarded.start(command, ending=Ending(), account=account, output=subprocess.PIPE, folder=folder)
    assert running.guard.stdout is not None
    with running.guard.stdout as output:
        said = output.read().decode(errors="replace")
    status = running.guard.wait()
    running.ask_to_stop()
    return subprocess.CompletedProcess(list(command), status, said)
