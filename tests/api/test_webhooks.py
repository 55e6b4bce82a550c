"""The page of an authority's webhooks: who may see it, what is refused, the secret once, and what a test notice says."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from domain.actor import Role
from tests.alerts.store import execute
from tests.alerts.webhook_server import status, webhook_server
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.api.reading import words
from tests.conftest import Embedded, FreshDatabase

CHILD = nhs_number(41)
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
OTHERS = (
    (Role.SOCIAL_WORKER, NORTHMOOR),
    (Role.CLINICIAN, "R0A"),
    (Role.SITE_SAFEGUARDING, "R0A"),
    (Role.INFORMATION_GOVERNANCE, "R0A"),
)


@pytest.fixture
async def house(embedded: Embedded, fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The application, which may call webhooks on loopback."""
    async with open_house(fresh_database, redis_url, tmp_path, private_endpoints="127.0.0.1") as house:
        yield house


async def officer(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority)


async def post(house: House, session: str, path: str, **form: str) -> httpx.Response:
    async with house.browser(session) as browser:
        return await browser.post(path, data={"csrf": await house.token(session), **form})


async def get(house: House, session: str, path: str) -> str:
    async with house.browser(session) as browser:
        return (await browser.get(path)).text


async def registered(house: House, session: str, url: str = "https://cases.example/hook", name: str = "Cases") -> tuple[UUID, str]:
    """The webhook and its secret, as the page showed it."""
    answer = await post(house, session, "/webhooks", name=name, url=url)
    assert answer.status_code == 201
    found = SECRET.search(answer.text)
    assert found
    ((webhook_id,),) = await house.rows("SELECT id FROM webhooks WHERE name = %s", name)
    return UUID(str(webhook_id)), found[0]


async def execute_named(house: House, statement: str, values: dict[str, object]) -> None:
    async with house.database.transaction() as transaction:
        await transaction.execute(statement.encode(), values)


# Who may see what


async def test_anonymous_people_see_and_register_nothing(house: House) -> None:
    async with house.browser() as browser:
        assert (await browser.get("/webhooks")).headers["location"] == "/sign-in?next=/webhooks"
        assert (await browser.post("/webhooks", data={"csrf": "x"})).status_code == 401


@pytest.mark.parametrize("role, organisation", OTHERS, ids=[role.value for role, _ in OTHERS])
async def test_for_everybody_else_it_is_the_page_that_does_not_exist(house: House, role: Role, organisation: str) -> None:
    session = await house.sign_in(role, organisation)
    async with house.browser(session) as browser:
        assert (await browser.get("/webhooks")).status_code == 404
    assert (await post(house, session, "/webhooks", name="x", url="https://cases.example/")).status_code == 404


@pytest.mark.parametrize("path", ["", "/secret", "/test", "/off", "/on"])
async def test_another_authoritys_webhook_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    theirs, _ = await registered(house, await officer(house, WESTLEA))
    session = await officer(house)
    answer = await post(house, session, f"/webhooks/{theirs}{path}", name="mine", url="https://elsewhere.example/")
    assert answer.status_code == 404
    assert await house.rows("SELECT name, url, renewals, disabled_at FROM webhooks") == [
        ("Cases", "https://cases.example/hook", 0, None)
    ]


async def test_a_form_that_is_not_ours_changes_nothing(house: House) -> None:
    session = await officer(house)
    async with house.browser(session) as browser:
        answer = await browser.post("/webhooks", data={"csrf": "x", "name": "n", "url": "https://cases.example/"})
    assert answer.status_code == 403
    assert await house.rows("SELECT FROM webhooks") == []


# What is refused


@pytest.mark.parametrize(
    "name, url, said",
    [
        ("Cases", "http://cases.example/hook", "An address begins with https://"),
        ("Cases", "cases.example", "An address begins with https://"),
        ("Cases", "https://user:pass@cases.example/", "An address has no user, no password and no fragment"),
        ("Cases", "", "An address begins with https://"),
        ("", "https://cases.example/", "A webhook needs a name of 80 characters at most"),
        ("x" * 81, "https://cases.example/", "A webhook needs a name of 80 characters at most"),
    ],
    ids=["no TLS", "no URL", "a password", "nothing", "no name", "a long name"],
)
async def test_what_will_not_do_is_refused_in_words_and_what_was_typed_stays(house: House, name: str, url: str, said: str) -> None:
    answer = await post(house, await officer(house), "/webhooks", name=name, url=url)
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert f'value="{url}"' in answer.text if url else True
    assert await house.rows("SELECT FROM webhooks") == []


async def test_a_secret_is_not_renewed_while_the_one_before_is_still_good(house: House) -> None:
    session = await officer(house)
    webhook, _ = await registered(house, session)
    await post(house, session, f"/webhooks/{webhook}/secret")
    answer = await post(house, session, f"/webhooks/{webhook}/secret")
    assert answer.status_code == 422
    assert "renewed less than 24 hours ago" in words(answer.text)
    assert await house.rows("SELECT renewals FROM webhooks") == [(1,)]


# What it is for


async def test_the_secret_is_shown_once_and_kept_nowhere(house: House) -> None:
    session = await officer(house)
    webhook, secret = await registered(house, session)
    for path in ("/webhooks", f"/webhooks/{webhook}"):
        assert not SECRET.search(await get(house, session, path))
    kept = await house.rows("SELECT row_to_json(w)::text FROM webhooks w UNION ALL SELECT row_to_json(a)::text FROM audit_events a")
    assert not [row for row in kept if secret.removeprefix("whsec_") in str(row[0])]


async def test_a_renewal_shows_another_secret(house: House) -> None:
    session = await officer(house)
    webhook, first = await registered(house, session)
    answer = await post(house, session, f"/webhooks/{webhook}/secret")
    found = SECRET.search(answer.text)
    assert found
    assert found[0] != first


async def test_a_test_notice_is_signed_with_the_secret_that_was_shown(house: House) -> None:
    session = await officer(house)
    async with webhook_server() as server:
        webhook, secret = await registered(house, session, server.url)
        answer = await post(house, session, f"/webhooks/{webhook}/test")
    assert "The test notice was taken" in words(answer.text)
    (received,) = server.received
    assert received.is_signed_with(secret)
    assert (received.said["type"], received.said["data"]["authority"]) == ("webhook.test", NORTHMOOR)


@pytest.mark.parametrize(
    "answer, said",
    [
        (status("401 No"), "the system answered with status 401. It will not pass by itself"),
        (status("410 Gone"), "it wants no more notices (410 Gone). It will not pass by itself"),
        (status("503 Oh"), "the system answered with status 503. This may pass"),
    ],
    ids=["refused", "gone", "busy"],
)
async def test_a_test_notice_that_is_not_taken_says_why_and_what_to_do(house: House, answer: bytes, said: str) -> None:
    session = await officer(house)
    async with webhook_server(answer) as server:
        webhook, _ = await registered(house, session, server.url)
        page = words((await post(house, session, f"/webhooks/{webhook}/test")).text)
    assert "The test notice was not taken" in page
    assert said in page


async def test_to_a_webhook_out_of_use_no_test_is_sent_and_used_again_it_is_told_what_waited(house: House) -> None:
    session = await officer(house)
    await house.flag(CHILD)
    await house.seen(CHILD)
    (alert,) = await house.alerts()
    async with webhook_server() as server:
        webhook, _ = await registered(house, session, server.url)
        await execute(
            house.database,
            """
            INSERT INTO deliveries (alert_id, channel, recipient, attempts, next_attempt_at)
            VALUES (%s, 'webhook', %s, 1, now() + interval '5 minutes')
            """,
            alert, str(webhook),
        )  # fmt: skip
        await post(house, session, f"/webhooks/{webhook}/off")
        page = words(await get(house, session, f"/webhooks/{webhook}"))
        assert "Out of use" in page
        assert "1 notice waits" in page
        assert "it is out of use" in words((await post(house, session, f"/webhooks/{webhook}/test")).text)
        assert server.received == []
        await post(house, session, f"/webhooks/{webhook}/on")
    assert "Out of use" not in words(await get(house, session, "/webhooks"))
    assert await house.rows("SELECT next_attempt_at <= now() FROM deliveries WHERE channel = 'webhook'") == [(True,)]


async def test_the_page_says_why_the_next_notice_was_not_taken_and_when_the_last_one_was(house: House) -> None:
    session = await officer(house)
    await house.flag(CHILD)
    await house.seen(CHILD)
    (alert,) = await house.alerts()
    webhook, _ = await registered(house, session)
    assert "Nothing sent yet" in words(await get(house, session, "/webhooks"))
    for notice, state in (("raised", "delivered"), ("escalate", "pending")):
        await execute_named(
            house,
            """
            WITH made AS (
                INSERT INTO deliveries (alert_id, notice, channel, recipient, state, sent_at, delivered_at, attempts)
                SELECT %(alert)s, %(notice)s, 'webhook', %(webhook)s, %(state)s, at, at, 1
                FROM (SELECT CASE WHEN %(state)s = 'delivered' THEN now() END AS at) AS instant RETURNING id
            )
            INSERT INTO attempts (attempted_at, delivery_id, number, outcome, detail)
            SELECT now(), id, 1, CASE %(state)s WHEN 'delivered' THEN 'delivered' ELSE 'permanent-failure' END,
                   CASE %(state)s WHEN 'delivered' THEN '' ELSE 'gone' END FROM made
            """,
            {"alert": alert, "notice": notice, "webhook": str(webhook), "state": state},
        )
    page = words(await get(house, session, "/webhooks"))
    assert "Needs a person" in page
    assert "1 notice waits" in page
    assert "the system says that it wants no more notices (410 Gone)" in page
    assert "last taken" in page


async def test_what_is_changed_is_on_record_with_who_did_it(house: House) -> None:
    session = await officer(house)
    webhook, _ = await registered(house, session)
    await post(house, session, f"/webhooks/{webhook}", name="Cases, new", url="https://new.example/hook")
    await post(house, session, f"/webhooks/{webhook}/secret")
    await post(house, session, f"/webhooks/{webhook}/off")
    await post(house, session, f"/webhooks/{webhook}/on")
    found = await house.rows("SELECT action, actor_name, subject_id FROM audit_events WHERE subject_type = 'webhook' ORDER BY id")
    actions = ["webhook.add", "webhook.change", "webhook.renew", "webhook.off", "webhook.on"]
    assert found == [(action, "Sam Data Officer", str(webhook)) for action in actions]
    assert await house.rows("SELECT name, url FROM webhooks") == [("Cases, new", "https://new.example/hook")]
