"""The pages of an authority's webhooks in a real browser: by keyboard alone, with and without scripts, without a barrier."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.alerts.webhook_server import webhook_server
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, barriers, sit_down
from tests.api.house import House, open_house
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_webhooks import SECRET, officer, registered
from tests.conftest import FreshDatabase

pytestmark = IN_A_BROWSER


@pytest.fixture
async def house(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(fresh_database, redis_url, tmp_path, private_endpoints="127.0.0.1") as house:
        yield house


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_webhook_is_registered_and_tried(house: House, browser: Browser, scripts: bool) -> None:
    async with webhook_server() as system, screen(browser, house, await officer(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/extracts")
        if scripts:  # there is no room for all places: the last ones are behind a button
            await tab_to(page, "Browse More")
            await page.keyboard.press("Enter")
        await tab_to(page, "Webhooks")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/webhooks")
        await tab_to(page, "Register it")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "An address begins with https:// and names a host")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Its address")).to_be_focused()
        await page.keyboard.insert_text(system.url)
        await page.keyboard.press("Shift+Tab")
        await expect(page.get_by_label("What you call it")).to_be_focused()
        await page.keyboard.insert_text("Case system")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Registered: Case system")).to_be_visible()
        secret = await page.locator("#secret").text_content()
        assert secret is not None
        assert SECRET.fullmatch(secret)
        await tab_to(page, "Go on, and send a test notice")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/webhooks/*")
        assert secret not in await page.content(), "the secret is shown once"
        await tab_to(page, "Send a test notice")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="The test notice was taken")).to_be_visible()
    assert len(system.times) == 1


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    house: House, browser: Browser, size: ViewportSize
) -> None:
    session = await officer(house)
    one, _ = await registered(house, session, "https://cases.example.gov.uk/hooks/nightlight/of/the/whole/council", "Case system")
    context = await sit_down(browser, house, session, size)
    page = await context.new_page()
    found = {}
    for path, press in (
        ("/webhooks", ""), ("/webhooks", "Register it"), (f"/webhooks/{one}", ""), (f"/webhooks/{one}", "Renew the secret"),
        (f"/webhooks/{one}", "Take it out of use"), ("/webhooks", ""),
    ):  # fmt: skip
        await page.goto(path)
        if press:
            await page.get_by_role("button", name=press, exact=True).click()
        found[path, press] = await barriers(page)
    assert not any(found.values()), found
    await context.close()
