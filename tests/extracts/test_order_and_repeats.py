"""In what order extracts come, what comes again, and what is said of one as a whole: by time, and in V3 by number."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import InvalidInput, NotFound
from domain.extract import CameBy, Cause, Declaration, FileFormat, Scope
from domain.flag import FlagKind
from flags_store.extract_formats.rows_reader import Row
from flags_store.extracts.record import NO_EXTRAS, Extras
from runtime.clock import now
from safeguarding.extracts.loading import (
    ExtractReport,
    OlderExtract,
    SequenceRepeated,
    UnreadableExtract,
    list_reports,
    load_extract,
    load_rows,
    read_notes,
)
from tests.extracts.files import CHILD, GOOD, a_file, numbers, row
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, WEDNESDAY, Store, counts
from tests.extracts.v3 import files as v3

OTHER, THIRD = numbers(2)


async def upload(store: Store, number: int, *plans: str, created: str = "20250901063000+0000") -> ExtractReport:
    """A national upload with this number, about one child."""
    content = v3.a_file(v3.record(v3.child(), *plans), sequence=str(number), created=created)
    return await load_extract(store.database, OFFICER, "301", io.BytesIO(content), Declaration(), came_by=CameBy.MESH)


def fields(**changes: str) -> tuple[str, ...]:
    return tuple({**GOOD, **changes}.values())


async def test_a_number_that_has_come_is_refused_with_other_content_and_recognised_with_the_same(store: Store) -> None:
    first = await upload(store, 7, v3.plan())
    before = await store.everything()
    with pytest.raises(SequenceRepeated, match="7 has already come with other content"):
        await upload(store, 7, v3.plan(end="20250301"))
    again = await upload(store, 7, v3.plan())
    assert (again.id, again.already_loaded) == (first.id, True)
    assert await store.everything() == before


async def test_a_lower_number_than_the_last_is_refused(store: Store) -> None:
    await upload(store, 7, v3.plan())
    with pytest.raises(OlderExtract, match="6 comes after 7"):
        await upload(store, 6, v3.plan(end="20250301"), created="20250902063000+0000")
    assert await store.flags("end_date") == [(None,)]


@pytest.mark.parametrize("number, notes", [(8, []), (9, ["sequence-gap"]), (70, ["sequence-gap"])])
async def test_a_gap_is_loaded_and_said_and_never_guessed_over(store: Store, number: int, notes: list[str]) -> None:
    await upload(store, 7, v3.plan())
    report = await upload(store, number, v3.plan(), v3.plan("LAC"))
    assert (counts(report), [note.code for note in report.notes]) == ({"opened": 1, "unchanged": 1}, notes)
    if notes:
        assert f"The sequence number is {number}, and 8 was expected" in report.words


async def test_the_first_number_of_an_authority_is_no_gap(store: Store) -> None:
    assert (await upload(store, 4_711, v3.plan())).notes == ()


async def test_of_two_uploads_the_number_decides_and_not_the_clock_of_the_sender(store: Store) -> None:
    await upload(store, 7, v3.plan(), created="20250902063000+0000")
    report = await upload(store, 8, v3.plan(end="20250301"), created="20250901063000+0000")
    assert counts(report) == {"ended": 1}
    assert await store.flags("last_confirmed_at") == [(TUESDAY,)]


async def test_an_upload_that_is_older_than_an_extract_of_another_format_is_refused(store: Store) -> None:
    await store.load(a_file(row()), TUESDAY)
    with pytest.raises(OlderExtract):
        await upload(store, 7, v3.plan(end="20250301"), created="20250901063000+0000")


async def test_a_number_of_which_nothing_was_loaded_may_come_again_mended(store: Store) -> None:
    bad = v3.a_file(v3.record(v3.child("1"), v3.plan()), sequence="7")
    first = await load_extract(store.database, OFFICER, "301", io.BytesIO(bad), Declaration())
    assert first.state == "nothing-loaded"
    assert counts(await upload(store, 7, v3.plan())) == {"opened": 1}


async def test_another_authoritys_file_is_refused_whole(store: Store) -> None:
    content = v3.a_file(v3.record(v3.child(), v3.plan()), sender="302")
    with pytest.raises(UnreadableExtract) as refused:
        await load_extract(store.database, OFFICER, "301", io.BytesIO(content), Declaration())
    assert refused.value.code == "wrong-sender"
    assert await store.rows("SELECT FROM extracts") == []


async def test_an_extract_that_does_not_say_when_it_was_taken_needs_to_be_told(store: Store) -> None:
    with pytest.raises(InvalidInput, match="the time of the extract is needed"):
        await load_extract(store.database, OFFICER, "301", io.BytesIO(a_file(row())), Declaration())


async def test_the_same_content_declared_sensitive_masks_although_it_was_loaded_before(store: Store) -> None:
    await store.load(a_file(row()))
    report = await store.load(a_file(row()), sensitive=True)
    assert (report.already_loaded, counts(report)) == (False, {"unchanged": 1})
    assert await store.rows("SELECT sensitive FROM persons") == [(True,)]
    assert (await store.load(a_file(row()))).already_loaded, "it says no more than what is held"


async def test_the_same_content_declared_full_is_loaded_once_more(store: Store) -> None:
    await store.load(a_file(row(), row(nhs_number=OTHER)), MONDAY - timedelta(days=1))
    await store.load(a_file(row()))
    report = await store.load(a_file(row()), scope=Scope.FULL)
    assert (report.already_loaded, report.missing) == (False, 1)
    assert report.words == (
        "1 records: 0 opened, 0 amended, 0 ended, 0 deleted, 1 unchanged, 0 rejected. Nothing changed. 1 open plan was not in it."
    )


async def test_the_report_says_what_it_was_and_how_it_came(store: Store) -> None:
    await store.load(a_file(row()), scope=Scope.FULL, came_by=CameBy.PAGE)
    over_mesh = await upload(store, 7, v3.plan(), created="20250902063000+0000")
    assert over_mesh.about == "HL7 V3 XML, only what changed, number 7, over MESH"
    async with store.database.transaction() as transaction:
        newest, first = await list_reports(transaction, "301")
    assert newest == over_mesh
    assert (first.file_format, first.scope, first.came_by, first.cause) == (FileFormat.CSV, Scope.FULL, CameBy.PAGE, Cause.EXTRACT)
    assert first.about == "CSV, all that is held, by the page"


async def test_counts_that_are_declared_are_compared_with_what_is_held_afterwards(store: Store) -> None:
    await store.load(a_file(row(nhs_number=THIRD)))
    said = {FlagKind.CPP: 3, FlagKind.LAC: 1, FlagKind.UCPP: 0}
    report = await store.load(a_file(row(), row(nhs_number=OTHER, kind="LAC")), TUESDAY, counts=said)
    [note] = report.notes
    assert (note.code, note.count) == ("count-differs", 1)
    assert note.words == "You say that you hold 3 open plans of kind CPP; after this extract 2 are held."
    assert report.words.endswith(note.words)
    async with store.database.transaction() as transaction:
        assert await read_notes(transaction, "301", report.id) == [note]
        with pytest.raises(NotFound):
            await read_notes(transaction, "302", report.id)


@pytest.mark.parametrize("cause", [Cause.RELEASED, Cause.SETTLED])
async def test_what_a_person_sends_again_takes_the_same_path_and_says_nothing_of_freshness(store: Store, cause: Cause) -> None:
    await store.load(a_file(row()), TUESDAY)
    rows: list[Row] = [(fields(end_date="2025-03-01"), NO_EXTRAS), (fields(nhs_number="1"), NO_EXTRAS)]
    report = await load_rows(store.database, OFFICER, "301", rows, cause)
    assert (counts(report), report.cause) == ({"ended": 1, "rejected": 1}, cause)
    assert "person" in report.about
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") == TUESDAY
    again = await load_rows(store.database, OFFICER, "301", rows, cause)
    assert (again.already_loaded, counts(again)) == (False, {"unchanged": 1, "rejected": 1})
    assert (await store.load(a_file(row(nhs_number=OTHER)), WEDNESDAY)).state == "loaded", "no extract is older than it"


async def test_what_a_person_mends_together_is_applied_as_one_or_not_at_all(store: Store) -> None:
    await store.load(a_file(row()), TUESDAY)
    rows: list[Row] = [(fields(end_date="2025-03-01"), NO_EXTRAS), (fields(nhs_number="1"), NO_EXTRAS)]
    report = await load_rows(store.database, OFFICER, "301", rows, Cause.MENDED)
    assert (counts(report), report.cause) == ({"unchanged": 1, "rejected": 1}, Cause.MENDED)
    assert await store.flags("end_date") == [(None,)]
    assert counts(await load_rows(store.database, OFFICER, "301", rows[:1], Cause.MENDED)) == {"ended": 1}
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") == TUESDAY


async def test_the_guard_stands_in_nobodys_way_who_decides_record_by_record(store: Store) -> None:
    people = numbers(10)
    await store.load(a_file(*(row(nhs_number=number) for number in people)))
    rows: list[Row] = [(fields(nhs_number=number, end_date="2025-03-01"), NO_EXTRAS) for number in people]
    assert counts(await load_rows(store.database, OFFICER, "301", rows, Cause.RELEASED, at=now())) == {"ended": 10}


async def test_the_childs_own_plan_closes_the_unborn_one_under_the_same_plan_id(store: Store) -> None:
    unborn = fields(nhs_number=OTHER, kind="UCPP", birth_date="1998-02-11", expected_delivery_date="2025-05-30")
    born = fields(start_date="2025-05-20", birth_date="2025-05-20")
    plan = Extras(plan_id="P1")

    async def load(*records: tuple[tuple[str, ...], Extras]) -> ExtractReport:
        return await load_rows(store.database, OFFICER, "301", records, Cause.MENDED)

    await load((unborn, plan), (fields(nhs_number=THIRD, kind="UCPP", birth_date="1997-01-01"), Extras(plan_id="P2")))
    report = await load((born, plan))
    assert counts(report) == {"opened": 1}
    assert [note.code for note in report.notes] == ["unborn-closed"]
    flags = await store.flags("nhs_number", "kind", "end_date", "plan_id")
    assert [(number, kind, str(end), plan_id) for number, kind, end, plan_id in flags] == [
        (CHILD, "CPP", "None", "P1"), (OTHER, "UCPP", "2025-05-20", "P1"), (THIRD, "UCPP", "None", "P2"),
    ]  # fmt: skip
    ended = await store.rows("SELECT detail->'own_plan' FROM audit_events WHERE action = 'flag.end'")
    assert ended == [(True,)]
    assert (await load((born, plan))).notes == (), "once"


async def test_a_plan_id_of_another_authority_closes_nothing(store: Store) -> None:
    unborn = fields(nhs_number=OTHER, kind="UCPP", birth_date="1998-02-11")
    await load_rows(store.database, OFFICER, "302", [(unborn, Extras(plan_id="P1"))], Cause.MENDED)
    await load_rows(store.database, OFFICER, "301", [(fields(), Extras(plan_id="P1"))], Cause.MENDED)
    assert await store.rows("SELECT FROM flags WHERE end_date IS NOT NULL") == []


async def test_a_format_that_has_no_plan_id_takes_none_away(store: Store) -> None:
    await load_rows(store.database, OFFICER, "301", [(fields(), Extras(plan_id="P1"))], Cause.MENDED)
    report = await store.load(a_file(row()), now())
    assert (counts(report), await store.flags("plan_id")) == ({"unchanged": 1}, [("P1",)])
    assert replace(report, held=1).words.endswith(" 1 record waits for a second person.")
