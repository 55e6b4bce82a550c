"""The worklist: what a row says, how an alert is answered, and what a screen confirms."""

import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from domain.actor import Role
from domain.alert import CodedAnswer
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from runtime.clock import now
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import details, words

CHILD = nhs_number(1)


async def worker(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.SOCIAL_WORKER, authority, "Wanda Worker")


async def worklist(house: House, authority: str = NORTHMOOR) -> str:
    async with house.browser(await worker(house, authority)) as browser:
        return words((await browser.get("/worklist")).text)


async def names(house: House, query: str = "") -> list[str]:
    """The family names of the rows, in their order."""
    async with house.browser(await worker(house)) as browser:
        page = await browser.get(f"/worklist?{query}")
    assert page.status_code == 200
    return re.findall(r'nl-row__name"[^>]*>(\w+),', page.text)


async def post(house: House, alert: UUID, **form: str) -> httpx.Response:
    session = await worker(house)
    async with house.browser(session) as browser:
        return await browser.post(f"/alerts/{alert}", data={"csrf": await house.token(session)} | form)


async def test_an_empty_worklist_says_so(house: House) -> None:
    assert "Nothing is waiting" in await worklist(house)


async def test_a_row_names_child_plan_place_and_time(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    text = await worklist(house)
    for fact in (
        "Waiting for you (1)",
        "HARDING, Jo",
        "Office team",
        "born 3 March 2019",
        "999 000 0018",
        "CPP",
        "St Agnes Hospital",
        "Emergency department",
    ):
        assert fact in text


async def test_only_the_own_authoritys_children_are_listed(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    assert "HARDING" not in await worklist(house, WESTLEA)


async def test_who_waits_comes_first_and_the_oldest_of_them_at_the_top(house: House) -> None:
    for position, name in [(1, "ONE"), (2, "TWO"), (3, "THREE")]:
        await house.flag(nhs_number(position), family=name)
        await house.seen(nhs_number(position))
    assert (await post(house, (await house.alerts())[0], answer="known")).status_code == 303
    assert await names(house) == ["TWO", "THREE", "ONE"]


@pytest.mark.parametrize(
    "trigger, left, expected",
    [
        (TriggerEvent.CANCEL_ADMIT, False, "Cancelled: confirm whereabouts"),
        (TriggerEvent.DISCHARGE, True, "Left before being seen"),
    ],
)
async def test_leaving_and_cancelling_are_said_in_words(house: House, trigger: TriggerEvent, left: bool, expected: str) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="V1")
    await house.seen(CHILD, visit="V1", trigger=trigger, left=left)
    assert expected in await worklist(house)


async def test_answering_a_cancelled_arrival_closes_it(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="V1")
    await house.seen(CHILD, visit="V1", trigger=TriggerEvent.CANCEL_ADMIT)
    await post(house, (await house.alerts())[0], answer="known", news="1")
    text = await worklist(house)
    assert "Nothing is waiting" in text
    assert "Closed" in text


async def test_details_that_differ_stand_in_the_row_and_on_the_alert(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, family="OTHER")
    assert "Details differ" in await worklist(house)
    async with house.browser(await worker(house)) as browser:
        page = await browser.get(f"/alerts/{(await house.alerts())[0]}")
    assert "Check that it is the same child." in words(page.text)


@pytest.mark.parametrize("form", [{}, {"answer": ""}, {"answer": "hold-the-child"}, {"answer": "known", "text": "x" * 501}])
async def test_an_answer_that_is_incomplete_changes_nothing_and_says_what_is_wrong(house: House, form: dict[str, str]) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    answer = await post(house, (await house.alerts())[0], **form)
    assert answer.status_code == 422
    assert "There is a problem" in words(answer.text)
    assert "<title>Error: Alert" in answer.text
    assert await house.rows("SELECT state FROM alerts") == [("raised",)]


async def test_what_was_written_is_not_lost_when_the_answer_is_missing(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    answer = await post(house, (await house.alerts())[0], text="on my way </textarea>")
    assert "on my way &lt;/textarea&gt;</textarea>" in answer.text


@pytest.mark.parametrize("coded", CodedAnswer)
async def test_every_coded_answer_is_offered_and_shown_on_the_banner(house: House, coded: CodedAnswer) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    alert = (await house.alerts())[0]
    answer = await post(house, alert, answer=coded.value, text="ring 020 7946 0999\x00")
    assert (answer.status_code, answer.headers["location"]) == (303, "/worklist")
    assert f"{coded.words} Wanda Worker" in await worklist(house)
    banner = words((await details(house, encounter)).text)
    assert f"{coded.words}. Not a referral." in banner
    assert "ring 020 7946 0999" in banner


async def test_a_later_answer_replaces_the_one_before_and_both_are_kept(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    alert = (await house.alerts())[0]
    await post(house, alert, answer="known", text="we have rung")
    await post(house, alert, answer="will-attend", text="second")
    banner = words((await details(house, encounter)).text)
    assert "We will attend" in banner
    assert await house.rows("SELECT answer, answer_text FROM alerts") == [("will-attend", "second")]
    kept = await house.rows("SELECT answer FROM alert_events WHERE event = 'acknowledge' ORDER BY id")
    assert kept == [("known",), ("will-attend",)]


async def test_viewing_the_list_and_an_alert_is_audited(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    session = await worker(house)
    async with house.browser(session) as browser:
        await browser.get("/worklist")
        await browser.get(f"/alerts/{(await house.alerts())[0]}")
    actions = await house.rows("SELECT action FROM audit_events WHERE actor_name = 'Wanda Worker' ORDER BY id")
    assert actions == [("session.start",), ("worklist.view",), ("alert.view",)]


async def test_asking_again_for_the_same_rows_is_no_second_view(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    async with house.browser(await worker(house)) as browser:
        page = await browser.get("/worklist")
        mark = re.findall(r'data-mark="([^"]+)"', page.text)[0]
        assert (await browser.get("/worklist/rows", params={"mark": mark})).status_code == 204
        await house.seen(CHILD, visit="ANOTHER")
        renewed = await browser.get("/worklist/rows", params={"mark": mark})
    assert renewed.status_code == 200
    assert "<main" not in renewed.text
    assert len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'worklist.view'")) == 2


async def confirm(house: House, session: str, alerts: object, token: str | None = None) -> int:
    headers = {"x-csrf-token": await house.token(session) if token is None else token}
    async with house.browser(session) as browser:
        return (await browser.post("/worklist/shown", json={"alerts": alerts}, headers=headers)).status_code


async def shown_as(house: House) -> dict[str, str]:
    return {str(alert): changed.isoformat() for alert, changed in await house.rows("SELECT id, changed_at FROM alerts")}  # type: ignore[attr-defined]


async def test_a_screen_that_shows_an_alert_makes_its_delivery_delivered(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    session = await worker(house)
    assert await confirm(house, session, await shown_as(house), token="wrong") == 403
    assert await confirm(house, await worker(house, WESTLEA), await shown_as(house)) == 204
    assert await house.rows("SELECT state FROM deliveries") == [("pending",)]
    assert await confirm(house, session, await shown_as(house)) == 204
    assert await house.rows("SELECT state FROM deliveries") == [("delivered",)]


@pytest.mark.parametrize("alerts", [["x"], {"x": "y"}, None, {str(CHILD): now().isoformat()}])
async def test_a_confirmation_that_makes_no_sense_is_refused(house: House, alerts: object) -> None:
    assert await confirm(house, await worker(house), alerts) == 422


async def test_while_the_store_is_away_the_worklist_never_looks_empty(house: House) -> None:
    session = await worker(house)
    async with house.store_away(), house.browser(session) as browser:
        answer = await browser.get("/worklist")
    assert answer.status_code == 503
    assert "a silent screen does not mean that no child was seen" in words(answer.text)
    assert "Nothing is waiting" not in answer.text


async def test_an_alert_long_ago_says_when(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, arrived=now() - timedelta(hours=3))
    await house.rows("UPDATE alerts SET began_at = now() - interval '185 minutes' RETURNING 1")
    assert "for 3 h 5 min" in await worklist(house)


async def newborn(house: House, baby: int = 2) -> UUID:
    """A baby is born to a mother whose unborn plan Northmoor holds; the alert."""
    mother = nhs_number(1)
    await house.flag(mother, kind="UCPP", start=now().date() - timedelta(days=90))
    await house.seen(nhs_number(baby), born=now().date(), mother=mother, setting=CareSetting.MATERNITY)
    return (await house.alerts())[0]


async def resolve(house: House, alert: UUID, authority: str = NORTHMOOR, **form: str) -> httpx.Response:
    session = await worker(house, authority)
    async with house.browser(session) as browser:
        return await browser.post(f"/alerts/{alert}/newborn", data={"csrf": await house.token(session)} | form)


async def test_a_newborn_is_never_taken_for_its_mother(house: House) -> None:
    alert = await newborn(house)
    assert "Her newborn baby was seen" in await worklist(house)
    async with house.browser(await worker(house)) as browser:
        page = words((await browser.get(f"/alerts/{alert}")).text)
    assert "The baby is born. The patient is the baby of the person named here" in page
    assert "The baby’s NHS number: 999 000 0026" in page


@pytest.mark.parametrize("form", [{}, {"resolution": "whatever"}])
async def test_what_became_of_a_baby_must_be_said(house: House, form: dict[str, str]) -> None:
    alert = await newborn(house)
    answer = await resolve(house, alert, **form)
    assert answer.status_code == 422
    assert "Choose what became of the baby" in words(answer.text)
    assert await house.rows("SELECT count(*)::int FROM newborn_links WHERE resolved_at IS NULL") == [(1,)]


async def test_another_authority_cannot_resolve_a_newborn(house: House) -> None:
    alert = await newborn(house)
    assert (await resolve(house, alert, WESTLEA, resolution="no-plan")).status_code == 404
    assert await house.rows("SELECT count(*)::int FROM newborn_links WHERE resolved_at IS NULL") == [(1,)]


async def test_a_resolved_newborn_is_no_longer_shown_its_mothers_plan(house: House) -> None:
    alert = await newborn(house)
    for _ in range(2):  # twice changes nothing more
        assert (await resolve(house, alert, resolution="wrong-baby")).status_code == 303
    kept = await house.rows("SELECT resolution, resolved_by FROM newborn_links")
    assert kept == [("wrong-baby", "Wanda Worker")]
    async with house.browser(await worker(house)) as browser:
        assert "What became of the baby" not in words((await browser.get(f"/alerts/{alert}")).text)
    await house.seen(nhs_number(2))
    assert len(await house.alerts()) == 1
