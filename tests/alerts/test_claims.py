"""Claims: nobody takes what another holds, a lease runs out, and an attempt is written down once."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from alerts.channel_screen import confirm_shown
from alerts.claims import (
    Attempt,
    Waiting,
    claim_due,
    oldest_undelivered,
    read_waiting,
    record_attempts,
    release,
)
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

EMAIL, SCREEN = ChannelName.EMAIL, ChannelName.SCREEN
SENT = Attempted(AttemptOutcome.SENT)
DELIVERED = Attempted(AttemptOutcome.DELIVERED)
TEMPORARY = Attempted(AttemptOutcome.TEMPORARY, "no-connection")
PERMANENT = Attempted(AttemptOutcome.PERMANENT, "smtp-550")


async def claim(
    database: Database, by: str = "one", channel: ChannelName = EMAIL, limit: int = 10, seconds: float = 60
) -> list[Delivery]:
    async with database.transaction() as transaction:
        return await claim_due(transaction, channel, by, timedelta(seconds=seconds), limit)


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
        mine = await claim_due(first, EMAIL, "one", timedelta(seconds=60), 2)
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
    assert taken == lost


async def test_what_is_given_back_is_free_at_once_and_what_others_hold_is_not(database: Database) -> None:
    await raise_many(database, 2)
    (mine,) = await claim(database, "one", limit=1)
    await claim(database, "two", limit=1)
    async with database.transaction() as transaction:
        await release(transaction, "one")
    assert await claim(database, "three") == [mine]


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
    await record(database, delivery, attempted, wait=60)
    (line,) = await deliveries(database, EMAIL)
    assert (line.state, line.attempts, line.claimed_by) == ("pending", 1, None)
    assert await rows(
        database,
        "SELECT next_attempt_at - now() BETWEEN '50 seconds' AND '60 seconds' FROM deliveries WHERE channel = 'email'",
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
    await execute(database, "UPDATE deliveries SET created_at = now() - interval '100 seconds' WHERE channel = 'email'")
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
