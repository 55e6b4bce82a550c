"""The access review in a real browser: by keyboard alone, with and without scripts, and no barrier at two widths."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, barriers, sit_down
from tests.api.house import House, nhs_number
from tests.api.reading import details
from tests.api.test_access_review import PAGE, lead
from tests.api.test_browser_pages import screen, tab_to

pytestmark = IN_A_BROWSER

CHILD = nhs_number(1)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_the_looks_at_a_patient_are_found(house: House, browser: Browser, scripts: bool) -> None:
    await house.flag(CHILD)
    await details(house, await house.seen(CHILD))
    async with screen(browser, house, await lead(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto(PAGE)
        await page.get_by_label("NHS number of a patient").focus()
        await page.keyboard.type("999 000 0019")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Enter an NHS number of 10 digits, such as 999 000 0018")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("NHS number of a patient")).to_be_focused()
        await page.keyboard.press("Control+A")
        await page.keyboard.type("999 000 0018")
        await tab_to(page, "Search")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Found (2)")).to_be_visible()
        await expect(page.get_by_text("Opened the details in Nightlight")).to_be_visible()
        assert page.url.endswith(PAGE)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    house: House, browser: Browser, size: ViewportSize
) -> None:
    await house.flag(CHILD, sensitive=True)
    encounter = await house.seen(CHILD)
    for _ in range(5):
        await details(house, encounter, "break-glass", reason="injured, must ring now")
    context = await sit_down(browser, house, await lead(house), size)
    page = await context.new_page()
    found = []
    for who in (None, "carla", "W" * 190):
        await page.goto(PAGE)
        if who:
            await page.get_by_label("Who", exact=True).fill(who)
            await page.get_by_role("button", name="Search").click()
        found += [f"{who}: {barrier}" for barrier in await barriers(page)]
    await page.get_by_label("First day").fill("2030-01-02")
    await page.get_by_label("Last day").fill("2030-01-01")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    assert found + await barriers(page) == []
    await context.close()
