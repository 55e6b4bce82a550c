"""The pages of the onboarding: who may see whom, what is refused, and the steps that two people take."""

from datetime import timedelta

import psycopg
import pytest

from domain.actor import Role
from runtime.clock import england_day, now
from tests.api.house import HARBOUR, NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number
from tests.api.reading import words
from tests.api.test_refusals import missing_page
from tests.conftest import FreshDatabase

AUTHORITY, SITE = f"/onboarding/authorities/{NORTHMOOR}", f"/onboarding/sites/{ST_AGNES}"
AGREEMENTS = "/onboarding/agreements"
AGREEMENT = {
    "party": f"authority {NORTHMOOR}", "title": "Sharing 2026", "controllers": "Northmoor; St Agnes", "processor": "Operator",
    "purpose": "Direct care", "lawful_basis": "Children Act 2004 s11", "contact": "dpo@706.example", "starts-day": "1",
    "starts-month": "1", "starts-year": "2026", "ends-day": "", "ends-month": "", "ends-year": "", "fields": ["arrival", "site"],
}  # fmt: skip


async def iggy(house: House, name: str = "Iggy Marlowe") -> str:
    return await house.sign_in(Role.INFORMATION_GOVERNANCE, "nightlight", name)


async def dora(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority, "Dora Lindqvist")


async def read(house: House, session: str, path: str) -> str:
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200
    return words(answer.text)


async def post(house: House, session: str, path: str, **form: object) -> tuple[int, str]:
    """The status, and the words of the page that came with it or that it led to."""
    async with house.browser(session) as browser:
        answer = await browser.post(path, data={"csrf": await house.token(session)} | form)
        if answer.status_code == 303:
            return 303, words((await browser.get(answer.headers["location"])).text)
    return answer.status_code, words(answer.text)


@pytest.fixture
def production(fresh_database: FreshDatabase, house: House) -> House:
    """From now on a store of real people, in which nothing is shared yet."""
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE store SET kind = 'production'")
        owner.execute("UPDATE authorities SET state = 'trial'")
        owner.execute("UPDATE sites SET state = 'trial'")
    return house


# Who may see what


@pytest.mark.parametrize("path", ["/onboarding", AUTHORITY, SITE, AGREEMENTS])
async def test_anonymous_people_are_sent_to_sign_in(house: House, path: str) -> None:
    async with house.browser() as browser:
        assert (await browser.get(path)).headers["location"] == f"/sign-in?next={path}"
        if path != "/onboarding":
            assert (await browser.post(path, data={"csrf": "x"})).status_code == 401


@pytest.mark.parametrize(
    "role,organisation", [(Role.CLINICIAN, "R0A"), (Role.SITE_SAFEGUARDING, "R0A"), (Role.SOCIAL_WORKER, NORTHMOOR)]
)
async def test_other_roles_find_no_such_page(house: House, role: Role, organisation: str) -> None:
    session = await house.sign_in(role, organisation)
    missing = await missing_page(house, session)
    async with house.browser(session) as browser:
        for path in ("/onboarding", AUTHORITY, SITE, AGREEMENTS):
            answer = await browser.get(path)
            assert (answer.status_code, answer.text.split("<main")[1]) == missing


@pytest.mark.parametrize("path", [f"/onboarding/authorities/{WESTLEA}", SITE, AGREEMENTS, "/onboarding/trusts/R0A"])
async def test_a_data_officer_sees_and_moves_the_own_authority_alone(house: House, path: str) -> None:
    session = await dora(house)
    missing = await missing_page(house, session)
    form = {"csrf": await house.token(session), "action": "move", "value": "paused"}
    async with house.browser(session) as browser:
        for answer in (await browser.get(path), await browser.post(path, data=form)):
            assert (answer.status_code, answer.text.split("<main")[1]) == missing
    assert "Westlea" not in await read(house, session, "/onboarding")
    assert await house.rows("SELECT 1 FROM authorities WHERE state <> 'live'") == []


@pytest.mark.parametrize("path", ["/onboarding/authorities/999", "/onboarding/sites/R0Z99", f"/onboarding/sites/{NORTHMOOR}"])
async def test_a_party_that_is_not_there_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    session = await iggy(house)
    missing = await missing_page(house, session)
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.text.split("<main")[1]) == missing


@pytest.mark.parametrize("path", [AUTHORITY, AGREEMENTS])
async def test_a_form_that_is_not_ours_does_nothing(house: House, path: str) -> None:
    session = await iggy(house)
    async with house.browser(session) as browser:
        assert (await browser.post(path, data={"csrf": "x", "action": "move", "value": "paused"})).status_code == 403
    assert await house.rows("SELECT 1 FROM authorities WHERE state <> 'live'") == []


# What is refused


@pytest.mark.parametrize(
    "form,said",
    [
        ({"action": "dance"}, "Choose what to do"),
        ({"action": "move", "value": "moon"}, "Choose what to do"),
        ({"action": "rang", "value": "fax"}, "Choose what to do"),
        ({"action": "rang", "value": "safeguarding-phone"}, "has no safeguarding phone"),
        ({"action": "totals"}, "Enter how many open plans of kind CPP"),
        ({"action": "totals", "CPP": "1", "LAC": "-1", "UCPP": "0"}, "Enter how many open plans of kind LAC"),
        ({"action": "totals", "CPP": "1", "LAC": "0", "UCPP": "0"}, "has loaded no extract"),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_said_and_changes_nothing(house: House, form: dict[str, str], said: str) -> None:
    status, page = await post(house, await dora(house), AUTHORITY, **form)
    assert status == 422
    assert "There is a problem" in page
    assert said in page
    assert await house.rows("SELECT 1 FROM onboarding_checks UNION ALL SELECT 1 FROM state_requests") == []


async def test_nothing_was_asked_for_so_nothing_is_taken_back(house: House) -> None:
    session = await iggy(house)
    async with house.browser(session) as browser:
        answer = await browser.post(AUTHORITY, data={"csrf": await house.token(session), "action": "withdraw"})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", [AUTHORITY, SITE])
async def test_in_production_nobody_goes_live_past_the_conditions_whatever_form_is_sent(production: House, path: str) -> None:
    session = await iggy(production)
    page = await read(production, session, path)
    assert "Agreement in force Met To do" in page
    assert "Ask for: Live" not in page
    status, refused = await post(production, session, path, action="move", value="live")
    assert status == 422
    assert "cannot be live yet. Missing: Agreement in force" in refused


@pytest.mark.parametrize(
    "changes,said",
    [
        ({"party": ""}, "Choose with whom it is agreed"),
        ({"party": "authority 999"}, "There is no authority 999"),
        ({"title": " "}, "Enter what the agreement is called"),
        ({"contact": ""}, "Enter whom a subject access request goes to"),
        ({"starts-day": "31", "starts-month": "2"}, "Enter its first day"),
        ({"ends-day": "1"}, "Enter its last day"),
        ({"ends-day": "1", "ends-month": "1", "ends-year": "2025"}, "must be on or after its first"),
        ({"fields": ["diagnosis"]}, "is no field that may leave"),
    ],
    ids=str,
)
async def test_an_agreement_that_says_too_little_is_refused_beside_the_field(
    house: House, changes: dict[str, object], said: str
) -> None:
    status, page = await post(house, await iggy(house), AGREEMENTS, **AGREEMENT | changes)
    if "999" in str(changes):
        assert (status, await house.rows("SELECT 1 FROM agreements")) == (404, [])
        return
    assert status == 422
    assert said in page
    assert await house.rows("SELECT 1 FROM agreements") == []


# The good case


async def test_two_people_take_an_authority_live_and_a_site_too(production: House) -> None:
    house, governor, officer = production, await iggy(production), await dora(production)
    assert (await post(house, governor, AGREEMENTS, **AGREEMENT))[0] == 303
    await house.flag(nhs_number(1))
    await house.rows("UPDATE extracts SET records = 1 RETURNING 1")
    await house.rows("UPDATE authorities SET data_email = 'd@706.example', alert_email = 'a@706.example' RETURNING 1")
    for phone in ("office-phone", "emergency-phone"):
        assert "rang 020 7946" in (await post(house, governor, AUTHORITY, action="rang", value=phone))[1]
    status, page = await post(house, officer, AUTHORITY, action="totals", CPP="2", LAC="0", UCPP="0")
    assert (status, "CPP: the authority has 2, here are 1" in page) == (422, True)
    assert (await post(house, officer, AUTHORITY, action="totals", CPP="1", LAC="0", UCPP="0"))[0] == 303
    status, page = await post(house, officer, AUTHORITY, action="move", value="live")
    assert (status, "You asked for this. It waits for somebody else." in page) == (303, True)
    assert "Confirm: Live" not in page
    status, page = await post(house, officer, AUTHORITY, action="move", value="live")
    assert (status, "somebody else must confirm it" in page) == (422, True)
    assert "A second person Dora Lindqvist asked for “Live”" in await read(house, governor, "/onboarding")
    assert "Confirm: Live" in await read(house, governor, AUTHORITY)
    assert (await post(house, governor, AUTHORITY, action="move", value="live"))[0] == 303
    assert await house.rows("SELECT state FROM authorities WHERE code = %s", NORTHMOOR) == [("live",)]


async def test_what_was_asked_for_can_be_taken_back(production: House) -> None:
    await production.rows("UPDATE sites SET state = 'live' RETURNING 1")
    governor = await iggy(production)
    assert (await post(production, governor, SITE, action="move", value="trial"))[0] == 303
    status, page = await post(production, governor, SITE, action="withdraw")
    assert (status, "Asked for Iggy" in page) == (303, False)
    assert await production.rows("SELECT decision FROM state_requests") == [("withdrawn",)]


async def test_a_test_store_shows_the_same_conditions_and_goes_all_the_same(house: House) -> None:
    governor = await iggy(house)
    page = await read(house, governor, SITE)
    assert "Agreement in force Met To do" in page
    assert "This is a test store: one person is enough." in page
    assert (await post(house, governor, SITE, action="move", value="paused"))[0] == 303
    assert await house.rows("SELECT ods_code, state FROM sites ORDER BY ods_code") == [(ST_AGNES, "paused"), (HARBOUR, "live")]


async def test_an_agreement_that_runs_out_is_said_where_it_is_mended(house: House) -> None:
    governor, last = await iggy(house), england_day(now()) + timedelta(days=9)
    ends = {"ends-day": str(last.day), "ends-month": str(last.month), "ends-year": str(last.year)}
    status, page = await post(house, governor, AGREEMENTS, **AGREEMENT | ends)
    assert (status, "Sharing 2026 Runs out in 9 days" in page) == (303, True)
    assert "when the child arrived and left, the name of the site" in page
    for session in (governor, await dora(house)):
        assert f"The agreement with authority {NORTHMOOR} runs out in 9 days." in await read(house, session, "/onboarding")
    assert "runs out" not in await read(house, await dora(house, WESTLEA), "/onboarding")
    [(agreement,)] = await house.rows("SELECT id FROM agreements")
    status, page = await post(house, governor, f"{AGREEMENTS}/{agreement}/end", reason="")
    assert (status, "Say why the agreement ends" in page) == (422, True)
    status, page = await post(house, governor, f"{AGREEMENTS}/{agreement}/end", reason="Replaced")
    assert (status, "Ended by Iggy Marlowe: Replaced" in page) == (303, True)


@pytest.mark.parametrize("state,said", [("setting-up", "Setting up"), ("trial", "On trial"), ("paused", "Paused")])
async def test_the_pages_of_a_site_that_is_not_live_say_so_first(house: House, state: str, said: str) -> None:
    await house.rows("UPDATE sites SET state = %s WHERE ods_code = %s RETURNING 1", state, ST_AGNES)
    await house.read_anew()
    session = await house.sign_in(Role.SITE_SAFEGUARDING, "R0A")
    for path in ("/boards", f"/sites/{ST_AGNES}/board", f"/sites/{ST_AGNES}/day"):
        page = await read(house, session, path)
        assert f"{said} St Agnes Hospital is not live in Nightlight." in page
    other = await house.sign_in(Role.SITE_SAFEGUARDING, "R0B")
    assert "is not live" not in await read(house, other, f"/sites/{HARBOUR}/board")


async def test_the_banner_of_a_site_on_trial_says_that_nobody_is_told(house: House) -> None:
    await house.rows("UPDATE sites SET state = 'trial' WHERE ods_code = %s RETURNING 1", ST_AGNES)
    await house.read_anew()
    encounter = await house.seen(nhs_number(9))
    session = await house.sign_in(Role.CLINICIAN, "R0A")
    status, page = await post(house, session, f"/encounters/{encounter}/details")
    assert status == 200
    assert "This site is on trial in Nightlight: nobody is told of this visit." in page


async def test_an_agreement_that_runs_out_is_a_reason_of_ready_and_a_metric(house: House) -> None:
    last = england_day(now()) - timedelta(days=3)
    ends = {"ends-day": str(last.day), "ends-month": str(last.month), "ends-year": str(last.year)}
    said = f"the agreement with authority {NORTHMOOR} has run out"
    async with house.browser() as browser:
        assert said not in (await browser.get("/ready")).json()["reasons"]
        assert "nightlight_agreement_days{" not in (await browser.get("/metrics")).text
        await post(house, await iggy(house), AGREEMENTS, **AGREEMENT | ends)
        answer = await browser.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert said in answer.json()["reasons"]
        assert f'nightlight_agreement_days{{party="authority {NORTHMOOR}"}} -3.0' in (await browser.get("/metrics")).text
