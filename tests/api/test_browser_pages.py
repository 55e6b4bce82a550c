"""The pages in a real browser: the worklist lives, the keyboard is enough, details hide, no barrier that axe can find."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Route, expect
from playwright.async_api import Error as PlaywrightError

from domain.actor import Role
from runtime.clock import now
from runtime.nudge import screens_of
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, barriers, sit_down
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.conftest import FreshDatabase

pytestmark = IN_A_BROWSER

CHILD = nhs_number(1)


@dataclass(slots=True)
class Screen:
    """A page that somebody looks at, and what the browser complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@asynccontextmanager
async def screen(
    browser: Browser, house: House, session: str = "", *, phone: bool = False, scripts: bool = True
) -> AsyncIterator[Screen]:
    """Somebody's screen; whatever a script or the content policy complains of fails the test."""
    context = await sit_down(browser, house, session, PHONE if phone else DESKTOP, scripts=scripts)
    shown = Screen(await context.new_page())
    shown.page.on("pageerror", lambda error: shown.complaints.append(str(error)))
    shown.page.on("console", lambda line: shown.complaints.append(line.text) if _is_complaint(line) else None)
    yield shown
    await context.close()
    assert shown.complaints == []


def _is_complaint(line: ConsoleMessage) -> bool:
    """An error; the browser also notes each form that the server gave back with its errors (422)."""
    return line.type == "error" and "status of 422" not in line.text


async def worker(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.SOCIAL_WORKER, authority, "Wanda Worker")


async def clinician(house: House) -> str:
    return await house.sign_in(Role.CLINICIAN, "R0A", "Carla Clinician")


async def test_the_whole_walk_an_alert_arrives_is_answered_by_keyboard_and_the_banner_says_so(
    house: House, browser: Browser
) -> None:
    await house.flag(CHILD)
    async with (
        screen(browser, house, await worker(house)) as desk,
        screen(browser, house, await clinician(house)) as ward,
    ):
        await desk.page.goto("/worklist")
        await expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
        await expect(desk.page.get_by_text("Nothing is waiting")).to_be_visible()

        encounter = await house.seen(CHILD, visit="ED-1")
        await house.nudges.send(screens_of(NORTHMOOR))
        await expect(desk.page.get_by_role("link", name="HARDING, Jo")).to_be_visible()
        await expect(desk.page.get_by_role("status")).to_have_text("1 new. 1 waiting for you.")
        await expect(desk.page).to_have_title("(1) Alerts – Nightlight (TEST)")

        await answer_by_keyboard(desk.page)
        await expect(desk.page.get_by_text("Acknowledged")).to_be_visible()

        await ward.page.goto(f"/encounters/{encounter}")
        await ward.page.get_by_role("button", name="Show details").click()
        await expect(ward.page.get_by_text("Please speak to us before discharge. Not a referral.")).to_be_visible()
        await expect(ward.page.get_by_text("Ring me on 020 7946 0999")).to_be_visible()


async def answer_by_keyboard(page: Page) -> None:
    """From the top of the worklist to the answered alert, with Tab, the arrows, Space and Enter alone."""
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    await page.keyboard.press("Enter")
    await tab_to(page, "HARDING, Jo")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/alerts/*")
    await tab_to(page, "Acknowledge")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page).to_have_title("Error: Alert – Nightlight (TEST)")
    await tab_to(page, "Choose what you answer")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Known to us")).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(page.get_by_label("Please speak to us before discharge")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.type("Ring me on 020 7946 0999")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/worklist")


async def tab_to(page: Page, words: str) -> None:
    """Press Tab until what is in focus says these words."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        if (await page.evaluate("document.activeElement.textContent")).strip() == words:
            return
    raise AssertionError(f"Tab never comes to: {words}")


async def test_an_alert_that_a_screen_shows_is_delivered(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    async with screen(browser, house, await worker(house)) as desk:
        await desk.page.goto("/worklist")
        async with desk.page.expect_response("**/worklist/shown") as told:
            await house.seen(CHILD)
        assert (await told.value).status == 204
    assert await house.rows("SELECT channel, state FROM deliveries") == [("screen", "delivered")]


async def test_what_was_shown_is_confirmed_again_where_that_did_not_get_through(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    async with screen(browser, house, await worker(house)) as desk:
        await desk.page.route("**/worklist/shown", lambda route: route.fulfill(status=503), times=1)
        await desk.page.goto("/worklist")
        async with desk.page.expect_response(lambda answer: answer.url.endswith("/shown") and answer.status == 204):
            await house.seen(CHILD)
        desk.complaints.clear()  # of the one that was refused
    assert await house.rows("SELECT channel, state FROM deliveries") == [("screen", "delivered")]


async def test_where_events_fail_the_worklist_renews_itself_by_asking(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    context = await sit_down(browser, house, await worker(house))
    page = await context.new_page()
    await page.route("**/worklist/events", lambda route: route.abort())
    await page.goto("/worklist")
    await expect(page.get_by_text("Renewed every few seconds")).to_be_visible()
    await house.seen(CHILD)
    await expect(page.get_by_role("link", name="HARDING, Jo")).to_be_visible()
    await context.close()


async def test_with_the_store_away_the_worklist_turns_amber_and_comes_back(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    context = await sit_down(browser, house, await worker(house))
    page = await context.new_page()
    await page.goto("/worklist")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    async with house.store_away():
        await expect(page.get_by_text("This list may be out of date.")).to_be_visible()
        await expect(page.get_by_text("Not up to date")).to_be_visible()
    await house.seen(CHILD)
    await expect(page.get_by_role("link", name="HARDING, Jo")).to_be_visible()
    await expect(page.get_by_text("This list may be out of date.")).to_be_hidden()
    await context.close()


async def test_rows_that_did_not_come_are_asked_for_again_though_nothing_changes_any_more(house: House, browser: Browser) -> None:
    await house.flag(CHILD)
    context = await sit_down(browser, house, await worker(house))
    page = await context.new_page()
    await page.goto("/worklist")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    overloaded = iter([503, 503])

    async def rows(route: Route) -> None:
        status = next(overloaded, None)
        await (route.fulfill(status=status) if status else route.continue_())

    await page.route("**/worklist/rows**", rows)
    await house.seen(CHILD)
    await expect(page.get_by_text("Not up to date")).to_be_visible()
    await expect(page.get_by_role("link", name="HARDING, Jo")).to_be_visible()
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert next(overloaded, None) is None
    await context.close()


async def test_signing_out_in_one_window_closes_the_worklist_in_the_other(house: House, browser: Browser) -> None:
    context = await sit_down(browser, house, await worker(house))
    one, other = await context.new_page(), await context.new_page()
    for page in (one, other):
        await page.goto("/worklist")
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await one.get_by_role("button", name="Sign out").click()
    await expect(one.get_by_role("heading", name="You are signed out")).to_be_visible()
    await expect(other).to_have_url(re.compile("/sign-in"))
    await expect(other.get_by_text("Alerts for Northmoor")).to_have_count(0)
    await context.close()


async def stop_clock(page: Page) -> None:
    """Before the first page: from now on time goes on in the browser only where a test says `run_for`."""
    await page.clock.install()
    await page.clock.pause_at(now() + timedelta(hours=1))


async def shown_details(house: House, page: Page) -> UUID:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    await page.goto(f"/encounters/{encounter}")
    await page.get_by_role("button", name="Show details").click()
    await expect(page.get_by_text("HARDING, Jo")).to_be_visible()
    return encounter


async def test_details_hide_again_after_sixty_seconds(house: House, browser: Browser) -> None:
    async with screen(browser, house, await clinician(house)) as ward:
        await stop_clock(ward.page)
        encounter = await shown_details(house, ward.page)
        await expect(ward.page.get_by_text("Details hide in 60 seconds.")).to_be_visible()  # its script counts
        await ward.page.clock.run_for(50_000)
        await expect(ward.page.get_by_text("Details hide in 10 seconds.")).to_be_visible()
        await expect(ward.page.get_by_role("status")).to_have_text("Details hide in 15 seconds.")
        await ward.page.clock.run_for(11_000)
        await ward.page.wait_for_url(f"**/encounters/{encounter}")
        await expect(ward.page.get_by_text("HARDING")).to_have_count(0)
        await expect(ward.page.get_by_role("button", name="Show details")).to_be_visible()


async def test_keep_showing_is_another_look_and_another_minute(house: House, browser: Browser) -> None:
    async with screen(browser, house, await clinician(house)) as ward:
        await stop_clock(ward.page)
        await shown_details(house, ward.page)
        await expect(ward.page.get_by_text("Details hide in 60 seconds.")).to_be_visible()  # its script counts
        await ward.page.clock.run_for(50_000)
        await ward.page.get_by_role("button", name="Keep showing").click()
        await expect(ward.page.get_by_text("Details hide in 60 seconds.")).to_be_visible()
    assert len(await house.rows("SELECT 1 FROM accesses WHERE trigger_event = 'banner'")) == 2


async def test_going_back_does_not_bring_details_back(house: House, browser: Browser) -> None:
    async with screen(browser, house, await clinician(house)) as ward:
        await shown_details(house, ward.page)
        await ward.page.get_by_role("button", name="Hide now").click()
        await expect(ward.page.get_by_role("button", name="Show details")).to_be_visible()
        with pytest.raises(PlaywrightError, match="ERR_CACHE_MISS"):
            await ward.page.go_back()
        await expect(ward.page.get_by_text("HARDING")).to_have_count(0)


@pytest.mark.slow
async def test_without_scripts_details_show_hide_and_alerts_are_answered(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.banner.SECONDS_SHOWN", 3_600)  # a minute, to everybody but this test
    async with (
        screen(browser, house, await clinician(house), scripts=False) as ward,
        screen(browser, house, await worker(house), scripts=False) as desk,
    ):
        encounter = await shown_details(house, ward.page)
        await desk.page.goto("/worklist")
        await desk.page.get_by_role("link", name="HARDING, Jo").click()
        await desk.page.get_by_label("We will ring you").check()
        await desk.page.get_by_role("button", name="Acknowledge").click()
        await expect(desk.page.get_by_text("Acknowledged")).to_be_visible()
        await ward.page.get_by_role("button", name="Keep showing").click()
        await expect(ward.page.get_by_text("We will ring you. Not a referral.")).to_be_visible()
        monkeypatch.setattr("api.banner.SECONDS_SHOWN", 1)
        await ward.page.get_by_role("button", name="Keep showing").click()
        await ward.page.wait_for_url(f"**/encounters/{encounter}")
        await expect(ward.page.get_by_text("HARDING")).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_no_page_has_a_barrier_that_axe_can_find(house: House, browser: Browser, phone: bool) -> None:
    await house.flag(CHILD)
    await house.flag(nhs_number(3), WESTLEA, sensitive=True)
    encounter, sensitive = await house.seen(CHILD, family="OTHER"), await house.seen(nhs_number(3))
    unknown, clear = await house.seen(None), await house.seen(nhs_number(2))
    alert = (await house.rows("SELECT id FROM alerts WHERE authority_code = %s", NORTHMOOR))[0][0]
    walks = {
        (Role.CLINICIAN, "R0A"): [
            ("/encounters", ""), (f"/encounters/{encounter}", ""), (f"/encounters/{encounter}", "Show details"),
            (f"/encounters/{sensitive}", "Show details"), (f"/encounters/{unknown}", ""), (f"/encounters/{clear}", ""),
            ("/nothing", ""),
        ],
        (Role.SOCIAL_WORKER, NORTHMOOR): [("/worklist", ""), (f"/alerts/{alert}", ""), (f"/alerts/{alert}", "Acknowledge")],
        (Role.SOCIAL_WORKER, WESTLEA): [("/worklist", "")],
        (Role.DATA_OFFICER, NORTHMOOR): [("/extracts", "")],
        (Role.INFORMATION_GOVERNANCE, "nightlight"): [("/access-review", ""), ("/signed-out", ""), ("/sign-in", "")],
    }  # fmt: skip
    found = []
    for who, steps in walks.items():
        context = await sit_down(browser, house, await house.sign_in(*who), PHONE if phone else DESKTOP)
        page = await context.new_page()
        for path, press in steps:
            await page.goto(path)
            if press:
                await page.get_by_role("button", name=press, exact=True).click()
            found += [f"{path} {press}: {barrier}" for barrier in await barriers(page)]
        await context.close()
    assert found == []


async def test_with_the_store_away_the_could_not_check_page_has_no_barrier_either(house: House, browser: Browser) -> None:
    encounter = await house.seen(CHILD)
    context = await sit_down(browser, house, await clinician(house))
    page = await context.new_page()
    async with house.store_away():
        await page.goto(f"/encounters/{encounter}")
        await expect(page.get_by_role("heading", name="We could not check")).to_be_visible()
        assert await barriers(page) == []
    await context.close()


async def test_without_redis_an_alert_still_comes_to_the_screen(
    fresh_database: FreshDatabase, tmp_path: Path, browser: Browser
) -> None:
    async with open_house(fresh_database, "redis://127.0.0.1:1/0", tmp_path) as house:
        await house.flag(CHILD)
        async with screen(browser, house, await worker(house)) as desk:
            await desk.page.goto("/worklist")
            await expect(desk.page.get_by_text("Live", exact=True)).to_be_visible()
            await house.seen(CHILD)
            await expect(desk.page.get_by_role("link", name="HARDING, Jo")).to_be_visible()
