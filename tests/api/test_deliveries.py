"""The page of what waits to be told: for operators alone, with counts and hosts, and nobody who was seen."""

import pytest
from playwright.async_api import Browser, ViewportSize

from domain.actor import Role
from safeguarding.telling.waiting import read_channels
from tests.api.browsing import DESKTOP, PHONE, axe, chromium_path, sit_down
from tests.api.house import NORTHMOOR, House, nhs_number
from tests.api.reading import words

OPERATOR = (Role.OPERATOR, "nightlight")
HAS_BROWSER = pytest.mark.skipif(chromium_path() is None, reason="there is no Chromium here")


async def page(house: House, who: tuple[Role, str] = OPERATOR) -> tuple[int, str]:
    async with house.browser(await house.sign_in(*who)) as browser:
        answer = await browser.get("/deliveries")
    return answer.status_code, words(answer.text)


async def trouble(house: House) -> None:
    """A child was seen: the screen waits since twelve minutes, the letter is for the morning, and MESH does not answer."""
    await house.flag(nhs_number(1), given="Zebedee")  # “Jo” is in many a random token of a page
    await house.seen(nhs_number(1))
    await house.rows("UPDATE deliveries SET due_at = now() - interval '12 minutes' WHERE channel = 'screen' RETURNING 1")
    await house.rows("UPDATE deliveries SET due_at = now() + interval '5 hours' WHERE channel <> 'screen' RETURNING 1")
    [(webhook,)] = await house.rows(
        f"""
        INSERT INTO webhooks (authority_code, name, url, added_by) VALUES ('{NORTHMOOR}', 'Case system', 'https://a.example', 'x')
        RETURNING id
        """
    )
    for channel, host in (("mesh", ""), ("webhook", webhook)):
        await house.rows(
            f"""
            INSERT INTO hosts_left_alone (channel, host, dispatcher, since, tries_at)
            VALUES ('{channel}', '{host}', 'one', now() - interval '3 minutes', now() + interval '30 seconds') RETURNING 1
            """
        )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_nobody_but_an_operator_opens_it(house: House, role: Role) -> None:
    organisation = {Role.CLINICIAN: "R0A", Role.SITE_SAFEGUARDING: "R0A", Role.INFORMATION_GOVERNANCE: "nightlight"}
    status, _ = await page(house, (role, organisation.get(role, NORTHMOOR)))
    assert status == 404


async def test_where_nothing_waits_it_says_so(house: House) -> None:
    status, text = await page(house)
    assert status == 200
    assert "Nothing waits" in text


async def test_what_waits_is_shown_by_channel_with_who_does_not_answer(house: House) -> None:
    await trouble(house)
    _, text = await page(house)
    assert "12 min" in text
    assert "Case system (Northmoor Council): no answer since" in text
    assert text.count("no answer since") == 2
    assert await house.rows("SELECT action, detail->>'waiting' FROM audit_events WHERE action = 'deliveries.view'") == [
        ("deliveries.view", "1")
    ]


async def test_nothing_on_it_leads_to_a_patient(house: House) -> None:
    await trouble(house)
    async with house.browser(await house.sign_in(*OPERATOR)) as browser:
        html = (await browser.get("/deliveries")).text.lower()
    known = await house.rows("SELECT nhs_number, lower(given_name), lower(family_name), birth_date::text FROM persons")
    assert not [word for row in known for word in row if str(word) in html]


async def test_the_command_reads_the_same(house: House) -> None:
    await trouble(house)
    async with house.database.transaction() as transaction:
        rows = {row.channel.value: row for row in await read_channels(transaction)}
    assert (rows["screen"].waiting, rows["screen"].oldest.total_seconds() >= 720) == (1, True)
    assert [host.name for host in rows["webhook"].silent] == ["Case system (Northmoor Council)"]
    assert rows["email"].silent == ()


@pytest.mark.browser
@HAS_BROWSER
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_screen(
    house: House, browser: Browser, size: ViewportSize
) -> None:
    await trouble(house)
    context = await sit_down(browser, house, await house.sign_in(*OPERATOR), size)
    page = await context.new_page()
    await page.goto("/deliveries")
    found = await axe(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await context.close()
