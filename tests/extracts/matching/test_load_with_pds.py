"""A load that asks the register, from the file to what a hospital would find: opened, refused, masked, led on, or sealed."""

from uuid import UUID

import pytest

from domain.nhs_number import NhsNumber
from domain.trace import NotVerified, NotVerifiedReason, Trace
from flags_store.extracts import intake
from flags_store.extracts.intake_flags import close_unborn
from flags_store.extracts.loads import Load
from flags_store.identity import SealReason, seal_person
from flags_store.sweep_calls import call_for_sweep
from runtime.database import Connection
from safeguarding.extracts.loading import ExtractReport, read_notes, read_rejects
from tests.extracts.files import a_file
from tests.extracts.matching.people import ADA, BEA, CAL, DOT, EVE, FAY, GUS, NEWER, NOBODY, Answering, child
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, WEDNESDAY, Store

SHOWN = "SELECT nhs_number, match_basis FROM flags JOIN persons ON persons.id = person_id WHERE withdrawn_at IS NULL ORDER BY 1"


async def rejected(store: Store, report: ExtractReport, authority: str = "301") -> list[tuple[str, str]]:
    async with store.database.transaction() as transaction:
        return [(each.field, each.code) for each in await read_rejects(transaction, OFFICER, authority, report.id)]


async def test_of_new_people_only_those_load_whom_the_register_does_not_contradict(store: Store, pds: Trace) -> None:
    people = (ADA, BEA, CAL, DOT, EVE, FAY, GUS, NOBODY)
    report = await store.load(a_file(*(child(number) for number in people)), traces=pds)
    assert await rejected(store, report) == [
        ("family_name", "pds-differs"),
        ("nhs_number", "invalidated"),
        ("nhs_number", "not-in-pds"),
    ]
    assert await store.rows(SHOWN) == [
        (ADA, "traced"), (CAL, "superseded"), (DOT, "traced"), (FAY, "traced"), (GUS, "traced"),
    ]  # fmt: skip
    assert await store.rows("SELECT nhs_number FROM persons WHERE sensitive") == [(DOT,)]
    async with store.database.transaction() as transaction:
        notes = {note.code for note in await read_notes(transaction, "301", report.id)}
    assert notes >= {"superseded", "deceased", "restricted", "spelling"}


async def test_a_superseded_number_loads_with_an_alias_to_the_newer_one(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(CAL)), traces=pds)
    rows = await store.rows("SELECT value, relation, direction, source FROM person_aliases")
    assert rows == [(NEWER, "superseded", "successor", "PDS")]


async def test_what_is_held_goes_on_showing_in_doubt_where_the_register_contradicts_it_now(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(BEA), child(NOBODY)))
    report = await store.load(a_file(child(BEA), child(NOBODY)), TUESDAY, traces=pds)
    assert report.rejected == 2
    assert await store.rows(SHOWN) == [(BEA, "differs"), (NOBODY, "not-found")]


async def test_a_plan_that_the_register_contradicts_can_still_be_ended(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(BEA), *(child(number) for number in (ADA, CAL, DOT, FAY, GUS))))
    report = await store.load(a_file(child(BEA, end_date="2025-08-30")), TUESDAY, traces=pds)
    assert (report.ended + report.held, report.rejected) == (1, 0)


async def test_a_mended_record_loads_with_the_next_extract(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(BEA)), traces=pds)
    assert await store.rows(SHOWN) == []
    await store.load(a_file(child(BEA, family_name="Other")), TUESDAY, traces=pds)
    assert await store.rows(SHOWN) == [(BEA, "traced")]


@pytest.mark.parametrize("reason", [NotVerifiedReason.UNAVAILABLE, NotVerifiedReason.TOO_LITTLE])
async def test_a_register_that_cannot_say_keeps_nobody_from_being_known(store: Store, reason: NotVerifiedReason) -> None:
    report = await store.load(a_file(child(ADA)), traces=Answering(lambda *_: NotVerified(reason)))
    assert (report.opened, report.rejected) == (1, 0)
    assert await store.rows(SHOWN) == [(ADA, "check-digit")]


async def test_a_plan_on_a_number_that_became_invalid_is_withdrawn_by_the_load_itself(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(EVE)))
    report = await store.load(a_file(child(EVE)), TUESDAY, traces=pds)
    assert await rejected(store, report) == [("nhs_number", "invalidated")]
    assert await store.rows(SHOWN) == []
    assert await store.rows("SELECT nhs_number, sealed_reason FROM persons") == [(EVE, "invalidated")]


async def test_the_authority_is_told_over_mesh_of_each_number_that_is_inactive_once(store: Store, pds: Trace) -> None:
    await store.rows("UPDATE authorities SET mesh_mailbox = 'AMBER001' WHERE code = '301' RETURNING code")
    for at in (MONDAY, TUESDAY):
        await store.load(a_file(child(CAL, local_id="A3"), child(EVE, local_id="A5"), child(ADA)), at, traces=pds)
    told = await store.rows("SELECT detail FROM mesh_outbox WHERE kind = 'inactive-nhs-number' ORDER BY detail ->> 'local_id'")
    assert told == [
        ({"nhs_number": CAL, "local_id": "A3", "reason": "superseded"},),
        ({"nhs_number": EVE, "local_id": "A5", "reason": "invalidated"},),
    ]


async def test_an_invalid_number_that_nobody_is_held_on_is_sealed_too(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(EVE)), traces=pds)
    assert await store.rows("SELECT nhs_number, family_name, sealed_reason FROM persons") == [(EVE, "", "invalidated")]


@pytest.mark.parametrize("reason", ["adopted", "invalidated"])
async def test_no_authority_opens_anything_on_a_sealed_number(store: Store, reason: SealReason) -> None:
    await store.load(a_file(child(ADA)))
    async with store.database.transaction() as transaction:
        await seal_person(transaction, OFFICER, ADA, reason, MONDAY)
    for authority, at in (("301", TUESDAY), ("302", WEDNESDAY)):
        report = await store.load(a_file(child(ADA, kind="LAC")), at, authority)
        assert await rejected(store, report, authority) == [("nhs_number", "sealed")]
    assert await store.rows(SHOWN) == []


async def test_the_same_local_id_on_a_new_number_is_linked_to_nothing(store: Store) -> None:
    """The adopted child has a new number, and the authority's own id may be the old one: these are two records, for good."""
    await store.load(a_file(child(ADA, local_id="A1")))
    async with store.database.transaction() as transaction:
        await seal_person(transaction, OFFICER, ADA, "adopted", MONDAY)
    new = NhsNumber(GUS)
    report = await store.load(a_file(child(new, local_id="A1")), TUESDAY)
    assert report.opened == 1
    assert await store.rows(SHOWN) == [(new, "check-digit")]
    assert await store.value("SELECT count(*) FROM person_aliases") == 0
    assert await store.value("SELECT count(DISTINCT person_id) FROM flags") == 2


async def test_a_plan_that_opens_for_somebody_who_is_matched_already_rests_on_that(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(ADA)), traces=pds)
    register = Answering()
    await store.load(a_file(child(ADA, kind="LAC")), TUESDAY, traces=register)
    assert register.asked == []
    assert await store.rows(SHOWN) == [(ADA, "traced"), (ADA, "traced")]


async def test_a_hospital_that_merges_two_numbers_never_waits_for_a_load_that_finds_one_superseded(
    store: Store, pds: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The load has written its plans, and is far from done: a desk calls for the sweep of the same authority meanwhile."""
    await store.load(a_file(child(ADA), child(CAL)))

    async def while_a_hospital_merges(transaction: Connection, load: Load) -> list[UUID]:
        async with store.database.transaction() as desk:
            await desk.execute("SET LOCAL lock_timeout = '200ms'")
            await call_for_sweep(desk, [ADA])
        return await close_unborn(transaction, load)

    monkeypatch.setattr(intake, "close_unborn", while_a_hospital_merges)
    report = await store.load(a_file(child(ADA), child(CAL)), TUESDAY, traces=pds)
    assert report.state == "loaded"
    assert await store.rows("SELECT value FROM person_aliases") == [(NEWER,)]
