"""A national upload loads as any other extract does, and its answer is kept with it."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.extract import Declaration, FileFormat
from flags_store.extracts.responses import read_response
from safeguarding.extracts.loading import ExtractReport, OlderExtract, UnreadableExtract, load_extract
from tests.extracts.files import numbers
from tests.extracts.store import OFFICER, Store
from tests.extracts.v3.files import CHILD, GOOD, MOTHER, OTHER, a_file, child, mother, plan, read, record

KEY = "nhs_number, kind, start_date::text, end_date::text, deleted_on::text"


async def load(store: Store, content: bytes) -> ExtractReport:
    return await load_extract(store.database, OFFICER, "301", io.BytesIO(content), Declaration())


async def answer(store: Store, report: ExtractReport) -> bytes:
    async with store.database.transaction() as transaction:
        return await read_response(transaction, OFFICER, "301", report.id)


def later(number: int, *records: str, **changes: str) -> bytes:
    return a_file(*records, sequence=str(number), created=f"202509{number:02}063000+0000", **changes)


async def test_an_upload_that_cannot_be_read_changes_nothing(store: Store) -> None:
    before = await store.rows("SELECT * FROM flags")
    with pytest.raises(UnreadableExtract):
        await load(store, GOOD[:-20])
    assert await store.rows("SELECT * FROM flags") == before == []


async def test_each_plan_of_each_record_is_opened_and_answered(store: Store) -> None:
    report = await load(store, GOOD)
    assert (report.records, report.opened, report.rejected, report.file_format) == (4, 4, 0, FileFormat.V3)
    assert await store.flags("nhs_number", "kind", "start_date::text") == [
        (CHILD, "CPP", "2025-01-06"), (OTHER, "CPP", "2025-02-03"), (OTHER, "LAC", "2025-01-06"), (MOTHER, "UCPP", "2025-01-20"),
    ]  # fmt: skip
    content = await answer(store, report)
    assert (content.count(b'"CPR06"'), content.count(b'"CPF02"'), content.count(b"<record>")) == (3, 1, 3)


async def test_the_time_of_an_upload_is_the_one_that_it_says(store: Store) -> None:
    report = await load(store, GOOD)
    assert report.extracted_at.isoformat() == "2025-09-01T06:30:00+00:00"


async def test_who_is_not_in_the_next_upload_keeps_everything_and_ends_and_deletes_are_explicit(store: Store) -> None:
    await store.rows("UPDATE authorities SET shrink_share = 1 RETURNING code")
    await load(store, later(1, record(child(), plan(), plan("LAC")), record(child(OTHER, "Noor"), plan())))
    report = await load(store, later(2, record(child(), plan(end="20250801"), plan("LAC", delete="20250802"))))
    assert (report.ended, report.deleted) == (1, 1)
    flags = await store.flags("nhs_number", "kind")
    assert flags == [(CHILD, "CPP"), (CHILD, "LAC"), (OTHER, "CPP")]


async def test_what_waits_for_a_second_person_is_answered_as_not_loaded(store: Store) -> None:
    people = numbers(8)
    await load(store, later(1, *(record(child(number), plan()) for number in people)))
    report = await load(store, later(2, *(record(child(number), plan(end="20250801")) for number in people)))
    assert (report.ended, report.held) == (0, 8)
    content = await answer(store, report)
    assert (content.count(b'"CPR07"'), content.count(b"second person"), content.count(b'"CPF04"')) == (8, 8, 1)


async def test_the_same_upload_again_is_already_loaded_and_an_older_one_is_refused(store: Store) -> None:
    first, second = later(5, record(child(), plan())), later(6, record(child(), plan()), record(child(OTHER, "Noor"), plan()))
    await load(store, first)
    await load(store, second)
    assert (await load(store, second)).already_loaded
    before = await store.flags()
    with pytest.raises(OlderExtract):
        await load(store, later(4, record(child(), plan("LAC"))))
    assert await store.flags() == before


async def test_a_gap_in_the_sequence_is_said_and_loads(store: Store) -> None:
    await load(store, later(5, record(child(), plan())))
    report = await load(store, later(9, record(child(), plan()), record(child(OTHER, "Noor"), plan())))
    assert report.opened == 1
    assert ("sequence-gap",) in await store.rows("SELECT code FROM extract_notes")


async def test_a_count_and_a_phone_that_differ_are_notes_of_the_extract(store: Store) -> None:
    await load(store, a_file(record(child(), plan()), quantity="3", office="01632 960999"))
    assert set(await store.rows("SELECT code FROM extract_notes")) == {("quantity-differs",), ("phone-differs",)}


async def test_a_rejected_record_is_answered_with_its_code_and_kept_as_work(store: Store) -> None:
    bad = record(child("9990000019", local="A9"), plan())
    report = await load(store, a_file(record(child(), plan()), bad, record(mother())))
    content = await answer(store, report)
    assert (report.opened, report.rejected) == (1, 2)
    assert [content.count(code) for code in (b'"CPF03"', b'"CPR06"', b'"CPR07"')] == [1, 1, 2]
    assert await store.rows("SELECT code, place FROM extract_rejects ORDER BY line") == [
        ("bad-nhs-number", "record 2, CPP"), ("no-plans", "record 3"),
    ]  # fmt: skip


RECORDS = (
    record(child(), plan(), plan("LAC")),
    record(child(OTHER, "Noor"), plan(start="20250203")),
    record(mother(), plan("UCPP", "20250120")),
    record(child("9990000019"), plan()),
)


@given(st.permutations(RECORDS))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_the_records_gives_the_same_rows(records: list[str]) -> None:
    def rows(content: bytes) -> list[str]:
        return sorted(str(getattr(each, "fields", each)) for each in read(content))

    assert rows(a_file(*records)) == rows(a_file(*RECORDS))
