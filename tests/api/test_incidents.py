"""The pages of identity incidents: refusals first, then who sees what; settling takes the caution away and nothing else."""

from uuid import UUID

import pytest

from domain.actor import Role
from domain.alert import CodedAnswer
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import details, words
from tests.api.test_banner import answer
from tests.api.test_refusals import NOBODYS, missing_page

CHILD = nhs_number(1)
CAUTION = "Identity is being checked: somebody said this may be the wrong child."
WHO_SEE = [(Role.DATA_OFFICER, NORTHMOOR), (Role.SITE_SAFEGUARDING, "R0A"), (Role.INFORMATION_GOVERNANCE, "nightlight")]


async def an_incident(house: House) -> tuple[UUID, str]:
    """The encounter, and the address of the incident that a social worker's answer opened."""
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="ED-7")
    await answer(house, NORTHMOOR, "She is at school", CodedAnswer.WRONG_CHILD)
    [(incident,)] = await house.rows("SELECT id FROM identity_incidents")
    return encounter, f"/incidents/{incident}"


async def settle(house: House, path: str, session: str, **fields: str) -> tuple[int, str]:
    form = {"csrf": await house.token(session), "outcome": "right-child", "words": "Rang the ward: it is her"} | fields
    async with house.browser(session) as browser:
        found = await browser.post(path, data=form)
    return found.status_code, found.text


@pytest.mark.parametrize(
    "who",
    [
        (Role.CLINICIAN, "R0A"), (Role.SOCIAL_WORKER, NORTHMOOR), (Role.DATA_OFFICER, WESTLEA), (Role.SITE_SAFEGUARDING, "R0B"),
    ],
)  # fmt: skip
async def test_for_all_others_there_is_no_such_incident(house: House, who: tuple[Role, str]) -> None:
    _, path = await an_incident(house)
    session = await house.sign_in(*who)
    missing = await missing_page(house, session)
    async with house.browser(session) as browser:
        found = await browser.get(path)
    assert (found.status_code, found.text.split("<main")[1]) == missing
    assert (await settle(house, path, session))[0] == 404
    assert await house.rows("SELECT state FROM identity_incidents") == [("open",)]


async def test_an_incident_that_is_not_there_is_the_page_that_does_not_exist(house: House) -> None:
    session = await house.sign_in(*WHO_SEE[0])
    assert (await settle(house, f"/incidents/{NOBODYS}", session))[0] == 404


@pytest.mark.parametrize("fields", [{"csrf": "x"}, {"outcome": "nobody"}, {"words": " x "}, {"words": "x" * 501}])
async def test_a_form_that_is_not_ours_or_not_filled_in_settles_nothing(house: House, fields: dict[str, str]) -> None:
    _, path = await an_incident(house)
    status, _ = await settle(house, path, await house.sign_in(*WHO_SEE[0]), **fields)
    assert status in {403, 422}
    assert await house.rows("SELECT state FROM identity_incidents") == [("open",)]


@pytest.mark.parametrize("who", WHO_SEE)
async def test_who_may_settle_reads_who_said_it_and_who_saw_it(house: House, who: tuple[Role, str]) -> None:
    encounter, path = await an_incident(house)
    await details(house, encounter)
    session = await house.sign_in(*who)
    async with house.browser(session) as browser:
        listed, one = [words((await browser.get(each)).text) for each in ("/incidents", path)]
    assert "Being checked (1)" in listed
    for fact in (
        "Visit ED-7",
        "Wanda Worker, social worker",
        "She is at school",
        "Carla Clinician",
        "Opened the details on the banner",
    ):
        assert fact in one
    assert ("HARDING" in one) is (who[0] is Role.DATA_OFFICER)
    assert "HARDING" not in listed


async def test_settled_the_caution_goes_the_flag_stays_and_the_incident_is_kept(house: House) -> None:
    encounter, path = await an_incident(house)
    before = words((await details(house, encounter)).text)
    session = await house.sign_in(*WHO_SEE[1])
    assert (await settle(house, path, session))[0] == 303
    after = words((await details(house, encounter)).text)
    assert (CAUTION in before, CAUTION in after) == (True, False)
    assert "Subject to child protection plan Open" in before
    assert "Subject to child protection plan Open" in after
    status, again = await settle(house, path, session)
    assert status == 422
    assert "Somebody has settled this incident already" in again
    async with house.browser(session) as browser:
        listed = words((await browser.get("/incidents")).text)
    assert "Nothing is being checked now." in listed
    assert "It was the right child" in listed
