"""The integrator's page, run as it stands: every request against a real server, every command, every table against the code."""

import asyncio
import json
import os
import re
import shlex
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from api.doors import CDS_HOOKS, DoorsFirst
from fhir_adapter.cds_hooks.cards import override_reasons
from fhir_adapter.cds_hooks.errors import KINDS
from fhir_adapter.cds_hooks.services import SERVICES
from nightlight.cli import app as commands
from runtime.endpoints import Endpoints
from tests.conftest import FreshDatabase
from tests.fhir_adapter.cds_hooks.clinic import AMBER, Clinic, make_clinic
from tests.safeguarding.house import House

PAGE = (Path(__file__).parents[3] / "docs" / "integration" / "cds-hooks.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```(sh|console)\n(.*?)```\n(?:\nAnswers ((?:`\d+`(?:, )?)+))?", PAGE, re.DOTALL)


@asynccontextmanager
async def serving(house: House) -> AsyncIterator[str]:
    """The door behind a real server, mounted as `nightlight api` mounts it; yields the address of Nightlight."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who comes before the server is up waits for it
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        doors: Any = DoorsFirst(_nowhere, {CDS_HOOKS: make_clinic(house, base, Endpoints()).app})
        server = uvicorn.Server(uvicorn.Config(doors, lifespan="off", access_log=False, log_config=None))
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield base
        finally:
            server.should_exit = True
            await task


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the page leads to the door")


async def run_as_typed(block: str, folder: Path, base: str) -> list[str]:
    """The statuses of the answers that a block of the page got, in a shell of its own."""
    (folder / ".curlrc").write_text('write-out = "%{stderr}%{http_code}\\n"\n')
    environment = {**os.environ, "BASE": base, "CURL_HOME": str(folder), "NO_PROXY": "*"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("bash", "-euc", block, cwd=folder, env=environment, stdout=pipe, stderr=pipe)
    printed, statuses = await process.communicate()
    assert process.returncode == 0, (block, printed, statuses)
    return statuses.decode().split()


def operate(block: str) -> None:
    for command in block.strip().split("\n"):
        dollar, name, *arguments = shlex.split(command)
        assert (dollar, name) == ("$", "nightlight")
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 0, (command, done.output)


async def test_every_step_of_the_page_is_answered_as_the_page_says(
    clinic: Clinic, fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(STEPS) == PAGE.count("```sh\n") + PAGE.count("```console\n")
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    await clinic.house.rows("DELETE FROM cds_clients WHERE issuer = %s RETURNING 1", AMBER.issuer)
    await clinic.house.flag()
    async with serving(clinic.house) as base:
        for kind, block, answers in STEPS:
            if kind == "console":
                await asyncio.to_thread(operate, block)
            else:
                assert await run_as_typed(block, tmp_path, base) == re.findall(r"\d+", answers), block
    [card] = json.loads((tmp_path / "cards.json").read_text())["cards"]
    assert card["indicator"] == "critical"
    assert await clinic.house.rows("SELECT outcome, reason FROM card_outcomes") == [("overridden", "already-acted")]
    assert await clinic.house.value("SELECT count(*) FROM alerts") == 1


def test_the_table_of_errors_is_the_table_in_the_code() -> None:
    _, _, table = PAGE.partition("## Errors")
    assert re.findall(r"^\| (\d{3}) \| ([\w-]+) \|", table, re.MULTILINE) == [(str(kind.status), kind.code) for kind in KINDS]


def test_the_services_and_the_reasons_on_the_page_are_those_of_the_code() -> None:
    assert re.findall(r"^\| `(child-[\w-]+)` \| ([\w-]+) \|", PAGE, re.MULTILINE) == [
        (each.id, each.hook) for each in SERVICES.values()
    ]
    _, _, table = PAGE.partition("| code | what the clinician chose |")
    reasons = [(each["code"], each["display"]) for each in override_reasons(lambda path: path)]
    assert re.findall(r"^\| `([\w-]+)` \| (.+) \|$", table, re.MULTILINE) == reasons
