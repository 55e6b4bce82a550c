"""The banner: three answers that cannot be confused, neutral at rest, every showing of details a look that is audited."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.actor import Role
from domain.alert import CodedAnswer
from domain.answer import Caution
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from domain.match import MatchBasis
from runtime.clock import now
from runtime.sessions import Session, find_session
from safeguarding.answering import acknowledge_alert
from tests.api.house import HARBOUR, NORTHMOOR, WESTLEA, House, nhs_number, years_ago
from tests.api.reading import clinician, details, heading, words

CHILD = nhs_number(1)


async def at_rest(house: House, encounter: UUID) -> str:
    async with house.browser(await clinician(house)) as browser:
        answer = await browser.get(f"/encounters/{encounter}")
    assert answer.status_code == 200
    return answer.text


async def answer(house: House, authority: str, text: str = "", coded: CodedAnswer = CodedAnswer.SPEAK_FIRST) -> None:
    session_id = await house.sign_in(Role.SOCIAL_WORKER, authority, "Wanda Worker")
    async with house.database.transaction() as transaction:
        session = await find_session(transaction, session_id)
        assert isinstance(session, Session)
        cursor = await transaction.execute("SELECT id FROM alerts WHERE authority_code = %s", (authority,))
        for (alert,) in await cursor.fetchall():
            await acknowledge_alert(transaction, session.actor, authority, alert, coded, text)


async def test_at_rest_a_flagged_encounter_says_nothing_about_the_child(house: House) -> None:
    await house.flag(CHILD)
    page = await at_rest(house, await house.seen(CHILD))
    assert heading(page) == ("neutral", "Safeguarding information")
    for secret in ("HARDING", "Jo,", "Northmoor", str(CHILD), "plan", "Looked after", "Known"):
        assert secret not in words(page)


async def test_at_rest_nobody_has_looked(house: House) -> None:
    await house.flag(CHILD)
    await at_rest(house, await house.seen(CHILD))
    assert await house.rows("SELECT 1 FROM accesses WHERE trigger_event = 'banner'") == []


async def test_each_showing_of_details_is_a_look_that_is_audited_and_tells_nobody(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    for _ in range(2):
        assert (await details(house, encounter)).status_code == 200
    looks = await house.rows(
        "SELECT actor_name, purpose, outcome, in_history, encounter_id FROM accesses WHERE trigger_event = 'banner'"
    )
    assert looks == [("Carla Clinician", "direct-care", "flagged", False, encounter)] * 2
    assert len(await house.alerts()) == 1


async def test_details_name_plan_dates_authority_and_whom_to_ring(house: House) -> None:
    await house.flag(CHILD, start=date(2026, 1, 5))
    page = (await details(house, await house.seen(CHILD))).text
    assert heading(page) == ("flagged", "Known to social care")
    text = words(page)
    for fact in (
        "HARDING, Jo", "born 3 March 2019", "999 000 0018", "Subject to child protection plan Open", "Northmoor Council",
        "Started 5 January 2026", "Last confirmed", "St Agnes Hospital safeguarding team your own hospital 020 7946 0301",
        "Northmoor Council office team responsible for the plan 020 7946 0101", "999", "This is not national: check CP-IS too.",
        "No plan is not no risk.", "Checked against the 2 authorities",
    ):  # fmt: skip
        assert fact in text


async def test_details_hide_again_after_a_minute_even_without_a_script(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    shown = await details(house, encounter)
    assert shown.headers["refresh"] == f"60; url=/encounters/{encounter}"
    assert shown.headers["cache-control"] == "no-store"


async def test_a_child_that_nobody_knows_is_none_known_with_coverage(house: House) -> None:
    page = await at_rest(house, await house.seen(nhs_number(2)))
    assert heading(page) == ("none-known", "Checked: no plan known here")
    text = words(page)
    assert "Checked against the 2 authorities connected to Nightlight." in text
    assert "This is not national: check CP-IS too. No plan is not no risk." in text
    assert "Northmoor Council office team where the child is now 020 7946 0101" in text


async def test_with_a_late_feed_none_known_is_amber_and_says_not_fully_checked(house: House) -> None:
    await house.rows("UPDATE authorities SET last_extracted_at = now() - interval '3 days' WHERE code = %s RETURNING 1", WESTLEA)
    await house.read_anew()
    page = await at_rest(house, await house.seen(nhs_number(2)))
    assert heading(page) == ("not-fully-checked", "None known, but not fully checked")
    assert "Not fully checked: the feed of Westlea Borough is late." in words(page)


async def test_without_a_number_we_could_not_check_and_say_so_openly(house: House) -> None:
    page = await at_rest(house, await house.seen(None))
    assert heading(page) == ("could-not-check", "We could not check")
    assert "We could not check: no NHS number was given." in words(page)
    assert "no plan known" not in words(page).casefold()


async def test_a_flag_that_came_after_the_child_makes_the_banner_neutral_at_once(house: House) -> None:
    encounter = await house.seen(CHILD)
    assert heading(await at_rest(house, encounter))[0] == "none-known"
    await house.flag(CHILD)
    assert heading(await at_rest(house, encounter))[0] == "neutral"
    assert heading((await details(house, encounter)).text)[0] == "flagged"


async def test_a_child_known_to_two_authorities_shows_both(house: House) -> None:
    await house.flag(CHILD, NORTHMOOR, "CPP")
    await house.flag(CHILD, WESTLEA, "LAC")
    text = words((await details(house, await house.seen(CHILD))).text)
    assert "Subject to child protection plan Open" in text
    assert "Looked after child Open" in text
    assert "020 7946 0209" in text  # nobody is in Westlea's office: its emergency team


async def test_an_ended_plan_is_shown_as_ended_and_says_that_nobody_was_told(house: House) -> None:
    await house.flag(CHILD, start=now().date() - timedelta(days=500), end=now().date() - timedelta(days=40))
    page = (await details(house, await house.seen(CHILD))).text
    assert heading(page) == ("flagged", "Known to social care: plan ended")
    assert "Nobody was told of this attendance." in words(page)


async def test_a_plan_that_ended_at_eighteen_says_so(house: House) -> None:
    await house.flag(CHILD, kind="LAC", born=years_ago(18))
    assert "Ended for age" in words((await details(house, await house.seen(CHILD))).text)


async def test_an_unborn_plan_says_that_it_is_the_mothers(house: House) -> None:
    await house.flag(CHILD, kind="UCPP", born=date(1998, 5, 5), due=now().date() + timedelta(days=60))
    text = words((await details(house, await house.seen(CHILD))).text)
    assert "Unborn child subject to child protection plan" in text
    assert "held on the mother’s number and says nothing about the baby itself" in text


async def test_details_that_differ_are_a_caution_beside_the_flag_and_never_hide_it(house: House) -> None:
    await house.flag(CHILD)
    page = (await details(house, await house.seen(CHILD, family="OTHER"))).text
    assert heading(page)[0] == "flagged"
    assert "Details differ: verify identity." in words(page)


async def test_unread_in_office_hours_says_for_how_long(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    await house.rows(
        "UPDATE alerts SET raised_at = now() - interval '42 minutes', began_at = now() - interval '42 minutes' RETURNING 1"
    )
    assert "Not yet acknowledged, 42 min." in words((await details(house, encounter)).text)


async def test_unread_out_of_hours_says_that_nobody_has_read_it_and_whom_to_ring(house: House) -> None:
    await house.flag(CHILD, WESTLEA)
    text = words((await details(house, await house.seen(CHILD))).text)
    assert "Nobody has read this. Worried? Ring the emergency duty team on 020 7946 0209." in text


async def test_an_answer_is_on_the_banner_and_is_no_referral(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    await answer(house, NORTHMOOR, "Ring me: 020 7946 0999 <b>please</b>")
    page = (await details(house, encounter)).text
    assert "Read by Wanda Worker" in words(page)
    assert "Please speak to us before discharge. Not a referral." in words(page)
    assert "Ring me: 020 7946 0999 &lt;b&gt;please&lt;/b&gt;" in page


async def test_leaving_before_being_seen_reopens_what_was_read(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="V1")
    await answer(house, NORTHMOOR)
    await house.seen(CHILD, visit="V1", trigger=TriggerEvent.DISCHARGE, left=True)
    assert "Left before being seen, told again, not yet acknowledged" in words((await details(house, encounter)).text)


async def test_a_sensitive_flag_hides_where_the_child_lives_until_the_glass_is_broken(house: House) -> None:
    await house.flag(CHILD, WESTLEA, sensitive=True)
    encounter = await house.seen(CHILD)
    await answer(house, WESTLEA, "We are at the Westlea office")
    shown = words((await details(house, encounter)).text)
    assert "Subject to child protection plan Open" in shown
    for secret in ("Westlea", "5 January 2026", "020 7946 0209", "020 7946 0201", "Wanda"):
        assert secret not in shown.split("How far this reaches")[0]
    assert "St Agnes Hospital safeguarding team" in shown


async def test_breaking_the_glass_needs_a_reason_and_records_it(house: House) -> None:
    await house.flag(CHILD, WESTLEA, sensitive=True)
    encounter = await house.seen(CHILD)
    refused = await details(house, encounter, "break-glass", reason="  x ")
    assert refused.status_code == 422
    assert "There is a problem Say in a few words why you need to know" in words(refused.text)
    assert "Westlea" not in words(refused.text).split("How far this reaches")[0]
    assert await house.rows("SELECT 1 FROM audit_events WHERE action = 'flag.break-glass'") == []
    text = words((await details(house, encounter, "break-glass", reason="must ring the authority")).text)
    assert "Authority Westlea Borough" in text
    assert "020 7946 0209" in text
    events = await house.rows("SELECT actor_name, subject_id, detail FROM audit_events WHERE action = 'flag.break-glass'")
    assert events == [("Carla Clinician", str(encounter), {"reason": "must ring the authority"})]


async def test_while_the_store_is_away_the_banner_says_that_we_could_not_check(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    session = await clinician(house)
    token = await house.token(session)
    async with house.store_away(), house.browser(session) as browser:
        for answer in (
            await browser.get(f"/encounters/{encounter}"),
            await browser.post(f"/encounters/{encounter}/details", data={"csrf": token}),
        ):
            assert answer.status_code == 503
            assert heading(answer.text) == ("failed", "We could not check")
            assert "Nobody can say whether this child is known" in words(answer.text)
            assert "This is not “no plan”" in words(answer.text)


async def test_a_full_desk_is_could_not_check(house: House) -> None:
    encounter = await house.seen(CHILD)
    session = await clinician(house)
    house.desk._queue = 0
    async with house.browser(session) as browser:
        answer = await browser.get(f"/encounters/{encounter}")
    assert (answer.status_code, heading(answer.text)) == (503, ("failed", "We could not check"))


async def test_only_the_sites_own_system_may_frame_its_banner(house: House) -> None:
    mine = await house.seen(CHILD)
    theirs = await house.seen(CHILD, HARBOUR)
    async with house.browser(await clinician(house)) as browser:
        framed, listed = await browser.get(f"/encounters/{mine}"), await browser.get("/encounters")
    async with house.browser(await house.sign_in(Role.CLINICIAN, "R0B")) as browser:
        unframed = await browser.get(f"/encounters/{theirs}")
    assert "frame-ancestors https://ehr.st-agnes.example" in framed.headers["content-security-policy"]
    assert "script-src *" not in framed.headers["content-security-policy"]
    assert "x-frame-options" not in framed.headers
    for other in (listed, unframed):
        assert "frame-ancestors 'none'" in other.headers["content-security-policy"]
        assert other.headers["x-frame-options"] == "DENY"


async def test_the_list_is_neutral_and_only_of_the_own_organisation(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="MINE")
    await house.seen(None, visit="UNKNOWN")
    await house.seen(nhs_number(2), visit="NOTHING-HELD")
    await house.flag(nhs_number(3))
    await house.seen(nhs_number(3), HARBOUR, visit="THEIRS")
    async with house.browser(await clinician(house)) as browser:
        text = words((await browser.get("/encounters")).text)
    assert "MINE" in text
    assert "UNKNOWN" in text
    assert "Could not check" in text
    for absent in ("NOTHING-HELD", "THEIRS", "HARDING", str(CHILD), "plan known"):
        assert absent not in text


async def test_the_list_does_not_show_who_is_at_a_private_service(house: House) -> None:
    await house.flag(CHILD)
    for setting in CareSetting:
        await house.seen(CHILD, setting=setting, visit=setting.value)
    async with house.browser(await clinician(house)) as browser:
        text = words((await browser.get("/encounters")).text)
    for setting in CareSetting:
        assert (f" {setting.value} " in text) is not setting.is_private


@pytest.mark.parametrize("setting", [CareSetting.SEXUAL_HEALTH, CareSetting.OUTPATIENT])
async def test_where_nobody_is_told_the_banner_says_so(house: House, setting: CareSetting) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, setting=setting)
    assert "Nobody was told of this attendance." in words((await details(house, encounter)).text)


@pytest.mark.parametrize("basis", MatchBasis)
@pytest.mark.parametrize("sensitive", [False, True])
async def test_the_banner_says_what_the_number_rests_on_and_cautions_where_it_is_in_doubt(
    house: House, basis: MatchBasis, *, sensitive: bool
) -> None:
    await house.flag(CHILD, sensitive=sensitive)
    await house.rows("UPDATE flags SET match_basis = %s RETURNING id", basis.value)
    page = words((await details(house, await house.seen(CHILD))).text)
    assert (basis.words in page) is not sensitive
    assert (Caution.MATCH_DOUBTFUL.words in page) is basis.is_doubtful
