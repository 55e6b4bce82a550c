"""Who looks up numbers that its site's feed never had is counted and raises an alarm, and is answered all the same."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from domain.encounter import TriggerEvent
from domain.errors import CouldNotReachStore
from domain.nhs_number import NhsNumber
from hl7_listener.lookup_watch import LookupWatch
from hl7_listener.metrics import LOOKUPS, NOT_IN_FEED
from runtime.database import Database
from runtime.ids import uuid7
from tests.conftest import FreshDatabase
from tests.safeguarding.house import CHILD, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, check, open_house

LIMIT = 3
NUMBERS = (CHILD, OTHER_CHILD, UNKNOWN_CHILD)


@dataclass(slots=True)
class Watched:
    """A watch with an allowance of LIMIT an hour, and a peer whose name no other test has, so that its counters are its own."""

    house: House
    watch: LookupWatch
    peer: str

    async def look(self, number: NhsNumber = CHILD, *, times: int = 1, minutes: float = 0, site: str = "R0A01") -> None:
        for _ in range(times):
            at = SEEN_AT + timedelta(minutes=minutes)
            self.watch.note(self.peer, check(number=number, trigger=TriggerEvent.LOOKUP, visit_number="", site=site, at=at))
        await self.watch.settle()

    def counted(self, site: str = "R0A01") -> tuple[float, float]:
        return LOOKUPS.labels(self.peer, site)._value.get(), NOT_IN_FEED.labels(self.peer, site)._value.get()

    async def alarms(self) -> list[tuple[str, str, int]]:
        return await self.house.rows(
            "SELECT subject_id, detail->>'peer', (detail->>'more_than')::int FROM audit_events WHERE action = 'query.not-in-feed'"
        )


@pytest.fixture
async def watched(fresh_database: FreshDatabase) -> AsyncIterator[Watched]:
    async with open_house(fresh_database.service_url) as house:
        yield Watched(house, LookupWatch(house.database, house.directory, LIMIT), f"EHR {uuid7()}")


async def test_more_than_the_limit_in_an_hour_raises_one_alarm_without_a_patient(watched: Watched) -> None:
    await watched.look(times=LIMIT)
    assert await watched.alarms() == []
    with capture_logs() as logs:
        await watched.look(times=5)
    assert await watched.alarms() == [("R0A01", watched.peer, LIMIT)]
    assert [each["event"] for each in logs] == ["peer looks up numbers that its feed never had"]
    assert CHILD not in str(logs)
    assert CHILD not in str(await watched.house.rows("SELECT a::text FROM audit_events a"))


async def test_the_alarm_is_raised_again_after_an_hour_and_not_before(watched: Watched) -> None:
    await watched.look(times=LIMIT + 1)
    await watched.look(times=LIMIT + 1, minutes=59)
    assert len(await watched.alarms()) == 1
    await watched.look(times=LIMIT + 1, minutes=61)
    assert len(await watched.alarms()) == 2


async def test_the_same_number_spread_over_more_than_an_hour_raises_no_alarm(watched: Watched) -> None:
    for minutes in range(0, 200, 20):
        await watched.look(minutes=minutes)
    assert await watched.alarms() == []


async def test_sites_and_peers_have_an_allowance_each(watched: Watched) -> None:
    await watched.look(times=LIMIT)
    await watched.look(times=LIMIT, site="R0A02")
    watched.peer = f"{watched.peer} 2"
    await watched.look(times=LIMIT)
    assert await watched.alarms() == []


ARRIVED = {"open": [], "discharged": [TriggerEvent.DISCHARGE], "cancelled": [TriggerEvent.CANCEL_ADMIT]}


@pytest.mark.parametrize("site", ["R0A01", "R0A02"])
@pytest.mark.parametrize("after", ARRIVED.values(), ids=ARRIVED)
async def test_a_patient_of_the_organisation_is_no_stranger(watched: Watched, after: list[TriggerEvent], site: str) -> None:
    await watched.house.ask()
    for minutes, trigger in enumerate(after, start=1):
        await watched.house.ask(trigger=trigger, minutes=minutes)
    await watched.look(times=LIMIT + 1, site=site)
    assert watched.counted(site) == (LIMIT + 1, 0)
    assert await watched.alarms() == []


async def test_an_encounter_that_the_look_itself_opened_is_no_feed(watched: Watched) -> None:
    for test in (False, True):
        await watched.house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", test=test)
    assert await watched.house.value("SELECT count(*) FROM encounters") == 2
    await watched.look(times=2)
    assert watched.counted() == (2, 2)


async def test_a_patient_of_another_organisation_is_a_stranger(watched: Watched) -> None:
    await watched.house.ask()
    async with watched.house.database.transaction() as transaction:
        await transaction.execute("INSERT INTO organisations (ods_code, name) VALUES ('R0B', 'Royal Birch')")
        await transaction.execute(
            "INSERT INTO sites (ods_code, organisation_code, name, setting) VALUES ('R0B01', 'R0B', 'Birch', 'gp')"
        )
    watched.house.directory.forget()
    await watched.look(site="R0B01")
    assert watched.counted("R0B01") == (1, 1)


async def test_numbers_are_told_apart_in_one_go(watched: Watched) -> None:
    await watched.house.ask(number=OTHER_CHILD)
    for number in NUMBERS:
        watched.watch.note(watched.peer, check(number=number, trigger=TriggerEvent.LOOKUP))
    await watched.watch.settle()
    assert watched.counted() == (3, 2)


async def test_with_the_store_away_nothing_is_lost(watched: Watched) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none", 1) as away:
        watch = LookupWatch(away, watched.house.directory, LIMIT)
        watch.note(watched.peer, check(trigger=TriggerEvent.LOOKUP))
        with pytest.raises(CouldNotReachStore):
            await watch.settle()
        watch._database = watched.house.database
        await watch.settle()
    assert watched.counted() == (1, 1)
