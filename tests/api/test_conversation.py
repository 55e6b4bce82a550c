"""The clinician's side of a thread over HTTP: refusals first, then what stands on the banner at once, and never says too much."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from domain.actor import Role
from domain.alert import CodedAnswer, Reply
from runtime.clock import england_day, now
from tests.api.house import HARBOUR, NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import clinician, details, heading, words
from tests.api.test_banner import answer
from tests.api.test_live import listening
from tests.api.test_refusals import missing_page

CHILD = nhs_number(1)


async def an_alert(house: House, authority: str = NORTHMOOR, *, sensitive: bool = False) -> tuple[UUID, UUID]:
    await house.flag(CHILD, authority, sensitive=sensitive)
    encounter = await house.seen(CHILD)
    return encounter, (await house.alerts())[-1]


def form_of(encounter: UUID, alert: UUID) -> str:
    return f"/encounters/{encounter}/answers/{alert}"


async def reply(house: House, path: str, session: str, **fields: str) -> tuple[int, str]:
    async with house.browser(session) as browser:
        found = await browser.post(path, data={"csrf": await house.token(session), "reply": "discharged", "read": "0"} | fields)
    return found.status_code, found.headers.get("location", "") or found.text


async def said(house: House) -> list[tuple[object, ...]]:
    return await house.rows("SELECT actor_name, answer, answer_text FROM alert_events WHERE event = 'reply' ORDER BY id")


@pytest.mark.parametrize(
    "who",
    [
        (Role.CLINICIAN, "R0B"),
        (Role.SITE_SAFEGUARDING, "R0A"),
        (Role.SOCIAL_WORKER, NORTHMOOR),
        (Role.SOCIAL_WORKER, WESTLEA),
        (Role.DATA_OFFICER, NORTHMOOR),
        (Role.INFORMATION_GOVERNANCE, "nightlight"),
    ],
)
async def test_for_all_others_there_is_no_form(house: House, who: tuple[Role, str]) -> None:
    encounter, alert = await an_alert(house)
    session = await house.sign_in(*who)
    missing = await missing_page(house, session)
    async with house.browser(session) as browser:
        found = await browser.get(form_of(encounter, alert))
    assert (found.status_code, found.text.split("<main")[1]) == missing
    status, page = await reply(house, form_of(encounter, alert), session)
    assert (status, page.split("<main")[1]) == missing
    assert await said(house) == []


async def test_whoever_has_not_opened_the_details_is_sent_there_first(house: House) -> None:
    encounter, alert = await an_alert(house)
    session = await clinician(house)
    async with house.browser(session) as browser:
        found = await browser.get(form_of(encounter, alert))
        rows = await browser.get(f"/encounters/{encounter}/told/masked/rows")
    assert (found.status_code, found.headers["location"]) == (303, f"/encounters/{encounter}")
    assert rows.status_code == 404
    status, page = await reply(house, form_of(encounter, alert), session)
    assert status == 422
    assert "Open the details first, then answer" in page
    assert await said(house) == []


@pytest.mark.parametrize("fields", [{"csrf": "x"}, {"reply": "hold-the-child"}, {"reply": ""}, {"text": "x" * 501}])
async def test_a_form_that_is_not_ours_or_not_filled_in_changes_nothing(house: House, fields: dict[str, str]) -> None:
    encounter, alert = await an_alert(house)
    await details(house, encounter)
    status, page = await reply(house, form_of(encounter, alert), await clinician(house), **fields)
    assert status in {403, 422}
    assert await said(house) == []
    if status == 422:
        assert "There is a problem" in page


async def test_a_stale_form_asks_to_read_what_came_meanwhile_and_keeps_the_words(house: House) -> None:
    encounter, alert = await an_alert(house)
    await details(house, encounter)
    await answer(house, NORTHMOOR)
    status, page = await reply(house, form_of(encounter, alert), await clinician(house), text="Gone home")
    assert status == 422
    assert "Somebody has written meanwhile" in page
    assert "Gone home" in page
    assert 'name="read" value="1"' in page
    assert await said(house) == []


async def test_the_form_says_nothing_of_the_child_or_the_authority_and_asks_for_nothing_clinical(house: House) -> None:
    encounter, alert = await an_alert(house)
    await details(house, encounter)
    async with house.browser(await clinician(house)) as browser:
        page = words((await browser.get(form_of(encounter, alert))).text)
    assert "No clinical information" in page
    for secret in ("HARDING", "Northmoor", str(CHILD), "999 000", "plan", "social", "child"):
        assert secret not in page


async def test_an_answer_is_in_the_thread_on_both_sides(house: House) -> None:
    encounter, alert = await an_alert(house)
    await answer(house, NORTHMOOR, "Ring me on 020 7946 0111", CodedAnswer.SPEAK_FIRST)
    page = (await details(house, encounter)).text
    assert form_of(encounter, alert) in page
    status, where = await reply(
        house, form_of(encounter, alert), await clinician(house), reply="please-ring", text="On <b>020</b>", read="1"
    )
    assert (status, where) == (303, f"/encounters/{encounter}?sent=yes")
    shown = (await details(house, encounter)).text
    text = words(shown)
    assert text.index("Ring me on 020 7946 0111") < text.index("Please ring us")
    assert "Carla Clinician, St Agnes Trust" in text
    assert "Asked again, not yet acknowledged, 0 min." in text
    assert "On &lt;b&gt;020&lt;/b&gt;" in shown
    assert await said(house) == [("Carla Clinician", "please-ring", "On <b>020</b>")]


async def test_a_masked_alert_is_answered_without_learning_whose_it_is(house: House) -> None:
    encounter, alert = await an_alert(house, WESTLEA, sensitive=True)
    await answer(house, WESTLEA, "We are at the Westlea office")
    await details(house, encounter)
    session = await clinician(house)
    status, _ = await reply(house, form_of(encounter, alert), session, text="Please use our ward phone", read="1")
    assert status == 303
    page = words((await details(house, encounter)).text).split("How far this reaches")[0]
    assert "Please use our ward phone" in page
    async with house.browser(session) as browser:
        for shown in ("masked", "open"):  # the glass was not broken, whatever the address says
            page += words("<main>" + (await browser.get(f"/encounters/{encounter}/told/{shown}/rows")).text + "</main>")
    assert "Please use our ward phone" in page
    for secret in ("Westlea", "Wanda", "020 7946 02"):
        assert secret not in page


async def test_wrong_child_is_a_caution_on_the_banner_and_hides_nothing(house: House) -> None:
    encounter, alert = await an_alert(house)
    await details(house, encounter)
    await reply(house, form_of(encounter, alert), await clinician(house), reply=Reply.WRONG_CHILD.value)
    text = words((await details(house, encounter)).text)
    assert "Identity is being checked: somebody said this may be the wrong child." in text
    assert "Subject to child protection plan Open" in text
    assert "HARDING, Jo" in text


async def test_an_open_banner_hears_of_an_answer_and_fetches_it(house: House) -> None:
    encounter, _ = await an_alert(house)
    session = await clinician(house)
    first = (await details(house, encounter)).text
    base = f"/encounters/{encounter}/told/masked"
    assert f'data-base="{base}"' in first
    mark = first.split('data-mark="')[1].split('"', maxsplit=1)[0]
    async with listening(house, session, f"{base}/events") as events, house.browser(session) as browser:
        assert await events.next() == ("changed", mark)
        assert (await browser.get(f"{base}/rows", params={"mark": mark})).status_code == 204
        await answer(house, NORTHMOOR, "Ring me")
        changed = await events.next()
        assert changed is not None
        rows = (await browser.get(f"{base}/rows", params={"mark": mark})).text
    assert "Ring me" in rows
    assert f'data-mark="{changed[1]}"' in rows
    assert str(CHILD) not in changed[1]
    assert await house.rows("SELECT actor_name FROM audit_events WHERE action = 'banner.renew'") == [("Carla Clinician",)]


async def test_another_organisations_banner_cannot_be_followed(house: House) -> None:
    await house.flag(CHILD)
    theirs = await house.seen(CHILD, HARBOUR)
    async with house.browser(await clinician(house)) as browser:
        for encounter in (theirs, uuid4()):
            for path in ("rows", "events"):
                assert (await browser.get(f"/encounters/{encounter}/told/masked/{path}")).status_code == 404


async def test_what_was_written_of_a_sensitive_record_stays_hidden_beside_another_when_its_plan_has_ended(house: House) -> None:
    await house.flag(CHILD, sensitive=True)
    await house.flag(nhs_number(2), WESTLEA, "UCPP", born=date(1999, 1, 5), due=england_day(now()))
    encounter = await house.seen(CHILD, born=england_day(now()), mother=nhs_number(2))
    await answer(house, NORTHMOOR, "She is at school")
    await house.rows("UPDATE flags SET withdrawn_at = now() WHERE authority_code = %s RETURNING id", NORTHMOOR)
    page = (await details(house, encounter)).text
    assert heading(page)[0] == "flagged"
    assert [secret for secret in ("at school", "Wanda Worker") if secret in words(page)] == []
