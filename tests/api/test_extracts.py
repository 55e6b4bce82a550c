"""The upload of an extract: what is refused before it is read, what the report says, who may read it."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.extracts import REJECTS_ON_A_PAGE
from domain.actor import Role
from runtime.clock import ENGLAND, now
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.api.reading import words
from tests.conftest import FreshDatabase

HEADER = "nhs_number,kind,start_date,end_date,delete_date,expected_delivery_date,given_name,family_name,birth_date,local_id"
GOOD = f"{HEADER}\n{nhs_number(1)},CPP,2026-01-05,,,,Jo,Harding,2019-03-03,A1\n"
BAD_LINE = "9990000019,CPP,2026-01-05,,,,<b>Kim</b>,Marsh,2018-03-03,A2\n"
LINES = "application/x-ndjson, text/html"


async def officer(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority, "Dora Data")


async def send(house: House, content: str | None, *, accept: str = "text/html", session: str = "", **fields: str) -> httpx.Response:
    session = session or await officer(house)
    taken = (now() - timedelta(minutes=5)).astimezone(ENGLAND)
    form = {"day": str(taken.day), "month": str(taken.month), "year": str(taken.year), "time": f"{taken:%H:%M}"}
    form |= {"csrf": await house.token(session)} | fields
    files = {"file": ("extract.csv", content, "text/csv")} if content is not None else {"file": ("", b"")}
    async with house.browser(session) as browser:
        return await browser.post("/extracts", data=form, files=files, headers={"accept": accept})


async def test_without_the_token_nothing_is_loaded(house: House) -> None:
    assert (await send(house, GOOD, csrf="wrong")).status_code == 403
    assert await house.rows("SELECT 1 FROM extracts") == []


@pytest.mark.parametrize(
    "content, fields, sentence",
    [
        (None, {}, "Choose the extract, a CSV file"),
        (GOOD, {"day": "31", "month": "2"}, "Enter the day and the time"),
        (GOOD, {"time": "half past six"}, "Enter the day and the time"),
        (GOOD, {"year": "2099"}, "The extract cannot have been taken in the future"),
        ("", {}, "The file is empty."),
        ("name,dob\nx,y\n", {}, "The first line is not the header"),
        (HEADER + "\n", {}, "The file has a header and no records"),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", LINES])
async def test_what_cannot_be_loaded_says_why_and_loads_nothing(
    house: House, content: str | None, fields: dict[str, str], sentence: str, accept: str
) -> None:
    answer = await send(house, content, accept=accept, **fields)
    if accept == LINES:
        assert sentence in " ".join(json.loads(answer.text.splitlines()[-1])["errors"].values())
    else:
        assert answer.status_code == 422
        assert f"There is a problem {sentence}" in words(answer.text)
        assert "<title>Error: Extracts" in answer.text
    assert await house.rows("SELECT 1 FROM persons") == []


@pytest.mark.parametrize("accept", ["text/html", LINES])
async def test_a_file_beyond_the_limit_is_not_taken(
    fresh_database: FreshDatabase, redis_url: str, tmp_path: Path, accept: str
) -> None:
    async with open_house(fresh_database, redis_url, tmp_path, upload_max_bytes=1_000_000) as house:
        answer = await send(house, GOOD + "x" * 1_000_000, accept=accept)
        assert answer.status_code == 413
        assert "The file is larger than 1 MB" in answer.text
        assert await house.rows("SELECT 1 FROM extracts") == []


async def test_a_body_that_hides_its_length_is_cut_off_at_the_limit(
    fresh_database: FreshDatabase, redis_url: str, tmp_path: Path
) -> None:
    async with open_house(fresh_database, redis_url, tmp_path, upload_max_bytes=1_000_000) as house:
        session = await officer(house)

        async def endless() -> AsyncIterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
            for _ in range(200):
                yield b"x" * 10_000

        async with house.browser(session) as browser:
            headers = {"content-type": "multipart/form-data; boundary=x"}
            answer = await browser.post("/extracts", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_a_good_extract_is_loaded_and_its_report_is_the_reply(house: House) -> None:
    answer = await send(house, GOOD)
    assert answer.status_code == 303
    async with house.browser(await officer(house)) as browser:
        text = words((await browser.get(answer.headers["location"])).text)
    assert "Records 1 Opened 1 Amended 0 Ended 0 Deleted 0 Unchanged 0 Rejected 0" in text
    assert "Every record was accepted." in text
    assert await house.rows("SELECT family_name, sensitive FROM persons") == [("Harding", False)]
    assert await house.rows("SELECT sent_by, state FROM extracts") == [("Dora Data", "loaded")]


async def test_the_time_it_was_taken_is_englands(house: House) -> None:
    await send(house, GOOD, day="1", month="7", year="2026", time="06:30")
    assert await house.rows("SELECT extracted_at AT TIME ZONE 'UTC' = '2026-07-01 05:30' FROM extracts") == [(True,)]


async def test_a_sensitive_extract_masks_everybody_in_it(house: House) -> None:
    await send(house, GOOD, sensitive="yes")
    assert await house.rows("SELECT sensitive FROM persons") == [(True,)]


async def test_rejected_records_are_shown_as_they_were_sent_and_reading_them_is_audited(house: House) -> None:
    answer = await send(house, GOOD + BAD_LINE)
    async with house.browser(await officer(house)) as browser:
        page = await browser.get(answer.headers["location"])
    assert "Partly loaded" in words(page.text)
    assert "Line 3 Field nhs_number" in words(page.text)
    assert "&lt;b&gt;Kim&lt;/b&gt;" in page.text
    assert len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'extract.read-rejects'")) == 1


async def test_many_rejected_records_are_shown_in_pages(house: House) -> None:
    answer = await send(house, GOOD + BAD_LINE * (REJECTS_ON_A_PAGE + 3))
    async with house.browser(await officer(house)) as browser:
        first, second, beyond = [(await browser.get(answer.headers["location"], params={"page": page})).text for page in (1, 2, 99)]
    assert (first.count("bad-nhs-number"), second.count("bad-nhs-number"), beyond.count("bad-nhs-number")) == (50, 3, 0)
    assert "page 2 of 2" in words(second)
    assert "There is no such page of rejected records." in words(beyond)


async def test_another_authoritys_report_is_the_page_that_does_not_exist(house: House) -> None:
    where = (await send(house, GOOD + BAD_LINE)).headers["location"]
    async with house.browser(await officer(house, WESTLEA)) as browser:
        assert (await browser.get(where)).status_code == 404
        assert "None yet." in words((await browser.get("/extracts")).text)


async def test_a_browser_with_scripts_is_told_how_far_it_is_and_where_the_report_is(house: House) -> None:
    records = "".join(f"{nhs_number(n)},CPP,2026-01-05,,,,Jo,Harding,2019-03-03,A{n}\n" for n in range(10, 700, 3))
    answer = await send(house, f"{HEADER}\n{records}", accept=LINES)
    steps = [json.loads(line) for line in answer.text.splitlines()]
    assert steps[0]["step"] == "reading"
    assert [step["total"] for step in steps if step.get("step") == "applying"][-1] == 230
    assert re.fullmatch(r"/extracts/[0-9a-f-]{36}", steps[-1]["report"])


async def test_an_older_extract_is_refused_in_words(house: House) -> None:
    await send(house, GOOD)
    answer = await send(house, GOOD.replace("A1", "A9"), year="2025", day="1", month="1")
    assert answer.status_code == 422
    assert "This authority has already sent a newer extract; nothing was loaded" in words(answer.text)
