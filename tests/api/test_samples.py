"""The pages of the monthly sample: the own authority's data officer alone sees names, and each look is on record."""

from datetime import timedelta

import pytest

from domain.actor import Role
from runtime.clock import england_day, now
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.test_onboarding import dora, post, read
from tests.api.test_refusals import NOBODYS, missing_page


async def fill(house: House) -> str:
    """Two plans of Northmoor, one of Westlea; Northmoor's sample is drawn. Its address."""
    await house.flag(nhs_number(1), family="HARDING")
    await house.flag(nhs_number(2), kind="UCPP", family="OYELARAN", due=england_day(now()))
    await house.flag(nhs_number(3), WESTLEA, family="ASHBY")
    status, _ = await post(house, await dora(house), "/samples")
    assert status == 303
    [(sample,)] = await house.rows("SELECT id FROM samples")
    return f"/samples/{sample}"


async def looks(house: House) -> int:
    return len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'sample.look'"))


# Who may see what


async def test_anonymous_people_see_and_mark_nothing(house: House) -> None:
    path = await fill(house)
    before = await looks(house)
    async with house.browser() as browser:
        for each in ("/samples", path):
            assert (await browser.get(each)).headers["location"] == f"/sign-in?next={each}"
            assert (await browser.post(each, data={"csrf": "x"})).status_code == 401
    assert await looks(house) == before


@pytest.mark.parametrize(
    "role,organisation",
    [
        (Role.DATA_OFFICER, WESTLEA), (Role.SOCIAL_WORKER, NORTHMOOR), (Role.INFORMATION_GOVERNANCE, "nightlight"),
        (Role.CLINICIAN, "R0A"), (Role.SITE_SAFEGUARDING, "R0A"),
    ],
)  # fmt: skip
async def test_for_everybody_else_a_sample_is_the_page_that_does_not_exist(house: House, role: Role, organisation: str) -> None:
    path = await fill(house)
    before = await looks(house)
    session = await house.sign_in(role, organisation)
    missing = await missing_page(house, session)
    form = {"csrf": await house.token(session), "position": "1", "result": "right"}
    async with house.browser(session) as browser:
        for answer in (await browser.get(path), await browser.post(path, data=form)):
            assert (answer.status_code, answer.text.split("<main")[1]) == missing
    assert await looks(house) == before
    assert await house.rows("SELECT 1 FROM sample_records WHERE result IS NOT NULL") == []


@pytest.mark.parametrize("path", [f"/samples/{NOBODYS}", "/samples/first"])
async def test_a_sample_that_is_not_there_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    session = await dora(house)
    async with house.browser(session) as browser:
        assert (await browser.get(path)).status_code in {404, 422}


# What is refused


async def test_nothing_is_drawn_where_nothing_is_held_and_a_month_has_one_sample(house: House) -> None:
    status, page = await post(house, await dora(house), "/samples")
    assert (status, "holds no open plan" in page) == (422, True)
    await fill(house)
    status, page = await post(house, await dora(house), "/samples")
    assert (status, "was drawn already" in page) == (422, True)
    assert "Draw the sample" not in page


@pytest.mark.parametrize(
    "form,said",
    [
        ({"position": "1"}, "Choose what you found"),
        ({"position": "1", "result": "perhaps"}, "Choose what you found"),
        ({"position": "1", "result": "wrong"}, "Say what is wrong with the record"),
        ({"position": "1", "result": "right", "note": "x" * 501}, "longer than 500 characters"),
    ],
    ids=str,
)
async def test_a_mark_that_says_too_little_is_refused_beside_its_record(house: House, form: dict[str, str], said: str) -> None:
    path = await fill(house)
    status, page = await post(house, await dora(house), path, **form)
    assert status == 422
    assert said in page
    assert await house.rows("SELECT 1 FROM sample_records WHERE result IS NOT NULL") == []


@pytest.mark.parametrize("position", ["", "0", "3", "21", "one"])
async def test_a_record_that_is_not_in_the_sample_is_not_there(house: House, position: str) -> None:
    path, session = await fill(house), await dora(house)
    async with house.browser(session) as browser:
        form = {"csrf": await house.token(session), "position": position, "result": "right"}
        assert (await browser.post(path, data=form)).status_code == 404


# The good case


async def test_a_data_officer_draws_compares_and_has_the_result(house: House) -> None:
    path, session = await fill(house), await dora(house)
    before = await looks(house)
    page = await read(house, session, path)
    assert "HARDING, Jo" in page
    assert "OYELARAN, Jo" in page
    assert "ASHBY" not in page
    assert "2 of 2 to compare." in page
    assert await looks(house) == before + 2
    assert (await post(house, session, path, position="1", result="right"))[0] == 303
    status, page = await post(house, session, path, position="2", result="wrong", wrong="name", note="Two letters swapped")
    assert (status, "All are compared: 50% right." in page) == (303, True)
    assert "Wrong : Name" in page or "Wrong: Name" in page
    assert "“Two letters swapped” Load it mended" in page
    listed = await read(house, session, "/samples")
    assert "50% right" in listed
    assert "HARDING" not in listed


async def test_no_name_and_no_number_stands_in_an_address(house: House) -> None:
    path, session = await fill(house), await dora(house)
    async with house.browser(session) as browser:
        page = (await browser.get(path)).text
    links = [part.split('"')[0] for part in page.split('href="')[1:]] + [part.split('"')[0] for part in page.split('action="')[1:]]
    assert not [each for each in links if nhs_number(1) in each or "HARDING" in each.upper()]


async def test_a_sample_of_last_month_that_is_not_done_is_said_to_be_overdue(house: House) -> None:
    path, session = await fill(house), await dora(house)
    await house.rows("UPDATE extracts SET completed_at = now() - interval '70 days' RETURNING 1")
    last_month = (england_day(now()).replace(day=1) - timedelta(days=1)).replace(day=1)
    await house.rows("UPDATE samples SET month = %s RETURNING 1", last_month)
    assert "Overdue The sample of" in await read(house, session, "/samples")
    assert "has 2 records to compare" in await read(house, session, "/samples")
    assert "The sample of" in await read(house, session, "/onboarding")
    for position in ("1", "2"):
        assert (await post(house, session, path, position=position, result="not-found"))[0] == 303
    assert "Overdue" not in await read(house, session, "/samples")
