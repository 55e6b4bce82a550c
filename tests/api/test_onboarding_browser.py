"""The pages of the onboarding and the sample in a real browser: by keyboard, with and without scripts, at two widths."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import House
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_onboarding import AGREEMENT, AGREEMENTS, AUTHORITY, SITE, dora, iggy, post
from tests.api.test_samples import fill

pytestmark = IN_A_BROWSER


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_phone_is_confirmed_and_a_state_is_changed(house: House, browser: Browser, scripts: bool) -> None:
    async with screen(browser, house, await iggy(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/access-review")
        await tab_to(page, "Onboarding")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/onboarding")
        await tab_to(page, "Northmoor Council")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{AUTHORITY}")
        await tab_to(page, "I rang it, and the team answered")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Iggy Marlowe rang 020 7946 0101")).to_be_visible()
        await tab_to(page, "Set to: Paused")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Its flags are still shown.")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    house: House, browser: Browser, size: ViewportSize
) -> None:
    sample, governor, officer = await fill(house), await iggy(house), await dora(house)
    await post(house, governor, AGREEMENTS, **AGREEMENT)
    await post(house, officer, sample, position="1", result="wrong", wrong="name")
    for session, paths in (
        (governor, ["/onboarding", AUTHORITY, SITE, AGREEMENTS]),
        (officer, ["/onboarding", "/samples", sample]),
    ):
        context = await sit_down(browser, house, session, size)
        page = await context.new_page()
        for path in paths:
            await page.goto(path)
            if path == AGREEMENTS:
                await page.get_by_role("button", name="Record it").click()
                await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
            found = await axe(page)
            assert found.violations_count == 0, (path, found.generate_report())
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        await context.close()
