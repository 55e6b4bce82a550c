"""The page "Who is told" in a real browser: by keyboard alone, with and without scripts, at two widths, without a barrier."""

import pytest
from playwright.async_api import Browser, expect

from domain.flag import FlagKind
from domain.routing import EMERGENCY, OFFICE, Step
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, sit_down
from tests.api.house import House
from tests.api.test_browser_pages import screen, tab_to
from tests.api.test_telling import RULE, TEAM, book, officer, send

pytestmark = IN_A_BROWSER

QUESTION = "/telling/what-if?kind=UCPP&where=maternity&day=2026-12-27&time=03:00"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_rule_is_added_and_asked_about(house: House, browser: Browser, scripts: bool) -> None:
    async with screen(browser, house, await officer(house), scripts=scripts) as shown:
        page = shown.page
        await page.goto("/extracts")
        await tab_to(page, "Who is told")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/telling")
        await tab_to(page, "Add a rule")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/telling/rules/new")
        await page.get_by_label("Name", exact=True).focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        await tab_to(page, "Enter a name for this rule")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Name", exact=True)).to_be_focused()
        await page.keyboard.insert_text("Unborn plans")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Unborn child protection plan")).to_be_focused()
        await page.keyboard.press("Space")
        await page.get_by_label("Told first").focus()
        await page.keyboard.type("office")
        await page.keyboard.press("Tab")
        await page.keyboard.insert_text("20")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/telling#rules")
        await expect(page.get_by_role("link", name="Unborn plans")).to_be_visible()
        await page.get_by_label("Unborn child protection plan").focus()
        await page.keyboard.press("Space")
        await tab_to(page, "Show who is told")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/telling/what-if?kind=CPP&kind=UCPP**")
        await expect(page.get_by_text("By your rule “Unborn plans”.")).to_be_visible()
    [rule] = (await book(house)).routing.rules
    assert (rule.name, rule.kinds, rule.steps) == ("Unborn plans", frozenset({FlagKind.UCPP}), (Step(OFFICE, 20),))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(house: House, browser: Browser, size: object) -> None:
    session = await officer(house)
    for path, form in (
        ("/telling/teams/new", {**TEAM, "name": "Multi-agency safeguarding hub"}),
        ("/telling/rules/new", {**RULE, "step-1": "multi-agency-safeguardin", "step-2": EMERGENCY, "minutes-2": "30"}),
        ("/telling/closed-days", {"day": "2099-01-05", "reason": "Training day"}),
    ):
        assert (await send(house, session, path, **form)).status_code == 303
    context = await sit_down(browser, house, session, size)  # type: ignore[arg-type]
    page = await context.new_page()
    for path, press in (
        ("/telling", ""), (QUESTION, ""), ("/telling/hours", ""), ("/telling/teams/multi-agency-safeguardin", ""),
        ("/telling/teams/new", "Save this team"), ("/telling/rules/1", ""), ("/telling/rules/new", "Save this rule"),
        ("/telling/covers/new", "Save"),
    ):  # fmt: skip
        await page.goto(path)
        if press:
            await page.get_by_role("button", name=press, exact=True).click()
            await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        found = await axe(page)
        assert found.violations_count == 0, (path, found.generate_report())
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    await context.close()
