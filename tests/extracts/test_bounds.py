"""A file of one authority that has more than all authorities together is refused, before it fills a disk or a morning."""

import pytest

from flags_store.extract_formats import csv_reader
from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extracts import stage
from tests.extracts.files import a_file, row
from tests.extracts.store import Store
from tests.extracts.v3.files import a_file as a_v3_file
from tests.extracts.v3.files import child, plan, record


async def refusal(store: Store, content: bytes) -> str:
    with pytest.raises(UnreadableExtract) as refused:
        await store.load(content)
    assert await store.rows("SELECT FROM persons") == []
    return refused.value.code.value


async def test_empty_lines_have_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "MOST_LINES", 100)
    assert await refusal(store, a_file(row()) + b"\n" * 100) == "too-much"


@pytest.mark.parametrize(
    "content",
    [a_file(*(row(local_id=str(each)) for each in range(12))), a_file(*["x"] * 12), a_v3_file(*[record(child(), plan())] * 12)],
    ids=["good", "bad", "V3"],
)
async def test_records_have_an_end_whether_they_are_good_or_bad(
    store: Store, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(stage, "MOST_RECORDS", 10)
    assert await refusal(store, content) == "too-much"


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\ufffe"])
async def test_a_name_that_turns_itself_around_is_refused_and_is_work(store: Store, mark: str) -> None:
    report = await store.load(a_file(row(family_name=f"Exam{mark}ple")))
    assert (report.records, report.rejected) == (1, 1)
    assert await store.rows("SELECT field, code FROM extract_rejects") == [("family_name", "bad-character")]


async def test_of_what_nobody_sees_no_name_is_made(store: Store) -> None:
    await store.load(a_file(row(family_name=" \u200b\ufeff ")))
    assert await store.rows("SELECT field, code FROM extract_rejects") == [("family_name", "missing")]


async def test_what_nobody_sees_around_a_name_costs_no_child_its_flag(store: Store) -> None:
    await store.load(a_file(row(family_name="\ufeffExample\u200b ", nhs_number="\u200b9990000018\u200e")))
    assert await store.rows("SELECT nhs_number, family_name FROM persons") == [("9990000018", "Example")]
