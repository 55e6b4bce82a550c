"""After a downtime of a hospital: what arrives hours late is told together; what is live, or late for another reason, is not."""

from datetime import timedelta
from typing import Any

import pytest

from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from safeguarding.sweep import sweep_due
from tests.safeguarding.house import CHILD, KEY, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House

LATE = SEEN_AT - timedelta(hours=6)
REPLAYED: dict[str, Any] = {"arrived_at": LATE, "event_at": LATE}
LETTERS = """
    SELECT a.authority_code, count(*)::int, bool_and(d.due_at > now())
    FROM deliveries d JOIN alerts a ON a.id = d.alert_id
    WHERE d.channel = 'email' GROUP BY a.authority_code, coalesce(d.bundled_with, d.id) ORDER BY 1, 2
"""
BUNDLED = "SELECT count(*)::int FROM deliveries WHERE bundled_with IS NOT NULL"


# What is not bundled


@pytest.mark.parametrize(
    "live",
    [
        {},
        {"arrived_at": SEEN_AT - timedelta(hours=4), "event_at": SEEN_AT - timedelta(hours=4)},
        {"trigger": TriggerEvent.UPDATE, "arrived_at": LATE, "event_at": LATE},
    ],
    ids=["in time", "four hours and no more", "an update without its arrival"],
)
async def test_what_is_no_arrival_of_hours_ago_is_told_by_itself_and_at_once(house: House, live: dict[str, Any]) -> None:
    await house.flag()
    await house.ask(**live)
    assert await house.rows(LETTERS) == [("301", 1, False)]
    assert await house.value(BUNDLED) == 0


async def test_a_child_who_waits_for_hours_and_is_then_admitted_is_told_of_at_once(house: House) -> None:
    """Known since the arrival, in a service that tells nobody; what happens now happens now."""
    await house.flag()
    await house.ask(care_setting=CareSetting.OUTPATIENT, at=LATE, arrived_at=LATE)
    await house.ask(trigger=TriggerEvent.ADMIT, care_setting=CareSetting.PAEDIATRIC_WARD, arrived_at=LATE, event_at=SEEN_AT)
    assert await house.rows(LETTERS) == [("301", 1, False)]


async def test_a_number_that_comes_hours_after_the_arrival_is_told_of_at_once(house: House) -> None:
    await house.flag()
    await house.ask(number=None, local="H1", at=LATE, arrived_at=LATE)
    await house.ask(trigger=TriggerEvent.UPDATE, local="H1", event_at=SEEN_AT)
    assert await house.value("SELECT reason FROM alerts") == "late-identity"
    assert await house.rows(LETTERS) == [("301", 1, False)]


async def test_a_plan_that_comes_hours_after_the_arrival_is_told_of_by_itself(house: House) -> None:
    await house.ask(**REPLAYED)
    await house.flag()
    await house.rows("UPDATE extracts SET sweep_due = true, sweep_horizon = NULL RETURNING id")
    await sweep_due(house.database, house.directory, KEY)
    assert await house.value("SELECT reason FROM alerts") == "late-flag"
    assert await house.value(BUNDLED) == 0


# What is


async def test_what_a_hospital_sends_after_a_downtime_is_one_letter_for_each_authority(house: House) -> None:
    for number, authority in ((CHILD, "301"), (OTHER_CHILD, "301"), (UNKNOWN_CHILD, "302")):
        await house.flag(number, authority)
    for place, number in enumerate((CHILD, OTHER_CHILD, UNKNOWN_CHILD)):
        reply = await house.ask(number=number, visit_number=f"V{place}", control_id=f"C{place}", **REPLAYED)
        assert len(reply.alerts) == 1
    assert await house.rows(LETTERS) == [("301", 2, True), ("302", 1, True)]
    screens = "SELECT count(*)::int FROM deliveries WHERE channel = 'screen' AND next_attempt_at <= now() AND bundled_with IS NULL"
    assert await house.value(screens) == 3, "screens are told of each, and at once"


async def test_a_child_who_comes_meanwhile_has_a_letter_of_her_own_at_once(house: House) -> None:
    await house.flag(CHILD)
    await house.flag(OTHER_CHILD)
    await house.ask(visit_number="V1", **REPLAYED)
    await house.ask(visit_number="V2", number=OTHER_CHILD)
    await house.ask(visit_number="V3", **REPLAYED)
    assert await house.rows(LETTERS) == [("301", 1, False), ("301", 2, True)]
