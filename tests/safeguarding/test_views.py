"""Lists for people: the newest are always on them, whatever a sender's clock says, and a full one can be told."""

from datetime import timedelta

import pytest

from domain.errors import NotFound
from safeguarding.operator_views import alerts_for_operator
from safeguarding.telling.urgency import Sort, in_threads
from safeguarding.telling.worklist import worklist
from safeguarding.views import open_encounters
from tests.safeguarding.house import CHILD, OPERATOR, OTHER_CHILD, SEEN_AT, House


async def test_a_full_list_of_encounters_holds_those_that_came_last_whatever_their_arrival_says(house: House) -> None:
    await house.flag()
    await house.ask(number=None, local="1", visit_number="V1")
    await house.ask(number=CHILD, visit_number="V2", arrived_at=SEEN_AT - timedelta(days=40_000))
    async with house.database.transaction() as transaction:
        rows = await open_encounters(transaction, OPERATOR, "R0A", 1)
    assert [row.reference for row in rows] == ["V2"]


async def test_a_full_worklist_holds_the_newest_and_shows_what_waits_longest_first(house: House) -> None:
    for number in (CHILD, OTHER_CHILD):
        await house.flag(number)
    for visit, number in enumerate((CHILD, OTHER_CHILD, CHILD)):
        await house.ask(number=number, visit_number=f"V{visit}", minutes=visit)
    async with house.database.transaction() as transaction:
        rows = await worklist(transaction, OPERATOR, "301", limit=2)
    waiting, _ = in_threads(rows, Sort.AGE)
    assert [row.encounter_reference for thread in waiting for row in thread.rows] == ["V1", "V2"]


async def test_an_unknown_authority_has_no_alerts_that_could_be_none(house: House) -> None:
    async with house.database.transaction() as transaction:
        assert await alerts_for_operator(transaction, "301") == []
        with pytest.raises(NotFound):
            await alerts_for_operator(transaction, "ZZZ")
