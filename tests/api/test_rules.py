"""The page of a site's rules: who may see it, what it refuses to try, and what it says of a message."""

import re

import pytest

from domain.actor import Role
from domain.care_setting import CareSetting
from runtime.clock import now
from safeguarding.care_settings import DEFAULT_RULES
from safeguarding.outbound import OutboundFeed, set_outbound, switch_off
from safeguarding.time_words import day
from tests.api.house import HARBOUR, ST_AGNES, House, nhs_number
from tests.api.reading import words
from tests.api.test_quarantine import A04, NO_PID, OTHERS, missing_page, nurse
from tests.safeguarding.house import OPERATOR

CLINIC = re.sub(rb"PV1[^\r]*", b"PV1|1|O|CLIN^^^R0A01", A04)
RULES = f"/sites/{ST_AGNES}/rules"


async def try_it(house: House, session: str, message: str, path: str = RULES) -> tuple[int, str]:
    """The page after a message was pasted; a browser ends each line of a form's text with CR LF."""
    form = {"csrf": await house.token(session), "message": message.replace("\r", "\r\n")}
    async with house.browser(session) as browser:
        answer = await browser.post(path, data=form)
    return answer.status_code, answer.text


# Who may see what


async def test_anonymous_people_see_and_try_nothing(house: House) -> None:
    async with house.browser() as browser:
        for path in ("/rules", RULES):
            assert (await browser.get(path)).headers["location"] == f"/sign-in?next={path}"
        assert (await browser.post(RULES, data={"csrf": "x", "message": A04})).status_code == 401


@pytest.mark.parametrize("role, organisation", [*OTHERS, (Role.SITE_SAFEGUARDING, "R0B")])
async def test_for_everybody_else_a_sites_rules_are_the_page_that_does_not_exist(
    house: House, role: Role, organisation: str
) -> None:
    session = await house.sign_in(role, organisation)
    form = {"csrf": await house.token(session), "message": A04.decode()}
    async with house.browser(session) as browser:
        answers = [await browser.get(RULES), await browser.post(RULES, data=form)]
        if role is not Role.SITE_SAFEGUARDING:
            answers.append(await browser.get("/rules"))
    missing = await missing_page(house, session)
    assert [(answer.status_code, answer.text.split("<main")[1]) for answer in answers] == [(404, missing)] * len(answers)


@pytest.mark.parametrize("path", [f"/sites/{HARBOUR}/rules", "/sites/R0Z99/rules", "/sites/r0a01/rules", "/sites/R0A01", "/sites/"])
async def test_a_site_that_is_not_theirs_or_not_there_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    session = await nurse(house)
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.text.split("<main")[1]) == (404, await missing_page(house, session))


async def test_a_form_that_is_not_ours_is_not_read(house: House) -> None:
    session = await nurse(house)
    token = {"csrf": await house.token(session)}
    async with house.browser(session) as browser:
        for form, headers in (({"csrf": "x"}, {}), ({}, {}), (token, {"sec-fetch-site": "cross-site"})):
            answer = await browser.post(RULES, data=form | {"message": A04.decode()}, headers=headers)
            assert answer.status_code == 403
            assert "HARDING" not in answer.text


@pytest.mark.parametrize(
    "message, said", [("", "Paste a message"), (" \r ", "Paste a message"), ("M" * 20_001, "20,000 characters or fewer")]
)
async def test_nothing_and_too_much_are_refused_beside_the_box(house: House, message: str, said: str) -> None:
    status, page = await try_it(house, await nurse(house), message)
    assert status == 422
    assert said in words(page)
    assert "There is a problem" in page
    assert "M" * 100 not in page


async def test_far_too_much_is_not_even_read(house: House) -> None:
    status, page = await try_it(house, await nurse(house), "x" * 300_000)
    assert status == 413
    assert "x" * 100 not in page


@pytest.mark.parametrize(
    "message, said",
    [
        ("this is no message", "The message does not begin with MSH (MSH, the header)."),
        (NO_PID.decode(), "The message has no PID segment (PID, the patient)."),
        ("MSH|^~\\&|PAS", "The message type is missing (MSH-9, message type)."),
        (A04.decode() * 2, "The frame holds more than one message"),
    ],
)
async def test_what_cannot_be_read_is_said_with_the_reason_and_the_place(house: House, message: str, said: str) -> None:
    status, page = await try_it(house, await nurse(house), message)
    assert status == 200
    assert "It would be held" in words(page)
    assert said in words(page)


async def test_somebodys_acknowledgement_is_not_said_to_be_held(house: House) -> None:
    ack = A04.replace(b"ADT^A04", b"ACK^A04").split(b"\r")[0] + b"\rMSA|AA|NL000417\r"
    status, page = await try_it(house, await nurse(house), ack.decode())
    assert status == 200
    assert "It would be ignored" in words(page)
    assert "It would be held" not in words(page)


# The good case


async def test_the_list_shows_the_organisations_own_sites_with_their_share(house: House) -> None:
    for number in range(3):
        await house.seen(nhs_number(number + 1))
    await house.seen(nhs_number(9), setting=CareSetting.UNCLASSIFIED)
    async with house.browser(await nurse(house)) as browser:
        page = words((await browser.get("/rules")).text)
        other = words((await browser.get(RULES)).text)
    assert "St Agnes Hospital R0A01" in page
    assert "Harbour" not in page
    for each in (page, other):
        assert each.count("25.0% 1 of 4 arrivals: 1% or more") == 2, "of 7 days and of 30"
        assert f"more Counted since {day(now())}" in each, "nobody knows how it was before the site was there"
    await house.rows("UPDATE sites SET arrivals_counted_since = now() - interval '10 days' RETURNING 1")
    async with house.browser(await nurse(house)) as browser:
        page = words((await browser.get(RULES)).text)
    assert "In the last 7 days: 25.0% 1 of 4 arrivals: 1% or more In the last 30 days" in page


async def test_the_list_says_whether_the_hospitals_own_system_is_told(house: House) -> None:
    told = OutboundFeed(ST_AGNES, "engine.example", 2575, True, "", ST_AGNES, ST_AGNES, "2.4", "")
    for is_on, word in ((True, "Yes"), (False, "No")):
        async with house.database.transaction() as transaction:
            await (
                set_outbound(transaction, OPERATOR, told, "Dr A. Example, agreement 2026-11")
                if is_on
                else switch_off(transaction, OPERATOR, ST_AGNES)
            )
        await house.read_anew()
        async with house.browser(await nurse(house)) as browser:
            page = (await browser.get("/rules")).text
        assert f"Own system told {word} " in words(page)


async def test_where_nobody_arrived_no_share_is_made_up(house: House) -> None:
    async with house.browser(await nurse(house)) as browser:
        assert "Nobody has arrived" in words((await browser.get(RULES)).text)


async def test_the_rules_stand_in_their_order_and_in_words(house: House) -> None:
    async with house.browser(await nurse(house)) as browser:
        page = words((await browser.get(RULES)).text)
    expected = [
        "1 Says Treatment function (PV1-10): child and adolescent psychiatry (711) Setting CAMHS Told Never",
        "3 Says Patient class (PV1-2): emergency (E) Setting The site’s own: Emergency department Told Yes",
        "4 Says Admission method (PV1-4): maternity admission (31, 32) or birth (82, 83) Setting Maternity Told Yes",
        "11 Says Patient class (PV1-2): inpatient (I) and Treatment function (PV1-10): paediatrics (420) Setting Paediatric ward",
        "None fits Says Something else Setting Unclassified treated as unscheduled: the safe side Told Yes",
        "nightlight site rule add R0A01",
    ]
    page = page.replace("Rule ", "")
    places = [page.find(each) for each in expected]
    assert -1 not in places, (page, places)
    assert places == sorted(places)


@pytest.mark.parametrize(
    "message, said",
    [
        (A04, "Rule 3 fires Care setting Emergency department, by rule 3 of 11 Would it alert? Yes: the authority of an open"),
        (CLINIC, "Rule 9 fires Care setting Outpatient, by rule 9 of 11 Would it alert? No: this is scheduled care."),
        (CLINIC.replace(b"|O|", b"|X|"), "No rule fires Care setting Unclassified (treated as unscheduled), no rule fits"),
        (A04.replace(b"|P|2.", b"|T|2."), "Would it alert? No: MSH-11 says that it is a test."),
        (A04.replace(b"A04", b"A60"), "It would be taken Would it alert? No: nobody is checked by this event."),
    ],
)
async def test_a_tried_message_says_which_rule_fired_and_whether_it_would_alert(house: House, message: bytes, said: str) -> None:
    status, page = await try_it(house, await nurse(house), message.decode())
    assert status == 200
    assert said in words(page)


async def test_a_rule_that_was_added_decides_what_is_tried_next(house: House) -> None:
    await house.rows("UPDATE care_setting_rules SET position = position + 100 WHERE site = %s RETURNING 1", ST_AGNES)
    await house.rows(
        """
        INSERT INTO care_setting_rules
            (site, position, patient_classes, admission_methods, treatment_functions, location_prefix, setting)
        VALUES (%s, 1, '{E}', '{}', '{}', '', 'gp') RETURNING 1
        """,
        ST_AGNES,
    )
    await house.read_anew()
    _, page = await try_it(house, await nurse(house), A04.decode())
    assert f"Rule 1 fires Care setting GP, by rule 1 of {len(DEFAULT_RULES) + 1}" in words(page)


async def test_what_is_tried_is_nowhere_but_on_the_page(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    message = A04.decode().replace("Testtown", "Quillfeather").replace("PV1|", "PV1|<script>")
    session = await nurse(house)
    before = {table: await house.rows(f"SELECT count(*) FROM {table}") for table in ("audit_events", "accesses")}
    status, page = await try_it(house, session, message)
    assert status == 200
    assert "Quillfeather" in page
    assert "<script>|" not in page
    assert "Quillfeather" not in "".join(capfd.readouterr())
    for table in ("inbox", "quarantine", "encounters"):
        assert await house.rows(f"SELECT * FROM {table}") == []
    assert {table: await house.rows(f"SELECT count(*) FROM {table}") for table in before} == before


async def test_a_private_site_says_that_its_rules_are_not_used(house: House) -> None:
    await house.rows("UPDATE sites SET setting = 'sarc' WHERE ods_code = %s RETURNING 1", ST_AGNES)
    await house.read_anew()
    _, page = await try_it(house, await nurse(house), A04.decode())
    assert "Not used This site is a Sexual assault referral centre, whatever its messages say." in words(page)
    assert "Never: nobody may hear who uses this service." in words(page)


async def test_with_the_store_away_the_page_says_try_again(house: House) -> None:
    session = await nurse(house)
    async with house.browser(session) as browser, house.store_away():
        assert (await browser.get(RULES)).status_code == 503
