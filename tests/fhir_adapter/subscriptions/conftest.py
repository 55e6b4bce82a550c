"""The fixtures of these tests: the door with clients that subscribe, a receiver, and nudges over a real Valkey."""

from collections.abc import AsyncIterator

import pytest

from runtime.nudge import Nudges
from tests.conftest import FreshDatabase
from tests.fhir_adapter.subscriptions.receiving import Receiver, receiving
from tests.fhir_adapter.subscriptions.subscribing import Subscribing, open_subscribing


@pytest.fixture
async def door(fresh_database: FreshDatabase) -> AsyncIterator[Subscribing]:
    async with open_subscribing(fresh_database.service_url) as door:
        yield door


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def nudges(redis_url: str) -> AsyncIterator[Nudges]:
    nudges = Nudges(redis_url)
    yield nudges
    await nudges.close()
