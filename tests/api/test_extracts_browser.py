"""The way of an extract in a real browser: by keyboard, without scripts, on a phone, and no barrier that axe can find."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from domain.actor import Role
from safeguarding.extracts.upload_loading import load_next
from tests.api.browsing import DESKTOP, IN_A_BROWSER, PHONE, barriers, sit_down
from tests.api.house import NORTHMOOR, House
from tests.api.test_browser_pages import screen
from tests.api.test_extracts import BAD_LINE, GOOD

pytestmark = IN_A_BROWSER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "extract.csv"
    path.write_text(GOOD + BAD_LINE)
    return path


@asynccontextmanager
async def loader(house: House) -> AsyncIterator[None]:
    """Loads what is kept while the block runs, as `nightlight loader` does."""

    async def work() -> None:
        while True:
            if not await load_next(house.database):
                await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def officer(house: House) -> str:
    return await house.sign_in(Role.DATA_OFFICER, NORTHMOOR, "Dora Data")


async def fill_in(page: Page, file: Path) -> None:
    await page.goto("/extracts")
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_label("What changed since the last one").check()


async def test_what_is_wrong_is_said_and_leads_to_the_field(house: House, browser: Browser) -> None:
    async with screen(browser, house, await officer(house)) as office:
        await office.page.goto("/extracts")
        await office.page.get_by_role("button", name="Send").click()
        await expect(office.page.get_by_role("alert")).to_be_focused()
        await office.page.get_by_role("link", name="Say whether the extract holds every open plan").click()
        await expect(office.page.get_by_label("What changed since the last one")).to_be_focused()


async def test_an_extract_is_sent_waits_is_loaded_and_ends_at_its_report(house: House, browser: Browser, file: Path) -> None:
    async with screen(browser, house, await officer(house)) as office:
        await fill_in(office.page, file)
        await office.page.get_by_role("button", name="Send").click()
        await office.page.wait_for_url("**/extracts/uploads/*")
        await expect(office.page.get_by_role("status")).to_have_text("It is on disk, and waits for its turn.")
        async with loader(house):
            await expect(office.page.get_by_text("Partly loaded")).to_be_visible()
        assert "/uploads/" not in office.page.url


async def test_the_whole_form_can_be_filled_in_by_keyboard(house: House, browser: Browser, file: Path) -> None:
    async with screen(browser, house, await officer(house)) as office:
        page = office.page
        await page.goto("/extracts")
        await page.locator("input[type=file]").set_input_files(file)
        await page.locator("input[type=file]").focus()
        for _ in range(20):
            if await page.get_by_label("What changed since the last one").evaluate("each => each === document.activeElement"):
                break
            await page.keyboard.press("Tab")
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_label("Every open plan that we hold")).to_be_checked()
        await page.keyboard.press("Tab")
        await page.keyboard.type("12")
        await expect(page.get_by_label("CPP, child protection plan")).to_have_value("12")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await expect(page.get_by_label("Everybody in it is sensitive")).to_be_checked()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/extracts/uploads/*")
    assert await house.rows("SELECT scope, sensitive, declared FROM uploads") == [("full", True, {"CPP": 12})]


async def test_without_scripts_the_page_looks_again_by_itself_and_leads_on(house: House, browser: Browser, file: Path) -> None:
    async with screen(browser, house, await officer(house), scripts=False) as office:
        await fill_in(office.page, file)
        await office.page.get_by_role("button", name="Send").click()
        await expect(office.page.get_by_text("This page looks again every three seconds.")).to_be_visible()
        async with loader(house):
            await expect(office.page.get_by_text("Partly loaded")).to_be_visible()


async def test_a_refused_extract_says_so_without_being_asked(house: House, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("name,dob\nx,y\n")
    async with screen(browser, house, await officer(house)) as office:
        await fill_in(office.page, file)
        await office.page.get_by_role("button", name="Send").click()
        async with loader(house):
            await expect(office.page.get_by_role("heading", name="Extract refused")).to_be_visible()
        await expect(office.page).to_have_title("Error: Extract refused – Nightlight (TEST)")
        await office.page.get_by_role("button", name="Send another file").click()
        await office.page.wait_for_url("**/extracts")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_no_step_has_a_barrier_that_axe_can_find(
    house: House, browser: Browser, file: Path, tmp_path: Path, size: object
) -> None:
    context = await sit_down(browser, house, await officer(house), PHONE if size is PHONE else DESKTOP)
    page = await context.new_page()
    refused = tmp_path / "other.csv"
    refused.write_text("name,dob\nx,y\n")
    found: list[str] = []
    for each in (refused, file):
        await fill_in(page, each)
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url("**/extracts/uploads/*")
        found += await barriers(page)
        async with loader(house):
            await expect(page.get_by_text("Partly loaded").or_(page.get_by_role("heading", name="Extract refused"))).to_be_visible()
        found += await barriers(page)
    await page.goto("/extracts")
    found += await barriers(page)
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    found += await barriers(page)
    await context.close()
    assert found == []
