"""The data folder: who uses it, its passwords, its logs, and the short folder of the sockets.

Called by `servers.py`, before any server starts. Only our own folders are changed, never a parent's permissions.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from nightlight.embedded.errors import EmbeddedServersError, FolderInUse

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, with a closing zero; the longest name in it is ".s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432")
LOG_LIMIT = 10_000_000
TAKE_OVER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths below one data folder."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def sockets(self) -> Path:
        """Where the servers' sockets are: in the data folder, or in a temporary one where that path does not suit."""
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        elsewhere = f"nightlight-{os.geteuid()}-{name}"
        candidates = (self.root / "run", Path(tempfile.gettempdir()) / elsewhere)
        return next((path for path in candidates if suits_a_socket(path)), Path("/tmp") / elsewhere)  # noqa: S108

    def forget_sockets(self) -> None:
        """Remove the sockets' folder where it is not in the data folder."""
        if self.root not in self.sockets.parents:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def password(self, name: str) -> str:
        """The password called `name`, made at its first use, readable by nobody else (0600)."""
        path = self.root / "passwords" / name
        if not path.exists():
            make_private(path.parent)
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()


def open_data_folder(root: Path) -> DataFolder:
    """Make the folder (0700) and what is in it. Raises EmbeddedServersError where that is not allowed."""
    folder = DataFolder(root.resolve())
    try:
        if not folder.root.exists():
            folder.root.mkdir(mode=0o700, parents=True)
        for inside in (folder.sockets, folder.log("any").parent):
            make_private(inside)
    except OSError as error:
        raise EmbeddedServersError(
            f"cannot use the data folder {folder.root} ({error.strerror}); choose another with --data DIR or NIGHTLIGHT_DATA_DIR"
        ) from None
    return folder


def take_lock(folder: DataFolder) -> int:
    """Take the folder for this process, and return the lock's descriptor; it is released when nobody has it open.

    The servers' guards keep it open too: after a SIGKILL the folder is free once the old servers have ended, and this
    waits for that. Raises FolderInUse at once where the owner lives.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + TAKE_OVER_SECONDS
    while not try_lock(descriptor):
        owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        if not owner.isdigit() or is_alive(int(owner)) or time.monotonic() > deadline:
            os.close(descriptor)
            raise FolderInUse(
                f"another Nightlight (process {owner or 'unknown'}) uses {folder.root}; stop it, "
                "or choose another folder with --data DIR or NIGHTLIGHT_DATA_DIR"
            )
        time.sleep(0.05)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def is_locked(folder: DataFolder) -> bool:
    """Whether a Nightlight uses the folder now."""
    try:
        descriptor = os.open(folder.lock, os.O_RDWR)
    except OSError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(process: int) -> bool:
    """Whether the process exists. One that has been killed and not yet collected by its parent does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return True
    return state not in {"Z", "X"}


def suits_a_socket(path: Path) -> bool:
    """Short enough, and without a comma (libpq reads a list of hosts) or what URLs and settings would have to quote."""
    return len(os.fsencode(path)) <= LONGEST_SOCKET_FOLDER and re.fullmatch(r"[A-Za-z0-9._/+=~-]+", str(path)) is not None


def make_private(path: Path) -> None:
    """Make a folder that only its owner enters (0700). Raises PermissionError where somebody else's is in its place."""
    path.mkdir(mode=0o700, exist_ok=True)
    facts = path.lstat()
    if not stat.S_ISDIR(facts.st_mode) or (os.geteuid() != 0 and facts.st_uid != os.geteuid()):
        raise PermissionError(1, f"{path} is not ours", str(path))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads (0600), whole or not at all."""
    scratch = path.with_name(path.name + ".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)


def open_log(path: Path) -> int:
    """A descriptor to append to; one old log is kept beside a log that has grown too long."""
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.rename(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
