"""The navigation: each role finds its own pages and no other's, sees where it is, and strangers find none."""

import re

import pytest

from api.navigation import HOMES, PLACES, navigation
from domain.actor import Role
from tests.api.house import House, nhs_number
from tests.api.test_refusals import NOBODYS, PAGES, THEIRS

LINK = re.compile(r'<a class="nhsuk-header__navigation-link" href="([^"]*)"( aria-current="(page|true)")?>')


async def links(house: House, session: str, path: str) -> dict[str, str]:
    """Where the navigation of a page leads, and how each is marked."""
    async with house.browser(session) as browser:
        return {href: marked for href, _, marked in LINK.findall((await browser.get(path)).text)}


@pytest.mark.parametrize("path", ["/signed-out", "/there-is-no-such-page"])
async def test_strangers_are_led_nowhere(house: House, path: str) -> None:
    assert await links(house, "", path) == {}


@pytest.mark.parametrize("who", THEIRS)
async def test_each_role_is_led_to_its_own_pages_which_are_there_and_say_where_one_is(house: House, who: tuple[Role, str]) -> None:
    session = await house.sign_in(*who)
    for path in THEIRS[who]:
        found = await links(house, session, path)
        assert set(found) == THEIRS[who]
        assert [each for each, marked in found.items() if marked == "page"] == [path]


async def test_a_page_that_one_reaches_through_another_marks_that_one(house: House) -> None:
    encounter = await house.seen(nhs_number(1))
    session = await house.sign_in(Role.SITE_SAFEGUARDING, "R0A")
    found = await links(house, session, f"/encounters/{encounter}")
    assert {path for path, marked in found.items() if marked == "true"} == {"/encounters"}


@pytest.mark.parametrize(
    "role, path, marked",
    [
        (Role.SOCIAL_WORKER, f"/alerts/{NOBODYS}", ["/worklist"]),
        (Role.SOCIAL_WORKER, "/worklists", []),
        (Role.SOCIAL_WORKER, "/", []),
        (Role.CLINICIAN, "/quarantine", []),
        (Role.SITE_SAFEGUARDING, "/sites/R0A01/rules", ["/rules"]),
        (Role.CLINICIAN, "/sites/R0A01/board", ["/boards"]),
        (Role.CLINICIAN, "/sites/R0A01/day", []),
        (Role.SITE_SAFEGUARDING, "/sites/R0A01/day", ["/boards"]),
        (Role.SITE_SAFEGUARDING, "/sites/R0A01", []),
    ],
)
def test_what_is_marked_follows_from_the_address_and_the_role(role: Role, path: str, marked: list[str]) -> None:
    assert [each["href"] for each in navigation(role, path) if each["active"]] == marked


def test_every_role_begins_at_a_page_of_its_own() -> None:
    assert set(HOMES) == set(Role)
    assert {place.path for place in PLACES} == set(PAGES), "tests/api/test_refusals.py asks each of them as every role"
