"""The fixture of these tests: the token endpoint beside the FHIR door, on one store, with clients that have keys."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabase
from tests.fhir_adapter.doorway import open_doorway
from tests.fhir_adapter.smart.office import Office, open_office


@pytest.fixture
async def office(fresh_database: FreshDatabase) -> AsyncIterator[Office]:
    async with open_doorway(fresh_database.service_url) as doorway:
        yield await open_office(doorway)
