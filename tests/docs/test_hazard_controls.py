"""Controls of the hazard log that belong to no room alone."""

from datetime import date, timedelta

import pytest

from domain.answer import Flagged, NoneKnown
from domain.care_setting import CareSetting
from domain.encounter import EncounterState, TriggerEvent
from tests.conftest import FreshDatabase
from tests.safeguarding.house import SEEN_AT, check, open_house


def test_a_senders_clock_cannot_run_ahead_of_ours() -> None:
    assert check(event_at=SEEN_AT + timedelta(days=1)).moment == SEEN_AT
    assert check(event_at=SEEN_AT - timedelta(days=1)).moment == SEEN_AT - timedelta(days=1)


async def test_a_clock_that_runs_ahead_does_not_hide_the_discharge(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        await house.ask(event_at=SEEN_AT + timedelta(days=1))
        await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=30)
        assert await house.value("SELECT state FROM encounters") == EncounterState.CLOSED


async def test_a_deleted_plan_is_withdrawn_at_once(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        await house.flag()
        assert isinstance((await house.ask()).outcome, Flagged)
        await house.rows("UPDATE flags SET deleted_on = %s RETURNING id", date(2026, 3, 3))
        later = await house.ask(visit_number="V2", minutes=5)
        assert isinstance(later.outcome, NoneKnown)
        assert later.alerts == ()


@pytest.mark.parametrize("setting", [each for each in CareSetting if each.is_private])
async def test_an_encounter_of_a_private_service_tells_nobody(fresh_database: FreshDatabase, setting: CareSetting) -> None:
    async with open_house(fresh_database.service_url) as house:
        await house.flag()
        assert (await house.ask(care_setting=setting)).alerts == ()
        assert await house.value("SELECT count(*) FROM accesses WHERE in_history") == 0
