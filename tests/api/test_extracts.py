"""The upload of an extract: what is refused before it is kept, what before it is loaded; what the report says, and to whom."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.extracts import REJECTS_ON_A_PAGE
from domain.actor import Role
from runtime.clock import ENGLAND, now
from safeguarding.extracts.upload_loading import load_next
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.api.reading import words
from tests.conftest import FreshDatabase
from tests.extracts.v3.files import a_file as a_v3_file
from tests.extracts.v3.files import child as v3_child
from tests.extracts.v3.files import plan as v3_plan
from tests.extracts.v3.files import record as v3_record

HEADER = "nhs_number,kind,start_date,end_date,delete_date,expected_delivery_date,given_name,family_name,birth_date,local_id"
GOOD = f"{HEADER}\n{nhs_number(1)},CPP,2026-01-05,,,,Jo,Harding,2019-03-03,A1\n"
BAD_LINE = "9990000019,CPP,2026-01-05,,,,<b>Kim</b>,Marsh,2018-03-03,A2\n"
JSON = "application/json, text/html"


async def officer(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority, "Dora Data")


async def send(house: House, content: str | None, *, accept: str = "text/html", session: str = "", **fields: str) -> httpx.Response:
    session = session or await officer(house)
    taken = (now() - timedelta(minutes=5)).astimezone(ENGLAND)
    form = {"day": str(taken.day), "month": str(taken.month), "year": str(taken.year), "time": f"{taken:%H:%M}", "scope": "partial"}
    form |= {"csrf": await house.token(session)} | fields
    files = {"file": ("extract.csv", content, "text/csv")} if content is not None else {"file": ("", b"")}
    async with house.browser(session) as browser:
        return await browser.post("/extracts", data=form, files=files, headers={"accept": accept})


async def load(house: House, answer: httpx.Response) -> str:
    """Let the loader load what was kept: the address to which the page of the upload leads on, or its own where it was refused."""
    assert answer.status_code == 303, answer.text
    while await load_next(house.database):
        pass
    async with house.browser(await officer(house)) as browser:
        followed = await browser.get(answer.headers["location"])
    return str(followed.headers.get("location", answer.headers["location"]))


async def test_without_the_token_nothing_is_kept(house: House) -> None:
    assert (await send(house, GOOD, csrf="wrong")).status_code == 403
    assert await house.rows("SELECT 1 FROM uploads") == []


@pytest.mark.parametrize(
    "content, fields, sentence",
    [
        (None, {}, "Choose the extract: a CSV, zip or XML file"),
        ("", {}, "The file is empty"),
        (GOOD, {"day": "31", "month": "2"}, "Enter the day and the time"),
        (GOOD, {"time": "half past six"}, "Enter the day and the time"),
        (GOOD, {"day": "", "month": "", "year": "", "time": ""}, "Enter the day and the time"),
        (GOOD, {"day": "1", "month": "1", "year": "2099"}, "The extract cannot have been taken in the future"),
        (GOOD, {"scope": ""}, "Say whether the extract holds every open plan, or only what changed"),
        (GOOD, {"scope": "everything"}, "Say whether the extract holds every open plan, or only what changed"),
        (GOOD, {"count_cpp": "many"}, "The number of CPP is a whole number, or nothing"),
        (GOOD, {"count_ucpp": "-1"}, "The number of UCPP is a whole number, or nothing"),
    ],
)
@pytest.mark.parametrize("accept", ["text/html", JSON])
async def test_a_form_that_is_not_clear_is_given_back_and_nothing_is_kept(
    house: House, content: str | None, fields: dict[str, str], sentence: str, accept: str
) -> None:
    answer = await send(house, content, accept=accept, **fields)
    assert answer.status_code == 422
    if accept == JSON:
        assert sentence in " ".join(answer.json()["errors"].values())
    else:
        assert f"There is a problem {sentence}" in words(answer.text)
        assert "<title>Error: Extracts" in answer.text
    assert await house.rows("SELECT 1 FROM uploads") == []


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("name,dob\nx,y\n", "The first line is not the header"),
        (HEADER + "\n", "The file has a header and no records"),
    ],
)
async def test_what_cannot_be_loaded_says_why_and_loads_nothing(house: House, content: str, sentence: str) -> None:
    where = await load(house, await send(house, content))
    async with house.browser(await officer(house)) as browser:
        page, listed = await browser.get(where), await browser.get("/extracts")
    assert "<title>Error: Extract refused" in page.text
    assert f"Nothing of this extract was loaded {sentence}" in words(page.text)
    assert f"Refused {sentence}" in words(listed.text)
    assert await house.rows("SELECT 1 FROM persons") == []
    assert await house.rows("SELECT 1 FROM upload_parts") == []


@pytest.mark.parametrize("accept", ["text/html", JSON])
async def test_a_file_beyond_the_limit_is_not_taken(
    fresh_database: FreshDatabase, redis_url: str, tmp_path: Path, accept: str
) -> None:
    async with open_house(fresh_database, redis_url, tmp_path, upload_max_bytes=1_000_000) as house:
        answer = await send(house, GOOD + "x" * 1_000_000, accept=accept)
        assert answer.status_code == 413
        assert "The file is larger than 1 MB" in answer.text
        assert await house.rows("SELECT 1 FROM uploads") == []


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


async def test_an_extract_is_on_disk_before_the_browser_is_told_so(house: House) -> None:
    answer = await send(house, GOOD)
    assert answer.status_code == 303
    assert await house.rows("SELECT state, came_by, actor_name FROM uploads") == [("waiting", "page", "Dora Data")]
    async with house.browser(await officer(house)) as browser:
        page = await browser.get(answer.headers["location"])
    assert "It is on disk, and waits for its turn." in words(page.text)
    assert page.headers["refresh"] == "3", "a browser without scripts comes again by itself"


async def test_a_good_extract_is_loaded_and_leads_on_to_its_report(house: House) -> None:
    where = await load(house, await send(house, GOOD))
    async with house.browser(await officer(house)) as browser:
        text = words((await browser.get(where)).text)
    assert "Records 1 Opened 1 Amended 0 Ended 0 Deleted 0 Unchanged 0 Rejected 0" in text
    assert "Every record was accepted." in text
    assert await house.rows("SELECT family_name, sensitive FROM persons") == [("Harding", False)]
    assert await house.rows("SELECT sent_by, state FROM extracts") == [("Dora Data", "loaded")]


async def test_the_same_file_sent_twice_is_one_upload(house: House) -> None:
    first, again = [await send(house, GOOD, time="06:30", day="1", month="3", year="2026") for _ in range(2)]
    assert first.headers["location"] == again.headers["location"]
    assert len(await house.rows("SELECT 1 FROM uploads")) == 1


async def test_the_time_it_was_taken_is_englands(house: House) -> None:
    await send(house, GOOD, day="1", month="7", year="2026", time="06:30")
    assert await house.rows("SELECT extracted_at AT TIME ZONE 'UTC' = '2026-07-01 05:30' FROM uploads") == [(True,)]


async def test_what_is_declared_is_kept_with_it(house: House) -> None:
    await send(house, GOOD, scope="full", count_cpp="1,204", count_lac="0")
    assert await house.rows("SELECT scope, declared FROM uploads") == [("full", {"CPP": 1204, "LAC": 0})]


async def test_an_xml_file_says_itself_when_it_was_taken(house: House) -> None:
    answer = await send(house, "<?xml version='1.0'?><File/>", day="", month="", year="", time="")
    assert answer.status_code == 303
    assert await house.rows("SELECT extracted_at FROM uploads") == [(None,)]


async def test_a_sensitive_extract_masks_everybody_in_it(house: House) -> None:
    await load(house, await send(house, GOOD, sensitive="yes"))
    assert await house.rows("SELECT sensitive FROM persons") == [(True,)]


async def test_rejected_records_are_shown_as_they_were_sent_and_reading_them_is_audited(house: House) -> None:
    where = await load(house, await send(house, GOOD + BAD_LINE))
    async with house.browser(await officer(house)) as browser:
        page = await browser.get(where)
    assert "Partly loaded" in words(page.text)
    assert "Where line 3 Field nhs_number" in words(page.text)
    assert "&lt;b&gt;Kim&lt;/b&gt;" in page.text
    assert len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'extract.read-rejects'")) == 1


async def test_many_rejected_records_are_shown_in_pages(house: House) -> None:
    where = await load(house, await send(house, GOOD + BAD_LINE * (REJECTS_ON_A_PAGE + 3)))
    async with house.browser(await officer(house)) as browser:
        first, second, beyond = [(await browser.get(where, params={"page": page})).text for page in (1, 2, 99)]
    assert (first.count("bad-nhs-number"), second.count("bad-nhs-number"), beyond.count("bad-nhs-number")) == (50, 3, 0)
    assert "page 2 of 2" in words(second)
    assert "There is no such page of rejected records." in words(beyond)


async def test_another_authoritys_upload_and_report_are_pages_that_do_not_exist(house: House) -> None:
    answer = await send(house, GOOD + BAD_LINE)
    where = await load(house, answer)
    async with house.browser(await officer(house, WESTLEA)) as browser:
        upload = answer.headers["location"].partition("?")[0]
        for path in (upload, f"{upload}/status", where):
            assert (await browser.get(path)).status_code == 404
        assert "None yet." in words((await browser.get("/extracts")).text)


async def test_a_browser_with_scripts_is_told_how_far_it_is_and_when_it_has_ended(house: House) -> None:
    answer = await send(house, GOOD, accept=JSON)
    assert answer.status_code == 202
    where = answer.json()["upload"]
    assert re.fullmatch(r"/extracts/uploads/[0-9a-f-]{36}", where)
    async with house.browser(await officer(house)) as browser:
        waiting = (await browser.get(f"{where}/status")).json()
        await house.rows(
            """
            UPDATE uploads SET state = 'loading', claimed_by = uuidv7(), lease_until = now(), step = 'applying', done = 1500,
                               total = 2300 RETURNING 1
            """
        )
        loading = (await browser.get(f"{where}/status")).json()
        assert await load_next(house.database)
        ended = (await browser.get(f"{where}/status")).json()
    assert (waiting["step"], waiting["has_ended"]) == ("waiting", False)
    assert (loading["done"], loading["total"], loading["words"]) == (1500, 2300, "Applying: 1,500 of 2,300 records.")
    assert ended["has_ended"]


async def test_a_national_uploads_response_file_is_its_own_authoritys_alone(house: House) -> None:
    content = a_v3_file(v3_record(v3_child(nhs_number(1)), v3_plan()), sender=NORTHMOOR)
    where = await load(house, await send(house, content.decode()))
    async with house.browser(await officer(house)) as browser:
        page, response = await browser.get(where), await browser.get(f"{where}/response")
    assert f'href="{where}/response"' in page.text
    assert (response.status_code, response.headers["content-type"]) == (200, "application/xml")
    assert response.headers["content-disposition"].startswith("attachment")
    assert "CPR06" in response.text
    async with house.browser(await officer(house, WESTLEA)) as browser:
        assert (await browser.get(f"{where}/response")).status_code == 404
    assert len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'extract.read-response'")) == 1


async def test_a_full_extract_says_what_it_did_not_name_and_what_differs_from_what_was_declared(house: House) -> None:
    await house.flag(nhs_number(7))
    for change in ("authorities SET last_extracted_at", "extracts SET extracted_at", "flags SET last_confirmed_at"):
        await house.rows(f"UPDATE {change} = now() - interval '1 day' RETURNING 1")
    where = await load(house, await send(house, GOOD, scope="full", count_cpp="9"))
    async with house.browser(await officer(house)) as browser:
        text = words((await browser.get(where)).text)
    assert "all that is held, by the page" in text
    assert "Not in this extract 1" in text
    assert "You say that you hold 9 open plans of kind CPP; after this extract 2 are held." in text


async def test_an_older_extract_is_refused_in_words(house: House) -> None:
    await load(house, await send(house, GOOD))
    where = await load(house, await send(house, GOOD.replace("A1", "A9"), year="2025", day="1", month="1"))
    async with house.browser(await officer(house)) as browser:
        page = await browser.get(where)
    assert "This authority has already sent a newer extract; nothing was loaded" in words(page.text)
