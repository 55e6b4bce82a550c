"""A thread in a real browser: an answer shows on the open banner by itself, the clinician answers back by keyboard, no barrier."""

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from domain.actor import Role
from domain.alert import CodedAnswer
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import NORTHMOOR, House, nhs_number
from tests.api.reading import clinician
from tests.api.test_banner import answer
from tests.api.test_browser_pages import screen, tab_to

pytestmark = IN_A_BROWSER

CHILD = nhs_number(1)


async def test_an_answer_shows_on_the_open_banner_and_is_answered_by_keyboard(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="ED-7")
    async with screen(browser, house, await clinician(house)) as shown:
        page = shown.page
        await page.goto(f"/encounters/{encounter}")
        await page.get_by_role("button", name="Show details").click()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await expect(page.get_by_text("Not yet acknowledged, 0 min.")).to_be_visible()
        await answer(house, NORTHMOOR, "Ring me on 020 7946 0111")
        await expect(page.get_by_text("Ring me on 020 7946 0111")).to_be_visible()
        await tab_to(page, "Answer Northmoor Council")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/answers/*")
        await page.get_by_label("Please ring us").check()
        await page.get_by_label("A short message").fill("On 020 7946 0301")
        await tab_to(page, "Send")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**?sent=yes")
        await expect(page.get_by_text("Sent.")).to_be_visible()
    assert await house.rows("SELECT answer, answer_text FROM alert_events WHERE event = 'reply'") == [
        ("please-ring", "On 020 7946 0301")
    ]


async def without_barriers(page: Page, where: str) -> None:
    found = await axe(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_on_thread_form_and_incident(house: House, browser: Browser, size: ViewportSize) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="ED-7")
    await answer(house, NORTHMOOR, "W" * 200, CodedAnswer.WRONG_CHILD)
    [(incident,)] = await house.rows("SELECT id FROM identity_incidents")
    context = await sit_down(browser, house, await clinician(house), size)
    page = await context.new_page()
    await page.goto(f"/encounters/{encounter}")
    await page.get_by_role("button", name="Show details").click()
    await expect(page.get_by_text("Identity is being checked")).to_be_visible()
    await without_barriers(page, "details")
    await page.get_by_role("link", name="Answer Northmoor Council").click()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    await without_barriers(page, "form")
    await context.close()
    context = await sit_down(browser, house, await house.sign_in(Role.DATA_OFFICER, NORTHMOOR), size)
    page = await context.new_page()
    for path in ("/incidents", f"/incidents/{incident}"):
        await page.goto(path)
        await without_barriers(page, path)
    await context.close()
