"""The Sandbox beside a running Nightlight that it is registered with; or words that say why it was not tried."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.api.browsing import chromium_path
from tests.conformance.sandbox.building import NOT_TRIED, find_sandbox
from tests.conformance.sandbox.ground import Ground, open_ground
from tests.conformance.sandbox.screen import Screen, sitting_down
from tools.page_assets import Remedy


@pytest.fixture(scope="session")
def sandbox_pages() -> Path:
    """The folder of the built pages."""
    try:
        built = find_sandbox()
    except Remedy as remedy:
        pytest.fail(str(remedy))
    if built is None:
        pytest.skip(NOT_TRIED)
    if chromium_path() is None:
        pytest.skip("THE CDS HOOKS SANDBOX WAS NOT TRIED: there is no Chromium here (apt-get install chromium)")
    return built


@pytest.fixture(scope="module")
def ground(sandbox_pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with open_ground(sandbox_pages, tmp_path_factory.mktemp("s")) as ground:
        yield ground


@pytest.fixture
async def screen(ground: Ground) -> AsyncIterator[Screen]:
    async with sitting_down(ground.sandbox, ground.fhir, ground.nightlight) as screen:
        yield screen


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tried."""
    skipped = [report for report in terminalreporter.getreports("skipped") if "sandbox/test_sandbox" in report.nodeid]
    if skipped:
        terminalreporter.write_line(NOT_TRIED, red=True, bold=True)
