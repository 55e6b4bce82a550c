"""Environments of their own for programs of other makers: installed once, by a lock, into a folder of pytest's cache."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from tools.page_assets import Remedy, reason

_INSTALL_SECONDS = 600


def installed(lock: Path, cache: Path, what: str) -> Path:
    """The folder of an environment with what the lock names. Raises Remedy, which says `what`, where pip cannot reach it."""
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    folder = cache / wanted[:16]
    with (cache / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # one test process at a time
        if not (folder / "ready").exists():
            _call([sys.executable, "-m", "venv", "--clear", str(folder)], what)
            _call([
                str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock),
            ], what)  # fmt: skip
            (folder / "ready").touch()
    return folder


def _call(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode != 0:
        raise Remedy(f"{what} could not be installed ({reason(done.stderr)})")
