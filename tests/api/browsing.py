"""Debian's Chromium, driven by Playwright, for the browser tests and the pictures in the docs.

Where there is no Chromium, the browser tests are skipped with a line that says so loudly.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from axe_playwright_python.base import AxeResults
from playwright.async_api import Browser, BrowserContext, FloatRect, Page, ViewportSize, async_playwright, expect

from api.sessions import cookie_name
from tests.api.house import House

DESKTOP = ViewportSize(width=1200, height=900)
PHONE = ViewportSize(width=390, height=844)
PATIENT_MS = 60_000
"""Of every wait for a page: what ends it is what the page shows, never how fast the machine is."""
_QUIET = [
    "--no-sandbox",  # Chromium refuses to run as root with it; the pages are our own
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-lcd-text",
]

expect.set_options(timeout=PATIENT_MS)


def chromium_path() -> str | None:
    """Where Chromium is, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


IN_A_BROWSER = [pytest.mark.browser, pytest.mark.skipif(chromium_path() is None, reason="there is no Chromium here")]
"""The marks of a file whose tests are all driven in a browser."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser without a window."""
    path = chromium_path()
    if path is None:
        raise FileNotFoundError("there is no Chromium here: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_QUIET)
        try:
            yield browser
        finally:
            await browser.close()


async def sit_down(
    browser: Browser, house: House, session_id: str = "", size: ViewportSize = DESKTOP, *, scripts: bool = True
) -> BrowserContext:
    """A person at a screen of their own, signed in where a session is given."""
    context = await browser.new_context(viewport=size, java_script_enabled=scripts, locale="en-GB", base_url=house.url)
    context.set_default_timeout(PATIENT_MS)
    if session_id:
        await context.add_cookies([{"name": cookie_name(house.settings), "value": session_id, "url": house.url, "httpOnly": True}])
    return context


async def picture(page: Page, path: Path, *, footer: bool = True) -> None:
    """A picture of the whole page as it stands, down to its footer or without it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    box = None if footer else await page.locator("footer").bounding_box()
    clip = FloatRect(x=0, y=0, width=box["width"], height=box["y"] - 32) if box else None
    await page.screenshot(path=path, full_page=True, animations="disabled", clip=clip)


async def axe(page: Page) -> AxeResults:
    """What axe finds on a page, once it is whole: a click waits for no style sheet."""
    await page.wait_for_load_state()
    return await Axe().run(page)


async def barriers(page: Page) -> list[str]:
    """What axe finds, in words, and whether the page is wider than the screen."""
    results = await axe(page)
    found = [f"{each['id']} {[node['html'][:120] for node in each['nodes']]}" for each in results.response["violations"]]
    fits = await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return found if fits else [*found, "wider than the screen"]
