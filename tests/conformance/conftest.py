"""What these tests share: the programs of other makers, and one sample of each of the door's answers."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.service import Service
from tests.conformance.hospital import open_hospital
from tests.conformance.programs import Programs, fetch_programs
from tests.conformance.samples import take_samples
from tests.conftest import FreshDatabase
from tools.page_assets import Remedy


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> Programs:
    assert pytestconfig.cache is not None
    try:
        return fetch_programs(pytestconfig.cache.mkdir("conformance"))
    except Remedy as remedy:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE PROGRAMS OF OTHER MAKERS WERE NOT TRIED: {remedy}")


@pytest.fixture(scope="module")
def samples(module_database: FreshDatabase) -> dict[str, Any]:
    """As they come over the wire; no test changes them."""
    return asyncio.run(take_samples(module_database.service_url))


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running Nightlight for all the programs that call it."""
    with open_hospital(tmp_path_factory.mktemp("f")) as service:
        yield service
