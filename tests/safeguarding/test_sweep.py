"""A flag that arrives while the child is in a department, whatever the interleaving of desk and extract."""

import asyncio
from datetime import date
from typing import Any

import pytest

from domain.answer import NoneKnown
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from domain.errors import NotFound
from flags_store.authorities import set_state
from safeguarding.board import board_marks
from safeguarding.directory import read_directory
from safeguarding.patients_seen import patients_seen
from safeguarding.sweep import sweep_due
from tests.safeguarding.house import CHILD, KEY, OPERATOR, OTHER_CHILD, UNKNOWN_CHILD, House, check, put_flag


async def flag_by_extract(transaction: Any) -> None:
    await put_flag(transaction, "9990000018", "301", "CPP")
    await transaction.execute("UPDATE extracts SET sweep_due = true, sweep_horizon = NULL")


async def sweep(house: House) -> tuple[bool, int]:
    again, raised = await sweep_due(house.database, house.directory, KEY)
    return again, len(raised)


async def test_no_late_alert_for_a_scheduled_private_test_or_closed_encounter(house: House) -> None:
    await house.ask(visit_number="V1", care_setting=CareSetting.OUTPATIENT)
    await house.ask(visit_number="V2", care_setting=CareSetting.SEXUAL_HEALTH)
    await house.ask(visit_number="V3", test=True)
    await house.ask(visit_number="V9")
    await house.ask(visit_number="V9", trigger=TriggerEvent.DISCHARGE, minutes=5)
    async with house.database.transaction() as transaction:
        await flag_by_extract(transaction)
    assert (await sweep(house))[1] == 0


async def test_a_flag_that_arrives_later_marks_what_is_open_in_scheduled_care_and_tells_nobody(house: House) -> None:
    await house.ask(visit_number="CLINIC", care_setting=CareSetting.OUTPATIENT)
    async with house.database.transaction() as transaction:
        marks = await board_marks(transaction, ["R0A01"])
        await flag_by_extract(transaction)
    assert await sweep(house) == (True, 0)
    assert await house.rows("SELECT flagged FROM encounters") == [(True,)]
    assert await house.value("SELECT count(*) FROM alerts") == 0
    async with house.database.transaction() as transaction:
        assert await board_marks(transaction, ["R0A01"]) != marks
    assert await sweep(house) == (False, 0)
    looks = "SELECT outcome, in_history FROM accesses WHERE trigger_event = 'sweep'"
    assert await house.rows(looks) == [("flagged", False)], "looked at once, and not in the history that other services see"


async def test_the_sweep_neither_looks_at_nor_marks_private_test_ended_or_unplanned_stays(house: House) -> None:
    await house.ask(visit_number="V2", care_setting=CareSetting.SEXUAL_HEALTH)
    await house.ask(visit_number="V3", care_setting=CareSetting.OUTPATIENT, test=True)
    await house.ask(visit_number="V4", care_setting=CareSetting.OUTPATIENT, number=OTHER_CHILD)
    await house.ask(visit_number="V9", care_setting=CareSetting.OUTPATIENT)
    await house.ask(visit_number="V9", care_setting=CareSetting.OUTPATIENT, trigger=TriggerEvent.DISCHARGE, minutes=5)
    async with house.database.transaction() as transaction:
        await put_flag(transaction, OTHER_CHILD, "301", "CPP", end_date=date(2026, 2, 1))
        await flag_by_extract(transaction)
    assert await sweep(house) == (True, 0)
    assert await house.value("SELECT count(*) FROM encounters WHERE flagged") == 0
    assert await house.value("SELECT count(*) FROM accesses WHERE trigger_event = 'sweep'") == 0


async def test_a_flag_that_arrives_later_raises_the_late_alert_once(house: House) -> None:
    assert isinstance((await house.ask()).outcome, NoneKnown)
    async with house.database.transaction() as transaction:
        await flag_by_extract(transaction)
    assert await sweep(house) == (True, 1)
    assert await sweep(house) == (False, 0)
    assert await house.rows("SELECT reason FROM alerts") == [("late-flag",)]
    assert await house.value("SELECT count(*) FROM accesses WHERE trigger_event = 'sweep' AND outcome = 'flagged'") == 1


@pytest.mark.usefixtures("patient_store")
async def test_two_dispatchers_that_sweep_at_once_look_once_and_tell_once(house: House) -> None:
    for number in range(6):
        await house.ask(visit_number=f"V{number}")
    async with house.database.transaction() as transaction:
        await flag_by_extract(transaction)
    await asyncio.gather(*(sweep(house) for _ in range(3)))
    while (await sweep(house))[0]:
        pass
    assert await house.value("SELECT count(*) FROM alerts WHERE reason = 'late-flag'") == 6
    assert await house.value("SELECT count(*) FROM accesses WHERE trigger_event = 'sweep'") == 6


async def test_write_skew_between_desk_and_extract_loses_no_alert(house: House) -> None:
    """The desk reads no flag, the extract commits and is swept, and only then does the desk commit its encounter."""
    async with house.database.transaction() as reading:
        directory = await read_directory(reading)
    async with house.database.numbered_transaction() as desk:
        [reply] = await patients_seen(desk, [check()], directory, KEY)
        assert isinstance(reply.outcome, NoneKnown)
        async with house.database.transaction() as extract:
            await flag_by_extract(extract)
        assert await sweep(house) == (True, 0)
        assert await sweep(house) == (True, 0), "not done while a desk transaction is open that was open at the extract's commit"
    assert (await sweep(house))[1] == 1
    assert await sweep(house) == (False, 0)
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_a_desk_transaction_that_has_written_nothing_yet_is_waited_for(house: House) -> None:
    """It has its transaction id before it reads; without that the sweep could not see it."""
    async with house.database.transaction() as reading:
        directory = await read_directory(reading)
    async with house.database.numbered_transaction() as desk:
        await (await desk.execute("SELECT 1")).fetchall()  # what was sent before it is done too
        async with house.database.transaction() as extract:
            await flag_by_extract(extract)
        await sweep(house)
        assert (await sweep(house))[0]
        await patients_seen(desk, [check()], directory, KEY)
    await sweep(house)
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_an_authority_that_goes_live_is_told_of_children_who_are_there_now(house: House) -> None:
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE authorities SET state = 'trial' WHERE code = '301'")
    await house.flag()
    assert isinstance((await house.ask()).outcome, NoneKnown)
    async with house.database.transaction() as transaction:
        await set_state(transaction, OPERATOR, "301", "live")
    house.directory.forget()
    assert (await sweep(house))[1] == 1


async def test_an_unknown_authority_cannot_go_live(house: House) -> None:
    with pytest.raises(NotFound):
        async with house.database.transaction() as transaction:
            await set_state(transaction, OPERATOR, "999", "live")


def merge(**changes: Any) -> dict[str, Any]:
    """R0A01 says that CHILD and OTHER_CHILD are one patient."""
    return {"trigger": TriggerEvent.MERGE, "number": OTHER_CHILD, "prior": Identity(CHILD), "visit_number": "", **changes}


async def test_a_merge_at_one_site_tells_once_of_the_same_child_at_another(house: House) -> None:
    await house.flag()
    await house.ask(site="R0A02", number=OTHER_CHILD)
    await house.ask(**merge())
    assert await house.value("SELECT count(*) FROM alerts") == 0
    assert await sweep(house) == (True, 1)
    assert await sweep(house) == (False, 0)
    [row] = await house.rows("SELECT e.site, e.flagged, a.authority_code FROM alerts a JOIN encounters e ON e.id = a.encounter_id")
    assert row == ("R0A02", True, "301")
    await house.ask(**merge(minutes=5))
    assert await sweep(house) == (True, 0)
    assert await sweep(house) == (False, 0)


async def test_a_merge_leads_the_sweep_both_ways_and_through_an_earlier_merge(house: House) -> None:
    await house.flag(OTHER_CHILD)
    await house.ask(site="R0A02", number=UNKNOWN_CHILD)
    await house.ask(**merge())
    await house.ask(**merge(number=CHILD, prior=Identity(UNKNOWN_CHILD), minutes=1))
    assert (await sweep(house))[1] == 1


async def test_a_desk_transaction_that_passes_a_merge_unseen_is_waited_for(house: House) -> None:
    """The other site's desk reads no alias, the merge commits and is swept, and only then does the other site commit."""
    await house.flag()
    async with house.database.transaction() as reading:
        directory = await read_directory(reading)
    async with house.database.numbered_transaction() as desk:
        [reply] = await patients_seen(desk, [check(site="R0A02", number=OTHER_CHILD)], directory, KEY)
        assert isinstance(reply.outcome, NoneKnown)
        await house.ask(**merge())
        assert await sweep(house) == (True, 0)
        assert await sweep(house) == (True, 0)
    assert (await sweep(house))[1] == 1


async def test_a_merge_of_whom_nobody_holds_and_an_unlink_call_for_no_sweep(house: House) -> None:
    await house.ask(**merge())
    await house.flag()
    await house.ask(**merge(trigger=TriggerEvent.UNLINK, minutes=5))
    assert await sweep(house) == (False, 0)
