"""The fixture of these tests: a furnished house on a fresh database."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabase
from tests.safeguarding.house import House, open_house


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database.service_url) as house:
        yield house
