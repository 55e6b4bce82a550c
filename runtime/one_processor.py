"""Long work on one processor of the machine: whoever is answered meanwhile finds another one free.

The loader keeps itself and its sessions on the database to it. Niceness alone is not enough: Linux weighs it within one session of
processes, and every process of PostgreSQL begins a session of its own. Source: sched_setaffinity(2), unix(7) (SO_PEERCRED),
sched(7) ("The autogroup feature"); docs/adr/0049.
"""

import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

from runtime.database import Connection


def keep_to_one_processor(process: int = 0) -> None:
    """From now on the process (ours: 0) runs on the last of the processors that it may use, and so do the threads that it starts.

    Does nothing where there is only one, on systems other than Linux, or where it is not ours to say.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setaffinity(process, {max(os.sched_getaffinity(process))})


def keep_session_to_one_processor(connection: Connection) -> None:
    """The same for the process of the database server behind a connection. Does nothing where the server is another machine's."""
    server = connection.info.backend_pid
    with suppress(OSError):  # whatever the system says, the connection stands
        if is_child(server, of=peer(connection.fileno())):
            keep_to_one_processor(server)


def peer(descriptor: int) -> int | None:
    """The process that listened on the other end of a local socket; None for a socket of any other kind, or where nobody says.

    Raises OSError where that is no open socket.
    """
    if sys.platform != "linux":
        return None
    with socket.socket(fileno=os.dup(descriptor)) as ours:
        if ours.family != socket.AF_UNIX:
            return None
        process, _, _ = struct.unpack("3i", ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return process or None  # 0: it is in a container that we do not see


def is_child(process: int, *, of: int | None) -> bool:
    """Whether `of` started the process. Numbers of another machine, or of a container, name nobody here, or somebody else."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return f"\nPPid:\t{of}\n" in status
