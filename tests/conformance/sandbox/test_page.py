"""The page about the Sandbox is true: what it tells to type can be typed, and is what the tests do."""

import asyncio
import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nightlight.cli import app as commands
from tests.conformance.sandbox.building import COMMANDS, SOURCE, VARIABLE
from tests.conformance.sandbox.ehr import PATIENTS
from tests.conformance.sandbox.hearing import ISSUER
from tests.conftest import FreshDatabase
from tests.fhir_adapter.cds_hooks.clinic import key_pair, key_set
from tests.safeguarding.house import open_house

PAGE = (Path(__file__).parents[3] / "docs" / "integration" / "cds-hooks-sandbox.md").read_text(encoding="utf-8")


def test_it_is_built_as_the_tests_build_it() -> None:
    [build] = re.findall(r"```sh\n(git clone .*?)```", PAGE, re.DOTALL)
    clone, _, *rest = (shlex.split(line) for line in build.splitlines())
    assert (clone[2], rest) == (f"{SOURCE}.git", list(COMMANDS))
    assert f"{VARIABLE}=$PWD/cds-sandbox make test TESTS=tests/conformance/sandbox" in PAGE


def test_the_patients_are_those_that_are_served() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(PATIENTS)


async def test_it_is_registered_by_what_the_page_tells(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = re.findall(r"^\$ nightlight (cds-client add .*)$", PAGE, re.MULTILINE)
    words = shlex.split(line)
    keys = tmp_path / words[words.index("--key") + 1]
    keys.parent.mkdir(parents=True)
    keys.write_text(json.dumps(key_set(key_pair("EC"))))
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    async with open_house(fresh_database.service_url) as house:
        done = await asyncio.to_thread(CliRunner().invoke, commands, words)
        assert done.exit_code == 0, done.output
        assert await house.rows("SELECT issuer, origins FROM cds_clients") == [(ISSUER, ["http://127.0.0.1:8080"])]
