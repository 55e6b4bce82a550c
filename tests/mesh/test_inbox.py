"""What an authority sends by MESH is in the store before MESH may forget it, and nothing is ever acknowledged away."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from domain.extract import CameBy
from mesh_mailbox import inbox
from mesh_mailbox.client import MeshAway, open_mailbox
from mesh_mailbox.inbox import poll_inbox
from mesh_mailbox.outbox import send_next
from nightlight.processes.mesh import keep_mesh
from runtime.settings import Settings
from safeguarding.directory import DirectoryReader
from safeguarding.extracts.upload_loading import load_next
from safeguarding.mesh import outbox_waiting, read_outbox, read_untaken
from tests.embedded.processes import ROOT
from tests.extracts.v3.files import GOOD, a_file, child, plan, record
from tests.mesh.sandbox import AMBERSHIRE, OURS, STRANGER, Sandbox, until
from tests.safeguarding.house import House

CRASHER = """
import asyncio, os, sys
from mesh_mailbox import inbox
from mesh_mailbox.access import MeshAccess
from runtime.database import Database
from tests.mesh.sandbox import PASSWORD, SHARED_KEY, WORKFLOWS

async def killed(*_):
    os.kill(os.getpid(), 9)

async def main():
    inbox.Mailbox.acknowledge = killed
    access = MeshAccess(sys.argv[2], "X26ABC1", PASSWORD, SHARED_KEY, WORKFLOWS)
    async with Database(sys.argv[1], 3) as database:
        await inbox.poll_inbox(database, access)

asyncio.run(main())
"""


async def untaken(house: House) -> list[tuple[str, str, str, str]]:
    async with house.database.transaction() as transaction:
        return [(each.sender, each.workflow_id, each.state, each.reason) for each in await read_untaken(transaction)]


async def load_when_there(house: House) -> None:
    async with asyncio.timeout(60):
        while not await load_next(house.database):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def make_due(house: House) -> None:
    await house.rows("UPDATE mesh_inbox SET next_attempt_at = now() RETURNING 1")


@pytest.mark.parametrize(
    "sender, workflow, content, reason",
    [
        (STRANGER, "CPIS_UPLOAD", GOOD, "unknown-sender"),
        (AMBERSHIRE, "SOMETHING_ELSE", GOOD, "unknown-workflow"),
        (AMBERSHIRE, "CPIS_UPLOAD", gzip.compress(GOOD)[:-9], "not-readable"),
        (AMBERSHIRE, "CPIS_UPLOAD", gzip.compress(GOOD) + b"more", "not-readable"),
        (AMBERSHIRE, "CPIS_UPLOAD", b"\x1f\x8bnonsense", "not-readable"),
    ],
)
async def test_what_cannot_be_taken_in_stays_in_mesh_and_in_sight(
    house: House, sandbox: Sandbox, sender: str, workflow: str, content: bytes, reason: str
) -> None:
    message_id = sandbox.send(content, sender, workflow_id=workflow)
    assert await poll_inbox(house.database, sandbox.access()) == 0
    assert await untaken(house) == [(sender, workflow, "waiting", reason)]
    assert sandbox.inbox(OURS) == [message_id]
    assert await house.value("SELECT count(*) FROM uploads") == 0


async def test_what_is_too_large_stays_and_nothing_of_it_is_kept(house: House, sandbox: Sandbox) -> None:
    sandbox.send(gzip.compress(b"<File>" + b" " * 50_000_000), compressed=True)
    assert await poll_inbox(house.database, sandbox.access(largest=1_000_000)) == 0
    assert [reason for *_, reason in await untaken(house)] == ["too-large"]
    assert await house.value("SELECT count(*) FROM uploads") == 0


async def test_a_message_that_cannot_be_taken_holds_up_no_other(house: House, sandbox: Sandbox) -> None:
    poison = sandbox.send(b"x", STRANGER)
    sandbox.send(GOOD)
    assert await poll_inbox(house.database, sandbox.access()) == 1
    assert sandbox.inbox(OURS) == [poison]
    assert await poll_inbox(house.database, sandbox.access()) == 0
    assert await house.value("SELECT attempts FROM mesh_inbox") == 1, "it was asked for again before it was due"


async def test_a_sender_who_becomes_known_is_taken_in(house: House, sandbox: Sandbox) -> None:
    sandbox.send(GOOD, STRANGER)
    await poll_inbox(house.database, sandbox.access())
    await house.rows("UPDATE authorities SET mesh_mailbox = %s WHERE code = '301' RETURNING 1", STRANGER)
    await make_due(house)
    assert await poll_inbox(house.database, sandbox.access()) == 1
    assert await untaken(house) == []
    assert sandbox.inbox(OURS) == []


async def test_what_mesh_gives_up_unread_is_not_forgotten(house: House, sandbox: Sandbox) -> None:
    sandbox.send(GOOD, STRANGER)
    await poll_inbox(house.database, sandbox.access())
    sandbox.fetch(OURS)
    await poll_inbox(house.database, sandbox.access())
    assert [state for _, _, state, _ in await untaken(house)] == ["gone"]


@pytest.mark.parametrize("compressed", [False, True])
async def test_an_extract_is_kept_byte_for_byte_under_its_sender_and_then_acknowledged(
    house: House, sandbox: Sandbox, compressed: bool
) -> None:
    message_id = sandbox.send(gzip.compress(GOOD) if compressed else GOOD, compressed=compressed, compress=True)
    assert await poll_inbox(house.database, sandbox.access()) == 1
    assert sandbox.inbox(OURS) == []
    [row] = await house.rows(
        "SELECT authority_code, came_by, mesh_message_id, actor_id, content FROM uploads u JOIN upload_parts ON upload_id = u.id"
    )
    assert row == ("301", CameBy.MESH.value, message_id, "mesh:X26ABC2", GOOD)


async def test_an_extract_in_several_chunks_is_whole(house: House, sandbox: Sandbox) -> None:
    content = a_file(*[record(child(), plan())] * 3_000)
    sandbox.send(content, max_chunk_size=400_000)
    assert await poll_inbox(house.database, sandbox.access()) == 1
    parts = await house.rows("SELECT content FROM upload_parts ORDER BY number")
    assert b"".join(part for (part,) in parts) == content
    assert len(content) > 800_000


async def test_the_extract_is_loaded_and_the_authority_gets_the_answer(house: House, sandbox: Sandbox) -> None:
    bad = record(child("9990000019", local="A9"), plan())
    message_id = sandbox.send(a_file(record(child(), plan()), bad))
    await poll_inbox(house.database, sandbox.access())
    assert not await send_next(house.database, sandbox.access()), "it was answered before it was loaded"
    assert await load_next(house.database)
    assert await house.rows("SELECT nhs_number, kind FROM flags JOIN persons p ON p.id = person_id") == [("9990000018", "CPP")]
    assert await send_next(house.database, sandbox.access())
    [(headers, content)] = sandbox.fetch()
    assert (headers["workflowid"], headers["localid"], headers["subject"]) == (
        "CPIS_UPLOAD_RESPONSE", f"response-{message_id}", "upload-response",
    )  # fmt: skip
    assert [code in content for code in (b'"CPF03"', b'"CPR06"', b'"CPR07"', b"bad-nhs-number")] == [True] * 4
    async with house.database.transaction() as transaction:
        [sent] = await read_outbox(transaction, "301")
        assert await outbox_waiting(transaction) == (0, 0.0)
    assert (sent.state, bool(sent.mesh_message_id), sent.attempts) == ("sent", True, 1)
    assert not await send_next(house.database, sandbox.access())


@pytest.mark.parametrize(
    "content, event, code",
    [
        (b"<html/>", "upload-failed-validation", b"CPF01"),
        (GOOD.replace(b"Upload-v1-0", b"Upload-v9-0"), "upload-failed-validation", b"CPF06"),
        (b"\n", "upload-failed-validation", b"CPF01"),
    ],
    ids=["no upload", "another version", "a line break"],
)
async def test_an_extract_that_is_refused_is_answered_too(
    house: House, sandbox: Sandbox, content: bytes, event: str, code: bytes
) -> None:
    sandbox.send(content)
    await poll_inbox(house.database, sandbox.access())
    assert await load_next(house.database)
    assert await send_next(house.database, sandbox.access())
    [(headers, answer)] = sandbox.fetch()
    assert headers["subject"] == event
    assert b'code="' + code in answer
    assert b'extension="-1"' in answer


async def test_the_same_extract_in_two_messages_is_loaded_once_and_answered_twice(house: House, sandbox: Sandbox) -> None:
    first, second = sandbox.send(GOOD), sandbox.send(GOOD)
    assert await poll_inbox(house.database, sandbox.access()) == 2
    assert await load_next(house.database)
    assert not await load_next(house.database)
    while await send_next(house.database, sandbox.access()):
        pass
    assert {headers["localid"] for headers, _ in sandbox.fetch()} == {f"response-{first}", f"response-{second}"}


async def test_killed_between_keeping_and_acknowledging_it_is_loaded_once(
    house: House, sandbox: Sandbox, fresh_database: Any, tmp_path: Path
) -> None:
    message_id = sandbox.send(GOOD)
    script = tmp_path / "crasher.py"
    script.write_text(CRASHER)
    command = [sys.executable, str(script), fresh_database.service_url, sandbox.url]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=_with_root(), check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert sandbox.inbox(OURS) == [message_id]
    assert await house.value("SELECT count(*) FROM uploads") == 1
    assert await poll_inbox(house.database, sandbox.access()) == 1
    assert sandbox.inbox(OURS) == []
    assert await house.rows("SELECT mesh_message_id FROM uploads") == [(message_id,)]
    assert await house.value("SELECT count(*) FROM mesh_outbox") == 1


def _with_root() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


async def test_while_mesh_is_away_nothing_is_lost_and_then_it_goes_on(house: House, sandbox: Sandbox) -> None:
    sandbox.send(GOOD)
    await poll_inbox(house.database, sandbox.access())
    await load_next(house.database)
    sandbox.send(a_file(record(child(), plan("LAC")), sequence="8", created="20250902063000+0000"))
    sandbox.stop()
    try:
        with pytest.raises(MeshAway):
            await poll_inbox(house.database, sandbox.access())
        assert await send_next(house.database, sandbox.access())
        assert await house.rows("SELECT state, problem, attempts FROM mesh_outbox") == [("waiting", "mesh-away", 1)]
    finally:
        sandbox.start()
    await house.rows("UPDATE mesh_outbox SET next_attempt_at = now() RETURNING 1")
    assert await poll_inbox(house.database, sandbox.access()) == 1
    assert await send_next(house.database, sandbox.access())
    [(headers, _)] = sandbox.fetch()
    assert headers["subject"] == "upload-response"


async def test_a_wrong_password_takes_nothing_and_loses_nothing(house: House, sandbox: Sandbox) -> None:
    message_id = sandbox.send(GOOD)
    with pytest.raises(MeshAway):
        await poll_inbox(house.database, replace(sandbox.access(), password="wrong"))
    assert sandbox.inbox(OURS) == [message_id]


async def test_a_report_of_mesh_is_kept_and_shows_what_was_not_delivered(house: House, sandbox: Sandbox) -> None:
    sandbox.send(GOOD)
    await poll_inbox(house.database, sandbox.access())
    await load_next(house.database)
    await send_next(house.database, sandbox.access())
    [sent] = sandbox.inbox()
    report = {
        "mailbox_id": OURS, "code": "14", "description": "not collected", "workflow_id": "CPIS_UPLOAD_RESPONSE",
        "linked_message_id": sent,
    }  # fmt: skip
    answer = await asyncio.to_thread(requests.post, f"{sandbox.url}/messageexchange/admin/report", json=report, timeout=10)
    assert answer.ok, answer.text
    assert await poll_inbox(house.database, sandbox.access()) == 1
    assert sandbox.inbox(OURS) == []
    assert await house.rows("SELECT state, problem FROM mesh_outbox") == [("undelivered", "mesh-14")]
    assert await house.rows("SELECT state, reason FROM mesh_inbox") == [("report", "mesh-14")]


async def test_the_process_polls_loads_and_answers_by_itself(house: House, sandbox: Sandbox) -> None:
    settings = Settings(
        mesh_url=sandbox.url,
        mesh_mailbox=OURS,
        mesh_password="password",
        mesh_shared_key="a key for tests",
        mesh_poll_seconds=0.1,
    )
    sandbox.send(GOOD)
    running = asyncio.create_task(keep_mesh(house.database, DirectoryReader(house.database), settings))
    try:
        await load_when_there(house)
        await asyncio.to_thread(until, sandbox.inbox)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert [headers["subject"] for headers, _ in sandbox.fetch()] == ["upload-response"]


async def test_a_sender_that_breaks_off_leaves_nothing(house: House, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks_off(message: Any) -> AsyncIterator[bytes]:
        yield GOOD[:100]
        raise MeshAway("MESH does not answer")

    monkeypatch.setattr(inbox, "read_content", breaks_off)
    message_id = sandbox.send(GOOD)
    with pytest.raises(MeshAway):
        await poll_inbox(house.database, sandbox.access())
    assert await house.value("SELECT count(*) FROM uploads") == 0
    assert sandbox.inbox(OURS) == [message_id]
    async with open_mailbox(sandbox.access()) as mailbox:
        assert await mailbox.list_messages(10) == [message_id]
