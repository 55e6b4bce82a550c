"""Runs one command for as long as whoever started this guard lives: not a moment longer, whatever happens to them.

`nightlight.embedded.guarded` starts it as `python -I -S guard.py ORDER`, with a pipe as its standard input. When the
other end of the pipe closes (asked to stop, or killed), the command is stopped. When the guard itself is killed, Linux
stops the command. Standard library only: it starts in a few milliseconds.

ORDER is JSON, without secrets, since anybody may read it in `ps`:
    command, folder   what to run, and where
    signals           [[number, seconds to wait], ...]; SIGKILL comes last by itself
    keep              file descriptors that stay open in the guard and go no further
    namespace         true: run as nobody inside a user namespace
    user, group       numbers, or null
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def main() -> int:
    order = json.loads(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the pipe decides
    for descriptor in order["keep"]:
        os.set_inheritable(descriptor, False)
    child = start(order)
    threading.Thread(target=stop_when_pipe_closes, args=(child, order["signals"]), daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the command from this, the main thread: Linux ties a death signal to the thread that forked."""
    return subprocess.Popen(
        order["command"],
        stdin=subprocess.DEVNULL,
        close_fds=False,
        cwd=order["folder"],
        user=order["user"],
        group=order["group"],
        extra_groups=None if order["group"] is None else [],
        preexec_fn=lambda: prepare(order["namespace"], order["signals"][0][0], os.getppid()),  # noqa: PLW1509
    )


def prepare(namespace: bool, death_signal: int, guard: int) -> None:
    """Between fork and exec. The death signal comes last, because Linux forgets it when credentials change."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if namespace:
        become_nobody()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(1)  # the guard died before the line above


def become_nobody() -> None:
    """PostgreSQL refuses to run as root: be nobody in a user namespace of our own, and still own what root owns."""
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {user} 1"), ("gid_map", f"{NOBODY} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def stop_when_pipe_closes(child: subprocess.Popen[bytes], signals: list[tuple[int, float]]) -> None:
    while os.read(0, 4096):
        pass
    send_and_wait(child.send_signal, child.wait, signals)


def send_and_wait(send: Callable[[int], None], wait: Callable[[float], int], signals: list[tuple[int, float]]) -> None:
    for number, seconds in [*signals, (signal.SIGKILL, 10)]:
        send(number)
        try:
            wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    sys.exit(main())
