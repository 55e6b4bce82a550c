"""Finding a child and seeing where children live, in a real browser: by keyboard, without scripts, at two widths."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from domain.actor import Role
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import NORTHMOOR, House, nhs_number
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_placements import keep, row

pytestmark = IN_A_BROWSER

ADA, IRIS = nhs_number(510), nhs_number(520)


@pytest.fixture
async def known(house: House) -> House:
    await house.flag(ADA, family="Harding", given="Ada")
    await house.flag(IRIS, family="Hardman", given="Iris", sensitive=True)
    await keep(house, row(1), row(2, "EX9", "K2", 40.0))
    return house


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_a_child_is_found_and_opened_by_keyboard_alone(known: House, browser: Browser, scripts: bool) -> None:
    session = await known.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with screen(browser, known, session, scripts=scripts) as shown:
        page = shown.page
        await page.goto("/worklist")
        await tab_to(page, "Find a child")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/children")
        await page.get_by_label("Name, date of birth").focus()
        await page.keyboard.type("hardng ada")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Likeliest first")).to_be_visible()
        assert "hard" not in page.url
        await tab_to(page, "Ada Harding")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Ada Harding")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    known: House, browser: Browser, size: ViewportSize
) -> None:
    session = await known.sign_in(Role.DATA_OFFICER, NORTHMOOR)
    people = {row[0]: row[1] for row in await known.rows("SELECT nhs_number, id FROM persons")}
    context = await sit_down(browser, known, session, size)
    page = await context.new_page()
    for path in ("/children", f"/children/{people[ADA]}", f"/children/{people[IRIS]}", "/placements", "/placements?date=never"):
        await page.goto(path)
        if path == "/children":
            await page.get_by_label("Name, date of birth").fill("hard")
            await page.get_by_role("button", name="Search").click()
            await expect(page.get_by_role("heading", name="Likeliest first")).to_be_visible()
        found = await axe(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    await context.close()
