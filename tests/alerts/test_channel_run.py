"""One channel's run: who is away is left alone and shown, a wrong clock does no harm, and nobody acts on an old lease."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts import channel_run
from alerts.breakers import FAILURES_IN_A_ROW
from alerts.channel_run import ORDINARY_PACE, PACES
from alerts.claims import Bite, claim_due
from alerts.dispatcher import dispatch
from alerts.left_alone import LeftAlone, read_left_alone, show_open
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime import clock
from runtime.database import Database
from runtime.nudge import Nudges
from tests.alerts.conftest import eventually
from tests.alerts.running import QUICK, SLOW_POLL, Told, dispatcher
from tests.alerts.store import deliveries, execute, raise_many, raise_one, rows

EMAIL, SCREEN, WEBHOOK = ChannelName.EMAIL, ChannelName.SCREEN, ChannelName.WEBHOOK
SENT = Attempted(AttemptOutcome.SENT)
AWAY = Attempted(AttemptOutcome.TEMPORARY, "no-connection")


@pytest.fixture
async def silent() -> AsyncIterator[Nudges]:
    """Redis that is not there."""
    nudges = Nudges("unix:///nowhere/valkey.sock")
    yield nudges
    await nudges.close()


async def left_alone(database: Database) -> list[LeftAlone]:
    async with database.transaction() as transaction:
        return await read_left_alone(transaction)


@pytest.mark.parametrize("pace", [ORDINARY_PACE, *PACES.values()], ids=["ordinary", *PACES])
def test_a_lease_outlasts_an_attempt(pace: channel_run.Pace) -> None:
    assert pace.lease.total_seconds() > pace.attempt_seconds
    assert pace.per_host <= pace.slots


async def test_a_host_that_is_away_is_left_alone_and_tells_everybody_when_it_is_back(database: Database, silent: Nudges) -> None:
    """Thirty letters wait; the server is asked a few times, not thirty, and every letter goes out once it is there."""
    is_there = False

    async def doing(_: Delivery) -> Attempted:
        return SENT if is_there else AWAY

    told = Told(doing, EMAIL)
    await raise_many(database, 30)
    async with dispatcher(database, silent, told):
        await eventually(lambda: left_alone(database), "it is shown that the server is left alone")
        assert [(each.channel, each.host) for each in await left_alone(database)] == [(EMAIL, "")]
        assert told.times.total() <= FAILURES_IN_A_ROW - 1 + QUICK.slots + 3
        assert {line.state for line in await deliveries(database, EMAIL)} == {"pending"}
        is_there = True
        await eventually(lambda: _all_sent(database), "every letter is sent")
        await eventually(lambda: _is_empty(database), "nobody is left alone any more")


async def _all_sent(database: Database) -> bool:
    return {line.state for line in await deliveries(database, EMAIL)} == {"sent"}


async def _is_empty(database: Database) -> bool:
    return not await left_alone(database)


async def test_one_webhook_that_is_away_holds_up_no_other(database: Database, silent: Nudges) -> None:
    await raise_one(database, email=None)
    await execute(
        database,
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient)
        SELECT a.id, 'raised ' || n, 'webhook', host
        FROM alerts a, generate_series(1, 40) AS n, unnest(array['away', 'there']) AS host
        """,
    )

    async def doing(delivery: Delivery) -> Attempted:
        return AWAY if delivery.recipient == "away" else SENT

    async def all_there_are_told() -> bool:
        return await rows(database, "SELECT 1 FROM deliveries WHERE recipient = 'there' AND state = 'pending'") == []

    async with dispatcher(database, silent, Told(doing, WEBHOOK)):
        await eventually(all_there_are_told, "the other one is told of everything")
        await eventually(lambda: left_alone(database), "the first one is shown")
        assert [(each.channel, each.host) for each in await left_alone(database)] == [(WEBHOOK, "away")]


async def test_who_has_taken_all_that_was_due_does_not_ask_again_until_something_wakes_it(
    database: Database, silent: Nudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = 0

    async def counted(*arguments: Any) -> Bite:
        nonlocal claims
        claims += 1
        return await claim_due(*arguments)

    async def is_told() -> bool:
        return await rows(database, "SELECT FROM deliveries WHERE channel = 'screen' AND state = 'sent'") != []

    monkeypatch.setattr(channel_run, "claim_due", counted)
    await raise_one(database)
    async with dispatcher(database, silent, Told(name=SCREEN), pace=SLOW_POLL):
        await eventually(is_told, "it is told")
        await asyncio.sleep(0.2)
        assert claims == 1


@pytest.mark.parametrize("channel", [WEBHOOK, ChannelName.HL7])
async def test_whoever_stands_in_line_is_told_as_soon_as_the_one_before(
    database: Database, silent: Nudges, channel: ChannelName
) -> None:
    """A host bears two at once, a hospital one: what is told makes room for the next, long before anybody polls."""
    await raise_one(database, email=None)
    await execute(
        database,
        f"""
        INSERT INTO deliveries (alert_id, notice, channel, recipient, patient)
        SELECT id, 'raised ' || n, '{channel.value}', 'RXX01', {"'{}'" if channel is ChannelName.HL7 else "NULL"}::jsonb
        FROM alerts, generate_series(1, 9) AS n
        """,
    )
    told = Told(name=channel)

    async def all_are_told() -> bool:
        query = "SELECT FROM deliveries WHERE channel <> 'screen' AND state = 'pending'"
        return told.times.total() == 9 and await rows(database, query) == []

    async with dispatcher(database, silent, told, pace=replace(SLOW_POLL, slots=16, per_host=2)):
        await eventually(all_are_told, "all nine are told")
    assert set(told.times.values()) == {1}


async def test_what_a_dispatcher_that_died_has_said_is_forgotten(database: Database) -> None:
    async with database.transaction() as transaction:
        await show_open(transaction, EMAIL, "dead", [("", 10.0, 20.0)])
    assert len(await left_alone(database)) == 1
    await execute(database, "UPDATE hosts_left_alone SET said_at = now() - interval '1 minute'")
    assert await left_alone(database) == []
    async with database.transaction() as transaction:
        await show_open(transaction, EMAIL, "alive", [])
    assert await rows(database, "SELECT dispatcher FROM hosts_left_alone") == []


@pytest.mark.parametrize("year", [1999, 2071])
async def test_a_dispatcher_whose_clock_is_wrong_writes_by_the_databases_clock(
    database: Database, silent: Nudges, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(year, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(time, "time", lambda: datetime(year, 1, 1, tzinfo=UTC).timestamp())
    await raise_one(database)
    async with dispatcher(database, silent, Told(name=EMAIL)):
        await eventually(lambda: _all_sent(database), "it is told")
    near = "BETWEEN now() - interval '1 minute' AND now() + interval '1 minute'"
    query = f"SELECT attempted_at {near}, sent_at {near} FROM attempts JOIN deliveries d ON d.id = delivery_id"
    assert await rows(database, query) == [(True, True)]


async def test_nobody_acts_on_a_lease_that_ran_out_before_the_attempt(
    database: Database, silent: Nudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process stood still right after its claim, as one does that is stopped or swapped out."""
    await raise_one(database)
    at = time.monotonic()

    def goes_in_leaps() -> float:
        nonlocal at
        at += 100.0  # each look at the clock is after another pause
        return at

    told = Told(name=EMAIL)
    with monkeypatch.context() as patched:
        patched.setattr(channel_run, "monotonic", goes_in_leaps)
        running = asyncio.create_task(dispatch(database, silent, [told], replace(QUICK, lease=timedelta(seconds=60))))
        await eventually(lambda: _was_claimed(database), "it was claimed")
        await asyncio.sleep(QUICK.poll_seconds * 3)
        assert not told.times
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    async with dispatcher(database, silent, told):
        await eventually(lambda: _all_sent(database), "whoever looks next tells it")
    assert list(told.times.values()) == [1]


async def _was_claimed(database: Database) -> bool:
    return bool(await rows(database, "SELECT 1 FROM deliveries WHERE channel = 'email' AND claims > 0"))
