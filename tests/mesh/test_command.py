"""`nightlight mesh` shows what waits, and what would mend it."""

import asyncio

from typer.testing import CliRunner

from nightlight.cli.app import app
from safeguarding.mesh import note_gone, note_untaken
from tests.conftest import FreshDatabase
from tests.mesh.test_channel import queue_inactive
from tests.safeguarding.house import House


def run(database: FreshDatabase, *arguments: str) -> str:
    environment = {"NIGHTLIGHT_DATABASE_URL": database.service_url, "NIGHTLIGHT_REDIS_URL": "redis://127.0.0.1:1"}
    done = CliRunner().invoke(app, ["mesh", *arguments], env=environment)
    assert done.exit_code == 0, done.output
    return done.output


async def test_an_empty_mailbox_is_said_to_be_empty(house: House, fresh_database: FreshDatabase) -> None:
    assert "Nothing waits" in await asyncio.to_thread(run, fresh_database)


async def test_what_waits_is_shown_with_what_would_mend_it_and_without_a_patient(
    house: House, fresh_database: FreshDatabase
) -> None:
    async with house.database.transaction() as transaction:
        await note_untaken(transaction, "LOST", "X26ABC3", "CPIS_UPLOAD", "unknown-sender")
        await note_gone(transaction, [])
        await note_untaken(transaction, "THERE", "X26ABC3", "CPIS_UPLOAD", "unknown-sender")
    await queue_inactive(house)
    shown = await asyncio.to_thread(run, fresh_database)
    assert [word in shown for word in ("LOST in MESH", "THERE", "--mesh-mailbox", "inactive-nhs-number to 301: waiting")] == [
        True
    ] * 4
    assert "9990000018" not in shown
