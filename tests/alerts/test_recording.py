"""Attempts that finish together are written together, and one that can never be written takes no other with it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.claims import Attempt, claim_due
from alerts.recording import Recorder
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.clock import now
from runtime.database import Database
from runtime.ids import uuid7
from tests.alerts.store import attempts, deliveries, raise_many

TOLD = Attempted(AttemptOutcome.SENT)
FAILED = Attempted(AttemptOutcome.TEMPORARY, "no-connection")


async def claimed(database: Database, count: int) -> list[Delivery]:
    await raise_many(database, count)
    async with database.transaction() as transaction:
        return (await claim_due(transaction, ChannelName.SCREEN, "me", timedelta(seconds=60), count)).deliveries


def attempt(delivery: Delivery, attempted: Attempted, seconds: float = 0.0) -> Attempt:
    return Attempt(uuid7(), delivery, now(), attempted, seconds)


async def test_each_of_a_group_moves_its_own_delivery(database: Database) -> None:
    one, two, three = await claimed(database, 3)
    recorder = Recorder(database, "me")
    written = (attempt(one, TOLD), attempt(two, FAILED, 900.0), attempt(three, Attempted(AttemptOutcome.DELIVERED, "shown")))
    await asyncio.gather(*(recorder.write(each) for each in written))
    states = {line.id: line.state for line in await deliveries(database, ChannelName.SCREEN)}
    assert [states[each.id] for each in (one, two, three)] == ["sent", "pending", "delivered"]
    assert await attempts(database, two.id) == [(1, "temporary-failure", "no-connection")]
    assert await attempts(database, three.id) == [(1, "delivered", "shown")]


@pytest.mark.parametrize(
    "broken", [{"seconds_until_next": float("nan"), "at": "no time"}, {"attempted": None}], ids=["by the store", "by us"]
)
async def test_what_can_never_be_written_takes_no_other_with_it(database: Database, broken: dict[str, Any]) -> None:
    one, two = await claimed(database, 2)
    recorder = Recorder(database, "me")
    async with asyncio.timeout(60):
        await asyncio.gather(recorder.write(replace(attempt(one, TOLD), **broken)), recorder.write(attempt(two, TOLD)))
    assert await attempts(database, one.id) == []
    assert await attempts(database, two.id) == [(1, "sent", "")]


async def test_who_is_cancelled_while_writing_holds_up_nobody(database: Database) -> None:
    one, two = await claimed(database, 2)
    recorder = Recorder(database, "me")
    first = asyncio.create_task(recorder.write(attempt(one, TOLD)))
    second = asyncio.create_task(recorder.write(attempt(two, TOLD)))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert await attempts(database, two.id) == [(1, "sent", "")]
