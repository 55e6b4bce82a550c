"""What was not agreed is on no page of the authority: not beside an alert, in its history, on the worklist or at an incident."""

from uuid import UUID

import pytest

from domain.actor import Role
from domain.alert import CodedAnswer
from domain.encounter import TriggerEvent
from safeguarding.onboarding.agreements import AgreedWith, record_agreement
from tests.api.house import NORTHMOOR, ST_AGNES, House, nhs_number
from tests.api.reading import words
from tests.api.test_banner import answer
from tests.safeguarding.onboarding.road import IGGY, terms

CHILD = nhs_number(1)
THE_SITE = ("St Agnes Hospital", "St Agnes PAS", ST_AGNES)


async def agree(house: House, *fields: str) -> None:
    async with house.database.transaction() as transaction:
        for kind, code in ((AgreedWith.AUTHORITY, NORTHMOOR), (AgreedWith.ORGANISATION, "R0A")):
            await record_agreement(transaction, IGGY, terms(kind, code, fields=fields))


async def an_alert(house: House) -> UUID:
    """The child left before being seen: the hospital's system has said so, and a message to it waits, tried once."""
    await house.flag(CHILD)
    await house.seen(CHILD, visit="ED-7")
    await house.seen(CHILD, visit="ED-7", trigger=TriggerEvent.DISCHARGE, left=True)
    (alert,) = await house.alerts()
    for notice in ("raised", "left-before-seen"):
        [(delivery,)] = await house.rows(
            "INSERT INTO deliveries (alert_id, notice, channel, recipient, patient) VALUES (%s, %s, 'hl7', %s, '{}') RETURNING id",
            alert, notice, ST_AGNES,
        )  # fmt: skip
        await house.rows(
            """
            INSERT INTO attempts (attempted_at, delivery_id, number, outcome, detail)
            VALUES (now(), %s, 1, 'temporary-failure', 'no-connection') RETURNING id
            """,
            delivery,
        )
    return alert


async def read(house: House, role: Role, path: str) -> str:
    async with house.browser(await house.sign_in(role, NORTHMOOR)) as browser:
        page = await browser.get(path)
    assert page.status_code == 200
    return words(page.text)


@pytest.mark.parametrize("path", ["/worklist", "/alerts/{}", "/alerts/{}/history"])
async def test_where_the_site_was_not_agreed_neither_it_nor_its_system_is_named(house: House, path: str) -> None:
    await agree(house, "arrival")
    alert = await an_alert(house)
    page = await read(house, Role.SOCIAL_WORKER, path.format(alert))
    assert [name for name in THE_SITE if name in page] == []


@pytest.mark.parametrize("path", ["/worklist", "/alerts/{}", "/alerts/{}/history"])
async def test_where_the_site_was_agreed_who_said_it_is_named(house: House, path: str) -> None:
    await agree(house, "site")
    alert = await an_alert(house)
    assert "St Agnes PAS" in await read(house, Role.SOCIAL_WORKER, path.format(alert))


@pytest.mark.parametrize("agreed", [(), ("arrival",), ("site", "visit-number")], ids=["nothing", "arrival", "site and visit"])
async def test_an_incident_tells_the_authority_of_the_visit_what_was_agreed(house: House, agreed: tuple[str, ...]) -> None:
    await agree(house, *(agreed or ("care-setting",)))
    await an_alert(house)
    await answer(house, NORTHMOOR, "She is at school", CodedAnswer.WRONG_CHILD)
    [(incident,)] = await house.rows("SELECT id FROM identity_incidents")
    for path in ("/incidents", f"/incidents/{incident}"):
        page = await read(house, Role.DATA_OFFICER, path)
        assert ("St Agnes Hospital" in page, "ED-7" in page) == ("site" in agreed, "visit-number" in agreed)
        assert ("arrived" in page) == ("arrival" in agreed)
        assert "St Agnes Trust" in page or "site" in agreed
        assert ("St Agnes PAS" in page) <= ("site" in agreed)
