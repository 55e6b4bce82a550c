"""The department board and the nurse's day in a real browser: live, by keyboard, hidden again, without a barrier."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from domain.actor import Role
from domain.encounter import TriggerEvent
from runtime.clock import now
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, axe, barriers, sit_down
from tests.api.house import NORTHMOOR, ST_AGNES, House, nhs_number
from tests.api.reading import clinician
from tests.api.test_banner import answer
from tests.api.test_browser_pages import screen, stop_clock, tab_to
from tests.api.test_day import nurse

pytestmark = IN_A_BROWSER

CHILD = nhs_number(1)
BOARD = f"/sites/{ST_AGNES}/board"
DAY = f"/sites/{ST_AGNES}/day"
LIVE = "Live"


async def test_a_row_appears_is_answered_and_leaves_while_the_board_hangs_there(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    async with screen(browser, house, await clinician(house)) as wall:
        page = wall.page
        await page.goto(BOARD)
        await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()
        await expect(page.get_by_text("Nothing to open now")).to_be_visible()
        await house.seen(CHILD, visit="ED-1")
        await expect(page.get_by_text("Not yet acknowledged")).to_be_visible()
        await expect(page.get_by_role("status")).to_have_text("1 new. 1 to open, 0 could not be checked.")
        await expect(page).to_have_title("(1) Board, St Agnes Hospital – Nightlight (TEST)")
        await answer(house, NORTHMOOR, "Ring me")
        await expect(page.get_by_text("Answered: open before they leave")).to_be_visible()
        await house.seen(None, visit="ED-2")
        await expect(page.get_by_role("link", name="Visit ED-2")).to_be_visible()
        await house.seen(CHILD, visit="ED-1", trigger=TriggerEvent.DISCHARGE, left=True)
        await expect(page.get_by_role("table", name="Left before being seen (1)")).to_be_visible()
        for secret in ("ED-1", "HARDING", "Ring me"):
            await expect(page.get_by_text(secret)).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_by_keyboard_alone_a_row_is_opened_and_hidden_again(house: House, browser: Browser, scripts: bool) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    async with screen(browser, house, await clinician(house), scripts=scripts) as ward:
        page = ward.page
        await page.goto("/encounters")
        await tab_to(page, "Boards")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/boards")
        await tab_to(page, "Board of St Agnes Hospital")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{BOARD}")
        for _ in range(30):
            await page.keyboard.press("Tab")
            if (await page.evaluate("document.activeElement.id")).startswith("show-"):
                break
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("HARDING, Jo")).to_be_visible()
        await tab_to(page, "Hide now")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{BOARD}")
        await expect(page.get_by_text("HARDING")).to_have_count(0)


async def test_details_opened_from_the_board_hide_after_sixty_seconds_and_the_board_is_there_again(
    house: House, browser: Browser
) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    async with screen(browser, house, await clinician(house)) as ward:
        page = ward.page
        await stop_clock(page)
        await page.goto(BOARD)
        await page.get_by_role("button", name="Show").click()
        await expect(page.get_by_text("HARDING, Jo")).to_be_visible()
        await expect(page.get_by_text("Details hide in 60 seconds.")).to_be_visible()
        await page.clock.run_for(10_000)
        await page.get_by_role("button", name="Keep showing").click()
        await expect(page.get_by_text("Details hide in 60 seconds.")).to_be_visible()
        await page.clock.run_for(61_000)
        await page.wait_for_url(f"**{BOARD}")
        await expect(page.get_by_text("HARDING")).to_have_count(0)
        await expect(page.get_by_text("Information to open (1)")).to_be_visible()
    assert len(await house.rows("SELECT 1 FROM accesses WHERE trigger_event = 'banner'")) == 2


async def test_how_long_ago_goes_on_by_itself(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, arrived=now() - timedelta(minutes=58, seconds=5))
    async with screen(browser, house, await clinician(house)) as wall:
        await wall.page.clock.install()
        await wall.page.goto(BOARD)
        await expect(wall.page.get_by_text("58 min ago")).to_be_visible()
        await wall.page.clock.run_for(180_000)
        await expect(wall.page.get_by_text("1 h 1 min ago")).to_be_visible()


async def test_with_the_store_away_the_board_turns_amber_and_comes_back(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    context = await sit_down(browser, house, await clinician(house))
    page = await context.new_page()
    await page.goto(BOARD)
    await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()
    async with house.store_away():
        await expect(page.get_by_text("This board may be out of date.")).to_be_visible()
        await expect(page.get_by_text("Not up to date")).to_be_visible()
    await house.seen(CHILD)
    await expect(page.get_by_text("Information to open (1)")).to_be_visible()
    await expect(page.get_by_text("This board may be out of date.")).to_be_hidden()
    await context.close()


async def test_a_network_that_dies_without_a_word_turns_the_board_amber(house: House, browser: Browser) -> None:
    context = await sit_down(browser, house, await clinician(house))
    page = await context.new_page()
    await page.clock.install()
    await page.goto(BOARD)
    await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()
    await page.route("**/board/rows*", lambda route: route.abort())
    await page.clock.run_for(31_000)
    await expect(page.get_by_text("This board may be out of date.")).to_be_visible()
    await context.close()


async def test_signing_out_elsewhere_leaves_nothing_on_the_board(house: House, browser: Browser) -> None:
    await house.seen(None, visit="ED-2")
    context = await sit_down(browser, house, await clinician(house))
    one, other = await context.new_page(), await context.new_page()
    for page in (one, other):
        await page.goto(BOARD)
        await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()
    await one.get_by_role("button", name="Sign out").click()
    await expect(other).to_have_url(re.compile("/sign-in"))
    await expect(other.get_by_text("ED-2")).to_have_count(0)
    await context.close()


async def test_by_keyboard_alone_the_nurse_goes_through_a_day_and_takes_it_home(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="ED-1")
    async with screen(browser, house, await nurse(house)) as desk:
        page = desk.page
        await page.goto("/boards")
        await tab_to(page, "Today at St Agnes Hospital")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{DAY}")
        await expect(page.get_by_text("Nobody has opened it").first).to_be_visible()
        async with page.expect_download() as download:
            await tab_to(page, "Download as CSV")
            await page.keyboard.press("Enter")
        assert (await download.value).suggested_filename.endswith(".csv")
        await tab_to(page, "Nobody opened")
        await page.keyboard.press("Enter")
        await tab_to(page, "ED-1")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Show details")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(house: House, browser: Browser, size: object) -> None:
    for position in (1, 3, 4):
        await house.flag(nhs_number(position))
        await house.seen(nhs_number(position), visit=f"ED-{position}")
    await house.seen(nhs_number(3), visit="ED-3", trigger=TriggerEvent.DISCHARGE, left=True)
    await house.seen(nhs_number(4), visit="ED-4", trigger=TriggerEvent.DISCHARGE)
    await house.seen(None, visit="V" * 60)
    await house.rows("INSERT INTO site_feeds VALUES (%s, now() - interval '3 hours') RETURNING 1", ST_AGNES)
    context = await sit_down(browser, house, await house.sign_in(Role.SITE_SAFEGUARDING, "R0A"), size)  # type: ignore[arg-type]
    page = await context.new_page()
    for path in ("/boards", BOARD, DAY):
        await page.goto(path)
        assert await barriers(page) == [], path
    await page.goto(f"{DAY}?date=2026-02-31")
    assert (await axe(page)).violations_count == 0
    await context.close()
