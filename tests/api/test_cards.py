"""The page of what became of cards: the own organisation's for site safeguarding, all for information governance, nobody named."""

from datetime import timedelta
from uuid import UUID

import pytest
from playwright.async_api import Browser, expect

from domain.actor import NIGHTLIGHT, Role
from runtime.clock import now
from runtime.ids import uuid7
from safeguarding.cards import (
    CardFeedback,
    CardOutcome,
    Indicator,
    OverrideReason,
    ShownCard,
    record_feedback,
    remember_card,
)
from safeguarding.cds_clients import CdsClient, add_cds_client
from tests.api.browsing import DESKTOP, PHONE, axe, chromium_path, sit_down
from tests.api.house import HARBOUR, ST_AGNES, House
from tests.api.reading import words
from tests.api.test_browser_pages import screen, tab_to

EHR, SERVICE = "https://ehr.st-agnes.example", "child-protection-patient-view"
NURSE, GOVERNOR = (Role.SITE_SAFEGUARDING, "R0A"), (Role.INFORMATION_GOVERNANCE, "nightlight")
HAS_BROWSER = pytest.mark.skipif(chromium_path() is None, reason="there is no Chromium here")


async def shown(house: House, site: str, *, weeks_ago: int = 0) -> UUID:
    async with house.database.transaction() as transaction:
        if not await (await transaction.execute("SELECT FROM cds_clients")).fetchall():
            await add_cds_client(transaction, NIGHTLIGHT, CdsClient(EHR, "R0A", key_set='{"keys": []}'))
    card_id, at = uuid7(), now() - timedelta(weeks=weeks_ago)
    card = ShownCard(card_id, EHR, SERVICE, str(card_id), Indicator.CRITICAL, site, None, at)
    return await remember_card(house.database, card)


async def put_aside(house: House, card: UUID, reason: OverrideReason) -> None:
    said = CardFeedback(card, CardOutcome.OVERRIDDEN, reason, now())
    async with house.database.transaction() as transaction:
        await record_feedback(transaction, NIGHTLIGHT, EHR, SERVICE, [said])


async def page(house: House, who: tuple[Role, str]) -> str:
    async with house.browser(await house.sign_in(*who)) as browser:
        answer = await browser.get("/cards")
    assert answer.status_code == 200
    return words(answer.text)


async def test_where_no_card_was_shown_the_page_says_so(house: House) -> None:
    assert "No card was shown." in await page(house, NURSE)


async def test_each_site_and_week_says_what_became_of_its_cards_and_why(house: House) -> None:
    for reason in (OverrideReason.NOT_TREATING, OverrideReason.ALREADY_ACTED, OverrideReason.ALREADY_ACTED):
        await put_aside(house, await shown(house, ST_AGNES), reason)
    await shown(house, ST_AGNES)
    text = await page(house, NURSE)
    assert "St Agnes Hospital" in text
    assert "2: I have acted on this already" in text
    assert "1: I am not treating this patient now" in text
    assert text.index("2: I have acted") < text.index("1: I am not")


async def test_other_organisations_sites_and_older_weeks_are_not_on_the_nurses_page(house: House) -> None:
    await shown(house, HARBOUR)
    await shown(house, ST_AGNES, weeks_ago=9)
    assert "No card was shown." in await page(house, NURSE)
    assert "Harbour Hospital" in await page(house, GOVERNOR)


async def test_the_counts_are_metrics_too(house: House) -> None:
    await put_aside(house, await shown(house, ST_AGNES), OverrideReason.NOT_THIS_PATIENT)
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert f'nightlight_cards{{outcome="seen",reason="",site="{ST_AGNES}"}} 1.0' in text
    assert f'nightlight_cards{{outcome="overridden",reason="not-this-patient",site="{ST_AGNES}"}} 1.0' in text


@pytest.mark.browser
@HAS_BROWSER
async def test_by_keyboard_alone_the_page_is_found(house: House, browser: Browser) -> None:
    await shown(house, ST_AGNES)
    async with screen(browser, house, await house.sign_in(*NURSE)) as seen:
        await seen.page.goto("/encounters")
        await tab_to(seen.page, "Cards")
        await seen.page.keyboard.press("Enter")
        await seen.page.wait_for_url("**/cards")
        await expect(seen.page.get_by_role("heading", name="Cards shown in hospitals’ own systems")).to_be_visible()


@pytest.mark.browser
@HAS_BROWSER
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(house: House, browser: Browser, size: object) -> None:
    for reason in OverrideReason:
        await put_aside(house, await shown(house, ST_AGNES), reason)
    context = await sit_down(browser, house, await house.sign_in(*NURSE), size)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto("/cards")
    found = await axe(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await context.close()
