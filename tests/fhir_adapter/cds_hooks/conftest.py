"""The fixture of these tests: the door of CDS Hooks on a furnished house, with registered EHRs."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FreshDatabase
from tests.fhir_adapter.cds_hooks.clinic import Clinic, furnish, make_clinic, open_clinic
from tests.safeguarding.house import add_furniture, open_house


@pytest.fixture
async def clinic(fresh_database: FreshDatabase) -> AsyncIterator[Clinic]:
    async with open_clinic(fresh_database.service_url) as clinic:
        yield clinic


@pytest.fixture
async def standing_clinic(module_database: FreshDatabase) -> AsyncIterator[Clinic]:
    """One that the tests of a module share: for those that only look, or are refused."""
    async with open_house(module_database.service_url, furnish=False) as house:
        if not await house.rows("SELECT FROM cds_clients"):
            await add_furniture(house.database)
            await furnish(house)
        yield make_clinic(house)
