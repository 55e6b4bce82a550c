"""The access review: whose it is, what a search finds, that no patient comes back, and that every search is written down."""

import csv
import io
from datetime import timedelta

import httpx
import pytest

from api.access_form import read_typed
from api.access_words import BREAK_GLASS
from domain.actor import Role
from domain.encounter import TriggerEvent
from runtime.clock import now
from safeguarding.trail_signs import OFTEN
from tests.api.house import NORTHMOOR, House, nhs_number
from tests.api.reading import details, words
from tests.api.test_refusals import missing_page

CHILD, OTHER = nhs_number(1), nhs_number(2)
PAGE, CSV = "/access-review", "/access-review.csv"


async def lead(house: House) -> str:
    return await house.sign_in(Role.INFORMATION_GOVERNANCE, "nightlight", "Iggy Lead")


async def post(house: House, path: str = PAGE, **form: str) -> httpx.Response:
    session = await lead(house)
    async with house.browser(session) as browser:
        return await browser.post(path, data={"csrf": await house.token(session)} | form)


async def found(house: House, **form: str) -> str:
    """The part of the page that holds what was found."""
    answer = await post(house, **form)
    assert answer.status_code == 200
    text = words(answer.text)
    return text[text.index(" Search ") :]


async def lines(house: House, **form: str) -> list[dict[str, str]]:
    answer = await post(house, CSV, **form)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("path", [PAGE, CSV])
async def test_anonymous_forms_do_nothing(house: House, path: str) -> None:
    async with house.browser() as browser:
        assert (await browser.post(path, data={"csrf": "x", "number": CHILD})).status_code == 401


@pytest.mark.parametrize("path", [PAGE, CSV])
@pytest.mark.parametrize(
    "who",
    [
        (Role.CLINICIAN, "R0A"),
        (Role.SITE_SAFEGUARDING, "R0A"),
        (Role.SOCIAL_WORKER, NORTHMOOR),
        (Role.DATA_OFFICER, NORTHMOOR),
    ],
)
async def test_to_other_roles_the_review_does_not_exist(house: House, who: tuple[Role, str], path: str) -> None:
    session = await house.sign_in(*who)
    async with house.browser(session) as browser:
        answer = await browser.post(path, data={"csrf": await house.token(session), "number": CHILD})
    assert (answer.status_code, answer.text.split("<main")[1]) == await missing_page(house, session)
    assert await house.rows("SELECT 1 FROM audit_events WHERE action = 'accesses.review'") == []


async def test_a_search_without_the_sessions_token_does_nothing(house: House) -> None:
    async with house.browser(await lead(house)) as browser:
        assert (await browser.post(PAGE, data={"csrf": "x", "number": CHILD})).status_code == 403
    assert await house.rows("SELECT 1 FROM audit_events WHERE action = 'accesses.review'") == []


@pytest.mark.parametrize(
    "form, error",
    [
        ({"number": "999 000 0019"}, "Enter an NHS number of 10 digits"),
        ({"number": "HARDING"}, "Enter an NHS number of 10 digits"),
        ({"since": "3 March"}, "Enter a day, such as 2026-03-03"),
        ({"until": "2026-02-30"}, "Enter a day, such as 2026-03-03"),
        ({"since": "2026-03-04", "until": "2026-03-03"}, "The last day must be on or after the first"),
    ],
)
@pytest.mark.parametrize("path", [PAGE, CSV])
async def test_what_cannot_be_searched_for_is_said_and_nothing_is_listed(
    house: House, path: str, form: dict[str, str], error: str
) -> None:
    await house.seen(CHILD)
    answer = await post(house, path, **form)
    assert answer.status_code == 422
    assert error in words(answer.text)
    assert "St Agnes PAS" not in answer.text
    assert await house.rows("SELECT 1 FROM audit_events WHERE action = 'accesses.review'") == []


async def test_a_number_finds_looks_that_found_nothing_and_never_another_patients(house: House) -> None:
    await house.seen(CHILD)
    await house.seen(OTHER, site="R0B01")
    rows = await lines(house, number="999 000 0018")
    assert [(row["Who"], row["Outcome"]) for row in rows[:-1]] == [("St Agnes PAS", "none known")]


async def test_nothing_found_is_said(house: House) -> None:
    assert "Nothing. Nobody did what you searched for." in await found(house, number=str(CHILD))


async def test_no_patient_comes_back_and_the_number_is_in_no_address(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    await details(house, encounter)
    answer = await post(house, who="Carla")
    assert "Carla Clinician" in answer.text
    for secret in ("HARDING", str(CHILD), "999 000", str(encounter)):
        assert secret not in answer.text
    by_number = await post(house, number=str(CHILD))
    assert str(CHILD) not in str(by_number.url)
    assert "HARDING" not in by_number.text


@pytest.mark.parametrize(
    "form, who",
    [
        ({"who": "carla"}, {"Carla Clinician"}),
        ({"who": "sub-Carla Clinician"}, {"Carla Clinician"}),
        ({"who": "pas"}, {"St Agnes PAS"}),
        ({"organisation": "R0A"}, {"Carla Clinician", "St Agnes PAS"}),
        ({"organisation": "R0B"}, set()),
        ({"since": "2020-01-01", "until": "2020-01-02"}, set()),
        ({"until": "2999-01-01"}, {"Carla Clinician", "St Agnes PAS"}),
    ],
)
async def test_the_review_is_searched_by_who_organisation_and_day(house: House, form: dict[str, str], who: set[str]) -> None:
    await house.flag(CHILD)
    await details(house, await house.seen(CHILD))
    assert {row["Who"] for row in (await lines(house, **form))[:-1]} == who


async def test_the_last_day_is_in_the_search_and_the_day_after_is_not(house: House) -> None:
    typed = read_typed({"since": "2026-03-29", "until": "2026-03-29"})
    assert typed.search.since is not None
    assert typed.search.until is not None
    assert typed.search.until.timestamp() - typed.search.since.timestamp() == 23 * 3600, "the clocks go forward"


async def test_broken_glass_is_among_the_looks_with_its_reason_and_a_mark(house: House) -> None:
    await house.flag(CHILD, sensitive=True)
    await details(house, await house.seen(CHILD), "break-glass", reason="injured, must ring now")
    text = await found(house)
    assert "Broke the glass" in text
    assert "reason injured, must ring now" in text
    assert "Glass broken" in text
    assert "Session start" not in text
    assert "Session start" in await found(house, show="changes")


async def test_who_looks_often_at_one_person_is_marked(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    for _ in range(OFTEN - 1):
        await details(house, encounter)
    assert "times in 30 days" not in await found(house, who="carla")
    await details(house, encounter)
    assert f"Looked at this person {OFTEN} times in 30 days" in await found(house, who="carla")
    assert "times in 30 days" not in await found(house, who="pas")


async def test_a_look_without_an_encounter_in_unscheduled_care_is_marked(house: House) -> None:
    await house.rows("UPDATE sites SET lookups_alert = false RETURNING 1")
    await house.rows(
        """
        INSERT INTO accesses (occurred_at, actor_kind, actor_id, actor_name, actor_role, organisation, purpose, trigger_event,
                              care_setting, in_history, outcome)
        SELECT %s, 'system', 'app', 'Ward app', '555', 'R0A', 'direct-care', %s, setting, false, 'none-known'
        FROM unnest(ARRAY['emergency-department', 'gp']) AS setting RETURNING 1
        """,
        now(),
        TriggerEvent.LOOKUP,
    )
    rows = await lines(house)
    assert [(row["Where and why"], row["Role"], row["To look at"]) for row in rows[:-1]] == [
        ("GP, direct care", "user 555", ""),
        ("Emergency department, direct care", "user 555", "No encounter at the time"),
    ]


async def test_further_back_goes_on_where_the_page_ended_with_the_same_search(house: House) -> None:
    await house.rows(
        """
        INSERT INTO accesses (occurred_at, actor_kind, actor_id, actor_name, actor_role, organisation, purpose, trigger_event,
                              care_setting, in_history, outcome)
        SELECT %s::timestamptz + number * interval '1 second', 'system', 'app', 'Row ' || number || '.', '', 'R0A', 'direct-care',
               'lookup', 'gp', false, 'none-known'
        FROM generate_series(1, 130) AS number RETURNING 1
        """,
        now() - timedelta(days=1),
    )
    await house.seen(CHILD)
    first = await post(house, who="row")
    assert "Found (100 on this page)" in words(first.text)
    before = first.text.split('name="before" value="')[1].split('"')[0]
    second = words((await post(house, who="row", before=before)).text)
    assert "Found, further back (30 on this page)" in second
    assert "Row 30." in second
    assert "Row 31." not in second
    assert "St Agnes PAS" not in second
    rows = await lines(house, who="row", before=before)
    assert len(rows) == 131, "the file begins with the newest"
    assert rows[-1]["When"] == "This file"


async def test_every_search_and_every_file_is_written_down_without_the_number(house: House) -> None:
    await house.flag(CHILD)
    await post(house, number=str(CHILD), who="carla")
    await post(house, CSV, organisation="R0A")
    written = await house.rows(
        "SELECT actor_name, subject_type, detail ->> 'by' FROM audit_events WHERE action = 'accesses.review' ORDER BY id"
    )
    assert written == [("Iggy Lead", "person", "patient agent"), ("Iggy Lead", "accesses", "organisation")]
    assert str(CHILD) not in str(await house.rows("SELECT detail, subject_id FROM audit_events"))


async def test_with_the_store_away_nothing_is_said_to_have_been_found(house: House) -> None:
    session = await lead(house)
    token = await house.token(session)
    async with house.browser(session) as browser, house.store_away():
        answer = await browser.post(PAGE, data={"csrf": token, "number": str(CHILD)})
    assert answer.status_code == 503
    assert "Nobody did what you searched for" not in answer.text


async def test_a_name_that_a_spreadsheet_would_calculate_is_made_harmless(house: House) -> None:
    await house.sign_in(Role.CLINICIAN, "R0A", "=1+1")
    rows = await lines(house, show="changes", who="=1")
    assert {row["Who"] for row in rows[:-1]} == {"'=1+1"}


def test_without_a_word_the_newest_looks_are_asked_for() -> None:
    typed = read_typed({})
    assert (typed.search.looks, typed.search.action, typed.search.asked, typed.errors) == (True, BREAK_GLASS, "nothing", {})
