"""Whatever is typed or sent, a page says what is wrong with it: never that something went wrong with us."""

import pytest

from domain.actor import Role
from tests.api.house import NORTHMOOR, House, nhs_number
from tests.api.test_onboarding import AGREEMENT, AGREEMENTS, AUTHORITY, dora, iggy, post
from tests.api.test_refusals import missing_page

LONG = "9" * 5_000


@pytest.mark.parametrize("typed", [LONG, "9" * 25, "1000000", "-1", "\N{ARABIC-INDIC DIGIT ONE}", ""])
async def test_a_total_that_no_case_system_counts_is_refused_beside_its_field(house: House, typed: str) -> None:
    status, text = await post(house, await dora(house), AUTHORITY, action="totals", CPP=typed, LAC="0", UCPP="0")
    assert status == 422
    assert "how many open plans of kind CPP" in text


@pytest.mark.parametrize("position", [LONG, "21", "-1", "", "1\0"])
async def test_a_position_that_no_sample_has_is_the_page_that_does_not_exist(house: House, position: str) -> None:
    await house.flag(nhs_number(1))
    session = await dora(house)
    await post(house, session, "/samples")
    [(sample,)] = await house.rows("SELECT id FROM samples")
    status, _ = await post(house, session, f"/samples/{sample}", position=position, result="right")
    assert status == (303 if position == "1\0" else 404)


@pytest.mark.parametrize("day", [LONG, "9" * 25, "0", "32", "x"])
async def test_a_day_that_is_in_no_calendar_is_refused_beside_its_field(house: House, day: str) -> None:
    status, text = await post(house, await iggy(house), AGREEMENTS, **(AGREEMENT | {"starts-day": day}))
    assert status == 422
    assert "Enter its first day" in text
    form = {"taken-day": day, "day": day, "month": "1", "year": "2026", "time": "06:30", "scope": "full"}
    status, text = await post(house, await dora(house), "/extracts", **form)
    assert status == 422
    assert "Enter the day and the time" in text


@pytest.mark.parametrize("kind", ["authorities", "sites"])
@pytest.mark.parametrize("code", ["%00", "706%00", "%E2%80%AE", "a" * 3_000])
async def test_a_code_that_nobody_has_is_the_page_that_does_not_exist(house: House, kind: str, code: str) -> None:
    session = await iggy(house)
    async with house.browser(session) as browser:
        answer = await browser.get(f"/onboarding/{kind}/{code}")
    assert (answer.status_code, answer.text.split("<main")[1]) == await missing_page(house, session)
    assert (await post(house, session, f"/onboarding/{kind}/{code}", action="rang", value="out-of-hours"))[0] == 404


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "utf-16", "none-such"])
async def test_a_form_in_a_strange_character_set_is_read_as_well_as_it_can_be(house: House, charset: str) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    parts = {"csrf": await house.token(session), "sought": "+2AA- \\ud800 x"}
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items())
    headers = {"content-type": f"multipart/form-data; boundary=b; charset={charset}"}
    async with house.browser(session) as browser:
        answer = await browser.post("/children", content=f"{body}--b--\r\n".encode(), headers=headers)
    assert answer.status_code in {200, 403}, "403 where the token cannot be read in it"
