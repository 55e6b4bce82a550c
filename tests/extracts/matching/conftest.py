"""A furnished store, and a register that knows some of the people of its extracts."""

from collections.abc import AsyncIterator

import pytest

from domain.trace import Trace
from fhir_adapter.pds import open_trace
from runtime.database import Database
from tests.conftest import FreshDatabase
from tests.extracts.matching.people import PEOPLE
from tests.extracts.store import Store
from tests.fhir_adapter.pds.register import Register, open_register


@pytest.fixture
async def store(fresh_database: FreshDatabase) -> AsyncIterator[Store]:
    async with Database(fresh_database.service_url, 8) as database:
        store = Store(database)
        await store.furnish()
        yield store


@pytest.fixture
async def register() -> AsyncIterator[Register]:
    async with open_register(PEOPLE) as register:
        yield register


@pytest.fixture
async def pds(register: Register) -> AsyncIterator[Trace]:
    async with open_trace(register.access()) as trace:
        yield trace
