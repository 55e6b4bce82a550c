"""The page about audit events, run as it stands: every curl against a real server."""

import json
import re
from pathlib import Path

from tests.fhir_adapter.audit_events.reading import check_audit_event
from tests.fhir_adapter.doorway import Doorway, token
from tests.fhir_adapter.test_documentation import run_as_typed, serving
from tests.fhir_adapter.validity import check_valid

PAGE = (Path(__file__).parents[3] / "docs" / "integration" / "audit.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"```sh\n(.*?)```\n\nAnswers `(\d+)`, an? `(\w+)`\.", PAGE, re.DOTALL)


async def test_every_request_on_the_page_is_answered_as_the_page_says(doorway: Doorway, tmp_path: Path) -> None:
    assert len(REQUESTS) == PAGE.count("```sh\n")
    await doorway.house.flag()
    await doorway.house.ask()
    await doorway.search()
    async with serving(doorway) as base_url:
        for command, status, resource_type in REQUESTS:
            typed = f"AUDITOR_TOKEN={token('auditor-app')}\n{command}"
            output = await run_as_typed(typed, base_url, tmp_path, show="\\n%{http_code}")
            body, _, answered = output.rpartition("\n")
            assert (answered, json.loads(body)["resourceType"]) == (status, resource_type), command
            for entry in json.loads(body).get("entry", ()):
                check_valid(entry["resource"])
                if entry["resource"]["resourceType"] == "AuditEvent":
                    check_audit_event(entry["resource"])
