"""What holds for all extracts, from the bytes to the store: their order of lines, their repeats, their halves, their counts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.extract import Scope
from flags_store.authorities import add_authority
from runtime.database import Database
from safeguarding.extracts.loading import ExtractReport
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, WEDNESDAY, Store

PEOPLE = numbers(8)
BAD = "9990000019"
_codes = (str(number) for number in count(400))

Ask = Callable[[str, str], Awaitable[Any]]
days = st.integers(0, 20).map(lambda day: date(2025, 1, 1) + timedelta(days=5 * day))


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Few people, few days: plans meet, contradict each other, end and are taken back often."""
    start, end = draw(days), draw(st.none() | days)
    return row(
        nhs_number=draw(st.sampled_from([*PEOPLE, BAD])),
        kind=draw(st.sampled_from(["CPP", "CPP", "LAC"])),
        start_date=start.isoformat(),
        end_date=end.isoformat() if end else "",
        delete_date=draw(st.sampled_from(["", "", "", "2025-08-01"])),
    )


files = st.lists(lines(), min_size=1, max_size=24)
examples = settings(max_examples=12)


class House:
    """Loads into an authority of its own each time, and compares what became of it."""

    def __init__(self, database: Database) -> None:
        self.store = Store(database)

    async def authority(self) -> str:
        code = next(_codes)
        async with self.store.database.transaction() as transaction:
            await add_authority(transaction, OFFICER, code, f"Authority {code}", "01632 960301", "01632 961301", live=True)
        return code

    async def load(self, code: str, came: list[str], at: object = MONDAY, scope: Scope = Scope.PARTIAL) -> ExtractReport:
        report = await self.store.load(a_file(*came), at, code, scope=scope)  # type: ignore[arg-type]
        assert report.accepted + report.rejected + report.held == report.records == len(came)
        return report

    async def held(self, code: str) -> list[Any]:
        """Everything that a look could see, and what waits."""
        flags = await self.store.rows(
            "SELECT nhs_number, kind, start_date, end_date, deleted_on, local_id, missed_snapshots FROM flags"
            " JOIN persons ON persons.id = person_id WHERE authority_code = %s ORDER BY 1, 2, 3",
            code,
        )
        waiting = await self.store.rows(
            "SELECT nhs_number, kind, start_date, change FROM held_changes JOIN persons ON persons.id = person_id"
            " WHERE authority_code = %s AND decision IS NULL ORDER BY 1, 2, 3",
            code,
        )
        return [flags, waiting]


def play(database: FreshDatabase, scene: Callable[[House], Awaitable[None]]) -> None:
    async def playing() -> None:
        async with Database(database.service_url, 2) as opened:
            await scene(House(opened))

    asyncio.run(playing())


@examples
@given(files, files, st.randoms())
def test_any_order_of_an_extracts_records_gives_the_same_state(
    module_database: FreshDatabase, before: list[str], came: list[str], random: Random
) -> None:
    async def scene(house: House) -> None:
        found = []
        for file in (came, random.sample(came, len(came))):
            code = await house.authority()
            await house.load(code, before)
            report = await house.load(code, file, TUESDAY, Scope.FULL)
            counts = [report.opened, report.ended, report.deleted, report.rejected, report.held, report.missing]
            found.append((await house.held(code), counts))
        assert found[0] == found[1]

    play(module_database, scene)


@examples
@given(files, files)
def test_loading_twice_is_loading_once(module_database: FreshDatabase, before: list[str], came: list[str]) -> None:
    """At once it is known; taken later, it changes nothing, and what is refused or waits is refused and waits again."""

    async def scene(house: House) -> None:
        code = await house.authority()
        await house.load(code, before)
        first = await house.load(code, came, TUESDAY)
        once = await house.held(code)
        assert (await house.load(code, came, TUESDAY)).already_loaded
        later = await house.load(code, came, WEDNESDAY)
        assert (later.unchanged, later.rejected, later.held) == (first.accepted, first.rejected, first.held)
        assert await house.held(code) == once

    play(module_database, scene)


@examples
@given(files, st.integers(0, 8))
def test_an_extract_that_is_split_between_two_people_ends_in_the_same_state(
    module_database: FreshDatabase, came: list[str], cut: int
) -> None:
    first_half = {*PEOPLE[:cut], BAD}

    async def scene(house: House) -> None:
        whole, halves = await house.authority(), await house.authority()
        await house.load(whole, came)
        for at, half in (
            (MONDAY, [line for line in came if line.split(",")[0] in first_half]),
            (TUESDAY, [line for line in came if line.split(",")[0] not in first_half]),
        ):
            if half:
                await house.load(halves, half, at)
        assert await house.held(halves) == await house.held(whole)

    play(module_database, scene)
