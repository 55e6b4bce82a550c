"""A database with a hospital, two authorities and a child in it; nudges over a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from runtime.database import Database
from runtime.nudge import Nudges
from tests.alerts.mail import Mailbox, reserve_port
from tests.alerts.store import found_hospital
from tests.conftest import FreshDatabase

PATIENCE = 60.0


async def eventually(holds: Callable[[], Awaitable[Any]], what: str) -> None:
    """Wait until it holds; what is asserted is that it does, not when."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 (a database tells nobody when it has changed)
            await asyncio.sleep(0.01)


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(fresh_database.service_url) as database:
        async with database.transaction() as transaction:
            await found_hospital(transaction)
        yield database


@pytest.fixture
async def nudges(redis_url: str) -> AsyncIterator[Nudges]:
    nudges = Nudges(redis_url)
    yield nudges
    await nudges.close()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port() -> Iterator[Any]:
    """A reserved port, at which nobody listens yet."""
    with closing(reserve_port()) as reserved:
        yield reserved
