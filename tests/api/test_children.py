"""The pages by which an authority's staff find a child: for them alone, nothing in an address, masked where it must be."""

import pytest

from domain.actor import Role
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import words

ADA, IRIS, GRACE = nhs_number(10), nhs_number(20), nhs_number(30)
OTHERS = [
    (Role.CLINICIAN, "R0A"),
    (Role.SITE_SAFEGUARDING, "R0A"),
    (Role.INFORMATION_GOVERNANCE, NORTHMOOR),
]


async def search(house: House, session: str, text: str) -> tuple[int, str]:
    form = {"csrf": await house.token(session), "sought": text}
    async with house.browser(session) as browser:
        answer = await browser.post("/children", data=form)
    return answer.status_code, answer.text


async def link(house: House, number: str) -> str:
    [(found,)] = await house.rows("SELECT id FROM persons WHERE nhs_number = %s", number)
    return f"/children/{found}"


async def test_anonymous_people_find_nobody(house: House) -> None:
    async with house.browser() as browser:
        assert (await browser.get("/children")).headers["location"] == "/sign-in?next=/children"
        assert (await browser.post("/children", data={"csrf": "x", "sought": "Ada"})).status_code == 401


@pytest.mark.parametrize("role, organisation", OTHERS)
async def test_for_everybody_else_there_is_no_such_page(house: House, role: Role, organisation: str) -> None:
    await house.flag(ADA)
    session = await house.sign_in(role, organisation)
    async with house.browser(session) as browser:
        assert (await browser.get("/children")).status_code == 404
        assert (await browser.get(await link(house, ADA))).status_code == 404
    assert (await search(house, session, "Jo Harding"))[0] == 404


async def test_nothing_typed_is_asked_for_again(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    status, text = await search(house, session, "  ")
    assert status == 422
    assert "Enter a name, a date of birth, an NHS number or your own number of the child" in words(text)


async def test_a_misspelt_child_is_found_and_opened(house: House) -> None:
    await house.flag(ADA, family="Harding", given="Ada")
    session = await house.sign_in(Role.DATA_OFFICER, NORTHMOOR)
    status, text = await search(house, session, "Hardng")
    assert status == 200
    assert "Ada Harding" in words(text)
    async with house.browser(session) as browser:
        record = await browser.get(await link(house, ADA))
    assert "check digit only" in words(record.text)


async def test_who_is_not_found_may_have_been_rejected_and_the_page_says_so(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    _, text = await search(house, session, "Nobody Atall")
    assert "a record that was rejected is not held" in words(text)


async def test_of_a_sensitive_record_the_list_says_nothing_and_the_page_asks_why(house: House) -> None:
    await house.flag(IRIS, family="Quill", given="Iris", sensitive=True)
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    _, text = await search(house, session, "Iris Quill")
    shown = words(text).split("Likeliest first")[1]
    assert "A sensitive record" in shown
    assert not {"Iris", "Quill"} & set(shown.split())
    path = await link(house, IRIS)
    async with house.browser(session) as browser:
        asked = await browser.get(path)
        assert "Iris" not in words(asked.text)
        assert "Quill" not in asked.text
        refused = await browser.post(path, data={"csrf": await house.token(session), "reason": " "})
        assert (refused.status_code, "Enter why you open this record" in refused.text) == (422, True)
        opened = await browser.post(path, data={"csrf": await house.token(session), "reason": "Conference today"})
    assert "Iris Quill" in words(opened.text)


async def test_another_authoritys_child_is_a_page_that_does_not_exist(house: House) -> None:
    await house.flag(GRACE, WESTLEA)
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with house.browser(session) as browser:
        assert (await browser.get(await link(house, GRACE))).status_code == 404
