"""The page of what has been tried tells the locked versions, and every command on it runs."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.acceptance.service import Service
from tests.conformance.breaking import OURS, VALIDATORS
from tests.conformance.hospital import CHILD, base_of, token_of
from tests.conformance.programs import HERE, LOCK, SECONDS, Programs, environment

ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "integration" / "conformance.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def test_the_versions_on_the_page_are_the_locked_ones() -> None:
    on_page = dict(re.findall(r"^\| `([\w-]+)`(?: \(npm\))? \| ([\d.]+) \|", PAGE, re.MULTILINE))
    wanted = {line for line in (HERE / "programs.in").read_text().splitlines() if not line.startswith("#")}
    locked = dict(re.findall(r"^([\w-]+)==([\d.]+) ", LOCK.read_text(), re.MULTILINE))
    of_npm = json.loads((HERE / "node" / "package.json").read_text())["dependencies"]
    assert on_page == {name: locked[name] for name in wanted} | of_npm


def test_every_validator_is_on_the_page() -> None:
    assert all(f"`{name.removesuffix(' (npm)')}`" in PAGE for name in VALIDATORS if name != OURS)


def test_every_command_on_the_page_runs(hospital: Service, programs: Programs, tmp_path: Path) -> None:
    assert len(COMMANDS) == 4
    variables = {
        **environment(),
        "PATH": f"{programs.environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "BASE": base_of(hospital),
        "TOKEN": token_of(hospital),
        "NUMBER": CHILD,
        "NIGHTLIGHT": str(ROOT),
    }
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-euc", command], env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
