"""The fixture of these tests: the FHIR door on a furnished house, with registered clients and their tokens."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabase
from tests.fhir_adapter.doorway import Doorway, open_doorway


@pytest.fixture
async def doorway(fresh_database: FreshDatabase) -> AsyncIterator[Doorway]:
    async with open_doorway(fresh_database.service_url) as doorway:
        yield doorway
