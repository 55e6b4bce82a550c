"""kill -9 in the middle of a load leaves none of it or all of it, the report says which, and the same file then loads whole."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from flags_store.extracts.loads import LEASE
from safeguarding.extracts.loading import read_report
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row
from tests.extracts.store import Store, counts

PEOPLE = numbers(5_000)
CONTENT = a_file(*(row(nhs_number=number) for number in PEOPLE))

# What is run and killed: it tells each step as it comes to it, and waits at the one that it was given to be killed or sent on.
LOADER = """
import asyncio, sys
from pathlib import Path
from domain.extract import Declaration
from runtime.database import Database
from safeguarding.extracts.loading import load_extract
from tests.extracts.store import MONDAY, OFFICER

def tell(progress):
    told = f"{progress.step} {progress.done}"
    print(told, flush=True)
    if told.startswith(sys.argv[3]):
        sys.stdin.readline()

async def load():
    async with Database(sys.argv[1], 4, "killed") as database:
        await load_extract(database, OFFICER, "301", Path(sys.argv[2]), Declaration(MONDAY), on_progress=tell)

asyncio.run(load())
"""


class Loader:
    """A process that loads the file, waits at one step, and can be killed there."""

    def __init__(self, url: str, file: Path, waits_at: str) -> None:
        file.write_bytes(CONTENT)
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOADER, url, str(file), waits_at],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    async def until(self, told: str) -> None:
        """Until it has said so."""
        assert self._process.stdout is not None
        while line := await asyncio.to_thread(self._process.stdout.readline):
            if line.startswith(told):
                return
        raise AssertionError(f"the loader ended before it came to {told}")

    def go_on(self) -> None:
        """From the step at which it waits."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)

    def kill(self) -> None:
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


async def store_says(store: Store, question: str) -> None:
    while await store.value(question) is not True:  # noqa: ASYNC110 (it happens in PostgreSQL)
        await asyncio.sleep(0.01)


async def outlive(store: Store) -> None:
    """The server has seen that nobody is there any more, and the lease has run out."""
    await store_says(store, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'killed'")
    await store.rows("UPDATE extracts SET lease_until = lease_until - %s WHERE state = 'loading' RETURNING 1", LEASE)


async def said_of(store: Store, extract_id: UUID) -> str:
    async with store.database.transaction() as transaction:
        return (await read_report(transaction, "301", extract_id)).words


async def check_nothing_is_loaded(store: Store) -> None:
    assert await store.rows("SELECT FROM flags") == []
    assert await store.rows("SELECT FROM persons") == []
    assert await store.value("SELECT count(*) FROM audit_events WHERE subject_type IN ('flag', 'person')") == 0
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") is None


async def check_it_loads_whole(store: Store) -> None:
    report = await store.load(CONTENT)
    assert (report.state, report.already_loaded, counts(report)) == ("loaded", False, {"opened": 5_000})
    assert await store.flags("nhs_number") == [(number,) for number in PEOPLE]


async def test_killed_while_the_file_is_read_it_has_not_even_begun(
    store: Store, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    with Loader(fresh_database.service_url, tmp_path / "extract.csv", "reading") as loader:
        await loader.until("reading")
        loader.kill()
    await check_nothing_is_loaded(store)
    await check_it_loads_whole(store)


@pytest.mark.parametrize("moment", ["reconciling 2000", "applying 2000", "applying 4000"])
async def test_killed_at_work_it_has_loaded_nothing(
    store: Store, fresh_database: FreshDatabase, tmp_path: Path, moment: str
) -> None:
    with Loader(fresh_database.service_url, tmp_path / "extract.csv", moment) as loader:
        await loader.until(moment)
        loader.kill()
    await outlive(store)
    [(extract_id,)] = await store.rows("SELECT id FROM extracts")
    assert await said_of(store, extract_id) == "5000 records. Interrupted: nothing of it was loaded. Send the same again."
    await check_nothing_is_loaded(store)
    await check_it_loads_whole(store)


async def test_killed_when_all_is_written_and_not_yet_committed_it_has_loaded_nothing(
    store: Store, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """It waits for the authority's row, the last thing that it touches, when it dies."""
    with Loader(fresh_database.service_url, tmp_path / "extract.csv", "reconciling 5000") as loader:
        await loader.until("reconciling 5000")
        with psycopg.connect(fresh_database.service_url) as other:
            other.execute("SELECT FROM authorities WHERE code = '301' FOR NO KEY UPDATE NOWAIT")
            loader.go_on()
            await loader.until("applying 4999")
            await store_says(store, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
            loader.kill()
    await outlive(store)
    [(extract_id,)] = await store.rows("SELECT id FROM extracts")
    assert "nothing of it was loaded" in await said_of(store, extract_id)
    await check_nothing_is_loaded(store)
    await check_it_loads_whole(store)


async def test_killed_right_after_the_commit_it_has_loaded_all_and_the_same_file_says_so(
    store: Store, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    with Loader(fresh_database.service_url, tmp_path / "extract.csv", "applying 5000") as loader:
        await loader.until("applying 5000")
        loader.kill()
    [(extract_id,)] = await store.rows("SELECT id FROM extracts")
    assert (await said_of(store, extract_id)).startswith("5000 records: 5000 opened")
    again = await store.load(CONTENT)
    assert (again.id, again.already_loaded) == (extract_id, True)
    assert await store.flags("nhs_number") == [(number,) for number in PEOPLE]
