"""The page of a site's rules in a real browser: by keyboard alone, with and without scripts, at two widths."""

import pytest
from playwright.async_api import Browser, expect

from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import ST_AGNES, House, nhs_number
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_quarantine import A04, nurse

pytestmark = IN_A_BROWSER

RULES = f"/sites/{ST_AGNES}/rules"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_message_is_tried(house: House, browser: Browser, scripts: bool) -> None:
    async with screen(browser, house, await nurse(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/encounters")
        await tab_to(page, "Site rules")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/rules")
        await tab_to(page, "St Agnes Hospital")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{RULES}")
        await tab_to(page, "Try this message")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Paste a message")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("An HL7 message")).to_be_focused()
        await page.keyboard.insert_text(A04.decode().replace("\r", "\n"))
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Rule 3 fires")).to_be_in_viewport()
        await expect(page.get_by_text("Yes: the authority of an open plan is told.")).to_be_visible()
        assert A04.decode().split("|")[9] not in page.url
    assert await house.rows("SELECT * FROM quarantine") == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(house: House, browser: Browser, size: object) -> None:
    await house.seen(nhs_number(1))
    context = await sit_down(browser, house, await nurse(house), size)  # type: ignore[arg-type]
    page = await context.new_page()
    for path, message in (("/rules", None), (RULES, None), (RULES, ""), (RULES, "W" * 300), (RULES, A04.decode())):
        await page.goto(path)
        if message is not None:
            await page.get_by_label("An HL7 message").fill(message)
            await page.get_by_role("button", name="Try this message").click()
        found = await axe(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, message)
    await context.close()
