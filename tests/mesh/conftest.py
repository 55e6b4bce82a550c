"""A MESH sandbox for the tests of one module, and a house that is wired to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import FreshDatabase
from tests.mesh.sandbox import AMBERSHIRE, Sandbox
from tests.mesh.sandbox import running_sandbox as run
from tests.safeguarding.house import House, open_house


@pytest.fixture(scope="module")
def running_sandbox(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run(pytestconfig, tmp_path_factory.mktemp("mailboxes"), "MESH WAS NOT TRIED") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """With empty mailboxes."""
    for mailbox in ("X26ABC1", "X26ABC2", "X26ABC3"):
        running_sandbox.fetch(mailbox)
    return running_sandbox


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    """Two authorities, of which 301 has a mailbox."""
    async with open_house(fresh_database.service_url) as house:
        await house.rows("UPDATE authorities SET mesh_mailbox = %s WHERE code = '301' RETURNING code", AMBERSHIRE)
        await house.rows("UPDATE authorities SET last_extracted_at = NULL RETURNING code")
        yield house
