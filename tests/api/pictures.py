"""Takes the pictures of docs/pictures: `python -m tests.api.pictures` (and `… --all FOLDER` for every page, to look at).

Everything in them is invented. They are taken from the real pages, served on loopback, with Debian's Chromium.
"""

import argparse
import asyncio
import tempfile
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from playwright.async_api import Browser, ViewportSize

from domain.actor import Role
from domain.encounter import TriggerEvent
from nightlight.embedded import EmbeddedServers
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder
from nightlight.embedded.postgres import OWNER, SERVICE, create_database, url_of
from runtime.clock import now
from runtime.migrate import migrate
from tests.api.browsing import DESKTOP, PHONE, chromium, picture, sit_down
from tests.api.house import NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number, open_house
from tests.conftest import Embedded, FreshDatabase

README = ViewportSize(width=960, height=800)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "pictures"


async def furnish(house: House) -> dict[str, UUID]:
    """Invented children in the emergency department; the encounters by what they show."""
    await house.flag(nhs_number(1), given="Jo", family="HARDING", born=date(2019, 3, 3))
    await house.flag(nhs_number(1), WESTLEA, "LAC", start=date(2026, 6, 1))
    await house.flag(nhs_number(2), given="Amina", family="OYELARAN", born=date(2014, 11, 21), kind="LAC")
    await house.flag(nhs_number(3), given="Tomos", family="PRICE", born=date(2021, 7, 9))
    await house.flag(nhs_number(4), given="Kit", family="MARSH", born=date(2012, 1, 30), kind="LAC", start=date(2024, 2, 2))
    await house.flag(nhs_number(5), WESTLEA, given="Robin", family="ASHBY", born=date(2016, 5, 17), sensitive=True)
    await house.flag(nhs_number(6), given="Ife", family="BALOGUN", born=date(2023, 8, 2))
    await house.rows(
        """
        INSERT INTO authority_hours (authority_code, weekday, opens, closes)
        SELECT %s, weekday, '08:45', '17:00' FROM generate_series(1, 5) AS week (weekday) RETURNING 1
        """,
        WESTLEA,
    )
    await house.read_anew()
    at = now()
    encounters = {
        "answered": await house.seen(nhs_number(4), visit="ED-104311", arrived=at - timedelta(hours=2, minutes=50)),
        "cancelled": await house.seen(nhs_number(3), visit="ED-104377", arrived=at - timedelta(minutes=96)),
        "flagged": await house.seen(nhs_number(1), visit="ED-104482", arrived=at - timedelta(minutes=42), family="HARDING"),
        "left": await house.seen(nhs_number(2), visit="ED-104490", arrived=at - timedelta(minutes=31), family="OTHER"),
        "sensitive": await house.seen(nhs_number(5), visit="ED-104501", arrived=at - timedelta(minutes=12)),
        "waiting": await house.seen(nhs_number(6), visit="ED-104499", arrived=at - timedelta(minutes=17)),
        "none-known": await house.seen(nhs_number(9), visit="ED-104502", arrived=at - timedelta(minutes=9)),
        "could-not-check": await house.seen(None, visit="ED-104503", arrived=at - timedelta(minutes=4)),
    }
    await house.rows("UPDATE alerts a SET raised_at = e.arrived_at FROM encounters e WHERE e.id = a.encounter_id RETURNING 1")
    await house.seen(nhs_number(3), visit="ED-104377", trigger=TriggerEvent.CANCEL_ADMIT)
    await house.seen(nhs_number(2), visit="ED-104490", trigger=TriggerEvent.DISCHARGE, left=True)
    return encounters


async def alert_of(house: House, encounter: UUID) -> object:
    """Northmoor's alert of an encounter."""
    rows = await house.rows("SELECT id FROM alerts WHERE encounter_id = %s AND authority_code = %s", encounter, NORTHMOOR)
    return rows[0][0]


async def answer(house: House, encounter: UUID) -> None:
    """Northmoor's social worker has read the alert of an encounter."""
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")
    alert = await alert_of(house, encounter)
    form = {
        "csrf": await house.token(session),
        "answer": "speak-first",
        "text": "Please ring me on 020 7946 0111.",
    }
    async with house.browser(session) as browser:
        assert (await browser.post(f"/alerts/{alert}", data=form)).status_code == 303


async def take(
    browser: Browser,
    house: House,
    session: str,
    path: str,
    target: Path,
    size: ViewportSize,
    press: str = "",
    *,
    footer: bool = True,
) -> None:
    """One page, after a button was pressed where one is named."""
    context = await sit_down(browser, house, session, size)
    page = await context.new_page()
    await page.goto(path)
    if press:
        await page.get_by_role("button", name=press).click()
    if path.endswith(("/worklist", "/board")):
        await page.get_by_text("Live", exact=True).wait_for()
    await picture(page, target, footer=footer)
    await context.close()


async def take_all(browser: Browser, house: House, encounters: dict[str, UUID], folder: Path) -> None:
    """Every page at two sizes, to be looked at."""
    clinician = await house.sign_in(Role.CLINICIAN, "R0A", "Carla Okafor")
    worker = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")
    officer = await house.sign_in(Role.DATA_OFFICER, NORTHMOOR, "Dora Lindqvist")
    governor = await house.sign_in(Role.INFORMATION_GOVERNANCE, "nightlight", "Iggy Marlowe")
    safeguarding = await house.sign_in(Role.SITE_SAFEGUARDING, "R0A", "Nadia Brook")
    alert = await alert_of(house, encounters["left"])
    pages = [
        ("encounters", clinician, "/encounters", ""),
        ("board", clinician, f"/sites/{ST_AGNES}/board", ""),
        ("day", safeguarding, f"/sites/{ST_AGNES}/day", ""),
        ("neutral", clinician, f"/encounters/{encounters['flagged']}", ""),
        ("details", clinician, f"/encounters/{encounters['flagged']}", "Show details"),
        ("ended", clinician, f"/encounters/{encounters['answered']}", "Show details"),
        ("sensitive", clinician, f"/encounters/{encounters['sensitive']}", "Show details"),
        ("none-known", clinician, f"/encounters/{encounters['none-known']}", ""),
        ("could-not-check", clinician, f"/encounters/{encounters['could-not-check']}", ""),
        ("worklist", worker, "/worklist", ""),
        ("alert", worker, f"/alerts/{alert}", ""),
        ("alert-error", worker, f"/alerts/{alert}", "Acknowledge"),
        ("extracts", officer, "/extracts", ""),
        ("access-review", governor, "/access-review", ""),
        ("cards", safeguarding, "/cards", ""),
        ("access-review-found", governor, "/access-review", "Search"),
        ("not-found", clinician, "/nothing", ""),
        ("sign-in-away", "", "/sign-in", ""),
    ]
    for name, session, path, press in pages:
        for kind, size in (("desktop", DESKTOP), ("phone", PHONE)):
            await take(browser, house, session, path, folder / f"{name}-{kind}.png", size, press)


async def main(everything: Path | None) -> None:
    """Serve the pages with invented children, and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="nightlight-pictures-") as scratch:
        place = Path(scratch).resolve() / "data"
        with EmbeddedServers(place) as servers:
            embedded = Embedded(DataFolder(place), servers)
            with embedded.superuser() as superuser:
                create_database(superuser, "pictures", "template1")
            migrate(url_of(embedded.folder, OWNER, "pictures"))
            fresh = FreshDatabase(url_of(embedded.folder, OWNER, "pictures"), url_of(embedded.folder, SERVICE, "pictures"))
            superuser_url = url_of(embedded.folder, SUPERUSER, "postgres")
            async with open_house(fresh, servers.redis_url, place, superuser_url) as house, chromium() as browser:
                encounters = await furnish(house)
                await answer(house, encounters["answered"])
                await answer(house, encounters["flagged"])
                if everything:
                    await take_all(browser, house, encounters, everything)
                else:
                    await take_docs(browser, house, encounters)


async def take_docs(browser: Browser, house: House, encounters: dict[str, UUID]) -> None:
    """The pictures of the README and of the guides."""
    clinician = await house.sign_in(Role.CLINICIAN, "R0A", "Carla Okafor")
    worker = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")
    await take(
        browser, house, clinician, f"/encounters/{encounters['flagged']}", DOCS / "banner.png", README, "Show details", footer=False
    )
    await take(browser, house, worker, "/worklist", DOCS / "worklist.png", README, footer=False)
    await take(browser, house, clinician, f"/sites/{ST_AGNES}/board", DOCS / "board.png", README, footer=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, default=None, metavar="FOLDER", help="every page at two sizes, into the folder")
    asyncio.run(main(parser.parse_args().all))
