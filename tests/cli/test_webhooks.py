"""`nightlight webhook`: refusals, the secret once, and a test notice on a real server."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nightlight.cli import app, console
from tests.alerts.webhook_server import WebhookServer, webhook_server
from tests.conftest import FreshDatabase

SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
NOBODY = "01890a5d-ac96-774b-bcce-b3027c4d19af"


@contextmanager
def served() -> Iterator[WebhookServer]:
    """A server that answers while commands run in this thread."""
    ready, done = threading.Event(), threading.Event()
    found: list[WebhookServer] = []

    async def serve() -> None:
        async with webhook_server() as server:
            found.append(server)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        done.set()
        thread.join()


def test_a_webhook_is_registered_tried_renewed_and_taken_out_of_use(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NIGHTLIGHT_PRIVATE_ENDPOINTS", "127.0.0.1")
    monkeypatch.setattr(console.out, "_width", 300)  # whatever COLUMNS was when it was made

    def run(*arguments: str, fails: str = "") -> str:
        done = CliRunner().invoke(app, ["webhook", *arguments], env={"COLUMNS": "300"})
        said = done.output + capfd.readouterr().err
        assert (done.exit_code, fails in said) == (1 if fails else 0, True), said
        return said

    run("add", "706", "Cases", "http://cases.example/hook", fails="https://")
    run("add", "706", "Cases", "https://cases.example/hook", fails="there is no authority 706")
    done = CliRunner().invoke(
        app, ["authority", "add", "706", "--name", "N", "--office-phone", "01632 960101", "--emergency-phone", "01632 960102"]
    )
    assert done.exit_code == 0, done.output
    with served() as server:
        first = run("add", "706", "Cases", "https://cases.example/hook")
        (webhook,) = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", first)
        assert SECRET.search(first)
        run("change", "706", webhook, "Cases, live", server.url)
        for command in (("renew",), ("test",), ("disable",), ("enable",)):
            run(*command, "706", NOBODY, fails="there is no such webhook")
        assert "was taken" in run("test", "706", webhook)
        renewed = SECRET.search(run("renew", "706", webhook))
        assert renewed
        assert renewed[0] not in first
        run("renew", "706", webhook, fails="less than 24 hours ago")
        assert "was taken" in run("test", "706", webhook)
        assert [each.is_signed_with(renewed[0]) for each in server.received] == [False, True]
        run("disable", "706", webhook)
        run("test", "706", webhook, fails="endpoint-off")
        run("change", "706", webhook, "Cases [/b] [red]", server.url)
        listed = run("list", "706")
        assert "Cases [/b] [red]" in listed
        assert "out of use" in listed
        assert not SECRET.search(listed)
        run("enable", "706", webhook)
        assert "in use" in run("list", "706")
