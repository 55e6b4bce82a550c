"""The quarantine in a real browser: the keyboard is enough, no script is needed, no barrier that axe can find."""

import pytest
from playwright.async_api import Browser, Page, expect

from domain.actor import Role
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import House, nhs_number
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_quarantine import A04, NO_PID, nurse, put

pytestmark = IN_A_BROWSER


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_one_message_is_replayed_and_one_discarded(house: House, browser: Browser, scripts: bool) -> None:
    await house.flag(nhs_number(1))
    await put(house, "2 hours", raw=NO_PID)
    await put(house, "1 hour", raw=A04)
    async with screen(browser, house, await nurse(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/encounters")
        await tab_to(page, "Messages not taken")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/quarantine")
        await open_first(page)
        await tab_to(page, "Replay this message")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("still cannot be taken")).to_be_visible()
        await tab_to(page, "Discard this message")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Say why, in 5 to 200 characters")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Why nobody needs to be checked by it")).to_be_focused()
        await page.keyboard.type("sent again with PID")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("by Nora Nurse: sent again with PID")).to_be_visible()
        await page.goto("/quarantine")
        await open_first(page)
        await tab_to(page, "Replay this message")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("It was taken like any other message.")).to_be_visible()
    assert await house.rows("SELECT state FROM quarantine ORDER BY id") == [("discarded",), ("replayed",)]
    assert len(await house.alerts()) == 1


async def open_first(page: Page) -> None:
    """From the list to the message that came first."""
    await tab_to(page, "C1")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/quarantine/*")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(house: House, browser: Browser, size: object) -> None:
    message_id = await put(house, raw=A04.replace(b"Testtown", b"T" * 300))
    await put(house, peer="10.9.9.9")
    session = await house.sign_in(Role.SITE_SAFEGUARDING, "R0A")
    context = await sit_down(browser, house, session, size)  # type: ignore[arg-type]
    page = await context.new_page()
    for path in ("/quarantine", f"/quarantine/{message_id}", "/quarantine?state=discarded"):
        await page.goto(path)
        found = await axe(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    await context.close()
