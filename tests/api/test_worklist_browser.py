"""The grown worklist in a real browser: what is confirmed, keys, notifications, two hundred alerts, a phone, no scripts."""

from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from domain.actor import Role
from runtime.nudge import screens_of
from tests.api.browsing import DESKTOP, IN_A_BROWSER, barriers, sit_down
from tests.api.house import HARBOUR, NORTHMOOR, House, nhs_number
from tests.api.test_browser_pages import screen, worker
from tests.api.test_worklist_views import many, press, three

pytestmark = IN_A_BROWSER

SMALL = ViewportSize(width=360, height=740)
LIVE = "Live"


async def open_list(page: Page, query: str = "") -> None:
    await page.goto(f"/worklist{query}")
    await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()


async def confirmed(house: House) -> set[UUID]:
    """The alerts that somebody's screen has really shown."""
    rows = await house.rows("SELECT subject_id FROM audit_events WHERE action = 'alert.shown'")
    return {UUID(str(row[0])) for row in rows}


async def focused(page: Page) -> str:
    return str(await page.evaluate("document.activeElement.closest('[data-alert]')?.dataset.alert ?? ''"))


async def test_only_what_is_in_sight_is_confirmed_and_what_is_left_out_or_folded_away_is_not(
    house: House, browser: Browser
) -> None:
    _, two, three_ = await three(house)
    async with screen(browser, house, await worker(house)) as desk:
        async with desk.page.expect_response("**/worklist/shown"):
            await desk.page.goto(f"/worklist?site={HARBOUR}")
        assert await confirmed(house) == {two}
        await desk.page.set_viewport_size(ViewportSize(width=360, height=500))
        await open_list(desk.page, "?sort=age")
        last = desk.page.locator(f"#alert-{three_}")
        async with desk.page.expect_response(lambda answer: str(three_) in (answer.request.post_data or "")):
            await last.scroll_into_view_if_needed()
        await expect(last).to_be_in_viewport()
    assert await confirmed(house) == {two, three_}, "the first was never in sight of so small a screen"


async def test_keys_go_through_the_list_take_and_answer_and_can_be_switched_off(house: House, browser: Browser) -> None:
    one, two, _ = map(str, await three(house))
    async with screen(browser, house, await worker(house)) as desk:
        page, keyboard = desk.page, desk.page.keyboard
        await open_list(page)
        walked = []
        for key in "jjkk":
            await keyboard.press(key)
            walked.append(await focused(page))
        assert walked == [one, two, one, one]
        await keyboard.press("t")
        await expect(page.get_by_text("Taken by you")).to_be_visible()
        assert await house.rows("SELECT taken_by FROM alerts WHERE id = %s", one) == [("Wanda Worker",)]

        await keyboard.press("?")
        await expect(page.get_by_text("next alert, previous alert")).to_be_visible()
        await page.get_by_label("Use keyboard shortcuts in this browser").uncheck()
        await page.reload()
        await keyboard.press("j")
        assert await focused(page) == ""
        await page.locator("#shortcuts summary").click()
        await page.get_by_label("Use keyboard shortcuts in this browser").check()
        await page.get_by_role("heading", level=1).click()

        await keyboard.press("j")
        await keyboard.press("a")
        await page.wait_for_url(f"**/alerts/{one}#answer")
        await expect(page.get_by_label("Known to us")).to_be_focused()
        await page.get_by_label("A short message (optional)").focus()
        await keyboard.type("jkta?")
        await expect(page.get_by_label("A short message (optional)")).to_have_value("jkta?")
        await page.get_by_label("We will attend").check()
        await page.get_by_role("button", name="Acknowledge").click()
        await page.wait_for_url("**/worklist")
    assert await house.rows("SELECT answer_text FROM alerts WHERE id = %s", one) == [("jkta?",)]


NOTED = """
    window.shown = []; window.asked = 0;
    const Real = window.Notification;
    window.Notification = class extends Real {
        constructor(title, options) { super(title, options); window.shown.push([title, options.body]); }
        static requestPermission() { window.asked += 1; return Real.requestPermission(); }
    };
"""


@pytest.mark.parametrize("allowed", [False, True], ids=["refused", "allowed"])
async def test_a_notification_comes_only_where_it_was_asked_for_and_names_nobody(
    house: House, browser: Browser, allowed: bool
) -> None:
    await house.flag(nhs_number(1))
    context = await sit_down(browser, house, await worker(house))
    if allowed:
        await context.grant_permissions(["notifications"], origin=house.url)
    page = await context.new_page()
    await page.add_init_script(NOTED)
    await open_list(page)
    assert await page.evaluate("window.asked") == 0, "nobody is asked for leave before they ask for notifications"
    await page.get_by_text("Your team, and how you are told").click()
    box = page.get_by_label("Show a notification of the browser when an alert comes")
    await box.click()
    if allowed:
        await expect(page.get_by_text("A notification is shown when an alert comes")).to_be_visible()
    else:
        await expect(page.get_by_text("This browser does not allow Nightlight to show notifications.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()
    await expect(box).to_be_checked(checked=allowed)
    await house.seen(nhs_number(1))
    await house.nudges.send(screens_of(NORTHMOOR))
    await expect(page.get_by_role("link", name="HARDING, Jo")).to_be_visible()
    told: Any = await page.evaluate("window.shown")
    assert told == ([["Nightlight", "safeguarding information: open Nightlight"]] if allowed else [])
    await context.close()


HEARD = """
    window.heard = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) { window.heard += 1; return start.apply(this, when); };
"""


async def test_a_sound_is_made_for_who_asked_for_it_until_they_ask_for_none(house: House, browser: Browser) -> None:
    for child in (1, 2, 3):
        await house.flag(nhs_number(child))
    context = await sit_down(browser, house, await worker(house))
    page = await context.new_page()
    await page.add_init_script(HEARD)

    async def heard_of(child: int) -> int:
        before: int = await page.evaluate("window.heard")
        await house.seen(nhs_number(child))
        await house.nudges.send(screens_of(NORTHMOOR))
        await expect(page.get_by_role("link", name="HARDING, Jo")).to_have_count(child)
        return int(await page.evaluate("window.heard")) - before

    await open_list(page)
    assert await heard_of(1) == 0
    await page.get_by_text("Your team, and how you are told").click()
    box = page.get_by_label("Make a sound when an alert comes")
    await box.click()
    await expect(page.get_by_text("You should have heard the sound.")).to_be_visible()
    assert await page.evaluate("window.heard") == 1
    await page.reload()
    await expect(page.get_by_text(LIVE, exact=True)).to_be_visible()
    assert await heard_of(2) == 1
    await page.get_by_text("Your team, and how you are told").click()
    await box.click()
    await expect(page.get_by_text("No sound is made.")).to_be_visible()
    assert await heard_of(3) == 0
    await context.close()


@pytest.mark.parametrize("size", [DESKTOP, SMALL], ids=["desktop", "phone"])
async def test_two_hundred_alerts_have_no_barrier_and_are_not_wider_than_a_phone(
    house: House, browser: Browser, size: ViewportSize
) -> None:
    one, *_ = await three(house)
    await many(house, 195)
    await house.seen(nhs_number(2), visit="AGAIN")
    await press(house, f"/alerts/{one}", answer="known", text="x" * 200)
    await house.seen(nhs_number(1), visit="AGAIN")
    await house.rows(
        """
        INSERT INTO deliveries (alert_id, channel, recipient, due_at)
        VALUES (%s, 'email', 'a-very-long-mailbox-of-a-team-on-duty@northmoor.example', now() - interval '1 hour') RETURNING 1
        """,
        one,
    )
    context = await sit_down(browser, house, await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker"), size)
    page = await context.new_page()
    await open_list(page, "?sort=age")
    await expect(page.get_by_text("E-mail is not getting through")).to_be_visible()
    for summary in ("Your team, and how you are told", "Keyboard shortcuts", "1 read before"):
        await page.get_by_text(summary, exact=True).click()
    found = [await barriers(page)]
    for path in (f"/alerts/{one}", f"/alerts/{one}/history"):
        await page.goto(path)
        found.append(await barriers(page))
    assert found == [[], [], []]
    await context.close()


async def test_without_scripts_everything_but_renewal_works(house: House, browser: Browser) -> None:
    one, two, _ = await three(house)
    await house.rows("UPDATE alerts SET team_code = 'emergency' WHERE id = %s RETURNING 1", two)
    async with screen(browser, house, await worker(house), scripts=False) as desk:
        page = desk.page
        await page.goto("/worklist")
        await page.get_by_text("Your team, and how you are told").click()
        await page.get_by_label("The team you work in").select_option("emergency")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("link", name="Emergency duty team").click()
        await expect(page.get_by_role("link", name="TWO, Jo")).to_be_visible()
        await expect(page.get_by_role("link", name="ONE, Jo")).to_have_count(0)
        await page.get_by_role("button", name="Take TWO, Jo").click()
        await expect(page.get_by_text("Taken by you")).to_be_visible()
        await page.get_by_text("Choose and sort").click()
        await page.get_by_label("Who waits is sorted by").select_option("age")
        await page.get_by_role("button", name="Show", exact=True).click()
        await page.wait_for_url("**/worklist?view=team&**sort=age")
        await page.get_by_role("link", name="All 3").click()
        await page.locator(f"#alert-{one}").click()
        await page.get_by_role("link", name="The whole history").click()
        await expect(page.get_by_text("opened the alert")).to_be_visible()
