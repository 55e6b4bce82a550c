"""Held changes and missing plans in a real browser: by keyboard alone, without scripts too, no barrier that axe can find."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import House
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_held import held_endings, open_plans, sign_in, surge
from tests.api.test_missing import make_missing, plan

pytestmark = IN_A_BROWSER


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_second_person_refuses_what_is_held(house: House, browser: Browser, scripts: bool) -> None:
    extract = await held_endings(house)
    async with screen(browser, house, await sign_in(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/extracts/held")
        await tab_to(page, str(await page.locator("main td a").first.text_content()))
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/extracts/held/{extract}")
        await tab_to(page, "Refuse all 12 changes")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Say why, in 5 to 200 characters")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Why they must not be applied")).to_be_focused()
        await page.keyboard.type("the export was empty")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Refused. Every plan stays as it is.")
    assert await open_plans(house) == 12


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_missing_plan_is_settled(house: House, browser: Browser, scripts: bool) -> None:
    flag = await make_missing(house)
    async with screen(browser, house, await sign_in(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/extracts/missing")
        await tab_to(page, "EXAMPLE, Ada")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/extracts/missing/{flag}")
        await tab_to(page, "Settle this plan")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Choose what you found out about this plan")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("It is still open")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Day")).to_be_focused()
        for part in ("15", "8", "2025"):
            await page.keyboard.type(part)
            await page.keyboard.press("Tab")
        await expect(page.get_by_label("How you know")).to_be_focused()
        await page.keyboard.type("closed in our system")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Settled: the plan has ended.")
    assert str((await plan(house, flag))[0]) == "2025-08-15"


async def held_pages(house: House) -> list[str]:
    return ["/extracts/held", f"/extracts/held/{await held_endings(house)}"]


async def surge_pages(house: House) -> list[str]:
    return ["/extracts/held", f"/extracts/held/{await surge(house)}/openings"]


async def missing_pages(house: House) -> list[str]:
    return ["/extracts/missing", f"/extracts/missing/{await make_missing(house)}"]


async def no_pages(house: House) -> list[str]:
    return ["/extracts/held", "/extracts/missing"]


@pytest.mark.parametrize("pages", [held_pages, surge_pages, missing_pages, no_pages], ids=["held", "surge", "missing", "nothing"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    house: House, browser: Browser, size: ViewportSize, pages: Callable[[House], Awaitable[list[str]]]
) -> None:
    paths = await pages(house)
    for name in ("Sam Second", "Dee Data"):
        context = await sit_down(browser, house, await sign_in(house, name), size)
        page = await context.new_page()
        for path in paths:
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 200
            found = await axe(page)
            assert found.violations_count == 0, (path, found.generate_report())
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        await context.close()
