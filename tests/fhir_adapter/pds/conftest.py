"""The fixture of these tests: the PDS stand-in, served."""

from collections.abc import AsyncIterator

import pytest

from tests.fhir_adapter.pds.register import Register, open_register


@pytest.fixture
async def register() -> AsyncIterator[Register]:
    async with open_register() as register:
        yield register
