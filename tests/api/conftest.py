"""The application on real parts, for every test of the pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.postgres import url_of
from tests.api.browsing import chromium
from tests.api.house import House, open_house
from tests.conftest import Embedded, FreshDatabase


@pytest.fixture
async def house(embedded: Embedded, fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The application, served, with two authorities and two hospitals."""
    superuser_url = url_of(embedded.folder, SUPERUSER, "postgres")
    async with open_house(fresh_database, redis_url, tmp_path, superuser_url) as house:
        yield house


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium, without a window."""
    async with chromium() as browser:
        yield browser


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not looked at."""
    skipped = [report for report in terminalreporter.getreports("skipped") if "test_browser" in report.nodeid]
    if skipped:
        line = f"{len(skipped)} BROWSER TESTS WERE SKIPPED: there is no Chromium here (apt-get install chromium)"
        terminalreporter.write_line(line, red=True, bold=True)
