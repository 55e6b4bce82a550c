"""The integrator's page about subscriptions, run as it stands against a real server, with a subscriber that is really called."""

import asyncio
import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import uvicorn

from domain.subscription import Topic
from fhir_adapter.subscriptions.codes import TOPIC_URLS
from fhir_adapter.subscriptions.operations import MOST_EVENTS
from fhir_adapter.subscriptions.reader import HEARTBEAT_BOUNDS, TIMEOUT_BOUNDS
from runtime.clients import sign_token
from runtime.nudge import Nudges
from safeguarding.subscription_calls import FAILURES_TO_ERROR
from safeguarding.subscriptions import MOST
from tests.alerts.conftest import eventually
from tests.fhir_adapter.doorway import open_door
from tests.fhir_adapter.subscriptions.receiving import Receiver
from tests.fhir_adapter.subscriptions.subscribing import CLIENTS, Subscribing, telling
from tests.fhir_adapter.subscriptions.validity import check_structure
from tests.safeguarding.house import KEY

PAGE = (Path(__file__).parents[3] / "docs" / "integration" / "subscriptions.md").read_text(encoding="utf-8")
REQUESTS = re.findall(r"```sh\n(.*?)```\n\nAnswers `(\d+)`, (?:an? `(\w+)`|nothing)\.", PAGE, re.DOTALL)


async def run(command: str, environment: dict[str, str]) -> tuple[str, str]:
    """Run a request as it is typed; its status and its body."""
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euc", command, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await shell.communicate()
    assert shell.returncode == 0
    body, _, status = output.decode().rpartition("\n")
    return status, body


async def test_every_request_on_the_page_is_answered_as_the_page_says(
    door: Subscribing, nudges: Nudges, receiver: Receiver, tmp_path: Path
) -> None:
    assert len(REQUESTS) == PAGE.count("```sh\n")
    await door.house.flag()
    await door.register(receiver.url)
    (tmp_path / ".curlrc").write_text('write-out = "\\n%{http_code}"\n')
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app: Any = open_door(door.house, base_url)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", access_log=False, log_config=None))
        serving = asyncio.create_task(server.serve([listening]))
        environment = {
            "BASE": base_url, "TOKEN": sign_token(KEY, CLIENTS["amber-council"]), "ENDPOINT": receiver.url,
            "CURL_HOME": str(tmp_path), "NO_PROXY": "*",
        }  # fmt: skip
        async with telling(door.database, nudges):
            for command, status, resource_type in REQUESTS:
                answered, body = await run(command, environment)
                assert answered == status, command
                if not resource_type:
                    continue
                resource = json.loads(body)
                check_structure(resource)
                assert resource["resourceType"] == resource_type, command
                if resource_type == "Subscription":
                    environment["ID"] = resource["id"]
                    environment["ALERT"] = await _until_told(door, receiver)
        server.should_exit = True
        await serving
    assert receiver.told[0].headers["authorization"] == "Bearer a-secret-of-yours"


async def _until_told(door: Subscribing, receiver: Receiver) -> str:
    """The child is seen, and the subscriber told of it: the id to which that leads."""
    await door.see_child()

    async def is_told() -> bool:
        return bool(receiver.events) and [state for _, state, _ in await door.deliveries()] == ["delivered"]

    await eventually(is_told, "the subscriber was told")
    return receiver.events[0].focus.rpartition("/")[2]


def test_the_page_names_the_topics_and_the_bounds_that_are_in_use() -> None:
    assert re.findall(r"^\| `(https://\S+)` \|", PAGE, re.MULTILINE) == [TOPIC_URLS[topic] for topic in Topic]
    assert f"{HEARTBEAT_BOUNDS[0]} to {HEARTBEAT_BOUNDS[1]} seconds" in PAGE
    assert f"{TIMEOUT_BOUNDS[0]} to {TIMEOUT_BOUNDS[1]} seconds" in PAGE
    assert f"`$events` gives {MOST_EVENTS} events at most" in PAGE
    assert f"| {FAILURES_TO_ERROR} calls in a row are not taken |" in PAGE
    assert f"A client can have {MOST}\nsubscriptions" in PAGE
