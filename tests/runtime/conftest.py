"""What the tests of arrays and of recordsets share: a database for all examples of a module, and any text it can hold."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import strategies as st

from runtime.database import Database
from tests.conftest import FreshDatabase

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture
async def database(module_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(module_database.service_url, 2) as database:
        yield database
