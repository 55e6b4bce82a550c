"""The pages of what waits for a second person: refusals first, then release, refuse, confirm and take back."""

import io
import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.actor import Actor, ActorKind, Role
from domain.extract import Declaration
from safeguarding.extracts.loading import load_extract
from tests.api.house import NORTHMOOR, WESTLEA, House
from tests.extracts.files import a_file, numbers, row

PEOPLE = numbers(12)
LIST = "/extracts/held"
ENDED = "2025-08-30"
EARLIER, LATER = (datetime(2025, 9, day, 6, 30, tzinfo=UTC) for day in (1, 2))


def main_of(page: str) -> str:
    """The main part of a page."""
    return page.split("<main")[1].split("</main", maxsplit=1)[0]


async def sign_in(house: House, name: str = "Sam Second", authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority, name)


def sender(name: str = "Dee Data") -> Actor:
    return Actor(ActorKind.PERSON, f"sub-{name}", name, NORTHMOOR, Role.DATA_OFFICER)


async def load(house: House, content: bytes, at: datetime) -> UUID:
    return (await load_extract(house.database, sender(), NORTHMOOR, io.BytesIO(content), Declaration(at))).id


async def held_endings(house: House) -> UUID:
    """All twelve plans of an authority would end: the extract that says so."""
    await load(house, a_file(*(row(nhs_number=each, given_name="Ada") for each in PEOPLE)), EARLIER)
    return await load(house, a_file(*(row(nhs_number=each, given_name="Ada", end_date=ENDED) for each in PEOPLE)), LATER)


async def surge(house: House) -> UUID:
    """One plan was open, and eleven more came."""
    await load(house, a_file(row(nhs_number=PEOPLE[0])), EARLIER)
    return await load(house, a_file(*(row(nhs_number=each) for each in PEOPLE)), LATER)


async def post(house: House, session: str, path: str, **fields: str) -> tuple[int, str]:
    async with house.browser(session) as browser:
        answer = await browser.post(path, data={"csrf": await house.token(session), **fields})
    return answer.status_code, answer.headers.get("location") or main_of(answer.text)


async def get(house: House, session: str, path: str) -> tuple[int, str]:
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    return answer.status_code, main_of(answer.text) if answer.status_code == 200 else ""


async def open_plans(house: House) -> object:
    [(count,)] = await house.rows("SELECT count(*) FROM flags WHERE end_date IS NULL AND deleted_on IS NULL")
    return count


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DATA_OFFICER])
async def test_no_other_role_sees_what_waits(house: House, role: Role) -> None:
    extract = await held_endings(house)
    session = await house.sign_in(role, NORTHMOOR)
    for path in (LIST, f"{LIST}/{extract}", f"{LIST}/{extract}/openings"):
        assert (await get(house, session, path))[0] == 404
    assert (await post(house, session, f"{LIST}/{extract}/release"))[0] == 404
    assert await open_plans(house) == 12


async def test_another_authority_sees_and_releases_nothing(house: House) -> None:
    extract = await held_endings(house)
    session = await sign_in(house, authority=WESTLEA)
    status, text = await get(house, session, LIST)
    assert (status, "No ending is held." in text) == (200, True)
    assert (await get(house, session, f"{LIST}/{extract}"))[0] == 404
    for action, fields in (("release", {}), ("refuse", {"reason": "a mistake"}), ("openings/confirm", {})):
        assert (await post(house, session, f"{LIST}/{extract}/{action}", **fields))[0] == 404
    assert await open_plans(house) == 12


async def test_a_form_that_is_not_ours_releases_nothing(house: House) -> None:
    extract = await held_endings(house)
    async with house.browser(await sign_in(house)) as browser:
        answer = await browser.post(f"{LIST}/{extract}/release", data={"csrf": "x"})
    assert answer.status_code == 403
    assert await open_plans(house) == 12


async def test_the_list_says_how_much_since_when_and_by_whom_and_names_no_child(house: House) -> None:
    extract = await held_endings(house)
    _, text = await get(house, await sign_in(house), LIST)
    assert f'href="{LIST}/{extract}"' in text
    assert "12 ended, 0 deleted" in text
    assert "100% of 12 open plans" in text
    assert "Dee Data" in text
    assert "Ada" not in text
    assert "EXAMPLE" not in text
    assert await house.rows("SELECT FROM audit_events WHERE action = 'held.open'") == []


async def test_who_sent_it_sees_why_somebody_else_decides_and_cannot_do_it(house: House) -> None:
    extract = await held_endings(house)
    session = await sign_in(house, "Dee Data")
    _, text = await get(house, session, f"{LIST}/{extract}")
    assert "Somebody else decides" in text
    assert "<button" not in text
    status, text = await post(house, session, f"{LIST}/{extract}/release")
    assert status == 403
    assert "You sent this extract: somebody else decides about it" in text
    assert (await post(house, session, f"{LIST}/{extract}/refuse", reason="a mistake"))[0] == 403
    assert await open_plans(house) == 12


async def test_a_second_person_sees_whom_it_is_about_and_releases_it(house: House) -> None:
    extract = await held_endings(house)
    session = await sign_in(house)
    _, text = await get(house, session, f"{LIST}/{extract}")
    assert text.count("EXAMPLE, Ada") == 12
    assert f'Ends on <span class="nl-sent">{ENDED}</span>' in text
    assert await house.rows("SELECT actor_name, detail->>'shown' FROM audit_events WHERE action = 'held.open'") == [
        ("Sam Second", "12")
    ]
    assert await post(house, session, f"{LIST}/{extract}/release") == (303, f"{LIST}?done=released")
    assert await open_plans(house) == 0
    _, text = await get(house, session, f"{LIST}?done=released")
    assert "The endings are in force." in text
    assert (await post(house, session, f"{LIST}/{extract}/release"))[0] == 404


async def test_a_refusal_needs_a_reason_and_changes_no_plan(house: House) -> None:
    extract = await held_endings(house)
    session = await sign_in(house)
    status, text = await post(house, session, f"{LIST}/{extract}/refuse", reason=" no ")
    assert (status, "Say why, in 5 to 200 characters" in text) == (422, True)
    reason = "the export ran on an empty table"
    assert await post(house, session, f"{LIST}/{extract}/refuse", reason=reason) == (303, f"{LIST}?done=refused")
    assert await open_plans(house) == 12
    assert await house.rows("SELECT DISTINCT decision, decided_by, reason FROM held_changes") == [("refused", "Sam Second", reason)]


async def test_while_somebody_else_releases_it_nobody_else_can(house: House) -> None:
    extract = await held_endings(house)
    await house.rows("UPDATE held_changes SET release_began = now() RETURNING 1")
    status, text = await post(house, await sign_in(house), f"{LIST}/{extract}/release")
    assert (status, "Somebody else is releasing these changes just now" in text) == (409, True)


async def test_a_surge_is_confirmed_by_a_second_person(house: House) -> None:
    extract = await surge(house)
    path = f"{LIST}/{extract}/openings"
    _, text = await get(house, await sign_in(house, "Dee Data"), path)
    assert "Somebody else decides" in text
    session = await sign_in(house)
    _, text = await get(house, session, path)
    assert "hospitals see them" in text
    assert text.count("EXAMPLE, Ada") == 11
    assert (await post(house, await sign_in(house, "Dee Data"), f"{path}/confirm"))[0] == 403
    assert await post(house, session, f"{path}/confirm") == (303, f"{LIST}?done=confirmed")
    assert await open_plans(house) == 12
    assert (await get(house, session, path))[0] == 404


async def test_a_surge_is_taken_back_with_a_reason(house: House) -> None:
    extract = await surge(house)
    session, path = await sign_in(house), f"{LIST}/{extract}/openings/take-back"
    status, text = await post(house, session, path)
    assert (status, "Say why" in text) == (422, True)
    assert await post(house, session, path, reason="closed cases were in it") == (303, f"{LIST}?done=taken-back")
    assert await open_plans(house) == 1


async def test_many_changes_come_page_by_page(house: House) -> None:
    people = numbers(60)
    await load(house, a_file(*(row(nhs_number=each) for each in people)), EARLIER)
    extract = await load(house, a_file(*(row(nhs_number=each, end_date=ENDED) for each in people)), LATER)
    session = await sign_in(house)
    pages = [(await get(house, session, f"{LIST}/{extract}?page={page}"))[1] for page in (1, 2, 3)]
    assert [text.count("EXAMPLE, Ada") for text in pages] == [50, 10, 0]
    assert "There is no such page" in pages[2]


async def test_the_metrics_say_how_much_waits_and_since_when(house: House) -> None:
    await held_endings(house)
    await house.rows("UPDATE held_changes SET waiting_since = now() - interval '2 hours' RETURNING 1")
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert f'nightlight_held_records{{authority="{NORTHMOOR}"}} 12.0' in text
    assert f'nightlight_held_records{{authority="{WESTLEA}"}} 0.0' in text
    [age] = re.findall(rf'nightlight_held_oldest_seconds{{authority="{NORTHMOOR}"}} (\S+)', text)
    assert 7_200 <= float(age) < 7_300
