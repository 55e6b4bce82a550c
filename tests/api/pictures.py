"""Takes the pictures of docs/pictures: `python -m tests.api.pictures` (and `… --all FOLDER` for every page, to look at).

Everything in them is invented. They are taken from the real pages, served on loopback, with Debian's Chromium.
"""

import argparse
import asyncio
import io
import re
import tempfile
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from playwright.async_api import Browser, ViewportSize
from psycopg.conninfo import conninfo_to_dict

from domain.actor import NIGHTLIGHT, Actor, ActorKind, Role
from domain.encounter import TriggerEvent
from domain.extract import CameBy, Declaration, Scope
from domain.flag import FlagKind
from flags_store.extract_formats.reading import PlacementRow
from flags_store.placements import replace_placements
from flags_store.postcodes import read_directory, replace_directory
from nightlight.embedded import EmbeddedServers
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder
from nightlight.embedded.postgres import OWNER, SERVICE, create_database, url_of
from runtime.clock import now
from runtime.migrate import migrate
from safeguarding.extracts.loading import load_extract
from safeguarding.extracts.upload_loading import load_next
from safeguarding.extracts.uploads import keep_file
from tests.api.browsing import DESKTOP, PHONE, chromium, picture, sit_down
from tests.api.house import NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number, open_house
from tests.api.test_extracts import HEADER
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
    await house.rows(
        """
        UPDATE alerts a SET raised_at = e.arrived_at, began_at = e.arrived_at FROM encounters e WHERE e.id = a.encounter_id
        RETURNING 1
        """
    )
    await house.seen(nhs_number(3), visit="ED-104377", trigger=TriggerEvent.CANCEL_ADMIT)
    await house.seen(nhs_number(2), visit="ED-104490", trigger=TriggerEvent.DISCHARGE, left=True)
    return encounters


async def alert_of(house: House, encounter: UUID) -> object:
    """Northmoor's alert of an encounter."""
    rows = await house.rows("SELECT id FROM alerts WHERE encounter_id = %s AND authority_code = %s", encounter, NORTHMOOR)
    return rows[0][0]


async def incident_of(house: House, encounter: UUID) -> str:
    """Somebody said that the alert of an encounter may be about the wrong child."""
    await answer(house, encounter, "wrong-child")
    [(incident,)] = await house.rows("SELECT id FROM identity_incidents WHERE encounter_id = %s", encounter)
    return f"/incidents/{incident}"


async def answer(house: House, encounter: UUID, coded: str = "speak-first") -> None:
    """Northmoor's social worker has read the alert of an encounter."""
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")
    alert = await alert_of(house, encounter)
    form = {
        "csrf": await house.token(session),
        "answer": coded,
        "text": "Please ring me on 020 7946 0111.",
    }
    async with house.browser(session) as browser:
        assert (await browser.post(f"/alerts/{alert}", data=form)).status_code == 303


async def come_again(house: House, encounters: dict[str, UUID]) -> str:
    """A child who was answered for is seen again, and an e-mail does not get through; the address of an alert's history."""
    await house.seen(nhs_number(4), visit="ED-104507", arrived=now() - timedelta(minutes=5))
    alert = await alert_of(house, encounters["waiting"])
    await house.rows(
        """
        WITH waiting AS (
            INSERT INTO deliveries (alert_id, channel, recipient, team, due_at, attempts, next_attempt_at)
            VALUES (%s, 'email', 'duty@northmoor.example', 'office', now() - interval '16 minutes', 6, now() + interval '4 minutes')
            RETURNING id
        )
        INSERT INTO attempts (delivery_id, attempted_at, number, outcome, detail)
        SELECT id, now() - (13 - 2 * n) * interval '1 minute', n, 'temporary-failure', 'no-connection'
        FROM waiting, generate_series(1, 6) n RETURNING 1
        """,
        alert,
    )
    name = conninfo_to_dict(house.settings.database_url.get_secret_value())["dbname"]
    with psycopg.connect(house.superuser_url, dbname=str(name), autocommit=True) as superuser:  # nobody else may change a history
        superuser.execute(
            """
            UPDATE alert_events v SET occurred_at = a.raised_at FROM alerts a
            WHERE a.id = v.alert_id AND v.event = 'raise' AND a.raised_at >= date_trunc('month', now())
            """
        )
    async with house.browser(await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Olu Adebayo")) as browser:
        await browser.get(f"/alerts/{alert}")
    return f"/alerts/{alert}/history"


async def take(
    browser: Browser,
    house: House,
    session: str,
    path: str,
    target: Path,
    size: ViewportSize,
    press: str = "",
    *,
    typed: str = "",
    footer: bool = True,
) -> None:
    """One page, after something was typed into its box, and a button was pressed, where they are named."""
    context = await sit_down(browser, house, session, size)
    page = await context.new_page()
    await page.goto(path)
    if typed:
        await page.locator("main input[type=text]").fill(typed)
    if press:
        await page.get_by_role("button", name=press).click()
    if path.endswith(("/worklist", "/board")):
        await page.get_by_text("Live", exact=True).wait_for()
    await picture(page, target, footer=footer)
    await context.close()


async def send_extract(house: House) -> dict[str, str]:
    """An extract of which most was loaded, another that was refused, and one that is being loaded; the addresses of their pages."""
    officer = Actor(ActorKind.PERSON, "dora", "Dora Lindqvist", NORTHMOOR, Role.DATA_OFFICER.value)
    good = "".join(f"{nhs_number(100 + each)},CPP,2026-01-05,,,,Robin,Quill,2019-03-03,N-{each}\n" for each in range(40))
    bad = (
        "9990000019,CPP,2026-02-11,,,,Leo,Marchbank,2018-03-22,N-90\n"
        "9990000026,CPP,2026-02-12,2026-02-01,,,Maya,Sorrell,2016-07-19,N-91\n"
    )
    addresses = {}
    contents = {
        "extract-refused": "name,date of birth\n", "extract-report": f"{HEADER}\n{good}{bad}",
        "extract-waits": f"{HEADER}\n{good}",
    }  # fmt: skip
    for name, content in contents.items():
        declaration = Declaration(now(), Scope.PARTIAL, counts={FlagKind.CPP: 42})
        kept = await keep_file(house.database, officer, NORTHMOOR, io.BytesIO(content.encode()), declaration, CameBy.PAGE)
        addresses[name] = f"/extracts/uploads/{kept.id}"
        if name != "extract-waits":
            await load_next(house.database)
    await house.rows(
        """
        UPDATE uploads SET state = 'loading', claimed_by = uuidv7(), lease_until = now() + interval '1 hour', step = 'applying',
                           done = 26, total = 40
        WHERE state = 'waiting' RETURNING 1
        """
    )
    return addresses


async def hold_and_miss(house: House) -> dict[str, str]:
    """Very many new plans, all of which would then end, and two that neither extract named; the addresses of the pages."""
    sender = Actor(ActorKind.PERSON, "ben", "Ben Castellane", WESTLEA, Role.DATA_OFFICER.value)
    plans = [f"{nhs_number(200 + each)},CPP,2026-01-05,{{}},,,Ife,Marlow-{each},2017-08-02,W-{each}" for each in range(1, 15)]
    extracts = []
    for end in ("", "2026-03-01"):
        content = "\n".join((HEADER, *(plan.format(end) for plan in plans), ""))
        declaration = Declaration(now(), Scope.FULL)
        extracts.append((await load_extract(house.database, sender, WESTLEA, io.BytesIO(content.encode()), declaration)).id)
    [(flag,), *_] = await house.rows("SELECT id FROM flags WHERE missed_snapshots = 2 ORDER BY id")
    return {
        "held": "/extracts/held", "held-extract": f"/extracts/held/{extracts[1]}",
        "surge": f"/extracts/held/{extracts[0]}/openings", "missing": "/extracts/missing",
        "missing-plan": f"/extracts/missing/{flag}",
    }  # fmt: skip


async def rejected_pages(house: House) -> dict[str, str]:
    """The list of rejected records, and one of them; the oldest has waited for twelve days."""
    await house.rows(
        "UPDATE rejected_records SET first_rejected_at = now() - interval '12 days' WHERE code = 'bad-nhs-number' RETURNING 1"
    )
    [(first,), *_] = await house.rows("SELECT id FROM rejected_records WHERE code = 'bad-nhs-number'")
    return {"rejects": "/rejects", "reject": f"/rejects/{first}"}


async def child_of(house: House) -> str:
    """The record of a child."""
    [(person,)] = await house.rows("SELECT id FROM persons WHERE nhs_number = %s", nhs_number(2))
    return f"/children/{person}"


async def placements_of(house: House) -> str:
    """Children of Northmoor live in some districts."""
    districts = ("NM1", "NM1", "NM1", "NM2", "NM2", "NM4", "WL3", "EX9")
    kinds = ("U4", "U4", "K2", "U1", "U4", "H5", "U6", "K2")
    rows = [
        PlacementRow(
            f"C{each}", f"P{each}", f"{each}", kind, district, 3.0 if district.startswith("NM") else 34.0, date(2025, 1, 1), None
        )
        for each, (district, kind) in enumerate(zip(districts, kinds, strict=True))
    ]
    [(extract,), *_] = await house.rows("SELECT id FROM extracts WHERE authority_code = %s", NORTHMOOR)
    assert isinstance(extract, UUID)
    async with house.database.transaction() as transaction:
        await replace_placements(transaction, NORTHMOOR, extract, rows, all_of_them=True)
        await transaction.execute("UPDATE authorities SET gss_code = 'E08000706' WHERE code = %s", (NORTHMOOR,))
        lines = [
            "pcds,laua",
            "NM1 1AA,E08000706",
            "NM2 1AA,E08000706",
            "NM4 1AA,E08000706",
            "NM4 1AB,E08000707",
            "EX9 1AA,E08000999",
        ]
        await replace_directory(transaction, NIGHTLIGHT, "an invented directory", read_directory(lines))
    return "/placements"


async def sample_of(house: House, session: str) -> str:
    """A sample that was drawn."""
    async with house.browser(session) as browser:
        answer = await browser.post("/samples", data={"csrf": await house.token(session)})
    return answer.headers["location"]


async def telling_of(house: House, session: str) -> dict[str, str]:
    """Northmoor has a team and two rules of its own; the addresses of the pages on who is told."""
    for path, form in (
        ("/telling/teams/new", {
            "name": "MASH", "phone": "020 7946 0111", "duty": "own", "hours": "Mon-Fri 08:00-20:00", "deputy": "office",
            "channel-1": "email", "contact-1": "mash@706.example", "channel-2": "sms", "contact-2": "07700 900123", "after-2": "15",
        }),
        ("/telling/rules/new", {
            "name": "Left before being seen", "occasions": "left-before-seen", "step-1": "mash", "minutes-1": "15",
            "step-2": "office", "minutes-2": "30",
        }),
        ("/telling/rules/new", {
            "name": "Unborn plans at night", "kinds": "UCPP", "settings": "maternity", "during": "outside-office",
            "step-1": "emergency", "minutes-1": "30", "step-2": "mash", "minutes-2": "30",
        }),
    ):  # fmt: skip
        async with house.browser(session) as browser:
            found = re.search(r'name="mark" value="([^"]*)"', (await browser.get(path)).text)
            whole = {"csrf": await house.token(session), "action": "save", "mark": found.group(1) if found else "", **form}
            assert (await browser.post(path, data=whole)).status_code == 303
    return {
        "telling": "/telling", "telling-rule": "/telling/rules/2", "telling-team": "/telling/teams/mash",
        "telling-hours": "/telling/hours", "telling-cover": "/telling/covers/new",
        "telling-what-if": "/telling/what-if?kind=UCPP&where=maternity&day=2026-12-27&time=03:00",
    }  # fmt: skip


async def take_all(browser: Browser, house: House, encounters: dict[str, UUID], folder: Path) -> None:
    """Every page at two sizes, to be looked at."""
    clinician = await house.sign_in(Role.CLINICIAN, "R0A", "Carla Okafor")
    worker = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")
    officer = await house.sign_in(Role.DATA_OFFICER, NORTHMOOR, "Dora Lindqvist")
    another = await house.sign_in(Role.DATA_OFFICER, WESTLEA, "Olu Adeyemi")
    governor = await house.sign_in(Role.INFORMATION_GOVERNANCE, "nightlight", "Iggy Marlowe")
    safeguarding = await house.sign_in(Role.SITE_SAFEGUARDING, "R0A", "Nadia Brook")
    alert, flagged = await alert_of(house, encounters["left"]), await alert_of(house, encounters["flagged"])
    pages = [
        ("encounters", clinician, "/encounters", ""),
        ("board", clinician, f"/sites/{ST_AGNES}/board", ""),
        ("day", safeguarding, f"/sites/{ST_AGNES}/day", ""),
        ("neutral", clinician, f"/encounters/{encounters['flagged']}", ""),
        ("details", clinician, f"/encounters/{encounters['flagged']}", "Show details"),
        ("answer-back", clinician, f"/encounters/{encounters['flagged']}/answers/{flagged}", ""),
        ("answer-back-error", clinician, f"/encounters/{encounters['flagged']}/answers/{flagged}", "Send"),
        ("ended", clinician, f"/encounters/{encounters['answered']}", "Show details"),
        ("sensitive", clinician, f"/encounters/{encounters['sensitive']}", "Show details"),
        ("none-known", clinician, f"/encounters/{encounters['none-known']}", ""),
        ("could-not-check", clinician, f"/encounters/{encounters['could-not-check']}", ""),
        ("worklist", worker, "/worklist", ""),
        ("alert", worker, f"/alerts/{alert}", ""),
        ("alert-error", worker, f"/alerts/{alert}", "Acknowledge"),
        ("alert-history", worker, f"/alerts/{alert}/history", ""),
        ("extracts", officer, "/extracts", ""),
        ("extracts-error", officer, "/extracts", "Send"),
        *((name, officer, address, "") for name, address in (await send_extract(house)).items()),
        *((name, officer, address, "") for name, address in (await rejected_pages(house)).items()),
        *((name, another, address, "") for name, address in (await hold_and_miss(house)).items()),
        ("children", officer, "/children", ""),
        ("child", officer, await child_of(house), ""),
        ("placements", officer, await placements_of(house), ""),
        ("access-review", governor, "/access-review", ""),
        ("onboarding", governor, "/onboarding", ""),
        ("onboarding-authority", governor, f"/onboarding/authorities/{NORTHMOOR}", ""),
        ("onboarding-site", governor, f"/onboarding/sites/{ST_AGNES}", ""),
        ("agreements-error", governor, "/onboarding/agreements", "Record it"),
        *((name, officer, address, "") for name, address in (await telling_of(house, officer)).items()),
        ("samples", officer, "/samples", ""),
        ("sample", officer, await sample_of(house, officer), ""),
        ("cards", safeguarding, "/cards", ""),
        ("incident", safeguarding, await incident_of(house, encounters["answered"]), ""),
        ("incidents", officer, "/incidents", ""),
        ("deliveries", await house.sign_in(Role.OPERATOR, "nightlight", "Ola Watt"), "/deliveries", ""),
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
    await take(browser, house, clinician, f"/sites/{ST_AGNES}/board", DOCS / "board.png", README, footer=False)
    history = await come_again(house, encounters)
    await take(browser, house, worker, "/worklist", DOCS / "worklist.png", README, footer=False)
    await take(browser, house, worker, history, DOCS / "alert-history.png", README, footer=False)
    officer = await house.sign_in(Role.DATA_OFFICER, NORTHMOOR, "Dora Lindqvist")
    addresses = await send_extract(house)
    rejected = await rejected_pages(house)
    places = {
        "extracts": "/extracts", "extract-report": addresses["extract-report"], **rejected,
        "placements": await placements_of(house),
        "onboarding": f"/onboarding/authorities/{NORTHMOOR}",
        **{name: address for name, address in (await telling_of(house, officer)).items() if name in {"telling", "telling-what-if"}},
    }  # fmt: skip
    for name, address in places.items():
        await take(browser, house, officer, address, DOCS / f"{name}.png", README, footer=False)
    children = DOCS / "children.png"
    await take(browser, house, officer, "/children", children, README, "Search", typed="hardng jo", footer=False)
    second = await house.sign_in(Role.DATA_OFFICER, WESTLEA, "Olu Adeyemi")
    held = (await hold_and_miss(house))["held-extract"]
    await take(browser, house, second, held, DOCS / "held.png", README, footer=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, default=None, metavar="FOLDER", help="every page at two sizes, into the folder")
    asyncio.run(main(parser.parse_args().all))
