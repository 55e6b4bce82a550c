"""Whoever acknowledges has read what the hospital said last: news that came after the page was drawn is not answered unseen."""

import re
from uuid import UUID

import httpx
import pytest

from domain.actor import Role
from domain.encounter import TriggerEvent
from tests.api.house import NORTHMOOR, House, nhs_number

CHILD = nhs_number(1)
SINCE = "The hospital has said something since you opened this alert"


async def open_alert(house: House, alert: UUID) -> dict[str, str]:
    """The hidden fields of the page's form, as they are drawn now, with an answer."""
    async with house.browser(await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)) as browser:
        page = (await browser.get(f"/alerts/{alert}")).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page[page.index(f'action="/alerts/{alert}"') :]))
    return {**fields, "answer": "will-ring", "text": "In ten minutes"}


async def answer(house: House, alert: UUID, form: dict[str, str]) -> httpx.Response:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with house.browser(session) as browser:
        return await browser.post(f"/alerts/{alert}", data=form | {"csrf": await house.token(session)})


@pytest.mark.parametrize(
    "trigger,left",
    [(TriggerEvent.DISCHARGE, True), (TriggerEvent.DISCHARGE, False), (TriggerEvent.CANCEL_ADMIT, False)],
    ids=["left before being seen", "discharged", "cancelled"],
)
async def test_what_came_after_the_page_was_drawn_is_not_acknowledged_unseen(
    house: House, trigger: TriggerEvent, *, left: bool
) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="V1")
    (alert,) = await house.alerts()
    drawn = await open_alert(house, alert)
    await house.seen(CHILD, visit="V1", trigger=trigger, left=left)
    refused = await answer(house, alert, drawn)
    assert refused.status_code == 422
    assert SINCE in refused.text
    assert "In ten minutes" in refused.text, "what was written is not lost"
    assert await house.rows("SELECT acknowledged_at, next_step_at IS NULL FROM alerts") == [(None, False)]
    assert (await answer(house, alert, await open_alert(house, alert))).status_code == 303


async def test_what_the_authority_does_itself_is_no_news(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    (alert,) = await house.alerts()
    drawn = await open_alert(house, alert)
    for path in (f"/alerts/{alert}/take", f"/alerts/{alert}"):
        session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Olga Other")
        async with house.browser(session) as browser:
            await browser.post(path, data={"csrf": await house.token(session), "answer": "known"})
    assert (await answer(house, alert, drawn)).status_code == 303


@pytest.mark.parametrize("news", ["x", "-1", "9" * 5000, ""])
async def test_a_form_that_does_not_say_what_was_read_acknowledges_no_news(house: House, news: str) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="V1")
    (alert,) = await house.alerts()
    await house.seen(CHILD, visit="V1", trigger=TriggerEvent.DISCHARGE, left=True)
    assert (await answer(house, alert, {"answer": "known", "news": news})).status_code == 422
