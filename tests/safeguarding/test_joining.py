"""A start whose id is no visit number (CDS Hooks): one encounter and one alert, whichever of the doors hears of the child first."""

from datetime import timedelta

import pytest

from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from tests.safeguarding.house import CHILD, OTHER_CHILD, SEEN_AT, House

START = {"visit_number": "ehr-encounter-7", "joins": True}
ALERTS = "SELECT count(*) FROM alerts"
ENCOUNTERS = "SELECT encounter_key, reference, state FROM encounters ORDER BY arrived_at"


async def test_a_start_opens_an_encounter_and_raises_an_alert(house: House) -> None:
    await house.flag()
    reply = await house.ask(**START)
    assert len(reply.alerts) == 1
    assert await house.rows(ENCOUNTERS) == [("start ehr-encounter-7", "", "open")]


async def test_the_same_start_again_is_the_same_encounter(house: House) -> None:
    await house.flag()
    first = await house.ask(**START)
    again = await house.ask(**START, minutes=5)
    assert (again.outcome.encounter_id, again.alerts) == (first.outcome.encounter_id, ())


async def test_a_start_joins_the_encounter_that_the_hospitals_messages_opened(house: House) -> None:
    await house.flag()
    admitted = await house.ask()
    started = await house.ask(**START, minutes=1)
    assert started.outcome.encounter_id == admitted.outcome.encounter_id
    assert started.alerts == ()
    assert await house.rows(ENCOUNTERS) == [("visit V1", "V1", "open")]


async def test_a_start_joins_what_is_open_at_another_site_of_the_organisation(house: House) -> None:
    await house.flag()
    admitted = await house.ask()
    started = await house.ask(**START, site="R0A02", minutes=1)
    assert started.outcome.encounter_id == admitted.outcome.encounter_id


async def test_the_message_that_comes_after_a_start_is_of_the_same_encounter(house: House) -> None:
    await house.flag()
    started = await house.ask(**START)
    admitted = await house.ask(minutes=2)
    assert (admitted.outcome.encounter_id, admitted.alerts) == (started.outcome.encounter_id, ())
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=30)
    assert await house.rows(ENCOUNTERS) == [("visit V1", "V1", "closed")]
    assert await house.value(ALERTS) == 1


async def test_a_start_joins_nothing_that_is_over(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=30)
    started = await house.ask(**START, minutes=60)
    assert len(started.alerts) == 1
    assert len(await house.rows(ENCOUNTERS)) == 2


async def test_a_start_does_not_open_again_what_has_ended_or_move_its_setting(house: House) -> None:
    await house.flag()
    await house.ask(care_setting=CareSetting.PAEDIATRIC_WARD)
    await house.ask(**START, care_setting=CareSetting.EMERGENCY_DEPARTMENT, minutes=1)
    assert await house.rows("SELECT care_setting, state FROM encounters") == [("paediatric-ward", "open")]


async def test_a_start_of_yesterday_is_not_todays_attendance(house: House) -> None:
    await house.flag()
    await house.ask(**START)
    today = await house.ask(at=SEEN_AT + timedelta(hours=20))
    assert len(today.alerts) == 1
    assert len(await house.rows(ENCOUNTERS)) == 2


async def test_a_start_gives_an_encounter_the_number_that_its_message_lacked(house: House) -> None:
    await house.flag()
    await house.ask(number=None, local="633")
    started = await house.ask(**START, local="633", minutes=1)
    assert len(started.alerts) == 1
    assert await house.rows("SELECT nhs_number, could_not_check FROM encounters") == [(CHILD, None)]


@pytest.mark.parametrize("number", [OTHER_CHILD, None])
async def test_a_start_of_somebody_else_joins_nobody(house: House, number: str | None) -> None:
    await house.flag()
    await house.ask()
    await house.ask(**START, number=number, minutes=1)
    assert len(await house.rows(ENCOUNTERS)) == 2


async def test_a_silent_start_tells_nobody(house: House) -> None:
    await house.flag()
    reply = await house.ask(**START, silent=True)
    assert reply.alerts == ()
    assert await house.value("SELECT bool_or(in_history) FROM accesses") is False
