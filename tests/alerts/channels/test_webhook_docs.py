"""The samples of docs/integration/webhooks.md, run as they stand there against a notice that was really sent."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest

from alerts.channels.webhook import call
from alerts.channels.webhook_body import FIELD_NAMES, Notice, Visit, render
from alerts.channels.webhook_signing import signed_headers, written
from runtime.clock import now
from runtime.endpoints import Endpoints
from tests.alerts.webhook_server import webhook_server

PAGE = (Path(__file__).parents[3] / "docs/integration/webhooks.md").read_text(encoding="utf-8")
OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
ID = "01890a5d-ac96-774b-bcce-b3027c4d19af"

_PYTHON = """
import json, sys
given = json.load(sys.stdin)
try:
    print(verify(given["secret"], given["headers"], given["body"].encode()))
except ValueError as error:
    print("refused:", error)
"""
_JAVASCRIPT = """
const given = JSON.parse(require("node:fs").readFileSync(0));
try {
  console.log(verify(given.secret, given.headers, Buffer.from(given.body)));
} catch (error) {
  console.log("refused:", error.message);
}
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A notice as it came to a server, and the secret with which somebody verifies it."""

    headers: dict[str, str]
    body: str
    secret: str = written(NEW)


def sample(language: str) -> str:
    """The block of the page after its mark."""
    found = re.search(rf"<!-- sample: {language} -->\n```[a-z]+\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"the page has no sample in {language}"
    return found[1]


def said(language: str, sent: Sent) -> str:
    """What the sample says of a notice: its id, or that it is refused."""
    if language == "python":
        command = [sys.executable, "-I", "-c", sample("python") + _PYTHON]
    else:
        node = shutil.which("node")
        if node is None:
            pytest.skip("there is no Node.js here: the JavaScript sample was not run")
        command = [node, "-e", sample("javascript") + _JAVASCRIPT]
    given = json.dumps({"secret": sent.secret, "headers": sent.headers, "body": sent.body})
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture
async def sent() -> Sent:
    """A notice that was sent on the day of a renewal, by the client that sends them all."""
    body = render(
        Notice(UUID(ID), UUID(ID), "706", "raised", now(), "raised", True, _visit(), frozenset(FIELD_NAMES)), "https://x/"
    )
    caller = Endpoints(("127.0.0.1",))
    async with webhook_server() as server:
        await call(caller, server.url, body, signed_headers([NEW, OLD], ID, now(), body))
    (received,) = server.received
    return Sent({name: value for name, value in received.headers.items() if name.startswith("webhook-")}, received.body.decode())


def _visit() -> Visit:
    return Visit(now(), None, "St Agnes’ Hospital", "emergency-department", None, "V-1", None)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_sample_believes_a_notice_of_ours_with_either_secret(language: str, sent: Sent) -> None:
    assert said(language, sent) == ID
    assert said(language, replace(sent, secret=written(OLD))) == ID


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_sample_refuses_what_is_not_ours_what_was_changed_and_what_is_old(language: str, sent: Sent) -> None:
    assert said(language, replace(sent, secret=written(OTHER))) == "refused: not signed with this secret"
    assert said(language, replace(sent, body=sent.body + " ")) == "refused: not signed with this secret"
    for seconds in (-301, 301):
        stale = str(int(sent.headers["webhook-timestamp"]) + 2 * seconds)
        other = replace(sent, headers={**sent.headers, "webhook-timestamp": stale})
        assert said(language, other) == "refused: too old, or from the future"


def test_openssl_makes_one_of_the_signatures(sent: Sent, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here: the shell sample was not run")
    (tmp_path / "body").write_text(sent.body, encoding="utf-8")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "SECRET": sent.secret, "ID": sent.headers["webhook-id"],
        "TIMESTAMP": sent.headers["webhook-timestamp"], "BODY_FILE": str(tmp_path / "body"),
    }  # fmt: skip
    done = subprocess.run(["sh", "-c", sample("shell")], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sent.headers["webhook-signature"].split(" ")[0]


def test_every_name_of_a_field_stands_on_the_page() -> None:
    assert not [name for names in FIELD_NAMES.values() for name in names if f"`{name}`" not in PAGE]
