"""Open worklists hear of changes: soon by Redis, surely by polling, and no longer than the sign-in lasts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.live import Screen, Screens
from domain.actor import Role
from runtime.nudge import screens_of
from runtime.settings import load_settings
from safeguarding.directory import DirectoryReader
from safeguarding.open_screens import worklist_marks
from safeguarding.telling.worklist import worklist
from safeguarding.views import AlertRow
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.conftest import FreshDatabase

CHILD = nhs_number(1)
PATIENCE = 60.0
MOST_CONNECTIONS = load_settings().database_connections


class Events:
    """The events of one open stream, as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, str] | None:
        """The next event and its data; None where the stream has ended."""
        async with asyncio.timeout(PATIENCE):
            event = data = ""
            async for line in self._lines:
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                elif not line and event:
                    return event, data
            return None


@asynccontextmanager
async def listening(house: House, session: str, path: str = "/worklist/events") -> AsyncIterator[Events]:
    async with house.browser(session) as browser, browser.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield Events(answer)


async def worker(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.SOCIAL_WORKER, authority)


async def test_an_open_worklist_hears_of_an_alert_and_the_event_says_nothing_about_the_child(house: House) -> None:
    await house.flag(CHILD)
    async with listening(house, await worker(house)) as events:
        before = await events.next()
        await house.seen(CHILD)
        await house.nudges.send(screens_of(NORTHMOOR))
        after = await events.next()
    assert before is not None
    assert after is not None
    assert (before[0], after[0]) == ("changed", "changed")
    assert before[1] != after[1]
    assert str(CHILD) not in after[1]


async def test_the_mark_of_an_event_is_the_mark_of_the_rows(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    session = await worker(house)
    async with listening(house, session) as events:
        event = await events.next()
    assert event is not None
    async with house.browser(session) as browser:
        assert (await browser.get("/worklist/rows", params={"mark": event[1]})).status_code == 204


async def test_without_redis_the_poll_brings_the_alert(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    async with open_house(fresh_database, "redis://127.0.0.1:1/0", tmp_path) as house:
        await house.flag(CHILD)
        async with listening(house, await worker(house)) as events:
            before = await events.next()
            await house.seen(CHILD)
            assert (await events.next()) not in {before, None}


async def test_another_authoritys_screens_hear_nothing(house: House) -> None:
    await house.flag(CHILD)
    async with listening(house, await worker(house, WESTLEA)) as other, listening(house, await worker(house)) as own:
        await other.next()
        await own.next()
        await house.seen(CHILD)
        assert await own.next()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await other.next()


async def test_signing_out_ends_the_stream(house: House) -> None:
    session = await worker(house)
    token = await house.token(session)
    async with listening(house, session) as events:
        await events.next()
        async with house.browser(session) as browser:
            assert (await browser.post("/sign-out", data={"csrf": token})).status_code == 303
        assert await events.next() == ("ended", "")
        assert await events.next() is None


async def test_with_the_store_away_the_screen_turns_stale_and_comes_back(house: House) -> None:
    async with listening(house, await worker(house)) as events:
        before = await events.next()
        async with house.store_away():
            assert await events.next() == ("stale", "")
        assert await events.next() == before


async def test_many_screens_cost_one_poll(house: House) -> None:
    session = await worker(house)
    async with listening(house, session) as one, listening(house, session) as two:
        assert await one.next() == await two.next()
        assert house.app.state.services.screens.count == 2
    async with asyncio.timeout(PATIENCE):
        while house.app.state.services.screens.count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_process_that_stops_ends_its_streams(house: House) -> None:
    async with listening(house, await worker(house)) as events:
        await events.next()
        house.app.state.services.screens.end()
        assert await events.next() is None


async def test_a_screen_wakes_for_a_new_mark_only() -> None:
    screen = Screen(NORTHMOOR, "1")
    screen.show("1")
    assert not screen._changed.is_set()
    screen.show(None)
    await screen.wait(PATIENCE)
    assert screen.mark is None


async def test_the_screens_of_a_process_end_also_where_one_opened_in_that_moment(house: House) -> None:
    screens = Screens(house.database, DirectoryReader(house.database), house.nudges, at_once=1)
    async with asyncio.timeout(PATIENCE):
        async with screens.kept_fresh():
            await asyncio.sleep(0.1)
            with screens.open(NORTHMOOR, worklist_marks):
                pass


async def test_however_many_lists_are_fetched_at_once_all_are_answered_and_a_banner_waits_for_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    may_go_on, under_way = asyncio.Event(), 0

    async def slow(*asked: Any) -> list[AlertRow]:
        nonlocal under_way
        under_way += 1
        await may_go_on.wait()
        return await worklist(*asked)

    monkeypatch.setattr("api.worklist.worklist", slow)
    nurse = await house.sign_in(Role.CLINICIAN, "R0A")
    async with house.browser(await worker(house)) as lists, house.browser(nurse) as ward:
        asked = [asyncio.create_task(lists.get("/worklist/rows")) for _ in range(3 * MOST_CONNECTIONS)]
        while not under_way:  # noqa: ASYNC110 (it is not ours to signal)
            await asyncio.sleep(0.01)
        banner = await ward.get(f"/encounters/{encounter}")
        may_go_on.set()
        answers = await asyncio.gather(*asked)
    assert banner.status_code == 200
    assert 0 < under_way == len(answers)
    assert {answer.status_code for answer in answers} == {200}
