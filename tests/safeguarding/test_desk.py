"""The desk's law: who may share a group, in which order, and what happens when it is full or away."""

import asyncio
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CouldNotReachStore, DeskFull
from runtime.database import Database
from safeguarding.desk import LARGEST_GROUP, Desk, _Waiting, next_group
from safeguarding.directory import DirectoryReader
from tests.conftest import FreshDatabase
from tests.safeguarding.house import CHILD, KEY, OTHER_CHILD, House, check, open_house

KEYS = st.frozensets(st.sampled_from("abcdefgh"), max_size=3)


@given(st.lists(KEYS, max_size=200))
def test_no_group_holds_two_checks_that_share_a_key_and_each_key_keeps_its_order(all_keys: list[frozenset[str]]) -> None:
    loop = asyncio.new_event_loop()
    try:
        queue = deque(_Waiting(check(), keys, asyncio.Future(loop=loop)) for keys in all_keys)
        arrived, answered = list(queue), []
        while queue:
            group = next_group(queue)
            assert 0 < len(group) <= LARGEST_GROUP
            held = [key for each in group for key in each.keys]
            assert len(held) == len(set(held))
            answered += group
        assert {id(each) for each in answered} == {id(each) for each in arrived}
        for key in "abcdefgh":
            order = [id(each) for each in arrived if key in each.keys]
            assert [id(each) for each in answered if key in each.keys] == order
    finally:
        loop.close()


@given(st.lists(KEYS, max_size=200), KEYS)
def test_no_check_is_answered_beside_one_that_is_under_way_with_its_key(
    all_keys: list[frozenset[str]], busy: frozenset[str]
) -> None:
    loop = asyncio.new_event_loop()
    try:
        queue = deque(_Waiting(check(), keys, asyncio.Future(loop=loop)) for keys in all_keys)
        arrived = list(queue)
        group = next_group(queue, busy)
        assert all(not each.keys & busy for each in group)
        assert sorted(map(id, [*group, *queue])) == sorted(map(id, arrived)), "what waits is neither lost nor doubled"
        assert [id(each) for each in queue] == [id(each) for each in arrived if any(each is left for left in queue)]
    finally:
        loop.close()


@pytest.mark.usefixtures("patient_store")
async def test_one_persons_checks_wait_for_each_other_while_anothers_go_on(house: House) -> None:
    first = check(control_id="C1")
    assert first.message
    async with Desk(house.database, house.directory, KEY) as desk, house.database.transaction() as elsewhere:
        await elsewhere.execute(
            """
            INSERT INTO inbox (sending_application, sending_facility, control_id, content_hash, outcome, acknowledgement)
            VALUES (%s, %s, %s, %s, 'recorded', '')
            """,
            (first.message.sending_application, first.message.sending_facility, "C1", first.message.content_hash),
        )  # until this is committed nobody can say whether the first check's message was answered before
        stuck = asyncio.create_task(desk.ask(first))
        await asyncio.sleep(0)
        behind = asyncio.create_task(desk.ask(check(control_id="C2", visit_number="V2")))
        await asyncio.sleep(0)
        for number in range(3):
            await desk.ask(check(number=OTHER_CHILD, control_id=f"D{number}", visit_number=f"W{number}", local=f"65{number}"))
        assert not stuck.done()
        assert not behind.done()
    assert (await stuck).repeated
    assert (await behind).outcome.encounter_id is not None


def test_checks_share_a_key_by_control_id_visit_local_number_and_person() -> None:
    one = check(control_id="C1", visit_number="V1", local="633").keys
    assert one & check(control_id="C1", visit_number="V2", number=OTHER_CHILD).keys
    assert one & check(control_id="C2", visit_number="V1", number=OTHER_CHILD).keys
    assert one & check(control_id="C3", visit_number="V3", number=OTHER_CHILD, local="633").keys
    assert one & check(control_id="C4", visit_number="V4", number=CHILD).keys
    assert not one & check(control_id="C5", visit_number="V5", number=OTHER_CHILD, local="634").keys


async def test_a_full_desk_says_so_at_once(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house, Desk(house.database, house.directory, KEY, queue=2) as desk:
        asked = [asyncio.create_task(desk.ask(check(visit_number=f"V{number}"))) for number in range(5)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome).__name__ for outcome in outcomes].count("DeskFull") == 3
    assert all(isinstance(outcome, DeskFull) for outcome in outcomes[2:])


async def test_a_desk_without_its_database_answers_that_nobody_can_say() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none") as database, Desk(database, DirectoryReader(database), KEY) as desk:
        with pytest.raises(CouldNotReachStore):
            await desk.ask(check())


async def test_a_closing_desk_answers_what_is_waiting_and_takes_nothing_more(house: House) -> None:
    desk = Desk(house.database, house.directory, KEY)
    async with desk:
        asked = asyncio.create_task(desk.ask(check()))
        await asyncio.sleep(0)
    assert (await asked).outcome.encounter_id is not None
    with pytest.raises(DeskFull):
        await desk.ask(check())


async def test_two_desks_at_once_raise_one_alert_and_do_not_trip_each_other(house: House) -> None:
    await house.flag()
    async with Desk(house.database, house.directory, KEY) as other:
        questions = [check(control_id=f"C{number}", minutes=number) for number in range(40)]
        desks = (house.desk, other)
        replies = await asyncio.gather(*(desks[number % 2].ask(question) for number, question in enumerate(questions)))
    assert len(replies) == 40
    assert await house.value("SELECT count(*) FROM alerts") == 1
    assert await house.value("SELECT count(*) FROM encounters") == 1
    assert await house.value("SELECT count(*) FROM inbox") == 40


async def test_the_same_message_at_two_desks_at_once_is_answered_once(house: House) -> None:
    await house.flag()
    async with Desk(house.database, house.directory, KEY) as other:
        question = check(control_id="C1")
        one, two = await asyncio.gather(house.desk.ask(question), other.ask(question))
    assert one.acknowledgement == two.acknowledgement
    assert sorted((one.repeated, two.repeated)) == [False, True]
    assert await house.value("SELECT count(*) FROM accesses") == 1
