"""Reading the pages as a person does, for the tests."""

import re
from uuid import UUID

import httpx

from domain.actor import Role
from tests.api.house import House


async def clinician(house: House) -> str:
    """A session of a clinician at St Agnes."""
    return await house.sign_in(Role.CLINICIAN, "R0A", "Carla Clinician")


async def details(house: House, encounter: UUID, path: str = "details", **form: str) -> httpx.Response:
    """The banner's details, as a clinician at St Agnes opens them."""
    session = await clinician(house)
    async with house.browser(session) as browser:
        return await browser.post(f"/encounters/{encounter}/{path}", data={"csrf": await house.token(session)} | form)


def heading(page: str) -> tuple[str, str]:
    """The kind of an answer's band, and its words."""
    found = re.search(r'nl-answer--([a-z-]+)".*?<h1[^>]*>(.*?)</h1>', page, re.DOTALL)
    assert found is not None
    return found.group(1), found.group(2)


def words(page: str) -> str:
    """The text of a page's main part, in which no markup stands as text."""
    assert not re.search(r"&lt;/?(?:a|code|p|span|strong)\b", page)
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1].split(">", 1)[1].split("</main", maxsplit=1)[0]).split())
