"""A site's arrivals over days: who fits no rule is counted, erased or not, and what nobody counted is not guessed."""

import asyncio
from datetime import date, timedelta

import pytest

from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from runtime.clock import england_day, now
from safeguarding.arrivals import Arrivals, count_arrivals
from safeguarding.day import bounds
from safeguarding.housekeeping import keep_house
from tests.safeguarding.house import UNKNOWN_CHILD, House


async def counted(house: House, organisation: str | None = None) -> list[tuple[str, int, int, int]]:
    async with house.database.transaction() as transaction:
        return [(each.site, each.days, each.total, each.unclassified) for each in await count_arrivals(transaction, organisation)]


async def arrive(house: House, number: int, *, unclassified: bool = False, left: bool = True) -> None:
    """Somebody without a flag comes and goes."""
    setting = CareSetting.UNCLASSIFIED if unclassified else CareSetting.EMERGENCY_DEPARTMENT
    await house.ask(number=UNKNOWN_CHILD, visit_number=f"V{number}", care_setting=setting)
    if left:
        await house.ask(
            number=UNKNOWN_CHILD, visit_number=f"V{number}", trigger=TriggerEvent.DISCHARGE, care_setting=setting, minutes=5
        )


async def pass_days(house: House, days: int) -> None:
    """Let everything have happened so many days earlier by England's calendar, the site's being counted too."""
    async with house.database.transaction() as transaction:
        await transaction.execute("SET LOCAL TimeZone = 'Europe/London'")
        for statement in (
            "UPDATE encounters SET recorded_at = recorded_at - %(past)s, departed_at = departed_at - %(past)s,"
            " last_event_at = last_event_at - %(past)s",
            "UPDATE sites SET arrivals_counted_since = arrivals_counted_since - %(past)s",
            "UPDATE site_arrivals SET day = day - %(past)s",
        ):
            await transaction.execute(statement.encode(), {"past": timedelta(days=days)})


async def test_who_fits_no_rule_is_counted_without_test_messages_and_mere_looks(house: House) -> None:
    await house.ask(care_setting=CareSetting.UNCLASSIFIED)
    await house.ask(care_setting=CareSetting.UNCLASSIFIED, visit_number="V2", test=True)
    for number in range(3):
        await house.ask(visit_number=f"V{number + 3}", number=None)
    await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", number=UNKNOWN_CHILD, care_setting=CareSetting.UNCLASSIFIED)
    found = [("R0A01", 7, 4, 1), ("R0A01", 30, 4, 1), ("R0A02", 7, 0, 0), ("R0A02", 30, 0, 0)]
    assert (await counted(house), await counted(house, "R0A"), await counted(house, "R0Z")) == (found, found, [])


async def test_who_is_erased_stays_counted_and_is_counted_once(house: House) -> None:
    await arrive(house, 1, unclassified=True)
    await arrive(house, 2)
    await house.ask(number=UNKNOWN_CHILD, visit_number="V3", test=True)
    await house.ask(number=UNKNOWN_CHILD, visit_number="V3", test=True, trigger=TriggerEvent.DISCHARGE, minutes=5)
    await pass_days(house, 4)
    before = await counted(house)
    for _ in range(2):
        await keep_house(house.database, 30)
        assert await counted(house) == before
    assert await house.value("SELECT count(*) FROM encounters") == 0
    assert before[:2] == [("R0A01", 7, 2, 1), ("R0A01", 30, 2, 1)]
    await arrive(house, 4)
    assert (await counted(house))[:2] == [("R0A01", 7, 3, 1), ("R0A01", 30, 3, 1)], "today's are right at once"


async def test_a_day_that_is_erased_bit_by_bit_adds_up(house: House) -> None:
    await arrive(house, 1, unclassified=True)
    await arrive(house, 2, left=False)
    await pass_days(house, 3)
    await keep_house(house.database, 30)
    await house.ask(number=UNKNOWN_CHILD, visit_number="V2", trigger=TriggerEvent.DISCHARGE, minutes=5)
    await pass_days(house, 4)
    await keep_house(house.database, 30)
    assert await house.rows("SELECT site, arrivals, unclassified FROM site_arrivals") == [("R0A01", 2, 1)]


async def test_two_who_keep_house_side_by_side_count_nobody_twice(house: House) -> None:
    for number in range(6):
        await arrive(house, number, unclassified=number == 0)
    await pass_days(house, 5)
    await asyncio.gather(*(keep_house(house.database, 30) for _ in range(3)))
    assert await house.value("SELECT count(*) FROM encounters") == 0
    assert (await counted(house))[0] == ("R0A01", 7, 6, 1)


@pytest.mark.parametrize("days, week, month", [(6, 1, 1), (7, 0, 1), (29, 0, 1), (30, 0, 0)])
@pytest.mark.parametrize("erased", [True, False])
async def test_a_window_is_whole_days_with_today(house: House, days: int, week: int, month: int, erased: bool) -> None:
    await arrive(house, 1, left=erased)
    await pass_days(house, days)
    if erased:
        await keep_house(house.database, 30)
        assert await house.value("SELECT count(*) FROM encounters") == 0
    assert [total for _, _, total, _ in await counted(house)][:2] == [week, month]


async def test_days_before_a_site_was_counted_are_not_guessed(house: House) -> None:
    await arrive(house, 1, left=False)
    await pass_days(house, 10)
    since = england_day(now()) - timedelta(days=9)
    await house.rows("UPDATE sites SET arrivals_counted_since = %s WHERE ods_code = 'R0A01' RETURNING 1", bounds(since)[0])
    async with house.database.transaction() as transaction:
        week, month = (await count_arrivals(transaction))[:2]
    assert (week.is_whole, month.is_whole, month.total) == (True, False, 0)
    assert month.since == since


async def test_a_days_number_is_kept_for_400_days(house: House) -> None:
    await arrive(house, 1)
    await pass_days(house, 400)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM site_arrivals") == 1
    await pass_days(house, 1)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM site_arrivals") == 0


@pytest.mark.parametrize("total, unclassified, fit", [(0, 0, False), (99, 1, False), (100, 1, False), (101, 1, True), (1, 0, True)])
def test_a_site_goes_live_below_one_in_a_hundred(total: int, unclassified: int, fit: bool) -> None:
    assert Arrivals("R0A01", 7, date(2026, 11, 1), total, unclassified).may_go_live is fit


@pytest.mark.parametrize("total, unclassified, share", [(0, 0, 0.0), (4, 1, 0.25)])
def test_the_share_of_nobody_is_nothing(total: int, unclassified: int, share: float) -> None:
    assert Arrivals("R0A01", 7, date(2026, 11, 1), total, unclassified).share == share
