"""The screen: sent when the nudge went out, delivered when a browser has confirmed that it shows the alert."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import redis.asyncio
from redis.asyncio.client import PubSub

from alerts.answering import acknowledge
from alerts.channels.screen import ScreenChannel, confirm_shown
from domain.actor import Actor, ActorKind, Role
from domain.alert import AlertEvent, AttemptOutcome, ChannelName, CodedAnswer, Delivery
from domain.channel import Attempted
from runtime.database import Database
from runtime.nudge import Nudges, screens_of
from tests.alerts.store import AT, AUTHORITY, attempts, deliveries, raise_many, raise_one, tell_of
from tests.alerts.store import rows as read_rows

SHOWN_AT = AT + timedelta(minutes=1)
SCREEN = ChannelName.SCREEN
SAM = Actor(ActorKind.PERSON, "sub-sam", "Sam Ortega", AUTHORITY, Role.SOCIAL_WORKER.value)


@asynccontextmanager
async def open_screen(redis_url: str, authority: str) -> AsyncIterator[PubSub]:
    client = redis.asyncio.Redis.from_url(redis_url)
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(screens_of(authority))
        assert await pubsub.get_message(timeout=60)
        yield pubsub
    await client.aclose()


async def confirm(database: Database, *alerts: UUID, authority: str = AUTHORITY, changed_at: datetime = AT) -> list[UUID]:
    async with database.transaction() as transaction:
        return await confirm_shown(transaction, dict.fromkeys(alerts, changed_at), authority, SHOWN_AT)


async def states(database: Database) -> list[tuple[str, str]]:
    return [(line.notice, line.state) for line in await deliveries(database, SCREEN)]


def as_delivery(alert_id: UUID, authority: str = AUTHORITY) -> Delivery:
    return Delivery(alert_id, alert_id, SCREEN, authority, authority, 0)


async def test_without_redis_nobody_was_told() -> None:
    nudges = Nudges("unix:///nowhere/valkey.sock")
    attempted = await ScreenChannel(nudges).deliver(as_delivery(UUID(int=1)))
    assert attempted == Attempted(AttemptOutcome.TEMPORARY, "nobody-nudged")
    await nudges.close()


async def test_the_nudge_reaches_the_authority_and_names_the_alert_alone(nudges: Nudges, redis_url: str) -> None:
    async with open_screen(redis_url, AUTHORITY) as theirs, open_screen(redis_url, "B902") as others:
        attempted = await ScreenChannel(nudges).deliver(as_delivery(UUID(int=7)))
        heard = await theirs.get_message(timeout=60)
        assert await others.get_message(timeout=0.05) is None
    assert attempted == Attempted(AttemptOutcome.SENT)
    assert heard is not None
    assert heard["data"].decode() == str(UUID(int=7))


async def test_another_authority_confirms_nothing(database: Database) -> None:
    raised = await raise_one(database)
    assert await confirm(database, raised.id, authority="B902") == []
    assert await states(database) == [("raised", "pending")]


async def test_nothing_shown_confirms_nothing(database: Database) -> None:
    await raise_one(database)
    assert await confirm(database) == []
    assert await states(database) == [("raised", "pending")]


async def test_a_confirmation_delivers_what_was_only_waiting(database: Database) -> None:
    raised = await raise_one(database)
    assert await confirm(database, raised.id) == [raised.id]
    (line,) = await deliveries(database, SCREEN)
    assert line.state == "delivered"
    assert await attempts(database, line.id) == [(1, "delivered", "shown")]
    found = await read_rows(database, "SELECT sent_at, delivered_at FROM deliveries WHERE id = %s", line.id)
    assert found == [(SHOWN_AT, SHOWN_AT)]


async def test_a_confirmation_leaves_the_email_alone(database: Database) -> None:
    raised = await raise_one(database)
    await confirm(database, raised.id)
    (line,) = await deliveries(database, ChannelName.EMAIL)
    assert (line.state, line.attempts) == ("pending", 0)


async def test_two_browsers_confirm_once(database: Database) -> None:
    raised = await raise_one(database)
    await confirm(database, raised.id)
    assert await confirm(database, raised.id) == []
    (line,) = await deliveries(database, SCREEN)
    assert await attempts(database, line.id) == [(1, "delivered", "shown")]


async def test_only_the_alerts_shown_are_delivered(database: Database) -> None:
    first, second, third = await raise_many(database, 3)
    assert sorted(await confirm(database, first.id, third.id)) == sorted([first.id, third.id])
    states = {line.alert_id: line.state for line in await deliveries(database, SCREEN)}
    assert states == {first.id: "delivered", second.id: "pending", third.id: "delivered"}


async def test_news_that_came_after_the_page_was_drawn_is_not_taken_for_seen(database: Database) -> None:
    raised = await raise_one(database)
    async with database.transaction() as transaction:
        await tell_of(transaction, raised.encounter_id, AlertEvent.LEFT_BEFORE_SEEN, SHOWN_AT, "Brannoc PAS")
    assert await confirm(database, raised.id, changed_at=AT) == []
    assert await states(database) == [("raised", "pending"), ("left-before-seen", "pending")]
    assert await confirm(database, raised.id, changed_at=SHOWN_AT) == [raised.id]
    assert await states(database) == [("raised", "delivered"), ("left-before-seen", "delivered")]


async def test_an_answered_alert_can_still_be_confirmed_as_it_is_shown_now(database: Database) -> None:
    raised = await raise_one(database)
    async with database.transaction() as transaction:
        await acknowledge(transaction, raised.id, AUTHORITY, SAM, CodedAnswer.KNOWN, "", SHOWN_AT)
    assert await confirm(database, raised.id, changed_at=SHOWN_AT) == [raised.id]
