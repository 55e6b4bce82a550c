"""Whose alerts are listed, in which order and with what: teams, who has taken them, threads, and what does not get through."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from domain.actor import Role
from safeguarding.onboarding.agreements import AgreedWith, record_agreement
from tests.api.house import HARBOUR, NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number
from tests.api.reading import words
from tests.api.test_worklist import names, post, worker, worklist
from tests.safeguarding.onboarding.road import IGGY, terms

CHILD = nhs_number(1)


async def three(house: House) -> list[UUID]:
    """Three children were seen, the second at Harbour; their alerts, oldest first."""
    for position, name in [(1, "ONE"), (2, "TWO"), (3, "THREE")]:
        await house.flag(nhs_number(position), family=name)
    await house.seen(nhs_number(1))
    await house.seen(nhs_number(2), HARBOUR)
    await house.seen(nhs_number(3))
    return await house.alerts()


async def press(house: House, path: str, authority: str = NORTHMOOR, name: str = "Wanda Worker", **form: str) -> httpx.Response:
    session = await house.sign_in(Role.SOCIAL_WORKER, authority, name)
    async with house.browser(session) as browser:
        return await browser.post(path, data={"csrf": await house.token(session)} | form)


# Taking and letting go


@pytest.mark.parametrize("what", ["take", "release"])
async def test_another_authority_takes_nothing_and_lets_nothing_go(house: House, what: str) -> None:
    [alert, *_] = await three(house)
    assert (await press(house, f"/alerts/{alert}/{what}", WESTLEA)).status_code == 404
    assert await house.rows("SELECT count(taken_at)::int FROM alerts") == [(0,)]


async def test_without_the_sessions_token_nothing_is_taken_and_no_team_chosen(house: House) -> None:
    [alert, *_] = await three(house)
    for path in (f"/alerts/{alert}/take", "/worklist/team"):
        assert (await press(house, path, csrf="wrong", team="emergency")).status_code == 403
    assert await house.rows("SELECT count(taken_at)::int FROM alerts") == [(0,)]
    assert await house.rows("SELECT team_code FROM team_members") == []


async def test_clinicians_have_no_worklist_and_no_history(house: House) -> None:
    [alert, *_] = await three(house)
    async with house.browser(await house.sign_in(Role.CLINICIAN, "R0A")) as browser:
        for path in ("/worklist", f"/alerts/{alert}", f"/alerts/{alert}/history"):
            assert (await browser.get(path)).status_code == 404


async def test_who_has_taken_an_alert_stands_on_its_row_and_letting_go_makes_it_everybodys(house: House) -> None:
    [alert, *_] = await three(house)
    await press(house, f"/alerts/{alert}/take", back="view=mine&sort=age&name=HARDING")
    assert "Taken by you" in await worklist(house)
    async with house.browser(await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Olu Other")) as browser:
        assert "Taken by Wanda Worker" in words((await browser.get("/worklist")).text)
    await press(house, f"/alerts/{alert}/release")
    assert "Taken by" not in await worklist(house)


async def test_taking_leads_back_to_what_was_chosen_and_nowhere_else(house: House) -> None:
    [alert, *_] = await three(house)
    answers = [
        await press(house, f"/alerts/{alert}/take", back="view=mine&sort=age&nhs=9990000018"),
        await press(house, f"/alerts/{alert}/release", back="//evil.example"),
        await press(house, f"/alerts/{alert}/take", back="view=mine", on="alert"),
        await post(house, alert, answer="known", back="view=mine"),
    ]
    assert [answer.headers["location"] for answer in answers] == [
        "/worklist?view=mine&sort=age", "/worklist", f"/alerts/{alert}?view=mine", "/worklist?view=mine",
    ]  # fmt: skip


async def test_letting_go_what_somebody_else_has_taken_changes_nothing(house: House) -> None:
    [alert, *_] = await three(house)
    await press(house, f"/alerts/{alert}/take", name="Olu Other")
    assert (await press(house, f"/alerts/{alert}/release")).status_code == 303
    assert await house.rows("SELECT taken_by FROM alerts WHERE id = %s", alert) == [("Olu Other",)]


# Mine, my team's, all


async def test_mine_is_what_i_have_taken_or_answered_and_waits_again(house: House) -> None:
    one, two, three_ = await three(house)
    await press(house, f"/alerts/{one}/take")
    await press(house, f"/alerts/{two}/take", name="Olu Other")
    await post(house, three_, answer="known")
    assert await names(house, "view=mine&state=waiting") == ["ONE"]
    await house.rows("UPDATE alerts SET state = 'raised', next_step_at = now() WHERE id = %s RETURNING 1", three_)
    assert await names(house, "view=mine&state=waiting") == ["ONE", "THREE"]
    assert await names(house) == ["ONE", "TWO", "THREE"]


async def test_a_team_that_the_authority_does_not_have_cannot_be_chosen(house: House) -> None:
    for team in ("", "nobody", "x" * 300):
        assert (await press(house, "/worklist/team", team=team)).status_code == 303
    assert await house.rows("SELECT team_code FROM team_members") == []


async def test_my_team_is_the_office_team_until_i_say_otherwise_and_that_is_audited(house: House) -> None:
    [one, *_] = await three(house)
    await house.rows("UPDATE alerts SET team_code = 'emergency', step = 1 WHERE id = %s RETURNING 1", one)
    assert await names(house, "view=team") == ["TWO", "THREE"]
    assert (await press(house, "/worklist/team", team="emergency", back="view=team")).headers["location"] == "/worklist?view=team"
    assert await names(house, "view=team") == ["ONE"]
    kept = await house.rows("SELECT actor_name, detail->>'team' FROM audit_events WHERE action = 'team.choose'")
    assert kept == [("Wanda Worker", "emergency")]


async def test_which_team_has_it_and_that_it_was_passed_on_stand_on_the_row(house: House) -> None:
    [one, *_] = await three(house)
    await house.rows("UPDATE alerts SET team_code = 'emergency', step = 1, next_step_at = NULL WHERE id = %s RETURNING 1", one)
    text = await worklist(house)
    assert re.search(r"Emergency duty team passed on at \d\d:\d\d; nobody is next", text)


async def test_a_list_that_leaves_somebody_out_says_how_many_wait_besides(house: House) -> None:
    await three(house)
    async with house.browser(await worker(house)) as browser:
        one_site = words((await browser.get(f"/worklist?site={HARBOUR}")).text)
        nowhere = words((await browser.get("/worklist?site=NOWHERE")).text)
        read = words((await browser.get("/worklist?state=read")).text)
    assert "Waiting for you (1)" in one_site
    assert "2 more wait that you chose not to see here" in one_site
    assert "Nothing is waiting among what you chose to see" in nowhere
    assert "3 more wait that you chose not to see here" in nowhere
    assert "3 alerts wait. You see only those that were read." in read


@pytest.mark.parametrize("agreed, listed", [("site", ["ONE", "THREE"]), ("arrival", [])])
async def test_nobody_can_choose_by_what_was_not_agreed(house: House, agreed: str, listed: list[str]) -> None:
    await three(house)
    async with house.database.transaction() as transaction:
        for kind, code in ((AgreedWith.AUTHORITY, NORTHMOOR), (AgreedWith.ORGANISATION, "R0A"), (AgreedWith.ORGANISATION, "R0B")):
            await record_agreement(transaction, IGGY, terms(kind, code, fields=(agreed,)))
    assert await names(house, f"site={ST_AGNES}") == listed
    assert await names(house, "setting=emergency-department") == []
    assert await names(house) == ["ONE", "TWO", "THREE"]


# Threads


async def test_a_child_who_comes_again_is_one_thread_and_each_encounter_keeps_its_row(house: House) -> None:
    await three(house)
    await house.seen(nhs_number(2), visit="AGAIN")
    assert await names(house) == ["TWO", "TWO", "ONE", "THREE"]
    text = await worklist(house)
    assert "TWO, Jo: 2 visits in a short time" in text
    assert text.count("New: seen again") == 1


async def test_a_new_encounter_brings_a_thread_back_that_was_read_and_what_was_read_is_folded_behind_it(house: House) -> None:
    _, two, _ = await three(house)
    await post(house, two, answer="will-ring")
    await house.seen(nhs_number(2), visit="AGAIN")
    assert await names(house) == ["TWO", "ONE", "THREE"]
    text = await worklist(house)
    assert "TWO, Jo: 2 visits in a short time, 1 waiting" in text
    assert re.search(r"1 read before .*Harbour Hospital : We will ring you", text)


async def test_the_page_of_an_alert_leads_to_the_others_of_its_thread(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="V1")
    await house.seen(CHILD, HARBOUR, visit="V2")
    first, second = await house.alerts()
    async with house.browser(await worker(house)) as browser:
        page = (await browser.get(f"/alerts/{first}")).text
    assert f'href="/alerts/{second}"' in page
    assert "Seen besides in a short time" in page


# What does not get through


async def stuck(house: House, alert: UUID, channel: str, since: timedelta, attempts: int = 3) -> None:
    await house.rows(
        """
        INSERT INTO deliveries (alert_id, channel, recipient, notice, due_at, attempts, next_attempt_at)
        VALUES (%s, %s, 'duty@northmoor.example', %s, now() - %s, %s, now() + interval '4 minutes') RETURNING 1
        """,
        alert, channel, str(since), since, attempts,
    )  # fmt: skip


async def test_what_waits_for_its_duty_or_for_a_subscriber_is_not_said_to_be_stuck(house: House) -> None:
    [one, *_] = await three(house)
    await stuck(house, one, "email", timedelta(hours=-8), 0)
    await stuck(house, one, "subscription", timedelta(hours=1))
    assert "not getting through" not in await worklist(house)


async def test_a_channel_that_does_not_get_through_is_said_on_top_of_the_list(house: House) -> None:
    one, two, _ = await three(house)
    for alert, minutes in ((one, 20), (one, 10), (two, 5)):
        await stuck(house, alert, "email", timedelta(minutes=minutes))
    await stuck(house, two, "sms", timedelta(minutes=3))
    text = await worklist(house)
    assert re.search(r"E-mail is not getting through: 2 alerts wait since [\d:at A-Z]+", text)
    assert "Text message (GOV.UK Notify) is not getting through: 1 alert waits since" in text
    assert "not getting through" not in await worklist(house, WESTLEA)


async def test_a_channel_that_begins_to_fail_renews_open_lists(house: House) -> None:
    [one, *_] = await three(house)
    async with house.browser(await worker(house)) as browser:
        mark = re.findall(r'data-mark="([^"]+)"', (await browser.get("/worklist")).text)[0]
        assert (await browser.get("/worklist/rows", params={"mark": mark})).status_code == 204
        await stuck(house, one, "email", timedelta(minutes=5))
        assert "E-mail is not getting through" in (await browser.get("/worklist/rows", params={"mark": mark})).text


# Many


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every statement that goes to the database, as psycopg sends it."""
    sent: list[object] = []
    execute: Any = psycopg.AsyncCursor.execute

    async def noting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return await execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", noting)
    return sent


async def many(house: House, count: int) -> None:
    """So many more children were seen, as the first one was."""
    await house.rows(
        """
        WITH first AS (SELECT id, encounter_id FROM alerts ORDER BY id LIMIT 1),
        people AS (
            INSERT INTO persons (nhs_number, given_name, family_name, birth_date)
            SELECT number, 'Jo', 'CHILD', '2019-03-03' FROM unnest(%s::text[]) AS number RETURNING id, nhs_number
        ), seen AS (
            INSERT INTO encounters
            SELECT (jsonb_populate_record(e, jsonb_build_object('id', uuidv7(), 'encounter_key', p.nhs_number,
                                                                'nhs_number', p.nhs_number))).*
            FROM people p, encounters e JOIN first ON first.encounter_id = e.id RETURNING id, nhs_number
        )
        INSERT INTO alerts
        SELECT (jsonb_populate_record(a, jsonb_build_object('id', p.id, 'thread_id', p.id, 'encounter_id', s.id,
                                                            'person_id', p.id))).*
        FROM people p JOIN seen s USING (nhs_number), alerts a JOIN first ON first.id = a.id RETURNING 1
        """,
        list(dict.fromkeys(nhs_number(1000 + each) for each in range(2 * count)))[:count],
    )


async def test_two_hundred_alerts_are_asked_for_with_as_many_statements_as_one(house: House, statements: list[object]) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    counted = []
    async with house.browser(await worker(house)) as browser:
        for more in (0, 199):
            await many(house, more)
            await browser.get("/worklist")  # whatever is read once in a while was read now
            statements.clear()
            page = await browser.get("/worklist")
            counted.append(sum(" alerts " in str(each) for each in statements))  # the directory is read every few seconds
    assert "Waiting for you (200)" in words(page.text)
    assert counted == [4, 4]  # the mark, the rows, how many wait, what is stuck
    assert page.text.count("</") < 200 * 50  # elements: a page that a phone can draw
