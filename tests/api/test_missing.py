"""The pages of plans that full extracts do not name: refusals first, then each way to settle one, and what hospitals are told."""

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.actor import Actor, ActorKind, Role
from domain.extract import Declaration, Scope
from runtime.clock import england_day, now
from safeguarding.extracts.loading import load_extract
from tests.api.house import NORTHMOOR, WESTLEA, House
from tests.api.reading import details
from tests.api.test_held import get, main_of, post, sign_in
from tests.extracts.files import a_file, numbers, row

STAYS, GOES = numbers(2)
LIST = "/extracts/missing"
OFFICER = Actor(ActorKind.PERSON, "sub-Dee", "Dee Data", NORTHMOOR, Role.DATA_OFFICER)
BEGIN = datetime(2025, 9, 1, 6, 30, tzinfo=UTC)


async def snapshot(house: House, *people: str, day: int = 0, **changes: str) -> None:
    content = a_file(*(row(nhs_number=each, local_id=f"L{each[-4:]}", **changes) for each in people))
    declaration = Declaration(BEGIN + timedelta(days=day), Scope.FULL)
    await load_extract(house.database, OFFICER, NORTHMOOR, io.BytesIO(content), declaration)


async def make_missing(house: House, snapshots: int = 2) -> UUID:
    """Two plans, of which so many full extracts then named only one; the other one."""
    await snapshot(house, STAYS, GOES)
    for day in range(1, snapshots + 1):
        await snapshot(house, STAYS, day=day)
    [(flag,)] = await house.rows("SELECT f.id FROM flags f JOIN persons p ON p.id = person_id WHERE nhs_number = %s", GOES)
    return UUID(str(flag))


async def plan(house: House, flag: UUID) -> tuple[object, ...]:
    [found] = await house.rows("SELECT end_date, deleted_on, missed_snapshots FROM flags WHERE id = %s", flag)
    return found


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DATA_OFFICER])
async def test_no_other_role_sees_or_settles_what_is_missing(house: House, role: Role) -> None:
    flag = await make_missing(house)
    session = await house.sign_in(role, NORTHMOOR)
    for path in (LIST, f"{LIST}/{flag}"):
        assert (await get(house, session, path))[0] == 404
    assert (await post(house, session, f"{LIST}/{flag}", outcome="recorded-in-error", reason="no reason"))[0] == 404
    assert await plan(house, flag) == (None, None, 2)


async def test_another_authority_sees_and_settles_nothing(house: House) -> None:
    flag = await make_missing(house)
    session = await sign_in(house, authority=WESTLEA)
    status, text = await get(house, session, LIST)
    assert (status, "No plan is missing from two full extracts." in text) == (200, True)
    assert (await get(house, session, f"{LIST}/{flag}"))[0] == 404
    assert (await post(house, session, f"{LIST}/{flag}", outcome="recorded-in-error", reason="no reason"))[0] == 404
    assert await plan(house, flag) == (None, None, 2)


async def test_a_plan_missing_once_is_counted_and_nobodys_work(house: House) -> None:
    flag = await make_missing(house, snapshots=1)
    session = await sign_in(house)
    _, text = await get(house, session, LIST)
    assert "1 more was missing from the latest full extract alone." in text
    assert "EXAMPLE" not in text
    assert (await get(house, session, f"{LIST}/{flag}"))[0] == 404


async def test_a_plan_missing_twice_is_listed_with_its_age_and_the_look_is_on_record(house: House) -> None:
    flag = await make_missing(house)
    session = await sign_in(house)
    _, text = await get(house, session, LIST)
    assert f'href="{LIST}/{flag}"' in text
    assert "2 extracts; last named" in text
    assert GOES not in text
    _, text = await get(house, session, f"{LIST}/{flag}")
    assert f"{GOES[:3]} {GOES[3:6]} {GOES[6:]}" in text
    assert await house.rows(
        "SELECT subject_type, subject_id FROM audit_events WHERE action = 'missing.open' AND actor_name = 'Sam Second' ORDER BY id"
    ) == [("authority", NORTHMOOR), ("flag", str(flag))]


@pytest.mark.parametrize(
    "fields, complaint",
    [
        ({"reason": "the team was asked"}, "Choose what you found out about this plan"),
        ({"outcome": "hidden", "reason": "the team was asked"}, "Choose what you found out about this plan"),
        ({"outcome": "still-open"}, "Say how you know, in 5 to 200 characters"),
        ({"outcome": "ended", "reason": "the team was asked"}, "Enter the day on which the plan ended"),
        ({"outcome": "ended", "reason": "the team was asked", "day": "31", "month": "2", "year": "2025"}, "Enter the day"),
        ({"outcome": "ended", "reason": "asked the team", "day": "1", "month": "1", "year": "2025"}, "between its start and today"),
        ({"outcome": "ended", "reason": "asked the team", "day": "1", "month": "1", "year": "2199"}, "between its start and today"),
    ],
)
async def test_what_cannot_be_is_said_and_changes_nothing(house: House, fields: dict[str, str], complaint: str) -> None:
    flag = await make_missing(house)
    status, text = await post(house, await sign_in(house), f"{LIST}/{flag}", **fields)
    assert status == 422
    assert complaint in text
    assert fields.get("reason", "") in text
    assert await plan(house, flag) == (None, None, 2)


@pytest.mark.parametrize("outcome", ["still-open", "ended", "recorded-in-error"])
async def test_a_plan_is_settled_in_one_of_three_ways(house: House, outcome: str) -> None:
    flag = await make_missing(house)
    session = await sign_in(house)
    today = england_day(now())
    fields = {"day": str(today.day), "month": str(today.month), "year": str(today.year)} if outcome == "ended" else {}
    came = await post(house, session, f"{LIST}/{flag}", outcome=outcome, reason="the team was asked", **fields)
    assert came == (303, f"{LIST}?done={outcome}")
    after = {"still-open": (None, None), "ended": (today, None), "recorded-in-error": (None, today)}
    assert await plan(house, flag) == (*after[outcome], 0)
    _, text = await get(house, session, f"{LIST}?done={outcome}")
    assert "Settled: the plan" in text
    assert "No plan is missing from two full extracts." in text


async def test_the_hospitals_banner_says_that_it_is_not_in_the_latest_extract_until_it_is_settled(house: House) -> None:
    """Written, read and shown: from the file to the clinician's screen and back."""
    flag = await make_missing(house, snapshots=1)
    encounter = await house.seen(GOES)
    said = "Not in the latest extract of Northmoor Council: ask whether the plan still stands."
    assert said in main_of((await details(house, encounter)).text)
    await snapshot(house, STAYS, day=2)
    assert said in main_of((await details(house, encounter)).text)
    await post(house, await sign_in(house), f"{LIST}/{flag}", outcome="still-open", reason="the team was asked")
    assert "Not in the latest extract" not in main_of((await details(house, encounter)).text)
    assert "Known to social care" in main_of((await details(house, encounter)).text)
