"""Takes the picture of a card in the Sandbox for docs/pictures: `python -m tests.conformance.sandbox.pictures`.

The Sandbox is found as for the tests; everything in the picture is invented.
"""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import ViewportSize

from tests.conformance.sandbox.building import NOT_TRIED, find_sandbox
from tests.conformance.sandbox.ground import Ground, open_ground
from tests.conformance.sandbox.screen import sitting_down

PICTURE = Path(__file__).resolve().parents[3] / "docs" / "pictures" / "cds-card.png"
SIZE = ViewportSize(width=1200, height=1000)


async def take(ground: Ground) -> None:
    """The card as a clinician has it, and beside it what has come for it."""
    async with sitting_down(ground.sandbox, ground.fhir, ground.nightlight, SIZE) as screen:
        await screen.open_record("amelia")
        await screen.card.get_by_role("button", name="Dismiss", exact=True).wait_for()
        await screen.page.screenshot(path=PICTURE, animations="disabled")


if __name__ == "__main__":
    built = find_sandbox()
    if built is None:
        raise SystemExit(NOT_TRIED)
    with tempfile.TemporaryDirectory(prefix="nightlight-") as folder, open_ground(built, Path(folder)) as ground:
        asyncio.run(take(ground))
