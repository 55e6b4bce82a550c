"""The dispatcher on real parts: nothing lost, nothing told twice, nobody waits for somebody else's slow server."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from alerts.channels.email import EmailChannel
from alerts.channels.screen import ScreenChannel
from alerts.claims import claim_due
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from domain.errors import CouldNotReachStore
from runtime.database import Connected, Database
from runtime.nudge import DELIVERIES, Nudges
from tests.alerts.conftest import eventually
from tests.alerts.mail import Mailbox, mail_server, url_of
from tests.alerts.running import QUICK, SLOW_POLL, Told, dispatcher, stop
from tests.alerts.store import attempts, deliveries, let_time_pass, raise_many, raise_one, rows
from tests.conftest import FreshDatabase

EMAIL, SCREEN = ChannelName.EMAIL, ChannelName.SCREEN
SENT = Attempted(AttemptOutcome.SENT)

Holds = Callable[[], Awaitable[bool]]


async def states(database: Database, channel: ChannelName) -> Counter[str]:
    return Counter(line.state for line in await deliveries(database, channel))


def all_sent(database: Database, channel: ChannelName, number: int) -> Holds:
    async def holds() -> bool:
        return await states(database, channel) == {"sent": number}

    return holds


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture
async def silent() -> AsyncIterator[Nudges]:
    """Redis that is not there."""
    nudges = Nudges("unix:///nowhere/valkey.sock")
    yield nudges
    await nudges.close()


# How it is woken


async def test_a_nudge_wakes_it_at_once(database: Database, nudges: Nudges) -> None:
    told = Told()
    async with dispatcher(database, nudges, told, pace=SLOW_POLL):
        await raise_one(database)

        async def told_after_a_nudge() -> bool:
            await nudges.send(DELIVERIES)
            return bool(told.times)

        await eventually(told_after_a_nudge, "the delivery is found long before the next poll")


async def test_without_redis_polling_finds_every_alert(database: Database, silent: Nudges) -> None:
    told = Told()
    async with dispatcher(database, silent, told):
        await raise_many(database, 5)
        await eventually(all_sent(database, SCREEN, 5), "all are told")
    assert set(told.times.values()) == {1}


async def test_what_is_due_is_taken_as_slots_become_free(database: Database, silent: Nudges) -> None:
    await raise_many(database, 30)
    told = Told()
    async with dispatcher(database, silent, told, pace=SLOW_POLL):
        await eventually(all_sent(database, SCREEN, 30), "all are told without a nudge and before the next poll")


# Never doubled


async def test_two_dispatchers_share_two_hundred_deliveries_without_doubling(database: Database, nudges: Nudges) -> None:
    at_work: set[str] = set()
    both_at_work = asyncio.Event()

    def waits_for_the_other(name: str) -> Told:
        async def doing(_: Delivery) -> Attempted:
            at_work.add(name)
            if len(at_work) == 2:
                both_at_work.set()
            await both_at_work.wait()
            return SENT

        return Told(doing)

    one, two = waits_for_the_other("one"), waits_for_the_other("two")
    await raise_many(database, 200)
    async with dispatcher(database, nudges, one), dispatcher(database, nudges, two):
        await eventually(all_sent(database, SCREEN, 200), "all are told")
    assert len(one.times) + len(two.times) == 200
    assert set((one.times + two.times).values()) == {1}
    assert one.times
    assert two.times
    assert await rows(database, "SELECT count(*), count(DISTINCT delivery_id), max(number) FROM attempts") == [(200, 200, 1)]


async def test_a_dispatcher_that_died_after_its_claim_delays_and_loses_nothing(database: Database, silent: Nudges) -> None:
    await raise_many(database, 3)
    async with database.transaction() as transaction:
        assert len((await claim_due(transaction, SCREEN, "dead", timedelta(seconds=0.5), 10)).deliveries) == 3
    told = Told()
    async with dispatcher(database, silent, told):
        await eventually(all_sent(database, SCREEN, 3), "the leases have run out, and another has told them")
    assert set(told.times.values()) == {1}


async def test_nobody_takes_what_a_living_dispatcher_holds(database: Database, silent: Nudges) -> None:
    held, raised = await raise_many(database, 2)
    async with database.transaction() as transaction:
        (claimed,) = (await claim_due(transaction, SCREEN, "alive", timedelta(seconds=60), 1)).deliveries
    told = Told()
    async with dispatcher(database, silent, told):
        await eventually(lambda: _is_true(told.times), "the other one is told")
    assert claimed.id not in told.times
    assert await states(database, SCREEN) == {"sent": 1, "pending": 1}
    assert {held.id, raised.id} == {line.alert_id for line in await deliveries(database, SCREEN)}


async def test_an_attempt_that_outlasts_its_lease_is_not_made_twice(database: Database, silent: Nudges) -> None:
    await raise_one(database)
    go_on = asyncio.Event()

    async def doing(_: Delivery) -> Attempted:
        await go_on.wait()
        return SENT

    told = Told(doing)
    async with dispatcher(database, silent, told, pace=replace(QUICK, lease=timedelta(seconds=0.2))):
        await eventually(lambda: _is_true(told.times), "it is in hand")
        await asyncio.sleep(0.2 + QUICK.poll_seconds * 5)
        go_on.set()
        await eventually(all_sent(database, SCREEN, 1), "it is told")
    assert list(told.times.values()) == [1]


async def _is_true(value: object) -> bool:
    return bool(value)


# Never lost


async def test_smtp_down_then_back_delivers_and_records_each_attempt(
    database: Database, silent: Nudges, mailbox: Mailbox, port: socket.socket
) -> None:
    await raise_one(database)
    (line,) = await deliveries(database, EMAIL)
    email = EmailChannel(database, url_of(port), "nightlight@here.example", str)
    async with dispatcher(database, silent, email):
        for number in (1, 2):
            await eventually(_has_attempts(database, number), "it is tried")
            await let_time_pass(database)
        async with mail_server(mailbox, port):
            await let_time_pass(database)
            await eventually(all_sent(database, EMAIL, 1), "the letter is sent")
    recorded = await attempts(database, line.id)
    assert recorded[-1][1:] == ("sent", "")
    assert {each[1:] for each in recorded[:-1]} == {("temporary-failure", "no-connection")}
    assert [number for number, _, _ in recorded] == list(range(1, len(recorded) + 1))
    assert [letter["Message-ID"] for letter in mailbox.letters] == [f"<{line.id}@here.example>"]


def _has_attempts(database: Database, number: int) -> Holds:
    async def holds() -> bool:
        return (await deliveries(database, EMAIL))[0].attempts >= number

    return holds


async def test_a_letter_refused_for_good_waits_for_a_person_and_is_never_given_up(
    database: Database, silent: Nudges, mailbox: Mailbox, port: socket.socket
) -> None:
    mailbox.refusals = ["550 no such user"]
    await raise_one(database)
    email = EmailChannel(database, url_of(port), "nightlight@here.example", str)
    with capture_logs() as logs:
        async with mail_server(mailbox, port), dispatcher(database, silent, email):
            await eventually(_has_attempts(database, 1), "it is tried")
            assert await rows(
                database,
                """
                SELECT state, next_attempt_at - now() BETWEEN '200 seconds' AND '300 seconds' FROM deliveries
                WHERE channel = 'email'
                """,
            ) == [("pending", True)]
            await let_time_pass(database)
            await eventually(all_sent(database, EMAIL, 1), "the mailbox is there by now")
    (needed,) = [entry for entry in logs if entry["event"] == "delivery needs a person"]
    assert (needed["log_level"], needed["code"]) == ("error", "smtp-550")


async def test_without_a_mail_server_letters_wait_and_say_why(database: Database, silent: Nudges) -> None:
    await raise_one(database)
    async with dispatcher(database, silent, EmailChannel(database, "", "nightlight@here.example", str)):
        await eventually(_has_attempts(database, 1), "it is tried")
    (line,) = await deliveries(database, EMAIL)
    assert line.state == "pending"
    assert {each[1:] for each in await attempts(database, line.id)} == {("temporary-failure", "not-configured")}


@pytest.mark.parametrize(
    "error, code, loud",
    [
        (ValueError("9990000018 Zebedee Quillfeather"), "raised", True),
        (CouldNotReachStore("away"), "store-away", False),
        (TimeoutError(), "timed-out", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_whatever_a_channel_raises_is_tried_again(
    database: Database, silent: Nudges, error: Exception, code: str, loud: bool
) -> None:
    await raise_one(database)
    errors = [error]

    async def doing(_: Delivery) -> Attempted:
        if errors:
            raise errors.pop()
        return SENT

    before = counted("nightlight_channel_errors_total", channel="screen")
    with capture_logs() as logs:
        async with dispatcher(database, silent, Told(doing)):
            await eventually(all_sent(database, SCREEN, 1), "the second attempt tells")
    (line,) = await deliveries(database, SCREEN)
    assert await attempts(database, line.id) == [(1, "temporary-failure", code), (2, "sent", "")]
    assert counted("nightlight_channel_errors_total", channel="screen") - before == loud
    assert [entry["error"] for entry in logs if entry["event"] == "channel raised"] == ["ValueError"] * loud
    assert "Quillfeather" not in str(logs)


async def test_an_attempt_takes_a_bounded_time(database: Database, silent: Nudges) -> None:
    await raise_one(database)
    stuck = [True]

    async def doing(_: Delivery) -> Attempted:
        if stuck:
            stuck.pop()
            await asyncio.Event().wait()
        return SENT

    async with dispatcher(database, silent, Told(doing), pace=replace(QUICK, attempt_seconds=0.1)):
        await eventually(all_sent(database, SCREEN, 1), "the second attempt tells")
    (line,) = await deliveries(database, SCREEN)
    assert (await attempts(database, line.id))[0] == (1, "temporary-failure", "timed-out")


async def test_every_attempt_is_counted(database: Database, silent: Nudges) -> None:
    def sent() -> float:
        return counted("nightlight_delivery_attempts_total", channel="screen", outcome="sent")

    before = sent()
    await raise_many(database, 3)
    async with dispatcher(database, silent, Told()):
        await eventually(all_sent(database, SCREEN, 3), "all are told")
    assert sent() - before == 3


async def test_the_gauges_show_how_long_the_oldest_has_waited(database: Database, silent: Nudges) -> None:
    await raise_one(database)
    async with database.transaction() as transaction:
        await transaction.execute("UPDATE deliveries SET due_at = now() - interval '1000 seconds'")
        await claim_due(transaction, SCREEN, "alive", timedelta(seconds=60), 1)

    async def holds() -> bool:
        return counted("nightlight_oldest_pending_delivery_seconds", channel="screen") >= 1000

    async with dispatcher(database, silent, Told()):
        await eventually(holds, "the gauge shows it")


# Nobody waits for somebody else


async def test_a_mail_server_that_says_nothing_delays_no_screen(database: Database, nudges: Nudges, port: socket.socket) -> None:
    port.listen()
    await raise_many(database, 20)
    email = EmailChannel(database, url_of(port), "nightlight@here.example", str)
    async with dispatcher(database, nudges, email, ScreenChannel(nudges), pace=replace(QUICK, drain_seconds=0.1)):
        await eventually(all_sent(database, SCREEN, 20), "every screen is told")
        assert await states(database, EMAIL) == {"pending": 20}


# Stopping


async def test_what_is_in_hand_is_finished_before_it_stops(database: Database, silent: Nudges) -> None:
    await raise_many(database, 3)
    go_on = asyncio.Event()

    async def doing(_: Delivery) -> Attempted:
        await go_on.wait()
        return SENT

    told = Told(doing)
    async with dispatcher(database, silent, told) as running:
        await eventually(lambda: _is_true(len(told.times) == 3), "all are in hand")
        stopping = asyncio.create_task(stop(running))
        await asyncio.sleep(0)
        go_on.set()
        await stopping
    assert await states(database, SCREEN) == {"sent": 3}


async def test_what_cannot_be_finished_is_given_back_at_once(database: Database, silent: Nudges) -> None:
    await raise_many(database, 3)

    async def doing(_: Delivery) -> Attempted:
        await asyncio.Event().wait()
        return SENT

    stuck = Told(doing)
    async with dispatcher(database, silent, stuck, pace=replace(QUICK, drain_seconds=0.05)):
        await eventually(lambda: _is_true(len(stuck.times) == 3), "all are in hand")
    assert await rows(database, "SELECT DISTINCT state, lease_until, claimed_by FROM deliveries") == [("pending", None, None)]
    told = Told()
    async with dispatcher(database, silent, told):
        await eventually(all_sent(database, SCREEN, 3), "the next dispatcher tells them")


class Deaf(Database):
    """A database whose pool swallows a cancellation, as it happens before Python 3.12 when a connection comes with it."""

    asked = 0

    @asynccontextmanager
    async def _connected(self, connecting: AbstractAsyncContextManager[Connected]) -> AsyncIterator[Connected]:
        self.asked += 1
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
        async with super()._connected(connecting) as connection:
            yield connection


async def test_it_stops_although_a_cancellation_is_swallowed(fresh_database: FreshDatabase, silent: Nudges) -> None:
    async with Deaf(fresh_database.service_url) as database:
        async with dispatcher(database, silent, Told(), pace=SLOW_POLL):
            await eventually(lambda: _is_true(database.asked), "it waits for a connection")
        asked = database.asked
        await asyncio.sleep(0.3)
        assert database.asked == asked
