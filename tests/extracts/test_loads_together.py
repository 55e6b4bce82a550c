"""Loads that are interrupted, taken over, or run side by side with one another and with the desk."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from flags_store.extracts.flags_version import flags_changed
from flags_store.extracts.loads import LEASE, Extract, Load, claim
from flags_store.extracts.planning import judge_plan
from flags_store.identity import seal_person
from runtime.clock import now
from safeguarding.extracts import applying
from safeguarding.extracts.loading import LoadInProgress, LoadTakenOver, Progress, Step, StoreBusy, read_report
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, Store, counts

AT_ONCE = timedelta(0)
PEOPLE = numbers(30)
MANY = a_file(*(row(nhs_number=number) for number in PEOPLE), row(nhs_number="1"))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten records at a time, so that a load of thirty can be interrupted."""
    monkeypatch.setattr("flags_store.extracts.intake.APPLY_AT_ONCE", 10)
    monkeypatch.setattr(applying, "PLAN_AT_ONCE", 10)


Between = Callable[..., None]
STILL_LOADING = ": 0 opened, 0 amended, 0 ended, 0 deleted, 0 unchanged, 0 rejected. Not finished."


class PowerCut(Exception):
    pass


def cut_at(step: Step, after: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.step is step and progress.done >= after:
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


async def state_of(store: Store, extract_id: UUID) -> tuple[str, str]:
    """The state, and what the report says after the number of records."""
    async with store.database.transaction() as transaction:
        report = await read_report(transaction, "301", extract_id)
    return report.state, report.words.partition(" records")[2]


@pytest.mark.parametrize(
    "step, after", [(Step.RECONCILING, 10), (Step.APPLYING, 1), (Step.APPLYING, 11), (Step.APPLYING, 21), (Step.APPLYING, 30)]
)
async def test_an_interrupted_load_has_loaded_nothing_and_says_so(store: Store, step: Step, after: int) -> None:
    before = await store.everything()
    with pytest.raises(PowerCut):
        await store.load(MANY, on_progress=cut_at(step, after))
    assert (await store.everything())[:-1] == before[:-1], "audit events apart"
    [(extract_id,)] = await store.rows("SELECT id FROM extracts")
    assert await state_of(store, extract_id) == ("interrupted", ". Interrupted: nothing of it was loaded. Send the same again.")
    assert await store.rows("SELECT action FROM audit_events WHERE action LIKE 'extract%%'") == [("extract.interrupt",)]


async def test_the_same_file_loads_whole_after_an_interruption(store: Store) -> None:
    with pytest.raises(PowerCut):
        await store.load(MANY, on_progress=cut_at(Step.APPLYING, 11))
    report = await store.load(MANY, TUESDAY, patience=AT_ONCE)
    assert (report.state, report.extracted_at) == ("loaded", TUESDAY)
    assert counts(report) == {"opened": 30, "rejected": 1}
    assert await store.flags("nhs_number") == [(number,) for number in PEOPLE]
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'flag.open'") == 30


async def test_nobody_sees_a_part_of_an_extract_before_all_of_it_is_there(store: Store, fresh_database: FreshDatabase) -> None:
    seen: list[object] = []
    with psycopg.connect(fresh_database.service_url, autocommit=True) as somebody:

        def on_progress(progress: Progress) -> None:
            if progress.step is Step.APPLYING:
                seen.append(somebody.execute("SELECT count(*) FROM flags").fetchone())

        await store.load(MANY, on_progress=on_progress)
    assert len(seen) >= 5
    assert seen == [(0,)] * (len(seen) - 1) + [(30,)]


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
    assert await store.rows("SELECT FROM flags") == []
    assert counts(await store.load(MANY, patience=AT_ONCE)) == {"opened": 30, "rejected": 1}


async def test_while_one_load_is_at_work_another_of_the_authority_is_refused(store: Store) -> None:
    await claimed(store, b"something else")
    with pytest.raises(LoadInProgress):
        await store.load(MANY, patience=AT_ONCE)
    with pytest.raises(LoadInProgress):
        await claimed(store, b"something else")
    assert counts(await store.load(MANY, authority="302", patience=AT_ONCE)) == {"opened": 30, "rejected": 1}


@pytest.mark.parametrize("content", [MANY, b"something else"])
async def test_a_load_that_died_gives_way_to_the_same_file_and_to_any_other(store: Store, content: bytes) -> None:
    load = await claimed(store, content, 31)
    assert await state_of(store, load.extract_id) == ("loading", STILL_LOADING)
    await run_out(store, load.extract_id)
    assert (await state_of(store, load.extract_id))[0] == "interrupted", "before anybody has written it down"
    report = await store.load(MANY, patience=AT_ONCE)
    assert counts(report) == {"opened": 30, "rejected": 1}
    assert await store.value("SELECT state FROM extracts WHERE id = %s", load.extract_id) == "interrupted"
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'extract.interrupt'") == 1


async def test_what_a_dead_load_brought_is_no_news_so_an_older_file_still_loads(store: Store) -> None:
    load = await claimed(store, b"something else")
    await run_out(store, load.extract_id)
    assert (await store.load(MANY, MONDAY - timedelta(seconds=1), patience=AT_ONCE)).state == "loaded"


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Between:
    """Has something done between the planning of a load and its transaction, as often as it is told."""

    def do(what: Callable[[], Awaitable[object]], times: int = 1) -> None:
        left = iter(range(times))

        async def judge_after(*arguments: object, **named: object) -> object:
            if next(left, None) is not None:
                await what()
            return await judge_plan(*arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(applying, "judge_plan", judge_after)

    return do


async def test_a_load_that_is_taken_over_while_it_slept_writes_nothing(store: Store, between: Between) -> None:
    """Its process stood still for longer than the lease; another load of the same authority finished meanwhile."""

    async def overtake() -> None:
        await run_out(store, await store.value("SELECT id FROM extracts WHERE state = 'loading'"))
        await store.load(a_file(row(nhs_number=PEOPLE[0], local_id="newer")), TUESDAY, patience=AT_ONCE)

    between(overtake)
    with pytest.raises(LoadTakenOver):
        await store.load(MANY)
    assert await store.flags("nhs_number", "local_id") == [(PEOPLE[0], "newer")]


async def test_a_plan_is_made_anew_where_somebody_else_changes_the_authoritys_flags(store: Store, between: Between) -> None:
    await store.load(a_file(*(row(nhs_number=number) for number in PEOPLE)))

    async def change() -> None:
        async with store.database.transaction() as transaction:
            await transaction.execute("UPDATE flags SET deleted_on = current_date WHERE local_id = 'A1'")
            await flags_changed(transaction, ["301"])

    between(change)
    report = await store.load(MANY, TUESDAY)
    assert counts(report) == {"amended": 30, "rejected": 1}, "they stand again, and were not thought to be unchanged"


async def test_nothing_is_opened_on_a_number_that_was_sealed_since_the_plan_was_made(store: Store, between: Between) -> None:
    async def seal() -> None:
        async with store.database.transaction() as transaction:
            await seal_person(transaction, OFFICER, PEOPLE[15], "invalidated", now())

    between(seal)
    report = await store.load(MANY)
    assert counts(report) == {"opened": 29, "rejected": 2}
    assert await store.rows("SELECT code FROM extract_rejects ORDER BY line") == [("sealed",), ("bad-nhs-number",)]


async def test_a_load_gives_up_where_others_never_stop_changing_the_flags(store: Store, between: Between) -> None:
    async def change() -> None:
        async with store.database.transaction() as transaction:
            await flags_changed(transaction, ["301"])

    between(change, times=1_000)
    with pytest.raises(StoreBusy):
        await store.load(MANY)
    assert await store.rows("SELECT FROM flags") == []


async def test_a_load_keeps_its_lease_as_long_as_it_lives(store: Store, between: Between, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "LEASE", LEASE / 1_000)
    leases: set[object] = set()

    async def wait_for_renewal() -> None:
        while len(leases) < 3:
            leases.add(await store.value("SELECT lease_until FROM extracts"))

    between(wait_for_renewal)
    assert (await store.load(MANY)).state == "loaded"


async def test_loads_of_one_authority_wait_for_one_another(store: Store) -> None:
    reports = await asyncio.gather(store.load(MANY), store.load(MANY), store.load(a_file(row())), return_exceptions=True)
    first, second, other = reports
    assert not any(isinstance(report, BaseException) for report in reports), reports
    assert first.id == second.id  # type: ignore[union-attr]
    assert [first.already_loaded, second.already_loaded].count(True) == 1  # type: ignore[union-attr]
    assert counts(other) == {"opened": 1}  # type: ignore[arg-type]


async def test_two_authorities_load_the_same_children_side_by_side(store: Store) -> None:
    backwards = a_file(*(row(nhs_number=number, given_name="Eve") for number in reversed(PEOPLE)))
    for at, day in ((MONDAY, "2025-01-06"), (TUESDAY, "2025-01-07")):
        one = MANY.replace(b",A1", f",{day}".encode())
        two = backwards.replace(b",A1", f",{day}".encode())
        await asyncio.gather(store.load(one, at), store.load(two, at, authority="302"))
    assert await store.value("SELECT count(*) FROM flags WHERE local_id = '2025-01-07'") == 60


async def test_the_desk_and_a_load_do_not_wait_for_one_another(store: Store, fresh_database: FreshDatabase) -> None:
    """The desk points at persons and authorities (FOR KEY SHARE); names change meanwhile, keys never do."""
    await store.load(MANY)
    with psycopg.connect(fresh_database.service_url) as desk:  # one that no time-out ends before the load has
        desk.execute("SELECT FROM persons FOR KEY SHARE")
        desk.execute("SELECT FROM authorities FOR KEY SHARE")
        report = await store.load(MANY.replace(b"Ada", b"Eve"), TUESDAY)
    assert counts(report) == {"unchanged": 30, "rejected": 1}
    assert await store.rows("SELECT DISTINCT given_name FROM persons") == [("Eve",)]


async def test_a_load_that_finds_a_row_locked_is_tried_again(
    store: Store, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flags_store.extracts.intake.LOCK_TIMEOUT", "300ms")
    await store.load(MANY)
    with psycopg.connect(fresh_database.service_url) as other:
        other.execute("SELECT FROM persons WHERE nhs_number = %s FOR UPDATE", (PEOPLE[15],))
        load = asyncio.create_task(store.load(MANY.replace(b"Ada", b"Eve"), TUESDAY))
        waits: set[object] = set()
        while len(waits) < 2:  # waits, gives up, and waits again
            assert not load.done()
            waits.update(await store.rows("SELECT waitstart FROM pg_locks WHERE NOT granted AND waitstart IS NOT NULL"))
            await asyncio.sleep(0.005)
    assert counts(await load) == {"unchanged": 30, "rejected": 1}
