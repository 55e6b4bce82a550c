"""Nudges by a real Valkey: who hears them ends when told to, whatever the client is at."""

import asyncio

import pytest
from redis.asyncio.client import PubSub

from runtime.nudge import Nudges

PATIENCE = 60


async def test_who_was_told_to_stop_while_the_client_lost_that_stops(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribing, subscribe = asyncio.Event(), PubSub.subscribe

    async def losing(pubsub: PubSub, *channels: str) -> None:
        await subscribe(pubsub, *channels)
        subscribing.set()
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            return  # as `asyncio.wait_for` does before Python 3.12, by which the client sends

    monkeypatch.setattr(PubSub, "subscribe", losing)
    nudges = Nudges(redis_url)

    async def hear() -> None:
        async for _ in nudges.hear("nightlight:test"):
            pass

    hearing = asyncio.create_task(hear())
    await subscribing.wait()
    hearing.cancel()
    done, _ = await asyncio.wait([hearing], timeout=PATIENCE / 2)
    assert done
    assert hearing.cancelled()
    await nudges.close()
