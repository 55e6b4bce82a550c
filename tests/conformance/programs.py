"""The programs of other makers, by their locks: fetched once into folders of pytest's own cache, started as processes.

Nothing of theirs is imported here, so that their requirements never meet ours; what a script is given and prints is JSON.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.node import Node, fetch_clients
from tests.environments import installed

HERE = Path(__file__).parent
LOCK = HERE / "programs.txt"
_WHAT = "the programs that try the clinical door"
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Programs:
    """An environment with the Python programs, and Node with the validator from npm."""

    environment: Path
    node: Node

    def run_script(self, name: str, given: Any) -> Any:
        """What a script of `scripts/` prints."""
        script = str(HERE / "scripts" / f"{name}.py")
        done = self.run([str(self.environment / "bin" / "python"), "-W", "ignore", script], json.dumps(given))
        assert done.returncode == 0, f"{name} failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return json.loads(done.stdout)

    def run_program(self, name: str, *arguments: str, folder: Path, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
        """One of their own commands, run in a folder; it may fail."""
        return self.run([str(self.environment / "bin" / name), *arguments], "", folder, seconds)

    def run_node(self, name: str, given: Any) -> Any:
        """What a script of `node/` prints."""
        return json.loads(self.node.run(f"{name}.mjs", json.dumps(given), SECONDS))

    def run(
        self, command: list[str], given: str, folder: Path | None = None, seconds: float = SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """A process with nothing of ours in its environment, and no way round by a proxy."""
        return subprocess.run(
            command, input=given, cwd=folder or self.environment, env=environment(), capture_output=True, text=True,
            timeout=seconds, check=False,
        )  # fmt: skip


def environment() -> Mapping[str, str]:
    """The variables of this process without those that are ours or Python's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTLIGHT_", "PYTHON", "COVERAGE"))}
    return {**ours, "NO_PROXY": "*", "no_proxy": "*", "NO_COLOR": "1"}


def fetch_programs(cache: Path) -> Programs:
    """The programs in folders of the cache. Raises Remedy where npm or pip cannot reach what they need."""
    (cache / "npm").mkdir(exist_ok=True)
    return Programs(installed(LOCK, cache, _WHAT), fetch_clients(cache / "npm", HERE / "node"))
