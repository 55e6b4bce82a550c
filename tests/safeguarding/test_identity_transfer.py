"""One child, several authorities: a transfer, two at once, a plan and care at once. All are shown, and all who must be are told.

Every case is asked at the real desk by a message, on the banner's page over HTTP, and by a FHIR search.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.actor import Role
from domain.nhs_number import NhsNumber
from flags_store.identity import record_successor, seal_person
from runtime.clients import add_client
from runtime.clock import england_day, now
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.api.reading import details, words
from tests.conftest import FreshDatabase
from tests.fhir_adapter.doorway import CLIENTS, Doorway, open_door
from tests.fhir_adapter.reading import matches
from tests.safeguarding.house import OPERATOR
from tests.safeguarding.house import House as Desks

CHILD, NEWER = nhs_number(1), nhs_number(2)
NAMES = {NORTHMOOR: "Northmoor Council", WESTLEA: "Westlea Borough"}


@pytest.fixture
async def house(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(fresh_database, redis_url, tmp_path) as house:
        async with house.database.transaction() as transaction:
            await add_client(transaction, OPERATOR, CLIENTS["both-app"])
        yield house


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of an authority, by how many days ago it began and ended."""

    authority: str
    began: int
    ended: int | None = None
    kind: str = "LAC"


@dataclass(frozen=True, slots=True)
class Seen:
    """What three doors say of a child who comes today: plans by authority, kind and whether they are open; and who was told."""

    banner: set[tuple[str, str, bool]]
    fhir: set[tuple[str, str, bool]]
    told: list[str]


KINDS = {"LAC": "Looked after child", "CPP": "Subject to child protection plan"}


def ago(days: int) -> date:
    return england_day(now()) - timedelta(days=days)


async def come(house: House, number: NhsNumber = CHILD) -> Seen:
    encounter = await house.seen(number)
    page = words((await details(house, encounter)).text)
    banner = {
        (code, kind, is_open)
        for code, name in NAMES.items()
        for kind, title in KINDS.items()
        for is_open, standing in ((True, "Open"), (False, "Ended"))
        if f"{title} {standing} Authority {name}" in page
    }
    told = [
        str(row[0]) for row in await house.rows("SELECT authority_code FROM alerts WHERE encounter_id = %s ORDER BY 1", encounter)
    ]
    return Seen(banner, await asked_over_fhir(house, number), told)


async def asked_over_fhir(house: House, number: NhsNumber) -> set[tuple[str, str, bool]]:
    directory = house.app.state.services.directory
    desks = Desks(house.database, directory, house.desk)
    doorway = Doorway(open_door(desks, "https://hospital.example/FHIR/R4"), desks)
    response = await doorway.search(number)
    matches(response)
    plans = [entry["resource"] for entry in response.json["entry"] if entry["resource"]["resourceType"] == "CarePlan"]
    kinds = {title: kind for kind, title in KINDS.items()}
    return {
        (
            plan["careTeam"][0]["display"].split(" - ")[0],
            kinds[plan["category"][0]["coding"][0]["display"]],
            plan["status"] == "active",
        )
        for plan in plans
    }


@pytest.mark.parametrize(
    "plans,shown,told",
    [
        (
            [Plan(NORTHMOOR, 300), Plan(WESTLEA, 20)],
            {(NORTHMOOR, "LAC", True), (WESTLEA, "LAC", True)},
            [NORTHMOOR, WESTLEA],
        ),
        (
            [Plan(NORTHMOOR, 300, ended=20), Plan(WESTLEA, 20)],
            {(NORTHMOOR, "LAC", False), (WESTLEA, "LAC", True)},
            [WESTLEA],
        ),
        ([Plan(NORTHMOOR, 300, ended=20)], {(NORTHMOOR, "LAC", False)}, []),
        ([Plan(NORTHMOOR, 800, ended=400), Plan(WESTLEA, 20)], {(WESTLEA, "LAC", True)}, [WESTLEA]),
        (
            [Plan(NORTHMOOR, 300, kind="CPP"), Plan(WESTLEA, 20)],
            {(NORTHMOOR, "CPP", True), (WESTLEA, "LAC", True)},
            [NORTHMOOR, WESTLEA],
        ),
        (
            [Plan(NORTHMOOR, 300, kind="CPP"), Plan(NORTHMOOR, 20)],
            {(NORTHMOOR, "CPP", True), (NORTHMOOR, "LAC", True)},
            [NORTHMOOR],
        ),
        (
            [Plan(NORTHMOOR, 800, ended=400), Plan(NORTHMOOR, 20)],
            {(NORTHMOOR, "LAC", True)},
            [NORTHMOOR],
        ),
    ],
    ids=[
        "while both are open",
        "once the first has ended",
        "in the gap between the two",
        "long after the first has ended",
        "a plan here and care there",
        "a plan and care of one authority",
        "home and back again",
    ],
)
async def test_a_child_of_several_authorities_is_shown_whole_and_all_whose_plan_is_open_are_told(
    house: House, plans: list[Plan], shown: set[tuple[str, str, bool]], told: list[str]
) -> None:
    for plan in plans:
        ended = None if plan.ended is None else ago(plan.ended)
        await house.flag(CHILD, plan.authority, plan.kind, start=ago(plan.began), end=ended)
    assert await come(house) == Seen(shown, shown, told)


async def test_a_transfer_that_comes_with_a_newer_number_is_shown_whole_by_either(house: House) -> None:
    """Northmoor knows the child by the older number, Westlea by the newer one; PDS says that the one took the other's place."""
    await house.flag(CHILD, NORTHMOOR, "LAC", start=ago(300))
    await house.flag(NEWER, WESTLEA, "LAC", start=ago(20))
    async with house.database.transaction() as transaction:
        assert await record_successor(transaction, OPERATOR, CHILD, NEWER, "PDS", now()) == 2
    both = {(NORTHMOOR, "LAC", True), (WESTLEA, "LAC", True)}
    for number in (CHILD, NEWER):
        assert await come(house, number) == Seen(both, both, [NORTHMOOR, WESTLEA])


async def test_an_adopted_child_has_no_plan_on_any_page_and_no_name_on_the_worklist(house: House) -> None:
    await house.flag(CHILD, NORTHMOOR, "LAC", start=ago(300))
    await house.seen(CHILD)
    async with house.database.transaction() as transaction:
        assert await seal_person(transaction, OPERATOR, CHILD, "adopted", now())
    assert await come(house) == Seen(set(), set(), [])
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with house.browser(session) as browser:
        worklist = (await browser.get("/worklist")).text
        [alert] = await house.alerts()
        page = (await browser.get(f"/alerts/{alert}")).text
    for text in (words(worklist), words(page)):
        assert "SEALED RECORD" in text
        assert "HARDING" not in text
        assert "999 000" not in text
