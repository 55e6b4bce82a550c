"""The integrator's page about tokens, run as it stands: every request in one shell, every command of the operator between them."""

import asyncio
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

from api.doors import FHIR, OAUTH, DoorsFirst
from fhir_adapter.smart.configuration import token_url
from fhir_adapter.smart.endpoint import TokenEndpoint
from nightlight.cli import app as commands
from runtime.clients import ClientReader
from runtime.endpoints import Endpoints
from runtime.published_keys import PublishedKeys
from tests.conftest import FreshDatabase
from tests.fhir_adapter.doorway import Doorway, open_door
from tests.safeguarding.house import KEY

PAGE = (Path(__file__).parents[3] / "docs" / "integration" / "smart.md").read_text(encoding="utf-8")
STEPS = re.findall(r"```(sh|console)\n(.*?)```\n(?:\nAnswers ([^.]*)\.)?", PAGE, re.DOTALL)
STATUSES = "%{stderr}%{http_code}\\n"
DONE = "@@ done"


@asynccontextmanager
async def serving(doorway: Doorway) -> AsyncIterator[str]:
    """Both doors behind a real server, mounted as `nightlight api` mounts them; yields the FHIR base."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who comes before the server is up waits for it
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}{FHIR}"
        database = doorway.house.database
        tokens = TokenEndpoint(database, ClientReader(database, 0), PublishedKeys(Endpoints()), KEY, token_url(base_url))
        doors: Any = DoorsFirst(_nowhere, {FHIR: open_door(doorway.house, base_url), OAUTH: tokens})
        server = uvicorn.Server(uvicorn.Config(doors, lifespan="off", access_log=False, log_config=None))
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield base_url
        finally:
            server.should_exit = True
            await task


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the page leads to a door")


class Shell:
    """One bash in which each block finds what the ones before it left.

    The statuses go to a file of their own: beside a pipe's output, curl would write them a letter at a time.
    """

    def __init__(self, process: asyncio.subprocess.Process, errors: Path) -> None:
        self._process = process
        self._errors = errors

    async def run(self, block: str) -> tuple[list[str], str]:
        """The statuses of the answers, and all that it printed."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{block}\necho; echo '{DONE}'\n".encode())
        said, printed = len(self._errors.read_text()), list[str]()
        while (line := (await self._process.stdout.readline()).decode().rstrip("\n")) != DONE:
            assert line or not self._process.stdout.at_eof(), printed
            printed.append(line)
        errors = self._errors.read_text()[said:]
        return re.findall(r"^[1-5]\d\d$", errors, re.MULTILINE), "\n".join([*printed, errors])


@asynccontextmanager
async def shell(folder: Path, base_url: str) -> AsyncIterator[Shell]:
    (folder / ".curlrc").write_text(f'write-out = "{STATUSES}"\n')
    environment = {**os.environ, "BASE": base_url, "CURL_HOME": str(folder), "NO_PROXY": "*"}
    pipe = asyncio.subprocess.PIPE
    errors = folder / "errors.txt"
    with errors.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            "bash", "-eu", cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=stderr
        )
    try:
        yield Shell(process, errors)
    finally:
        await process.communicate(b"exit\n")


def operate(block: str) -> None:
    """Run the operator's commands of a block."""
    for command in block.replace("\\\n", " ").strip().split("\n"):
        dollar, name, *arguments = shlex.split(command)
        assert (dollar, name) == ("$", "nightlight")
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 0, (command, done.output)


async def test_the_page_is_true_from_the_key_to_its_end(
    doorway: Doorway, fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(STEPS) == PAGE.count("```sh\n") + PAGE.count("```console\n")
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    async with serving(doorway) as base_url, shell(tmp_path, base_url) as bash:
        for kind, block, answers in STEPS:
            if kind == "console":
                await asyncio.to_thread(operate, block)
                continue
            statuses, printed = await bash.run(block)
            assert statuses == re.findall(r"\d{3}", answers), (block, printed)


def test_every_reason_of_a_refusal_is_on_the_page() -> None:
    root = Path(__file__).parents[3]
    code = "".join((root / path).read_text(encoding="utf-8") for path in ("runtime/jwks.py", "fhir_adapter/smart/endpoint.py"))
    code += (root / "fhir_adapter/smart/request.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'(?:BadToken|invalid_client)\("([a-z-]+)"\)', code)) - {"type"}  # what CDS Hooks alone asks for
    _, _, table = PAGE.partition("| reason in the log |")
    listed = {name.strip() for names in re.findall(r"^\| ([a-z, -]+) \|", table, re.MULTILINE) for name in names.split(",")}
    assert listed == reasons
