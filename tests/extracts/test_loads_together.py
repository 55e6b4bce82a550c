"""Loads that are interrupted, taken over, or run side by side with one another and with the desk."""

import asyncio
import hashlib
from datetime import timedelta
from uuid import UUID

import pytest

from flags_store.extract_loads import Extract, Load, claim, finish
from flags_store.intake import apply_persons
from safeguarding import extracts
from safeguarding.extracts import LoadInProgress, LoadTakenOver, OlderExtract, Progress, Step
from tests.extracts.files import TODAY, a_file, numbers, record, row
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, Store, counts

AT_ONCE = timedelta(0)
PEOPLE = numbers(30)
MANY = a_file(*(row(nhs_number=number) for number in PEOPLE), row(nhs_number="1"))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten persons at a time, so that a load of thirty can be interrupted."""
    monkeypatch.setattr(extracts, "APPLY_AT_ONCE", 10)


class PowerCut(Exception):
    pass


def cut_after(records: int) -> object:
    def on_progress(progress: Progress) -> None:
        if progress.step is Step.APPLYING and progress.done >= records:
            raise PowerCut

    return on_progress


async def claimed(store: Store, content: bytes, records: int = 1) -> Load:
    """A load that has begun, and of which nothing more is heard."""
    extract = Extract("301", hashlib.sha256(content).digest(), MONDAY, False, records)
    async with store.database.transaction() as transaction:
        load = await claim(transaction, OFFICER, extract)
    assert isinstance(load, Load)
    return load


async def run_out(store: Store, extract_id: UUID) -> None:
    """Time passes until the lease has run out."""
    await store.rows("UPDATE extracts SET lease_until = now() - interval '1 second' WHERE id = %s RETURNING 1", extract_id)


@pytest.mark.parametrize("after", [1, 11, 21])
async def test_an_interrupted_load_goes_on_where_it_stopped(store: Store, after: int) -> None:
    with pytest.raises(PowerCut):
        await store.load(MANY, on_progress=cut_after(after))
    [(extract_id, state, opened)] = await store.rows("SELECT id, state, opened FROM extracts")
    assert (state, opened) == ("loading", after - 1)
    report = await store.load(MANY, TUESDAY, patience=AT_ONCE)
    assert (report.id, report.state, report.extracted_at) == (extract_id, "loaded", TUESDAY)
    assert counts(report) == {"opened": 30, "rejected": 1}
    assert await store.flags("nhs_number") == [(number,) for number in PEOPLE]
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'flag.open'") == 30


async def test_a_cancelled_load_lets_go_at_once(store: Store) -> None:
    started = asyncio.Event()

    def on_progress(progress: Progress) -> None:
        if progress.step is Step.APPLYING:
            started.set()

    load = asyncio.create_task(store.load(MANY, on_progress=on_progress))
    await started.wait()
    load.cancel()
    with pytest.raises(asyncio.CancelledError):
        await load
    assert counts(await store.load(MANY, patience=AT_ONCE)) == {"opened": 30, "rejected": 1}


async def test_while_one_load_is_at_work_another_of_the_authority_is_refused(store: Store) -> None:
    await claimed(store, b"something else")
    with pytest.raises(LoadInProgress):
        await store.load(MANY, patience=AT_ONCE)
    with pytest.raises(LoadInProgress):
        await claimed(store, b"something else")
    assert counts(await store.load(MANY, authority="302", patience=AT_ONCE)) == {"opened": 30, "rejected": 1}


async def test_a_load_that_died_is_taken_over_by_the_same_file(store: Store) -> None:
    load = await claimed(store, MANY, 31)
    await run_out(store, load.extract_id)
    report = await store.load(MANY, patience=AT_ONCE)
    assert (report.id, counts(report)) == (load.extract_id, {"opened": 30, "rejected": 1})


async def test_a_load_that_died_gives_way_to_a_newer_file_and_says_so(store: Store) -> None:
    load = await claimed(store, b"something else")
    await run_out(store, load.extract_id)
    await store.load(MANY, TUESDAY, patience=AT_ONCE)
    assert await store.value("SELECT state FROM extracts WHERE id = %s", load.extract_id) == "interrupted"
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'extract.interrupt'") == 1


async def test_what_a_dead_load_applied_is_newer_than_an_older_file(store: Store) -> None:
    load = await claimed(store, b"something else")
    await run_out(store, load.extract_id)
    with pytest.raises(OlderExtract):
        await store.load(MANY, MONDAY - timedelta(seconds=1), patience=AT_ONCE)


async def test_a_load_that_wakes_up_after_it_was_taken_over_writes_nothing(store: Store) -> None:
    asleep = await claimed(store, MANY, 31)
    await run_out(store, asleep.extract_id)
    await store.load(MANY, patience=AT_ONCE)
    before = await store.everything()
    with pytest.raises(LoadTakenOver):
        async with store.database.transaction() as transaction:
            await apply_persons(transaction, asleep, [[record(end_date="2025-02-01")]], TODAY)
    with pytest.raises(LoadTakenOver):
        async with store.database.transaction() as transaction:
            await finish(transaction, asleep)
    assert await store.everything() == before


async def test_loads_of_one_authority_wait_for_one_another(store: Store) -> None:
    reports = await asyncio.gather(store.load(MANY), store.load(MANY), store.load(a_file(row())), return_exceptions=True)
    first, second, other = reports
    assert not any(isinstance(report, BaseException) for report in reports), reports
    assert first.id == second.id  # type: ignore[union-attr]
    assert [first.already_loaded, second.already_loaded].count(True) == 1  # type: ignore[union-attr]
    assert counts(other) == {"opened": 1}  # type: ignore[arg-type]


async def test_two_authorities_load_the_same_children_side_by_side(store: Store) -> None:
    backwards = a_file(*(row(nhs_number=number, given_name="Eve") for number in reversed(PEOPLE)))
    for at, end in ((MONDAY, ""), (TUESDAY, "2025-02-01")):
        one = MANY.replace(b"2025-01-06,,", f"2025-01-06,{end},".encode())
        two = backwards.replace(b"2025-01-06,,", f"2025-01-06,{end},".encode())
        await asyncio.gather(store.load(one, at), store.load(two, at, authority="302"))
    assert await store.value("SELECT count(*) FROM flags WHERE end_date = '2025-02-01'") == 60


async def test_the_desk_and_a_load_do_not_wait_for_one_another(store: Store) -> None:
    """The desk points at persons and authorities (FOR KEY SHARE); names change meanwhile, keys never do."""
    await store.load(MANY)
    async with store.database.transaction() as desk:
        await desk.execute("SELECT FROM persons FOR KEY SHARE")
        await desk.execute("SELECT FROM authorities FOR KEY SHARE")
        report = await store.load(MANY.replace(b"Ada", b"Eve"), TUESDAY)
    assert counts(report) == {"unchanged": 30, "rejected": 1}
    assert await store.rows("SELECT DISTINCT given_name FROM persons") == [("Eve",)]


async def test_a_part_that_finds_a_row_locked_is_tried_again(store: Store) -> None:
    await store.load(MANY)
    async with store.database.transaction() as other:
        await other.execute("SELECT FROM persons WHERE nhs_number = %s FOR UPDATE", (PEOPLE[15],))
        load = asyncio.create_task(store.load(MANY.replace(b"Ada", b"Eve"), TUESDAY))
        for is_waiting in (True, False, True):  # waits, gives up, and waits again
            while await somebody_waits(store) is not is_waiting:
                assert not load.done()
                await asyncio.sleep(0.005)
    assert counts(await load) == {"unchanged": 30, "rejected": 1}


async def somebody_waits(store: Store) -> bool:
    return bool(await store.value("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"))
