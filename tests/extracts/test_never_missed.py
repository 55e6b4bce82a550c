"""No child goes out of sight by a mistake beside it: a slip while mending, newer news, another's record, an empty snapshot."""

from typing import Any

import pytest

from domain.errors import Conflict, NotFound
from domain.extract import Cause, Scope
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.record import Extras
from flags_store.extracts.rejects import record_doubt
from flags_store.identity import seal_person
from runtime.clock import now
from safeguarding.extracts.held import Released, release, take_back_surge
from safeguarding.extracts.loading import ExtractReport, load_rows
from safeguarding.extracts.mending import Outcome, mend
from safeguarding.extracts.missing import Settled, settle
from tests.extracts.files import CHILD, GOOD, a_file, record, row
from tests.extracts.store import OFFICER, THURSDAY, TUESDAY, WEDNESDAY, Store, counts
from tests.extracts.test_held import PEOPLE, SECOND, end_all, open_plans, open_twenty, plans

BAD_NUMBER, RIGHT_NUMBER = "9990000019", "9990000026"


async def a_doubt(store: Store) -> Any:
    """A plan that is held on a number of which PDS holds other details, as work."""
    await store.load(a_file(row()))
    async with store.database.transaction() as transaction:
        await record_doubt(transaction, "301", await store.value("SELECT id FROM flags"), RecordCode.NOT_IN_PDS)
    return await store.value("SELECT id FROM rejected_records")


async def test_a_slip_in_a_correction_leaves_the_plan_where_it_stood_and_the_work_open(store: Store) -> None:
    work = await a_doubt(store)
    mended = await mend(store.database, OFFICER, "301", work, [*(GOOD | {"nhs_number": BAD_NUMBER}).values()])
    assert mended.outcome is Outcome.REJECTED
    assert await store.flags("nhs_number", "deleted_on") == [(CHILD, None)], "the plan goes on showing"
    assert await store.value("SELECT state FROM rejected_records") == "open"


async def test_a_correction_that_is_good_moves_the_plan_to_the_right_number(store: Store) -> None:
    work = await a_doubt(store)
    mended = await mend(store.database, OFFICER, "301", work, [*(GOOD | {"nhs_number": RIGHT_NUMBER}).values()])
    assert mended.outcome is Outcome.ACCEPTED
    assert await store.rows("SELECT nhs_number FROM flags JOIN persons ON persons.id = person_id WHERE deleted_on IS NULL") == [
        (RIGHT_NUMBER,)
    ]


async def test_a_release_that_waited_for_a_newer_extract_ends_nothing_that_it_says_is_open(store: Store) -> None:
    await open_twenty(store)
    tuesday = await end_all(store)

    async def after_a_newer_extract(*arguments: Any, **named: Any) -> ExtractReport:
        await store.load(a_file(*plans(PEOPLE[2:])), WEDNESDAY)
        return await load_rows(*arguments, **named)

    with pytest.raises(Conflict):
        await release(store.database, SECOND, "301", tuesday.id, load=after_a_newer_extract)
    assert await open_plans(store) == 20
    assert await release(store.database, SECOND, "301", tuesday.id) == Released(applied=2, rejected=0)
    assert await open_plans(store) == 18


async def test_a_snapshot_of_which_no_record_is_any_good_closes_no_work(store: Store) -> None:
    await store.load(a_file(row(nhs_number=BAD_NUMBER)), scope=Scope.FULL)
    await store.load(a_file("nothing,that,can,be,read"), TUESDAY, scope=Scope.FULL)
    assert await store.rows("SELECT state FROM rejected_records WHERE record->>'nhs_number' = %s", BAD_NUMBER) == [("open",)]


async def test_another_authority_hears_that_its_plan_is_shown_no_more_since_the_number_was_sealed(store: Store) -> None:
    """It goes on sending the old number, and would never know that nobody is shown its plan."""
    await store.load(a_file(row()), authority="302")
    async with store.database.transaction() as transaction:
        await seal_person(transaction, OFFICER, CHILD, "adopted", now())  # type: ignore[arg-type]
    report = await store.load(a_file(row()), TUESDAY, authority="302")
    assert counts(report) == {"rejected": 1}
    assert await store.rows("SELECT code, state FROM rejected_records") == [("sealed", "open")]


async def test_a_sealed_record_takes_the_news_that_a_plan_is_over(store: Store) -> None:
    await store.load(a_file(row()))
    async with store.database.transaction() as transaction:
        await seal_person(transaction, OFFICER, CHILD, "adopted", now())  # type: ignore[arg-type]
    ended = a_file(row(end_date="2025-08-01"))
    assert counts(await store.load(ended, TUESDAY)) == {"ended": 1}
    assert counts(await store.load(ended, WEDNESDAY)) == {"unchanged": 1}


async def test_a_mothers_record_on_a_childs_number_makes_no_adult_of_the_child(store: Store) -> None:
    """Her number was mistyped: the child whose number it is stays known, at the age at which it was."""
    await store.load(a_file(row()))
    await store.load(a_file(row(kind="UCPP", given_name="Mary", birth_date="1996-01-01", local_id="M1")), TUESDAY)
    assert str(await store.value("SELECT birth_date FROM persons")) == "2018-05-06"


async def test_two_children_with_one_number_are_not_taken_for_one(store: Store) -> None:
    """Twins: the same birth date, the same plan, and the number of one of them copied to the other."""
    report = await store.load(a_file(row(), row(given_name="Ben", local_id="A2")))
    assert counts(report) == {"rejected": 2}


async def test_brothers_and_sisters_with_one_number_and_no_id_are_work_each(store: Store) -> None:
    """What is done about one of them says nothing about the other."""
    ada = row(local_id="")
    ben = row(local_id="", given_name="Ben", birth_date="2016-02-29")
    await store.load(a_file(ada, ben))
    people = "SELECT record->>'given_name', state FROM rejected_records ORDER BY 1"
    assert await store.rows(people) == [("Ada", "open"), ("Ben", "open")]
    await store.rows(
        "UPDATE rejected_records SET state = 'dismissed', closed_at = now() WHERE record->>'given_name' = 'Ada' RETURNING 1"
    )
    await store.load(a_file(ada, ben), TUESDAY)
    assert await store.rows(people) == [("Ada", "dismissed"), ("Ben", "open")]
    assert await store.value("SELECT count(*) FROM rejected_records WHERE times_seen = 2") == 2


async def test_what_is_settled_of_a_missing_plan_never_overrides_newer_news(store: Store) -> None:
    await store.load(a_file(row(), row(nhs_number=RIGHT_NUMBER, local_id="B1")))
    for at in (TUESDAY, WEDNESDAY):
        await store.load(a_file(row(nhs_number=RIGHT_NUMBER, local_id="B1")), at, scope=Scope.FULL)
    flag = await store.value("SELECT id FROM flags WHERE missed_snapshots = 2")

    async def after_a_newer_extract(*arguments: Any, **named: Any) -> ExtractReport:
        await store.load(a_file(row()), THURSDAY)
        return await load_rows(*arguments, **named)

    with pytest.raises(NotFound):
        await settle(
            store.database, SECOND, "301", flag, Settled.ENDED, "the team was asked", ended_on=TUESDAY.date(),
            load=after_a_newer_extract,
        )  # fmt: skip
    assert await store.rows("SELECT end_date, missed_snapshots FROM flags WHERE id = %s", flag) == [(None, 0)]


async def test_an_unborn_plan_that_a_wrong_opening_closed_is_open_again_when_that_is_taken_back(store: Store) -> None:
    """The opening ended the mother's plan by its plan id; taken back, nobody else says anything about the unborn child."""
    mother, due = RIGHT_NUMBER, "2025-10-20"
    unborn = record(nhs_number=mother, kind="UCPP", birth_date="1998-02-11", expected_delivery_date=due, local_id="M1").fields
    await load_rows(
        store.database, OFFICER, "301", [(unborn, Extras(plan_id="P1")), (record(local_id="A9").fields, Extras())], Cause.EXTRACT
    )
    children = [(record(nhs_number=number, local_id=f"L{number}").fields, Extras(plan_id=f"P{place}"))
                for place, number in enumerate(PEOPLE, 1)]  # fmt: skip
    surge = await load_rows(store.database, OFFICER, "301", children, Cause.EXTRACT)
    assert await store.value("SELECT end_date IS NOT NULL FROM flags WHERE kind = 'UCPP'")
    await take_back_surge(store.database, SECOND, "301", surge.id, "the export was of another system")
    assert await store.value("SELECT end_date FROM flags WHERE kind = 'UCPP'") is None
