"""An extract goes into a real store: refused, loaded, loaded again; what it changes and what it leaves alone."""

import asyncio
import random
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from domain.errors import InvalidInput, NotFound
from domain.extract import Declaration
from domain.flag import FlagKind
from flags_store.extracts.reconcile import HeldPlan, reconcile
from flags_store.extracts.record import ExtractRecord
from runtime.clock import now
from runtime.ids import uuid7
from safeguarding.extracts.loading import OlderExtract, Progress, Step, UnreadableExtract, load_extract
from safeguarding.sweep import sweep_due
from tests.conftest import FreshDatabase
from tests.extracts.files import CHILD, HEADER, a_file, numbers, record, row
from tests.extracts.store import MONDAY, OFFICER, THURSDAY, TUESDAY, WEDNESDAY, Store, counts
from tests.safeguarding.house import KEY, open_house

OTHER, THIRD, FOURTH = numbers(3)


async def test_an_unknown_authority_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.load(a_file(row()), authority="999")
    assert await store.rows("SELECT FROM extracts") == []


@pytest.mark.parametrize("at", [datetime(2025, 9, 1, 6, 30), now() + timedelta(days=1)])  # noqa: DTZ001
async def test_a_time_without_zone_or_in_the_future_is_refused(store: Store, at: datetime) -> None:
    with pytest.raises(InvalidInput):
        await store.load(a_file(row()), at)
    assert await store.rows("SELECT FROM extracts") == []


@pytest.mark.parametrize("content", [b"", a_file(row(), header="nhs_number"), a_file(row()) + b"\xff\n"])
async def test_nothing_of_an_unreadable_file_is_loaded_and_the_attempt_is_written_down(store: Store, content: bytes) -> None:
    with pytest.raises(UnreadableExtract):
        await store.load(content)
    assert await store.rows("SELECT FROM extracts") == []
    assert await store.rows("SELECT FROM persons") == []
    [(action, subject, detail)] = await store.rows(
        "SELECT action, subject_id, detail->>'code' FROM audit_events WHERE action LIKE 'extract%%'"
    )
    assert (action, subject) == ("extract.refuse", "301")
    assert detail in {"empty-file", "wrong-header", "not-utf8"}


async def test_an_older_extract_is_refused_and_changes_nothing(store: Store) -> None:
    await store.load(a_file(row()), TUESDAY)
    before = await store.everything()
    with pytest.raises(OlderExtract):
        await store.load(a_file(row(end_date="2025-02-01")), MONDAY)
    assert await store.everything() == before


async def test_good_records_load_and_bad_ones_are_kept_with_the_reason(store: Store) -> None:
    bad = row(nhs_number="9990000019", given_name="\x00")
    report = await store.load(a_file(row(), bad, row(nhs_number=OTHER, kind="LAC"), row(kind="LAC", delete_date="2025-02-01")))
    assert counts(report) == {"opened": 2, "rejected": 2}
    assert (report.state, report.authority_code, report.sent_by) == ("loaded", "301", "Dee Data")
    assert report.words == "4 records: 2 opened, 0 amended, 0 ended, 0 deleted, 0 unchanged, 2 rejected."
    assert await store.rows("SELECT line, field, code, record->>'nhs_number' FROM extract_rejects ORDER BY line") == [
        (3, "given_name", "bad-character", "9990000019"),
        (5, "delete_date", "not-held", CHILD),
    ]


async def test_the_same_file_twice_changes_nothing_and_says_so(store: Store) -> None:
    content = a_file(row(), row(nhs_number="1"))
    first = await store.load(content)
    before = await store.everything()
    again = await store.load(content)
    assert (again.id, again.already_loaded, counts(again)) == (first.id, True, {"opened": 1, "rejected": 1})
    assert again.words.startswith("Already loaded on ")
    assert await store.everything() == before


async def test_the_same_content_taken_later_confirms_every_flag_and_keeps_the_feed_fresh(store: Store) -> None:
    """An authority in which nothing happened today must not look silent."""
    await store.load(a_file(row()))
    before = await store.flags()
    report = await store.load(a_file(row()), TUESDAY)
    assert counts(report) == {"unchanged": 1}
    assert report.words.endswith("Nothing changed.")
    assert await store.flags() == before
    assert await store.flags("last_confirmed_at", "last_extract_id") == [(TUESDAY, report.id)]
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") == TUESDAY


async def test_a_correction_that_is_taken_back_brings_the_first_content_again(store: Store) -> None:
    """Content alone must not decide what was loaded before: on Wednesday the plan is open again, as it was on Monday."""
    for content, at in ((row(), MONDAY), (row(end_date="2025-08-31"), TUESDAY), (row(), WEDNESDAY)):
        await store.load(a_file(content), at)
    assert await store.flags("end_date") == [(None,)]
    with pytest.raises(OlderExtract):
        await store.load(a_file(row(local_id="new")), TUESDAY)
    assert (await store.load(a_file(row()), MONDAY)).already_loaded


async def test_a_child_who_is_missing_from_a_file_keeps_the_plan(store: Store) -> None:
    await store.load(a_file(row(), row(nhs_number=OTHER)))
    await store.load(a_file(row(nhs_number=OTHER)), TUESDAY)
    assert await store.flags("nhs_number", "end_date", "deleted_on") == [(CHILD, None, None), (OTHER, None, None)]


async def test_each_change_is_written_and_audited_once(store: Store) -> None:
    people = numbers(5)
    await store.load(a_file(*(row(nhs_number=number) for number in people[:4])))
    changes = [{"end_date": "2025-02-01"}, {"delete_date": "2025-02-02"}, {"local_id": "A2"}, {}, {}]
    report = await store.load(
        a_file(*(row(nhs_number=number, **change) for number, change in zip(people, changes, strict=True))), TUESDAY
    )
    assert counts(report) == {"ended": 1, "deleted": 1, "amended": 1, "unchanged": 1, "opened": 1}
    assert await store.flags("end_date", "deleted_on", "local_id", "last_confirmed_at") == [
        (date(2025, 2, 1), None, "A1", TUESDAY),
        (None, date(2025, 2, 2), "A1", TUESDAY),
        (None, None, "A2", TUESDAY),
        (None, None, "A1", TUESDAY),
        (None, None, "A1", TUESDAY),
    ]
    audited = await store.rows(
        "SELECT action, nhs_number FROM audit_events JOIN flags ON flags.id::text = subject_id"
        " JOIN persons ON persons.id = person_id WHERE detail->>'extract' = %s"
        " AND subject_type = 'flag' AND actor_id = 'dee' ORDER BY nhs_number",
        str(report.id),
    )
    assert audited == list(zip(("flag.end", "flag.delete", "flag.amend", "flag.open"), (*people[:3], people[4]), strict=True))


async def test_the_extract_is_audited_with_its_counts_and_no_audit_row_names_a_patient(store: Store) -> None:
    report = await store.load(a_file(row(given_name="Quirina", family_name="Zweig"), row(nhs_number="1")))
    await store.load(a_file(row(given_name="Quirina", family_name="Young")), TUESDAY)
    [(records, opened, rejected)] = await store.rows(
        "SELECT detail->'records', detail->'opened', detail->'rejected' FROM audit_events"
        " WHERE action = 'extract.load' AND subject_id = %s",
        str(report.id),
    )
    assert (records, opened, rejected) == (2, 1, 1)
    trail = str(await store.rows("SELECT t::text FROM audit_events t"))
    assert not any(word in trail for word in ("Quirina", "Zweig", "Young", CHILD))


async def test_one_file_can_correct_what_stands_in_its_own_way(store: Store) -> None:
    ended = {"nhs_number": OTHER, "end_date": "2025-02-01"}
    until_february = {"nhs_number": FOURTH, "end_date": "2025-02-01"}
    from_february = {"nhs_number": FOURTH, "start_date": "2025-02-01"}
    await store.load(
        a_file(
            row(), row(nhs_number=OTHER), row(nhs_number=THIRD, end_date="2025-02-01"),
            row(**until_february), row(**from_february),
        )
    )  # fmt: skip
    report = await store.load(
        a_file(
            row(start_date="2025-01-07"), row(delete_date="2025-02-01"),
            row(nhs_number=OTHER, start_date="2025-02-01"), row(**ended),
            row(nhs_number=THIRD, start_date="2025-01-20"), row(nhs_number=THIRD, end_date="2025-01-20"),
            row(**{**until_february, "end_date": ""}), row(**from_february, delete_date="2025-02-02"),
        ),
        TUESDAY,
    )  # fmt: skip
    assert counts(report) == {"opened": 3, "deleted": 2, "ended": 1, "amended": 2}


async def test_the_records_of_one_person_are_taken_together_however_far_apart_they_stand(store: Store) -> None:
    await store.load(a_file(row()))
    others = [row(nhs_number=number) for number in numbers(600)]
    report = await store.load(a_file(row(start_date="2025-01-07"), *others, row(delete_date="2025-02-01")), TUESDAY)
    assert counts(report) == {"opened": 601, "deleted": 1}


async def test_a_deleted_plan_can_be_sent_again_and_stands_again(store: Store) -> None:
    for content, at in ((row(), MONDAY), (row(delete_date="2025-08-31"), TUESDAY), (row(), WEDNESDAY)):
        report = await store.load(a_file(content), at)
    assert counts(report) == {"amended": 1}
    assert await store.flags("deleted_on") == [(None,)]


async def test_names_follow_the_newest_extract_and_the_number_never_changes(store: Store) -> None:
    await store.load(a_file(row()))
    person = await store.rows("SELECT id, nhs_number, added_at FROM persons")
    await store.load(a_file(row(family_name="Newname", birth_date="2018-06-05")), TUESDAY)
    await store.load(a_file(row(delete_date="2025-08-31", family_name="Wrong")), WEDNESDAY)
    assert await store.rows("SELECT id, nhs_number, added_at FROM persons") == person
    assert await store.rows("SELECT family_name, birth_date FROM persons") == [("Newname", date(2018, 6, 5))]
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'person.amend'") == 1


async def test_two_authorities_keep_their_own_flags_of_one_child_and_a_difference_in_names_is_counted(store: Store) -> None:
    await store.load(a_file(row(family_name="O'Malley")))
    await store.load(a_file(row(family_name="O’MALLEY", end_date="2025-02-01")), authority="302")
    assert await store.flags("authority_code", "end_date") == [("301", None), ("302", date(2025, 2, 1))]
    await store.load(a_file(row(family_name="Other")), TUESDAY, authority="302")
    differs = "SELECT detail->'differs_from_another_authority' FROM audit_events WHERE action = 'person.amend' ORDER BY occurred_at"
    assert await store.rows(differs) == [(False,), (True,)]
    assert await store.rows("SELECT family_name FROM persons") == [("Other",)]


async def test_one_authoritys_mistake_in_a_birth_date_never_ends_the_plan_of_another_by_age(store: Store) -> None:
    await store.load(a_file(row(birth_date="2018-05-06")), MONDAY)
    wrong = row(birth_date="2008-05-06", start_date="2024-01-01", end_date="2024-02-01", kind="LAC")
    await store.load(a_file(wrong), TUESDAY, authority="302")
    assert await store.rows("SELECT birth_date FROM persons") == [(date(2018, 5, 6),)]
    await store.load(a_file(row(birth_date="2019-05-06")), WEDNESDAY)
    assert await store.rows("SELECT birth_date FROM persons") == [(date(2019, 5, 6),)]


async def test_a_sensitive_extract_masks_everybody_in_it_and_no_later_one_unmasks(store: Store) -> None:
    await store.load(a_file(row(), row(nhs_number=OTHER)))
    await store.load(a_file(row()), TUESDAY, sensitive=True)
    await store.load(a_file(row(local_id="A2", given_name="Eve")), WEDNESDAY)
    await store.load(a_file(row(given_name="Eva")), THURSDAY, authority="302")
    assert await store.rows("SELECT nhs_number, sensitive FROM persons ORDER BY 1") == [(CHILD, True), (OTHER, False)]
    assert await store.value("SELECT count(*) FROM audit_events WHERE detail->'masked' = 'true'") == 1


async def test_an_extract_without_a_good_record_is_no_sign_of_life(store: Store) -> None:
    report = await store.load(a_file(row(nhs_number="1")))
    assert (report.state, counts(report)) == ("nothing-loaded", {"rejected": 1})
    assert report.words.endswith("Nothing was loaded.")
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") is None
    assert (await store.load(a_file(row()), MONDAY - timedelta(days=9))).state == "loaded"


async def test_every_part_that_is_applied_calls_for_the_sweep(store: Store) -> None:
    await store.load(a_file(row()))
    assert await store.rows("SELECT sweep_due, sweep_horizon FROM extracts") == [(True, None)]


async def test_a_flag_that_arrives_while_the_child_is_in_a_department_raises_the_late_alert(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        await house.ask(number=CHILD)
        await Store(house.database).load(a_file(row()), now())
        [alert] = (await sweep_due(house.database, house.directory, KEY))[1]
        assert await house.rows("SELECT authority_code, reason FROM alerts WHERE id = %s", alert.id) == [("301", "late-flag")]


async def test_a_plan_overlaps_another_exactly_where_the_database_says_so(store: Store) -> None:
    """Otherwise a part of an extract would be refused by the exclusion constraint, and the load would stop there."""
    days = [date(2025, 1, day) for day in (1, 2, 3, 4)]
    plans = [(start, end) for start in days for end in (*days, None) if end is None or end >= start]
    pairs = [(*one, *other) for one in plans for other in plans if one[0] != other[0]]
    answers = await store.rows(
        "SELECT daterange(a, b) && daterange(c, d) FROM unnest(%s::date[], %s::date[], %s::date[], %s::date[]) AS p (a, b, c, d)",
        *(list(column) for column in zip(*pairs, strict=True)),
    )
    refused = [
        bool(reconcile([HeldPlan(uuid7(), FlagKind.CPP, start, end)], [as_record(other, until)], date(2025, 2, 1)).refusals)
        for start, end, other, until in pairs
    ]
    assert refused == [overlap for (overlap,) in answers]
    assert {True, False} == set(refused)


def as_record(start: date, end: date | None) -> ExtractRecord:
    return record(start_date=start.isoformat(), end_date=end.isoformat() if end else "")


async def test_far_too_many_records_of_one_number_are_refused_and_the_others_load(store: Store) -> None:
    many = [row(start_date=(date(2020, 1, 1) + timedelta(days=day)).isoformat()) for day in range(101)]
    report = await store.load(a_file(*many, row(nhs_number=OTHER)))
    assert counts(report) == {"opened": 1, "rejected": 101}
    assert await store.rows("SELECT DISTINCT field, code FROM extract_rejects") == [("line", "too-many")]


async def test_a_large_file_says_at_every_step_how_far_it_is(store: Store, tmp_path: Path) -> None:
    people = numbers(2_600)
    file = tmp_path / "extract.csv"
    file.write_bytes(a_file(*(row(nhs_number=number) for number in random.sample(people, len(people))), row(nhs_number="1")))
    steps: list[Progress] = []
    report = await load_extract(store.database, OFFICER, "301", file, Declaration(MONDAY), on_progress=steps.append)
    assert counts(report) == {"opened": 2_600, "rejected": 1}
    assert steps[0] == Progress(Step.READING, 2_000, None)
    assert steps[-1] == Progress(Step.APPLYING, 2_601, 2_601)
    assert [kind for kind, _ in groupby(steps, key=lambda each: each.step)] == list(Step)
    for step in (Step.RECONCILING, Step.APPLYING):
        done = [each.done for each in steps if each.step is step]
        assert len(done) >= 2, step
        assert done == sorted(done), step
    assert [number for (number,) in await store.flags("nhs_number")] == people


@pytest.mark.parametrize("seed", range(4))
async def test_a_file_in_two_halves_ends_in_the_same_flags_as_the_whole(store: Store, seed: int) -> None:
    """Each authority gets the same lines, one in a whole, the other in halves cut between two children."""
    dice = random.Random(seed)
    lines = []
    for number in numbers(40):
        for kind in dice.sample(["CPP", "LAC"], dice.randint(1, 2)):
            start = date(2024, 1, 1) + timedelta(days=dice.randrange(300))
            end = start + timedelta(days=dice.randrange(300))
            dates = {"start_date": start.isoformat(), "end_date": dice.choice(["", end.isoformat()])}
            lines.append(row(nhs_number=number, kind=kind, **dates))
            lines.append(row(nhs_number=number, kind=kind, start_date=dice.choice(["2024-05-05", "2024-11-30"])))
    first_of_second_half = numbers(40)[dice.randrange(1, 40)]
    cut = next(position for position, line in enumerate(lines) if line.startswith(first_of_second_half))
    await store.load(a_file(*lines))
    await store.load(a_file(*lines[:cut]), authority="302")
    await store.load(a_file(*lines[cut:]), authority="302")
    flags = await store.flags("authority_code", "nhs_number", "kind", "start_date", "end_date")
    whole, halves = ([flag for code, *flag in flags if code == authority] for authority in ("301", "302"))
    assert whole == halves
    assert len(whole) >= 60


async def test_what_the_file_says_of_itself_is_all_that_counts(store: Store) -> None:
    """A byte order mark, line ends, quotes and spaces change the bytes, and none of the flags."""
    await store.load(a_file(row()))
    dressed = f'\N{ZERO WIDTH NO-BREAK SPACE}{HEADER}\r\n\r\n999 000 0018,cpp,06/01/2025,,,,"Ada", Example ,06/05/2018,A1'
    assert counts(await store.load(dressed.encode())) == {"unchanged": 1}


async def test_reading_a_file_leaves_the_event_loop_free(store: Store) -> None:
    content = a_file(*(row(nhs_number=number) for number in numbers(4_000)))
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    seen: list[int] = []
    await store.load(content, on_progress=lambda _: seen.append(beats))
    beating.cancel()
    assert seen == sorted(set(seen)), "somebody else had a turn between any two steps"
