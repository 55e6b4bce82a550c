"""The integrator's page, run as it stands: every curl against a real server, every table and example against the code."""

import asyncio
import json
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from domain.care_setting import CareSetting
from fhir_adapter.care import decide_manner
from fhir_adapter.errors import KINDS
from runtime.clients import Care
from tests.fhir_adapter.doorway import Doorway, open_door, token
from tests.fhir_adapter.validity import check_valid, walk

PAGE = (Path(__file__).parents[2] / "docs" / "integration" / "fhir.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"```sh\n(.*?)```\n\nAnswers `(\d+)`, an? `(\w+)`\.", PAGE, re.DOTALL)
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
NUMBER = "9990000018"


@asynccontextmanager
async def serving(doorway: Doorway) -> AsyncIterator[str]:
    """The door behind a real server on a port of the system's choice; yields its base URL."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # who comes before the server is up waits for it
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app: Any = open_door(doorway.house, base_url)
        config = uvicorn.Config(app, lifespan="off", access_log=False, log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield base_url
        finally:
            server.should_exit = True
            await task


async def run_as_typed(command: str, base_url: str, folder: Path, *, show: str) -> str:
    """Run a request of the page in a shell; `show` is added to what curl prints."""
    (folder / ".curlrc").write_text(f'write-out = "{show}"\n')
    environment = {
        **os.environ,
        "BASE": base_url,
        "TOKEN": token("both-app"),
        "NUMBER": NUMBER,
        "CURL_HOME": str(folder),
        "NO_PROXY": "*",
    }
    process = await asyncio.create_subprocess_exec("bash", "-euc", command, env=environment, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_every_request_on_the_page_is_answered_as_the_page_says(doorway: Doorway, tmp_path: Path) -> None:
    assert len(REQUESTS) == PAGE.count("```sh\n")
    await doorway.house.flag()
    async with serving(doorway) as base_url:
        for command, status, resource_type in REQUESTS:
            output = await run_as_typed(command, base_url, tmp_path, show="\\n%{http_code}")
            body, _, answered = output.rpartition("\n")
            assert (answered, json.loads(body)["resourceType"]) == (status, resource_type), command
            check_valid(json.loads(body))


async def test_a_served_answer_has_its_date_once(doorway: Doorway, tmp_path: Path) -> None:
    async with serving(doorway) as base_url:
        command = 'curl -s -i "$BASE/metadata" -o /dev/null'
        headers = json.loads(await run_as_typed(command, base_url, tmp_path, show="%{header_json}"))
    assert len(headers["date"]) == 1
    assert headers["content-type"] == ["application/fhir+json"]


async def test_a_connection_serves_one_search_after_another(doorway: Doorway, tmp_path: Path) -> None:
    command = (
        'curl -s -o /dev/null -o /dev/null -H "Authorization: Bearer $TOKEN"'
        ' "$BASE/Flag?patient=$NUMBER" "$BASE/Flag?patient=$NUMBER"'
    )
    async with serving(doorway) as base_url:
        output = await run_as_typed(command, base_url, tmp_path, show="%{http_code}:%{num_connects} ")
    assert output == "200:1 200:0 "


async def test_the_example_has_every_element_of_a_real_answer_and_no_other(doorway: Doorway) -> None:
    [example] = [json.loads(text) for text in EXAMPLES]
    check_valid(example)
    await doorway.house.flag()
    real = (await doorway.search()).json
    assert {path for path, _ in walk(example, "Bundle")} == {path for path, _ in walk(real, "Bundle")}


def test_the_table_of_errors_is_the_table_in_the_code() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (\w+) \| ([\w-]+) \|", PAGE, re.MULTILINE)
    assert rows == [(str(kind.status), kind.spine_code, kind.issue_type) for kind in KINDS]


@pytest.mark.parametrize("care", list(Care))
def test_the_truth_table_of_care_is_on_the_page(care: Care) -> None:
    rows = dict(re.findall(r"^\| (both|scheduled|unscheduled) \| (\w+ \| \w+) \| 400 \|$", PAGE, re.MULTILINE))
    manners = [decide_manner(care, header, CareSetting.EMERGENCY_DEPARTMENT) for header in (True, False)]
    assert rows[care.value] == " | ".join("unscheduled" if manner.unscheduled else "scheduled" for manner in manners)
