"""Endings that are too many wait for a second person, newer news settles them, and a surge of openings is shown at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from domain.actor import Actor, ActorKind
from domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from domain.extract import Scope
from domain.nhs_number import NhsNumber
from safeguarding.extracts.held import (
    Released,
    SamePerson,
    Waiting,
    confirm_surge,
    open_held,
    open_surge,
    read_waiting,
    refuse,
    release,
    take_back_surge,
)
from safeguarding.extracts.loading import ExtractReport, StoreBusy
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row
from tests.extracts.store import OFFICER, THURSDAY, TUESDAY, WEDNESDAY, Store

SECOND = Actor(ActorKind.PERSON, "sam", "Sam Second", "301", "data-officer")
OPERATOR = Actor(ActorKind.OPERATOR, "root", "root on the command line", "nightlight", "operator")
PEOPLE = numbers(20)
ENDED = "2025-08-30"


def plans(people: Sequence[NhsNumber], **changes: str) -> list[str]:
    return [row(nhs_number=number, local_id=f"L{number[-4:]}", **changes) for number in people]


async def open_twenty(store: Store) -> None:
    await store.load(a_file(*plans(PEOPLE)))


async def end_all(store: Store, **options: object) -> ExtractReport:
    return await store.load(a_file(*plans(PEOPLE, end_date=ENDED)), TUESDAY, **options)  # type: ignore[arg-type]


async def waiting(store: Store) -> Waiting:
    async with store.database.transaction() as transaction:
        return await read_waiting(transaction, "301")


async def open_plans(store: Store) -> int:
    return int(await store.value("SELECT count(*) FROM flags WHERE end_date IS NULL AND deleted_on IS NULL"))


async def decisions(store: Store) -> dict[str | None, int]:
    return dict(await store.rows("SELECT decision, count(*) FROM held_changes GROUP BY decision"))


async def test_a_mass_ending_by_mistake_hides_no_child_and_says_what_waits(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    assert await open_plans(store) == 20
    [held] = (await waiting(store)).held
    assert (held.extract_id, held.endings, held.deletions, held.others, held.open_plans, held.share) == (
        report.id,
        20,
        0,
        0,
        20,
        1.0,
    )
    assert (held.sender.id, held.sender.name, held.extracted_at) == ("dee", "Dee Data", TUESDAY)
    assert report.held == 20


async def test_deletions_are_held_as_endings_are(store: Store) -> None:
    await open_twenty(store)
    await store.load(a_file(*plans(PEOPLE, delete_date="2025-09-01")), TUESDAY)
    [held] = (await waiting(store)).held
    assert (held.endings, held.deletions) == (0, 20)
    assert await open_plans(store) == 20


async def test_a_few_endings_are_in_force_at_once(store: Store) -> None:
    await open_twenty(store)
    await store.load(a_file(*plans(PEOPLE[:5], end_date=ENDED)), TUESDAY)
    assert await open_plans(store) == 15
    assert (await waiting(store)).held == []


async def test_openings_beside_held_endings_load_at_once(store: Store) -> None:
    await open_twenty(store)
    new = numbers(3, 999_310_000)
    await store.load(a_file(*plans(PEOPLE, end_date=ENDED), *plans(new)), TUESDAY)
    assert await open_plans(store) == 23


async def test_a_start_date_that_was_corrected_in_every_plan_waits_for_nobody(store: Store) -> None:
    """Each child stays known: the plan that ends is replaced by another."""
    await open_twenty(store)
    corrected = [*plans(PEOPLE, delete_date="2025-09-01"), *plans(PEOPLE, start_date="2025-01-07")]
    await store.load(a_file(*corrected), TUESDAY)
    assert (await waiting(store)).held == []
    assert await open_plans(store) == 20


async def test_whoever_sent_it_cannot_release_or_refuse(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    with pytest.raises(SamePerson):
        await release(store.database, OFFICER, "301", report.id)
    with pytest.raises(SamePerson):
        async with store.database.transaction() as transaction:
            await refuse(transaction, OFFICER, "301", report.id, "a mistake")
    assert await open_plans(store) == 20
    assert await decisions(store) == {None: 20}
    assert await store.value("SELECT count(*) FROM held_changes WHERE release_began IS NOT NULL") == 0


async def test_another_authority_finds_nothing_to_release(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    with pytest.raises(NotFound):
        await release(store.database, replace(SECOND, organisation="302"), "302", report.id)
    async with store.database.transaction() as transaction:
        assert await open_held(transaction, SECOND, "302", report.id, limit=50) == []


async def test_a_second_person_releases_all_of_it_and_both_are_on_record(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    assert await release(store.database, SECOND, "301", report.id) == Released(applied=20, rejected=0)
    assert await open_plans(store) == 0
    assert await decisions(store) == {"released": 20}
    assert (await waiting(store)).held == []
    assert await store.rows(
        "SELECT actor_id, detail->>'by', detail->>'sent_by' FROM audit_events WHERE action = 'held.release'"
    ) == [("sam", "Sam Second", "Dee Data")]
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'flag.end' AND actor_id = 'sam'") == 20
    with pytest.raises(NotFound):
        await release(store.database, SECOND, "301", report.id)


async def test_a_release_says_nothing_about_how_fresh_the_feed_is(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    before = await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'")
    await release(store.database, SECOND, "301", report.id)
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") == before == TUESDAY
    await store.load(a_file(*plans(PEOPLE)), WEDNESDAY)
    assert await open_plans(store) == 20


async def test_what_was_sent_by_a_system_any_data_officer_releases_once(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    await store.rows("UPDATE held_changes SET sender_kind = 'system', sender_id = 'mesh', sender_name = 'MESH' RETURNING 1")
    assert (await release(store.database, OFFICER, "301", report.id)).applied == 20
    assert await store.rows("SELECT detail->>'sent_by' FROM audit_events WHERE action = 'held.release'") == [("MESH",)]


@pytest.mark.parametrize("kind", ["production", "test"])
async def test_an_operator_decides_in_production_only_for_a_data_officer_who_is_named(
    store: Store, fresh_database: FreshDatabase, kind: str
) -> None:
    await open_twenty(store)
    report = await end_all(store)
    if kind == "production":
        with psycopg.connect(fresh_database.owner_url) as owner:
            owner.execute("UPDATE store SET kind = 'production'")
        with pytest.raises(NotAllowed):
            await _refuse_as_operator(store, report.id, "")
    with pytest.raises(SamePerson):
        await _refuse_as_operator(store, report.id, " dee  DATA ")
    await _refuse_as_operator(store, report.id, "Nia Named")
    assert await store.rows("SELECT DISTINCT decision, decided_by, reason FROM held_changes") == [
        ("refused", "Nia Named, by root on the command line", "the export was empty")
    ]


async def _refuse_as_operator(store: Store, extract_id: UUID, named: str) -> None:
    async with store.database.transaction() as transaction:
        await refuse(transaction, OPERATOR, "301", extract_id, "the export was empty", named=named)


async def test_an_operator_is_not_the_second_person_of_what_they_sent(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    await store.rows("UPDATE held_changes SET sender_kind = 'operator', sender_id = 'root', sender_name = 'root' RETURNING 1")
    with pytest.raises(SamePerson):
        await _refuse_as_operator(store, report.id, "")


async def test_what_is_refused_is_never_applied_and_the_reason_stays(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    for reason in ("", "  no ", "x" * 201):
        with pytest.raises(InvalidInput):
            async with store.database.transaction() as transaction:
                await refuse(transaction, SECOND, "301", report.id, reason)
    async with store.database.transaction() as transaction:
        await refuse(transaction, SECOND, "301", report.id, "the export ran on an empty table")
    assert await open_plans(store) == 20
    assert await store.rows("SELECT DISTINCT decision, decided_by, reason, fields FROM held_changes") == [
        ("refused", "Sam Second", "the export ran on an empty table", None)
    ]
    with pytest.raises(NotFound):
        await release(store.database, SECOND, "301", report.id)


async def test_the_same_again_replaces_what_waits_and_keeps_its_age(store: Store) -> None:
    await open_twenty(store)
    first = await end_all(store)
    since = (await waiting(store)).held[0].waiting_since
    again = await store.load(a_file(*plans(PEOPLE, end_date="2025-08-31")), WEDNESDAY)
    [held] = (await waiting(store)).held
    assert (held.extract_id, held.endings, held.waiting_since) == (again.id, 20, since)
    with pytest.raises(NotFound):
        await release(store.database, SECOND, "301", first.id)
    await release(store.database, SECOND, "301", again.id)
    assert set(await store.flags("end_date")) == {(again.extracted_at.date() - timedelta(days=3),)}


async def test_an_old_held_ending_is_never_applied_over_newer_news(store: Store) -> None:
    """On Wednesday the authority says that all but two still stand: only those two go on waiting."""
    await open_twenty(store)
    tuesday = await end_all(store)
    await store.load(a_file(*plans(PEOPLE[2:])), WEDNESDAY)
    assert await decisions(store) == {None: 2, "replaced": 18}
    assert await release(store.database, SECOND, "301", tuesday.id) == Released(applied=2, rejected=0)
    assert await open_plans(store) == 18


async def test_what_a_later_extract_says_again_and_passes_is_in_force_and_waits_no_longer(store: Store) -> None:
    await open_twenty(store)
    await end_all(store)
    await store.load(a_file(*plans(PEOPLE[:2], end_date=ENDED)), WEDNESDAY)
    assert await decisions(store) == {None: 18, "replaced": 2}
    assert await open_plans(store) == 18


async def test_nothing_is_applied_and_all_waits_as_before_where_the_store_is_busy(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)

    async def busy(*_: object, **__: object) -> ExtractReport:
        raise StoreBusy("the store is busy")

    with pytest.raises(StoreBusy):
        await release(store.database, SECOND, "301", report.id, load=busy)
    assert await decisions(store) == {None: 20}
    assert (await release(store.database, SECOND, "301", report.id)).applied == 20


async def test_a_release_that_died_is_begun_anew_after_a_while_and_not_before(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    await store.rows("UPDATE held_changes SET release_began = now() RETURNING 1")
    with pytest.raises(Conflict):
        await release(store.database, SECOND, "301", report.id)
    await store.rows("UPDATE held_changes SET release_began = now() - interval '6 minutes' RETURNING 1")
    assert (await release(store.database, SECOND, "301", report.id)).applied == 20


async def test_an_opening_that_needs_the_days_of_a_held_plan_waits_with_it_and_goes_with_it(store: Store) -> None:
    await open_twenty(store)
    changed = [*plans(PEOPLE, delete_date="2025-09-01"), *plans(PEOPLE, start_date="2025-02-01", end_date=ENDED)]
    report = await store.load(a_file(*changed), TUESDAY)
    [held] = (await waiting(store)).held
    assert (held.deletions, held.others, held.records) == (20, 20, 40)
    assert await release(store.database, SECOND, "301", report.id) == Released(applied=40, rejected=0)
    assert await store.value("SELECT count(*) FROM flags WHERE deleted_on IS NULL AND end_date = '2025-08-30'") == 20


async def test_a_look_at_whom_it_is_about_is_on_record_and_the_record_goes_with_the_decision(store: Store) -> None:
    await open_twenty(store)
    report = await end_all(store)
    async with store.database.transaction() as transaction:
        rows = await open_held(transaction, SECOND, "301", report.id, limit=7, offset=14)
    assert [(each.nhs_number, each.change, each.said_end, each.local_id) for each in rows] == [
        (number, "end", ENDED, f"L{number[-4:]}") for number in sorted(PEOPLE)[14:]
    ]
    assert await store.rows("SELECT actor_id, detail->>'shown' FROM audit_events WHERE action = 'held.open'") == [("sam", "6")]
    await release(store.database, SECOND, "301", report.id)
    assert await store.value("SELECT count(*) FROM held_changes WHERE fields IS NOT NULL OR extras <> '{}'") == 0


async def test_a_surge_is_shown_at_once_and_waits_for_a_second_person(store: Store) -> None:
    await store.load(a_file(*plans(PEOPLE[:4])))
    report = await store.load(a_file(*plans(PEOPLE)), TUESDAY)
    assert await open_plans(store) == 20
    [surge] = (await waiting(store)).surges
    assert (surge.extract_id, surge.openings, surge.open_plans, surge.sender.id) == (report.id, 16, 4, "dee")
    with pytest.raises(SamePerson):
        async with store.database.transaction() as transaction:
            await confirm_surge(transaction, OFFICER, "301", report.id)
    with pytest.raises(SamePerson):
        await take_back_surge(store.database, OFFICER, "301", report.id, "closed cases")
    async with store.database.transaction() as transaction:
        assert len(await open_surge(transaction, SECOND, "301", report.id, limit=50)) == 16
        await confirm_surge(transaction, SECOND, "301", report.id)
    assert (await waiting(store)).surges == []
    assert await open_plans(store) == 20


async def test_a_first_extract_is_no_surge(store: Store) -> None:
    await open_twenty(store)
    assert (await waiting(store)).surges == []


async def test_a_surge_that_is_taken_back_was_recorded_in_error_with_a_reason(store: Store) -> None:
    await store.load(a_file(*plans(PEOPLE[:4])))
    report = await store.load(a_file(*plans(PEOPLE)), TUESDAY)
    with pytest.raises(InvalidInput):
        await take_back_surge(store.database, SECOND, "301", report.id, "")
    assert await take_back_surge(store.database, SECOND, "301", report.id, "the export took closed cases") == 16
    assert await open_plans(store) == 4
    assert await store.value("SELECT count(*) FROM flags WHERE deleted_on IS NOT NULL") == 16
    assert await store.rows("SELECT decision, decided_by, reason FROM surges") == [
        ("taken-back", "Sam Second", "the export took closed cases")
    ]
    with pytest.raises(NotFound):
        await take_back_surge(store.database, SECOND, "301", report.id, "the export took closed cases")


async def test_a_taking_back_that_died_half_way_is_done_again_without_harm(store: Store) -> None:
    await store.load(a_file(*plans(PEOPLE[:4])))
    report = await store.load(a_file(*plans(PEOPLE)), TUESDAY)
    await take_back_surge(store.database, SECOND, "301", report.id, "closed cases")
    await store.rows("UPDATE surges SET decision = NULL, decided_at = NULL, decided_by = NULL RETURNING 1")
    assert await take_back_surge(store.database, SECOND, "301", report.id, "closed cases") == 0
    assert await open_plans(store) == 4


async def test_a_full_extract_counts_whom_it_would_end_as_named(store: Store) -> None:
    await open_twenty(store)
    await end_all(store, scope=Scope.FULL)
    assert await store.value("SELECT count(*) FROM flags WHERE missed_snapshots > 0") == 0


async def test_nothing_is_held_of_what_was_extracted_before(store: Store) -> None:
    """The limits judge what an extract would change; what ended long ago and is sent again changes nothing."""
    await store.load(a_file(*plans(PEOPLE, end_date="2025-08-01")))
    await store.load(a_file(*plans(PEOPLE, end_date="2025-08-01")), THURSDAY)
    assert (await waiting(store)).held == []


async def test_birth_dates_by_which_every_child_would_be_an_adult_wait_too(store: Store) -> None:
    """An export that swaps a column ends no plan, and would make every one of them end by age."""
    await open_twenty(store)
    report = await store.load(a_file(*plans(PEOPLE, birth_date="2007-12-31")), TUESDAY)
    [held] = (await waiting(store)).held
    assert (held.endings, report.held) == (20, 20)
    assert await store.value("SELECT count(*) FROM persons WHERE birth_date = '2018-05-06'") == 20


async def test_a_record_that_was_sealed_since_is_neither_shown_nor_released(store: Store) -> None:
    """An adopted child's old record is nobody's business, though an ending of it was held."""
    await open_twenty(store)
    report = await end_all(store)
    await store.rows("UPDATE persons SET sealed_at = now(), sealed_reason = 'adopted' WHERE nhs_number = %s RETURNING 1", PEOPLE[0])
    async with store.database.transaction() as transaction:
        rows = await open_held(transaction, SECOND, "301", report.id, limit=50)
    assert {each.nhs_number for each in rows} == set(PEOPLE[1:])
    assert (await waiting(store)).held[0].records == 19
    assert (await release(store.database, SECOND, "301", report.id)).applied == 19
    assert (await waiting(store)).held == []
