"""Reports: nobody sees another authority's extracts, and whoever reads rejected records is written down."""

from uuid import uuid4

import pytest

from domain.errors import NotFound
from safeguarding.extracts.loading import RowError, list_reports, read_rejects, read_report
from tests.extracts.files import a_file, row
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, Store


async def test_anothers_report_is_as_absent_as_one_that_never_was(store: Store) -> None:
    report = await store.load(a_file(row(), row(nhs_number="1")))
    async with store.database.transaction() as transaction:
        for authority, extract_id in (("302", report.id), ("301", uuid4()), ("999", report.id)):
            with pytest.raises(NotFound):
                await read_report(transaction, authority, extract_id)
            with pytest.raises(NotFound):
                await read_rejects(transaction, OFFICER, authority, extract_id)
        assert await list_reports(transaction, "302") == []


async def test_an_authoritys_reports_come_newest_first_and_page_by_page(store: Store) -> None:
    reports = [await store.load(a_file(row(local_id=str(at))), at) for at in (MONDAY, TUESDAY)]
    async with store.database.transaction() as transaction:
        assert await list_reports(transaction, "301") == reports[::-1]
        assert await list_reports(transaction, "301", limit=1, offset=1) == reports[:1]
        assert await read_report(transaction, "301", reports[0].id) == reports[0]


async def test_rejected_records_come_by_line_as_they_were_sent_page_by_page(store: Store) -> None:
    report = await store.load(a_file(row(kind="X\x00"), row(), row(kind="Y"), '"x'))
    async with store.database.transaction() as transaction:
        first = await read_rejects(transaction, OFFICER, "301", report.id, limit=2)
        last = await read_rejects(transaction, OFFICER, "301", report.id, limit=2, offset=2)
    assert [(each.line, each.code, each.record.get("kind")) for each in first] == [
        (2, "bad-character", "X␀"),
        (4, "unknown-kind", "Y"),
    ]
    assert last == [RowError(5, "line", "bad-quotes", last[0].reason, {"field 1": '"x'})]
    read = await store.rows(
        "SELECT actor_id, detail->'records' FROM audit_events WHERE action = 'extract.read-rejects' ORDER BY id"
    )
    assert read == [("dee", 2), ("dee", 1)]


async def test_a_report_says_what_an_unfinished_or_interrupted_load_means(store: Store) -> None:
    report = await store.load(a_file(row()))
    for state, words in (("loading", "Not finished."), ("interrupted", "nothing of it was loaded")):
        await store.rows(
            "UPDATE extracts SET state = %s, completed_at = CASE %s WHEN 'loading' THEN NULL ELSE now() END RETURNING 1",
            state,
            state,
        )
        async with store.database.transaction() as transaction:
            assert words in (await read_report(transaction, "301", report.id)).words
