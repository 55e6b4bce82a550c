"""Claims: nobody takes what another holds, a lease runs out, and an attempt is written down once."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from alerts.channels.screen import confirm_shown
from alerts.claims import Attempt, Rooms, claim_due, record_attempts, release
from alerts.waiting import Waiting, oldest_undelivered, read_waiting
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.clock import now
from runtime.database import Database
from runtime.ids import uuid7
from tests.alerts.store import (
    AT,
    AUTHORITY,
    MAILBOX,
    attempts,
    deliveries,
    execute,
    let_time_pass,
    raise_many,
    raise_one,
    rows,
)
from tests.conftest import FreshDatabase

EMAIL, SCREEN, WEBHOOK = ChannelName.EMAIL, ChannelName.SCREEN, ChannelName.WEBHOOK
SENT = Attempted(AttemptOutcome.SENT)
DELIVERED = Attempted(AttemptOutcome.DELIVERED)
TEMPORARY = Attempted(AttemptOutcome.TEMPORARY, "no-connection")
PERMANENT = Attempted(AttemptOutcome.PERMANENT, "smtp-550")


async def claim(
    database: Database, by: str = "one", channel: ChannelName = EMAIL, limit: int = 10, seconds: float = 60
) -> list[Delivery]:
    async with database.transaction() as transaction:
        return (await claim_due(transaction, channel, by, timedelta(seconds=seconds), limit)).deliveries


async def record(
    database: Database, delivery: Delivery, attempted: Attempted, by: str = "one", wait: float = 60, id: UUID | None = None
) -> Attempt:
    attempt = Attempt(id or uuid7(), delivery, now(), attempted, wait)
    async with database.transaction() as transaction:
        await record_attempts(transaction, [attempt], by)
    return attempt


async def test_a_claim_names_whom_to_tell_and_of_what(database: Database) -> None:
    raised = await raise_one(database)
    (delivery,) = await claim(database)
    (line,) = await deliveries(database, EMAIL)
    assert delivery == Delivery(line.id, raised.id, EMAIL, MAILBOX, AUTHORITY, 0)


async def test_a_claim_takes_its_own_channel_only(database: Database) -> None:
    await raise_one(database)
    assert [delivery.channel for delivery in await claim(database, channel=SCREEN)] == [SCREEN]
    assert [delivery.channel for delivery in await claim(database, channel=EMAIL)] == [EMAIL]


async def test_what_one_holds_nobody_else_takes(database: Database) -> None:
    await raise_one(database)
    assert len(await claim(database, "one")) == 1
    assert await claim(database, "two") == []


async def test_a_claim_in_an_open_transaction_is_passed_over_not_waited_for(database: Database) -> None:
    await raise_many(database, 3)
    async with database.transaction() as first:
        mine = (await claim_due(first, EMAIL, "one", timedelta(seconds=60), 2)).deliveries
        theirs = await claim(database, "two")
    assert len(mine) == 2
    assert len(theirs) == 1
    assert {each.id for each in mine}.isdisjoint(each.id for each in theirs)


async def test_a_batch_is_never_larger_than_asked_for(database: Database) -> None:
    await raise_many(database, 7)
    assert [len(await claim(database, by, limit=3)) for by in ("one", "two", "three", "four")] == [3, 3, 1, 0]


async def test_what_is_not_due_yet_is_left(database: Database) -> None:
    await raise_one(database)
    await execute(database, "UPDATE deliveries SET next_attempt_at = now() + interval '1 hour'")
    assert await claim(database) == []


async def test_a_lease_runs_out_and_another_takes_over(database: Database) -> None:
    await raise_one(database)
    (lost,) = await claim(database, "dead", seconds=0)
    (taken,) = await claim(database, "two")
    assert taken == replace(lost, may_be_told=True)


async def test_what_is_given_back_is_free_at_once_and_what_others_hold_is_not(database: Database) -> None:
    await raise_many(database, 2)
    (mine,) = await claim(database, "one", limit=1)
    await claim(database, "two", limit=1)
    async with database.transaction() as transaction:
        await release(transaction, "one")
    assert await claim(database, "three") == [replace(mine, may_be_told=True)]


@pytest.mark.parametrize("attempted, state", [(SENT, "sent"), (DELIVERED, "delivered")])
async def test_who_is_told_is_not_told_again(database: Database, attempted: Attempted, state: str) -> None:
    await raise_one(database)
    (delivery,) = await claim(database)
    await record(database, delivery, attempted)
    (line,) = await deliveries(database, EMAIL)
    assert (line.state, line.attempts, line.claimed_by) == (state, 1, None)
    await let_time_pass(database)
    assert await claim(database) == []


@pytest.mark.parametrize("attempted", [TEMPORARY, PERMANENT])
async def test_a_failure_stays_pending_and_is_due_again_after_its_wait(database: Database, attempted: Attempted) -> None:
    await raise_one(database)
    (delivery,) = await claim(database)
    await record(database, delivery, attempted, wait=3600)
    (line,) = await deliveries(database, EMAIL)
    assert (line.state, line.attempts, line.claimed_by) == ("pending", 1, None)
    assert await rows(
        database,
        "SELECT next_attempt_at - now() BETWEEN '50 minutes' AND '60 minutes' FROM deliveries WHERE channel = 'email'",
    ) == [(True,)]
    assert await claim(database) == []
    await let_time_pass(database)
    assert len(await claim(database)) == 1


async def test_every_attempt_has_its_row_in_order(database: Database) -> None:
    await raise_one(database)
    for attempted in (TEMPORARY, PERMANENT, SENT):
        await let_time_pass(database)
        (delivery,) = await claim(database)
        await record(database, delivery, attempted)
    assert await attempts(database, delivery.id) == [
        (1, "temporary-failure", "no-connection"),
        (2, "permanent-failure", "smtp-550"),
        (3, "sent", ""),
    ]


async def test_an_attempt_written_twice_is_written_once(database: Database) -> None:
    await raise_one(database)
    (delivery,) = await claim(database)
    attempt = Attempt(uuid7(), delivery, now(), TEMPORARY)
    for _ in range(2):
        async with database.transaction() as transaction:
            await record_attempts(transaction, [attempt], "one")
    assert await attempts(database, delivery.id) == [(1, "temporary-failure", "no-connection")]
    (line,) = await deliveries(database, EMAIL)
    assert line.attempts == 1


async def test_nobody_can_change_an_attempt(database: Database) -> None:
    await raise_one(database)
    (delivery,) = await claim(database)
    await record(database, delivery, TEMPORARY)
    for statement in ("UPDATE attempts SET outcome = 'sent'", "DELETE FROM attempts"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await execute(database, statement)


async def test_a_late_success_counts_although_the_lease_has_gone(database: Database) -> None:
    await raise_one(database)
    (delivery,) = await claim(database, "slow", seconds=0)
    await claim(database, "two")
    await record(database, delivery, SENT, by="slow")
    (line,) = await deliveries(database, EMAIL)
    assert line.state == "sent"


async def test_a_late_failure_takes_nothing_from_who_holds_it_now(database: Database) -> None:
    await raise_one(database)
    (delivery,) = await claim(database, "slow", seconds=0)
    await claim(database, "two")
    await record(database, delivery, TEMPORARY, by="slow", wait=0)
    (line,) = await deliveries(database, EMAIL)
    assert (line.state, line.attempts, line.claimed_by) == ("pending", 1, "two")
    assert await claim(database, "three") == []


@pytest.mark.parametrize("attempted", [SENT, TEMPORARY])
async def test_what_a_browser_confirmed_meanwhile_stays_delivered(database: Database, attempted: Attempted) -> None:
    raised = await raise_one(database)
    (delivery,) = await claim(database, channel=SCREEN)
    async with database.transaction() as transaction:
        await confirm_shown(transaction, {raised.id: AT}, AUTHORITY, now())
    await record(database, delivery, attempted)
    (line,) = await deliveries(database, SCREEN)
    assert (line.state, line.attempts) == ("delivered", 2)


async def test_nothing_waits_in_an_empty_store(database: Database) -> None:
    async with database.transaction() as transaction:
        assert await read_waiting(transaction) == []
        assert await oldest_undelivered(transaction) is None


async def test_what_waits_is_shown_by_channel_with_its_age_and_what_needs_a_person(database: Database) -> None:
    await raise_many(database, 3)
    await execute(database, "UPDATE deliveries SET due_at = now() - interval '100 seconds' WHERE channel = 'email'")
    first, second, _ = await claim(database)
    await record(database, first, PERMANENT)
    await record(database, second, TEMPORARY)
    for delivery in (await claim(database, channel=SCREEN))[:2]:
        await record(database, delivery, SENT)
    async with database.transaction() as transaction:
        email, screen = await read_waiting(transaction)
        oldest = await oldest_undelivered(transaction)
    assert email == Waiting(EMAIL, 3, 1, email.oldest_seconds)
    assert screen == Waiting(SCREEN, 1, 0, screen.oldest_seconds)
    assert screen.oldest_seconds < 100 <= email.oldest_seconds
    assert oldest is not None
    assert now() - oldest >= timedelta(seconds=100)


async def test_a_person_is_needed_until_an_attempt_says_otherwise(database: Database) -> None:
    await raise_one(database)
    needing = []
    for attempted in (PERMANENT, TEMPORARY):
        await let_time_pass(database)
        (delivery,) = await claim(database)
        await record(database, delivery, attempted)
        async with database.transaction() as transaction:
            needing.append([each.needing_a_person for each in await read_waiting(transaction) if each.channel is EMAIL])
    assert needing == [[1], [0]]


async def test_what_waits_for_the_morning_is_neither_taken_nor_late(database: Database) -> None:
    await raise_one(database)
    await execute(
        database, "UPDATE deliveries SET due_at = now() + interval '5 hours', next_attempt_at = now() + interval '5 hours'"
    )
    assert await claim(database) == []
    async with database.transaction() as transaction:
        email, screen = await read_waiting(transaction)
        assert (email, screen) == (Waiting(EMAIL, 0, 0, 0.0, 1), Waiting(SCREEN, 0, 0, 0.0, 1))
        assert await oldest_undelivered(transaction) is None


async def test_who_takes_it_over_is_told_that_somebody_may_have_been_told(database: Database) -> None:
    await raise_one(database)
    told = []
    for who in ("dead", "two"):
        (delivery,) = await claim(database, who, seconds=0)
        told.append(delivery.may_be_told)
    assert told == [False, True]


async def test_a_late_success_is_written_beside_who_holds_it_and_tells_nobody_else(database: Database) -> None:
    """A dispatcher stood still beyond its lease. What it then writes is kept, and what the other one has written stays."""
    await raise_one(database)
    (delivery,) = await claim(database, "stood still", seconds=0)
    await claim(database, "two")
    await record(database, delivery, DELIVERED, by="two")
    for late in (SENT, TEMPORARY):
        await record(database, delivery, late, by="stood still", wait=0)
    (line,) = await deliveries(database, EMAIL)
    assert (line.state, line.attempts, line.claimed_by) == ("delivered", 3, None)
    assert await claim(database, "three") == []
    assert [outcome for _, outcome, _ in await attempts(database, delivery.id)] == ["delivered", "sent", "temporary-failure"]


# By host


async def webhooks(database: Database, waiting: dict[str, int]) -> None:
    """So many deliveries to each webhook, those of the first the oldest."""
    await raise_one(database)
    for place, (host, count) in enumerate(waiting.items()):
        await execute(
            database,
            """
            INSERT INTO deliveries (alert_id, notice, channel, recipient, next_attempt_at)
            SELECT (SELECT id FROM alerts), 'raised ' || n, 'webhook', %s, now() - interval '1 hour' + make_interval(mins => %s)
            FROM generate_series(1, %s) AS n
            """,
            host, place, count,
        )  # fmt: skip


async def claim_of_hosts(database: Database, rooms: Rooms, limit: int = 10, by: str = "one") -> dict[str, int]:
    async with database.transaction() as transaction:
        claimed = (await claim_due(transaction, WEBHOOK, by, timedelta(seconds=60), limit, (), rooms)).deliveries
    return dict(Counter(each.recipient for each in claimed))


@pytest.mark.parametrize(
    "rooms, taken",
    [
        (Rooms(4), {"a": 4, "b": 4, "c": 1}),
        (Rooms(10), {"a": 5, "b": 4, "c": 1}),
        (Rooms(4, {"a": 0}), {"b": 4, "c": 1}),
        (Rooms(4, {"a": 1, "unknown": 3}), {"a": 1, "b": 4, "c": 1}),
        (Rooms(4, {"a": 0, "b": 0, "c": 0}), {}),
    ],
    ids=["each its room", "turn by turn", "one is away", "one is tried", "all are away"],
)
async def test_of_each_webhook_no_more_is_taken_than_it_bears(database: Database, rooms: Rooms, taken: dict[str, int]) -> None:
    await webhooks(database, {"a": 50, "b": 50, "c": 1})
    assert await claim_of_hosts(database, rooms) == taken


async def test_a_webhook_with_little_under_way_comes_before_one_with_much(database: Database) -> None:
    await webhooks(database, {"busy": 50, "idle": 50})
    assert await claim_of_hosts(database, Rooms(8, {"busy": 2}), limit=6) == {"idle": 6}


async def test_two_dispatchers_take_different_deliveries_of_one_webhook(database: Database) -> None:
    await webhooks(database, {"a": 10})
    assert await claim_of_hosts(database, Rooms(6)) == {"a": 6}
    assert await claim_of_hosts(database, Rooms(6), by="two") == {"a": 4}


async def test_a_bite_reads_a_few_rows_of_a_hundred_thousand(fresh_database: FreshDatabase, database: Database) -> None:
    """The plans are judged by the rows that they touch, not by time."""
    await raise_one(database)
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        owner.execute(
            """
            INSERT INTO deliveries (alert_id, notice, channel, recipient)
            SELECT a.id, 'raised ' || n, channel, channel || ' host ' || n % 50
            FROM alerts a, generate_series(1, 50000) AS n, unnest(array['email', 'webhook']) AS channel
            """
        )
        owner.execute("SET default_statistics_target = 500")  # every row is looked at, so that no plan hangs on a sample
        owner.execute("ANALYZE deliveries")
    for channel, rooms in ((EMAIL, None), (WEBHOOK, Rooms(32))):
        before = await _rows_read(fresh_database)
        async with database.transaction() as transaction:
            await transaction.execute("SELECT pg_stat_force_next_flush()")
            claimed = (await claim_due(transaction, channel, "one", timedelta(seconds=60), 64, (), rooms)).deliveries
        assert len(claimed) == 64
        assert 64 <= await _rows_read(fresh_database) - before < 5_000


async def _rows_read(database: FreshDatabase) -> int:
    """Rows of the table that any statement has read, so far."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        row = owner.execute("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'deliveries'").fetchone()
    assert row is not None
    return int(row[0])
