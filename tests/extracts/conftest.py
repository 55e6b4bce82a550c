"""A fresh, furnished store for each test."""

from collections.abc import AsyncIterator

import pytest

from runtime.database import Database
from tests.conftest import FreshDatabase
from tests.extracts.store import Store


@pytest.fixture
async def store(fresh_database: FreshDatabase) -> AsyncIterator[Store]:
    async with Database(fresh_database.service_url, 8) as database:
        store = Store(database)
        await store.furnish()
        yield store
