"""The department board: whose it is, what it says at rest and what it never says, and that it hears of every change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.routing.route import OnDuty
from api.board_words import answer_tag, board_parts, what_to_do
from domain.actor import Actor, ActorKind, Role
from domain.alert import CodedAnswer
from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from domain.routing import Occasion
from runtime.clock import now
from runtime.ids import uuid7
from safeguarding.board import BoardRow
from safeguarding.telling.replies import take_alert
from safeguarding.telling.standing import Stage, Standing
from tests.api.house import HARBOUR, NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number
from tests.api.reading import clinician, heading, words
from tests.api.test_banner import answer
from tests.api.test_live import listening
from tests.api.test_refusals import missing_page

CHILD = nhs_number(1)
BOARD = f"/sites/{ST_AGNES}/board"
ADDRESSES = [BOARD, f"{BOARD}/rows", f"{BOARD}/events"]


async def board(house: House, path: str = BOARD, session: str = "") -> str:
    async with house.browser(session or await clinician(house)) as browser:
        found = await browser.get(path)
    assert found.status_code == 200
    return found.text


async def shown(house: House) -> str:
    return words(await board(house))


def mark_of(page: str) -> str:
    """What the page's script sends."""
    return page.split('data-mark="')[1].split('"', maxsplit=1)[0]


async def test_anonymous_people_are_sent_to_sign_in_and_scripts_are_told_401(house: House) -> None:
    async with house.browser() as browser:
        assert (await browser.get(BOARD)).headers["location"] == f"/sign-in?next={BOARD}"
        for path in ADDRESSES:
            assert (await browser.get(path, headers={"accept": "*/*"})).status_code == 401


@pytest.mark.parametrize(
    "who",
    [
        (Role.CLINICIAN, "R0B"),
        (Role.SITE_SAFEGUARDING, "R0B"),
        (Role.SOCIAL_WORKER, NORTHMOOR),
        (Role.DATA_OFFICER, NORTHMOOR),
        (Role.INFORMATION_GOVERNANCE, "nightlight"),
    ],
)
@pytest.mark.parametrize("path", ADDRESSES)
async def test_to_other_roles_and_other_organisations_the_board_does_not_exist(
    house: House, who: tuple[Role, str], path: str
) -> None:
    session = await house.sign_in(*who)
    async with house.browser(session) as browser:
        found = await browser.get(path)
    assert (found.status_code, found.text.split("<main")[1]) == await missing_page(house, session)
    assert await house.rows("SELECT 1 FROM audit_events WHERE action = 'board.view'") == []


@pytest.mark.parametrize("ods", ["R0A99", "r0a01", "R0A", "%00", "..", "999%20000%200018"])
async def test_a_site_that_is_not_there_has_no_board(house: House, ods: str) -> None:
    async with house.browser(await clinician(house)) as browser:
        assert (await browser.get(f"/sites/{ods}/board")).status_code == 404


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.SITE_SAFEGUARDING])
async def test_looking_at_the_board_is_audited_with_counts_alone(house: House, role: Role) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.seen(None)
    await board(house, session=await house.sign_in(role, "R0A"))
    assert await house.rows("SELECT actor_role, subject_id, detail FROM audit_events WHERE action = 'board.view'") == [
        (role.value, ST_AGNES, {"flagged": 1, "unchecked": 1})
    ]
    assert await house.rows("SELECT 1 FROM accesses WHERE trigger_event = 'banner'") == []


async def test_at_rest_a_flagged_row_says_neither_who_nor_what(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="ED-1", arrived=now() - timedelta(minutes=42))
    await answer(house, NORTHMOOR, "Ring me on 020 7946 0999")
    text = await shown(house)
    assert "Information to open (1)" in text
    assert "42 min ago" in text
    for secret in ("ED-1", "HARDING", "Jo", str(CHILD), "999 000", "plan", "social", "child", "Northmoor", "Ring me", "Please"):
        assert secret not in text


async def test_an_empty_board_does_not_say_that_all_is_well(house: House) -> None:
    text = await shown(house)
    assert "Nothing to open now" in text
    assert "may never have reached Nightlight" in text


async def test_only_flagged_and_unchecked_arrivals_of_this_site_are_on_it(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, HARBOUR)
    await house.seen(nhs_number(2), visit="NOTHING-HELD")
    await house.seen(CHILD, setting=CareSetting.SEXUAL_HEALTH)
    await house.seen(None, setting=CareSetting.CAMHS, visit="PRIVATE")
    await house.seen(None, HARBOUR, visit="THEIRS")
    text = await shown(house)
    assert "Nothing to open now" in text
    assert "Could not check" not in text


async def test_who_could_not_be_checked_stands_apart_with_reason_and_remedy(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.seen(None, visit="ED-2")
    page = await board(house)
    unchecked = page.split('class="nl-unchecked"')[1].split("</section>")[0]
    assert "Could not check (1)" in unchecked
    assert "Visit ED-2" in unchecked
    assert "No NHS number was given." in unchecked
    assert "This is not “nothing known”." in unchecked
    assert 'action="/encounters/' not in unchecked
    assert words(page).count("ED-2") == 1


async def test_a_number_that_comes_later_takes_the_arrival_out_of_could_not_check(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(None, visit="ED-2")
    await house.seen(CHILD, visit="ED-2", trigger=TriggerEvent.UPDATE)
    text = await shown(house)
    assert "Information to open (1)" in text
    assert "Could not check" not in text


async def test_who_left_before_being_seen_comes_first_and_apart_and_goes_after_four_hours(house: House) -> None:
    await house.flag(CHILD)
    await house.flag(nhs_number(3))
    await house.seen(nhs_number(3))
    encounter = await house.seen(CHILD, visit="ED-1")
    await house.seen(CHILD, visit="ED-1", trigger=TriggerEvent.DISCHARGE, left=True)
    text = await shown(house)
    assert text.index("Left before being seen (1)") < text.index("Information to open (1)")
    await house.rows("UPDATE encounters SET departed_at = now() - interval '4 hours 1 minute' WHERE id = %s RETURNING 1", encounter)
    assert "Left before being seen" not in await shown(house)


@pytest.mark.parametrize(
    "trigger, expected",
    [(TriggerEvent.DISCHARGE, "Left in the last 4 hours (1)"), (TriggerEvent.CANCEL_ADMIT, "Arrival cancelled")],
)
async def test_who_left_lately_is_still_there_to_open(house: House, trigger: TriggerEvent, expected: str) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="ED-1")
    await house.seen(CHILD, visit="ED-1", trigger=trigger)
    text = await shown(house)
    assert expected in text
    assert "Not yet acknowledged" in text


async def test_unchecked_and_gone_unseen_stays_and_says_so_while_unchecked_and_discharged_goes(house: House) -> None:
    for visit, left in (("UNSEEN", True), ("SEEN", False)):
        await house.seen(None, visit=visit)
        await house.seen(None, visit=visit, trigger=TriggerEvent.DISCHARGE, left=left)
    text = await shown(house)
    assert "Visit UNSEEN Left before being seen" in text
    assert "Visit SEEN" not in text


async def test_another_patients_alert_that_was_taken_back_does_not_count_as_an_answer(house: House) -> None:
    await house.flag(CHILD)
    await house.flag(nhs_number(3), WESTLEA)
    await house.seen(CHILD, visit="ED-1")
    await house.seen(nhs_number(3), visit="ED-1", trigger=TriggerEvent.UPDATE)
    assert len(await house.alerts()) == 2
    text = await shown(house)
    assert "Not yet acknowledged" in text
    assert "of 2 answered" not in text


async def test_a_silent_feed_and_a_late_authority_are_said_in_amber(house: House) -> None:
    await house.rows("INSERT INTO site_feeds VALUES (%s, now() - interval '3 hours') RETURNING 1", ST_AGNES)
    await house.rows("UPDATE authorities SET last_extracted_at = now() - interval '3 days' WHERE code = %s RETURNING 1", WESTLEA)
    await house.read_anew()
    text = await shown(house)
    assert "Silent Nothing has come from this site’s own system since" in text
    assert "Not fully checked Some information is late." in text


async def test_with_fresh_feeds_there_is_no_amber(house: House) -> None:
    await house.rows("INSERT INTO site_feeds VALUES (%s, now()) RETURNING 1", ST_AGNES)
    text = await shown(house)
    assert "Silent" not in text
    assert "Not fully checked" not in text


@pytest.mark.parametrize(
    "change",
    [
        "last_extracted_at = now() - interval '3 days' WHERE code = '707'",
        "state = 'paused' WHERE code = '707'",
        "state = 'trial'",
    ],
    ids=["one is late", "one is paused", "none is connected"],
)
async def test_an_open_board_says_as_soon_as_its_mark_changes_that_it_is_not_fully_checked(house: House, change: str) -> None:
    """What a mark stands for is what was rendered with it: no later answer of 204 keeps the caution from the wall."""
    async with house.browser(await clinician(house)) as browser:
        first = (await browser.get(BOARD)).text
        assert "Not fully checked" not in first
        await house.rows(f"UPDATE authorities SET {change} RETURNING 1")
        renewed = await browser.get(f"{BOARD}/rows", params={"mark": mark_of(first)})
        assert renewed.status_code == 200
        assert "Not fully checked" in renewed.text
        assert (await browser.get(f"{BOARD}/rows", params={"mark": mark_of(renewed.text)})).status_code == 204


async def test_opening_a_row_is_the_banners_own_look_and_hides_back_to_the_board(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    session = await clinician(house)
    async with house.browser(session) as browser:
        form = {"csrf": await house.token(session), "back": "board"}
        found = await browser.post(f"/encounters/{encounter}/details", data=form)
    assert heading(found.text) == ("flagged", "Known to social care")
    assert found.headers["refresh"] == f"60; url={BOARD}"
    assert f'data-hide-to="{BOARD}"' in found.text
    assert await house.rows("SELECT actor_name, outcome, encounter_id FROM accesses WHERE trigger_event = 'banner'") == [
        ("Carla Clinician", "flagged", encounter)
    ]


@pytest.mark.parametrize("back", ["", "https://evil.example", "/worklist", "boards"])
async def test_details_hide_to_an_address_of_ours_whatever_the_form_says(house: House, back: str) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    session = await clinician(house)
    async with house.browser(session) as browser:
        form = {"csrf": await house.token(session), "back": back}
        found = await browser.post(f"/encounters/{encounter}/details", data=form)
    assert found.headers["refresh"] == f"60; url=/encounters/{encounter}"
    assert "evil.example" not in found.text


async def test_the_list_of_boards_is_of_the_own_organisation_and_days_are_for_safeguarding(house: House) -> None:
    text = await board(house, "/boards")
    assert "St Agnes Hospital" in text
    assert "Harbour" not in text
    assert f"/sites/{ST_AGNES}/day" not in text
    nurse = await board(house, "/boards", await house.sign_in(Role.SITE_SAFEGUARDING, "R0A"))
    assert f'href="/sites/{ST_AGNES}/day"' in nurse


async def test_an_open_board_hears_of_arrivals_answers_and_departures_and_no_event_names_anybody(house: House) -> None:
    await house.flag(CHILD)
    async with listening(house, await clinician(house), f"{BOARD}/events") as events:
        marks = [await events.next()]
        await house.seen(CHILD, visit="ED-1")
        marks.append(await events.next())
        await answer(house, NORTHMOOR)
        marks.append(await events.next())
        await house.seen(CHILD, visit="ED-1", trigger=TriggerEvent.DISCHARGE, left=True)
        marks.append(await events.next())
        await house.seen(None)
        marks.append(await events.next())
    assert {mark[0] for mark in marks if mark} == {"changed"}
    assert len({mark[1] for mark in marks if mark}) == 5
    assert "ED-1" not in str(marks)
    assert str(CHILD) not in str(marks)


async def test_a_board_does_not_hear_of_another_site_and_a_worklist_beside_it_goes_on(house: House) -> None:
    await house.flag(CHILD)
    worker = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with listening(house, await clinician(house), f"{BOARD}/events") as board, listening(house, worker) as worklist:
        await board.next()
        await worklist.next()
        await house.seen(CHILD, HARBOUR)
        assert await worklist.next()
        await house.seen(CHILD)
        found = await board.next()
    assert found is not None
    async with house.browser(await clinician(house)) as browser:
        assert (await browser.get(f"{BOARD}/rows", params={"mark": found[1]})).status_code == 204
        assert (await browser.get(f"{BOARD}/rows", params={"mark": "other"})).status_code == 200


async def test_with_the_store_away_the_board_turns_stale_and_comes_back(house: House) -> None:
    async with listening(house, await clinician(house), f"{BOARD}/events") as events:
        before = await events.next()
        async with house.store_away():
            assert await events.next() == ("stale", "")
        assert await events.next() == before


async def test_while_the_store_is_away_the_board_is_no_empty_board(house: House) -> None:
    session = await clinician(house)
    async with house.store_away(), house.browser(session) as browser:
        found = await browser.get(BOARD)
    assert found.status_code == 503
    assert "Nothing to open" not in found.text


def row(*, told: int = 1, waiting: int = 0, answers: list[str] | None = None, flagged: bool = True, here: bool = True) -> BoardRow:
    at = now()
    return BoardRow(
        uuid7(), "ED-1", "emergency-department", "open" if here else "closed", at, None if here else at, False, flagged,
        None if flagged else "no-nhs-number", told, waiting, answers or [],
    )  # fmt: skip


@pytest.mark.parametrize(
    "told, waiting, answers, expected",
    [
        (0, 0, [], "No answer expected"),
        (1, 1, [], "Not yet acknowledged"),
        (2, 2, [], "Not yet acknowledged"),
        (2, 1, ["known"], "1 of 2 answered"),
        (1, 0, ["known"], "Answered"),
        (1, 0, ["will-ring"], "Answered"),
        (1, 0, ["no-action"], "Answered"),
        (1, 0, ["speak-first"], "Answered: open before they leave"),
        (1, 0, ["will-attend"], "Answered: open before they leave"),
        (1, 0, ["wrong-child"], "Answered: open before they leave"),
        (2, 1, ["speak-first"], "Answered: open before they leave"),
        (2, 0, ["known", "speak-first"], "Answered: open before they leave"),
    ],
)
def test_how_a_row_stands_is_said_in_words_that_tell_a_parent_nothing(
    told: int, waiting: int, answers: list[str], expected: str
) -> None:
    tag = answer_tag(row(told=told, waiting=waiting, answers=answers), now())
    assert tag.words == expected
    assert not any(coded.words in tag.words for coded in CodedAnswer)


def test_only_what_was_fully_answered_and_needs_nothing_is_green() -> None:
    green = [
        answer_tag(row(told=2, waiting=waiting, answers=["known"] * (2 - waiting)), now()).colour == "green" for waiting in range(3)
    ]
    assert green == [True, False, False]


def test_every_row_is_in_one_part_and_the_unchecked_are_never_among_the_others() -> None:
    rows = tuple(row(flagged=flagged, here=here) for flagged in (True, False) for here in (True, False))
    parts = board_parts(rows)
    together = [*parts.left_before_seen, *parts.here, *parts.left, *parts.unchecked]
    assert sorted(each.id for each in together) == sorted(each.id for each in rows)
    assert all(each.flagged for each in (*parts.left_before_seen, *parts.here, *parts.left))


@pytest.mark.parametrize("reason", CouldNotCheckReason)
def test_each_reason_says_what_mends_it(reason: CouldNotCheckReason) -> None:
    assert "check CP-IS" in what_to_do(reason.value)


def stands(stage: Stage, **changes: object) -> Standing:
    duty = OnDuty("Northmoor crisis team", "020 7946 0109", True, None)
    found = Standing(stage, Occasion.ATTENDANCE, timedelta(minutes=42), stage is not Stage.QUEUED, "Northmoor MASH", duty)
    return replace(found, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "stage, changes, more",
    [
        (Stage.WAITING, {}, ""),
        (Stage.WAITING, {"passed_on_at": now().replace(hour=10, minute=15)}, "Passed on at 10:15"),
        (Stage.QUEUED, {}, "Nobody has read this"),
        (Stage.TAKEN, {"taken_by": "Ann Ash"}, "Somebody is dealing with it"),
        (Stage.EXHAUSTED, {}, "Everybody in line has been told: open it, and ring"),
    ],
)
def test_the_wall_says_how_long_nobody_has_acknowledged_and_neither_team_nor_name(
    stage: Stage, changes: dict[str, object], more: str
) -> None:
    tag = answer_tag(replace(row(waiting=1), standing=stands(stage, **changes)), now())
    assert (tag.words, tag.unread, tag.runs) == ("Not yet acknowledged", timedelta(minutes=42), stage is not Stage.QUEUED)
    assert tag.more == more or (more.startswith("Passed on") and tag.more.startswith("Passed on at "))
    for secret in ("Northmoor", "MASH", "020", "Ann"):
        assert secret not in tag.more


async def test_the_board_counts_while_nobody_has_acknowledged_and_hears_that_somebody_took_it(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.rows(
        "UPDATE alerts SET began_at = now() - interval '42 minutes', next_step_at = now() + interval '1 hour' RETURNING 1"
    )
    async with house.browser(await clinician(house)) as browser:
        first = (await browser.get(BOARD)).text
        assert "Not yet acknowledged, 42 min" in " ".join(words(first).split()).replace(" ,", ",")
        async with house.database.transaction() as transaction:
            worker = Actor(ActorKind.PERSON, "sub-ann", "Ann Ash", NORTHMOOR, Role.SOCIAL_WORKER.value)
            await take_alert(transaction, worker, NORTHMOOR, (await house.alerts())[0])
        renewed = await browser.get(f"{BOARD}/rows", params={"mark": mark_of(first)})
    assert renewed.status_code == 200
    assert "Somebody is dealing with it" in renewed.text
    assert "Ann Ash" not in renewed.text
