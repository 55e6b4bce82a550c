"""MessageFoundry 0.2.1 as a yardstick: an integration engine that stores each message before it acknowledges it.

`__main__` has it installed into an environment of its own, which is kept; `rounds` starts it on a new store for each measurement.
It gets the least to do that it allows: nothing is routed, delivered or encrypted. Source: its own README and settings;
docs/performance.md says why it is set up like this.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.yardsticks.processes import free_port, listening

_REQUIREMENTS = Path(__file__).with_suffix(".txt")
_PROGRAM = Path("bin") / "messagefoundry"
_INSTALL_SECONDS = 300
_LAST_WORDS = 300

_INBOUND = """
from messagefoundry import MLLP, inbound, router

inbound("IB_ADT", MLLP(port={port}), router="nowhere")


@router("nowhere")
def nowhere(message):
    return []
"""

_SETTINGS = """
[store]
path = "messages.db"
synchronous = "full"

[api]
host = "127.0.0.1"
port = {api_port}

[inbound]
bind_host = "127.0.0.1"

[ai]
environment = "dev"
data_class = "synthetic"
"""


class NotInstalled(Exception):
    """It could not be installed, for instance where there is no network."""


def install(kept: Path, on_begin: Callable[[], None]) -> Path:
    """Its environment, made in the folder where there is none yet. `on_begin` hears of that. Raises NotInstalled."""
    fingerprint = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    kept = kept.resolve()
    mark = kept / "installed"
    if mark.exists() and mark.read_text() == fingerprint:
        return kept
    on_begin()
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(kept)],
        [str(kept / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--require-hashes", "--only-binary", ":all:", "--requirement", str(_REQUIREMENTS)],
    ):  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
        except subprocess.CalledProcessError as error:
            raise NotInstalled(error.stderr.strip()[-_LAST_WORDS:]) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(str(error)) from None
    mark.write_text(fingerprint)
    return kept


@asynccontextmanager
async def running(environment: Path) -> AsyncIterator[int]:
    """The port of a fresh one, with an empty store on the disk of temporary files. Raises NotRunning."""
    with tempfile.TemporaryDirectory(prefix="nightlight-bench-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        (folder / "config").mkdir()
        (folder / "config" / "inbound.py").write_text(_INBOUND.format(port=port))
        (folder / "settings.toml").write_text(_SETTINGS.format(api_port=free_port()))
        command = [
            str(environment / _PROGRAM), "serve", "--config", "config", "--service-config", "settings.toml",
            "--log-level", "ERROR",
        ]  # fmt: skip
        theirs = {name: value for name, value in os.environ.items() if not name.startswith(("MEFOR_", "NIGHTLIGHT_"))}
        async with listening(command, port, folder / "log", folder, theirs) as ready:
            yield ready
