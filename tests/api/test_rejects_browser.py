"""Mending a rejected record in a real browser: the keyboard is enough, no script is needed, no barrier that axe can find."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import House
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_rejects import BAD, RIGHT, WRONG, held, officer, sends, work

pytestmark = IN_A_BROWSER


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_one_record_is_mended_and_one_dismissed(house: House, browser: Browser, scripts: bool) -> None:
    await sends(house, BAD, BAD | {"local_id": "A2", "given_name": "Kim"})
    async with screen(browser, house, await officer(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/extracts")
        await tab_to(page, "Rejected records")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/rejects")
        await open_record(page, "Jo Harding")
        number = page.get_by_label("NHS number")
        await number.focus()
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type("9990000027")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "This is not an NHS number: 10 digits are needed, of which the last checks the others.")
        await page.keyboard.press("Enter")
        await expect(number).to_be_focused()
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type(RIGHT)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Accepted. The plan is held now")).to_be_visible()
        await open_record(page, "Kim Harding")
        await tab_to(page, "Dismiss this record")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Choose why it must not be loaded")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("The same plan is held already")).to_be_focused()
        await page.keyboard.press("Space")
        await tab_to(page, "Dismiss this record")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Dismissed. The record is not loaded.")).to_be_visible()
        await expect(page.get_by_text("No rejected record waits.")).to_be_visible()
        assert WRONG not in page.url
    assert await work(house) == ["mended", "dismissed"]
    assert len(await held(house)) == 1


async def open_record(page: Page, name: str) -> None:
    """From the list to a record."""
    await tab_to(page, name)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/rejects/*-*")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(house: House, browser: Browser, size: object) -> None:
    long = BAD | {"local_id": "L" * 100, "family_name": "W" * 100}
    await sends(house, BAD | {"local_id": "S"}, sensitive=True, ago=9)
    await sends(house, long, BAD | {"local_id": "A3", "nhs_number": RIGHT, "kind": "XYZ"}, ago=5)
    ids = [str(each) for (each,) in await house.rows("SELECT id FROM rejected_records")]
    context = await sit_down(browser, house, await officer(house), size)  # type: ignore[arg-type]
    page = await context.new_page()
    paths = ["/rejects", "/rejects?code=unknown-kind", "/rejects?show=done", "/extracts", *(f"/rejects/{each}" for each in ids)]
    for path in paths:
        await page.goto(path)
        await check(page, path)
    await page.get_by_role("button").last.click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    await check(page, "an error")
    await context.close()


async def check(page: Page, what: str) -> None:
    found = await axe(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), what
