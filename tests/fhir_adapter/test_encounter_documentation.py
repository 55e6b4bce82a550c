"""The page on encounters, run as it stands: every request in its order against a real server, every table against the code."""

import asyncio
import json
import os
import re
from pathlib import Path

from domain.encounter import EncounterState
from fhir_adapter.encounters.classes import PATIENT_CLASSES, read_class
from fhir_adapter.encounters.codes import ACT_CODE
from fhir_adapter.encounters.json_body import DEEPEST, MOST_VALUES
from fhir_adapter.encounters.reading import LEFT_BEFORE_SEEN
from fhir_adapter.encounters.rules import RULES
from tests.fhir_adapter.doorway import Doorway, token
from tests.fhir_adapter.test_documentation import serving
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import CHILD

PAGE = (Path(__file__).parents[2] / "docs" / "integration" / "encounter.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"```sh\n(.*?)```\n\nAnswers `(\d+)`, (no body|an? `\w+`)\.", PAGE, re.DOTALL)


async def run_as_typed(command: str, base_url: str, folder: Path) -> tuple[str, str]:
    """Body and status of a request of the page, typed in a folder."""
    (folder / ".curlrc").write_text('write-out = "\\n%{http_code}"\n')
    environment = {
        **os.environ, "BASE": base_url, "TOKEN": token("both-app"), "NUMBER": CHILD, "CURL_HOME": str(folder), "NO_PROXY": "*",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", command, env=environment, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    body, _, status = output.decode().rpartition("\n")
    return body, status


async def test_every_request_on_the_page_is_answered_as_the_page_says(doorway: Doorway, tmp_path: Path) -> None:
    assert len(REQUESTS) == PAGE.count("```sh\n")
    await doorway.house.flag()
    async with serving(doorway) as base_url:
        for command, status, kind in REQUESTS:
            body, answered = await run_as_typed(command, base_url, tmp_path)
            assert answered == status, command
            if kind == "no body":
                assert body == "", command
                continue
            assert kind.endswith(f" `{json.loads(body)['resourceType']}`"), command
            check_valid(json.loads(body))
    rows = await doorway.house.rows("SELECT reference, state, could_not_check FROM encounters ORDER BY reference")
    assert rows == [("V1", EncounterState.CLOSED, None), ("V2", EncounterState.OPEN, "invalid-nhs-number")]
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 1


def test_the_table_of_statuses_is_the_one_of_the_code() -> None:
    rows = re.findall(r"^\|" + r" `([a-z-]+)` \|" * 6 + "$", PAGE, re.MULTILINE)
    assert {status: tuple(events) for status, *events in rows} == {
        status: (rule.new.value, rule.again.value, rule.open.value, rule.over.value, rule.cancelled.value)
        for status, rule in RULES.items()
    }


def test_the_table_of_classes_is_the_one_of_the_code() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| (?:`([A-Z])`|none) \| (.*?) ?\|$", PAGE, re.MULTILINE)
    assert {code: letter for code, letter, _ in rows} == PATIENT_CLASSES
    stays = {code for code, _, remark in rows if remark == "a stay"}
    assert stays == {code for code in PATIENT_CLASSES if read_class({"system": ACT_CODE, "code": code}).is_stay}


def test_the_bounds_and_codes_on_the_page_are_those_of_the_code() -> None:
    assert f"more than {DEEPEST} levels" in PAGE
    assert f"more than {MOST_VALUES} objects" in PAGE
    assert all(f"`{code}`" in PAGE for code in LEFT_BEFORE_SEEN)
