"""The site safeguarding nurse's day: whose it is, what belongs to a day, what the file says, and that both are audited."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from api.day import read_date
from api.day_csv import HEADER, harmless, local, to_csv
from api.day_words import check_words, opened, social_care, whereabouts_of
from domain.actor import NIGHTLIGHT, Role
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from runtime.clock import ENGLAND, england_day, now
from runtime.ids import uuid7
from safeguarding.day import Attendance, Day, bounds
from safeguarding.day_feed import SiteFeed, gaps
from safeguarding.quarantine_views import QuarantineList
from safeguarding.sites import add_site
from safeguarding.views import MOST_ROWS
from tests.api.house import HARBOUR, NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number
from tests.api.reading import details, words
from tests.api.test_banner import answer
from tests.api.test_quarantine import put
from tests.api.test_refusals import missing_page

CHILD = nhs_number(1)
DAY = f"/sites/{ST_AGNES}/day"
CSV = f"/sites/{ST_AGNES}/day.csv"


async def nurse(house: House) -> str:
    return await house.sign_in(Role.SITE_SAFEGUARDING, "R0A", "Nora Nurse")


async def page(house: House, day: date | None = None) -> str:
    async with house.browser(await nurse(house)) as browser:
        found = await browser.get(DAY, params={"date": day.isoformat()} if day else {})
    assert found.status_code == 200
    return words(found.text)


def part(text: str, title: str) -> str:
    """The text of one part of the page, from its heading to the next part's."""
    titles = ("Flagged attendances (", "Banners nobody opened (", "Left before being seen (", "Could not check (", "Silent feeds (",
              "Messages not taken (", "A day goes from")  # fmt: skip
    following = titles[titles.index(f"{title} (") + 1]
    return text[text.index(f"{title} (") : text.index(following)]


async def lines(house: House, day: date | None = None) -> list[dict[str, str]]:
    async with house.browser(await nurse(house)) as browser:
        found = await browser.get(CSV, params={"date": day.isoformat()} if day else {})
    assert found.status_code == 200
    return list(csv.DictReader(io.StringIO(found.content.decode("utf-8-sig"), newline="")))


async def test_anonymous_people_are_sent_to_sign_in(house: House) -> None:
    async with house.browser() as browser:
        for path in (DAY, CSV):
            assert (await browser.get(path)).headers["location"] == f"/sign-in?next={path}"
            assert (await browser.get(path, headers={"accept": "text/csv"})).status_code == 401


@pytest.mark.parametrize(
    "who",
    [
        (Role.CLINICIAN, "R0A"),
        (Role.SITE_SAFEGUARDING, "R0B"),
        (Role.SOCIAL_WORKER, NORTHMOOR),
        (Role.DATA_OFFICER, NORTHMOOR),
        (Role.INFORMATION_GOVERNANCE, "nightlight"),
    ],
)
@pytest.mark.parametrize("path", [DAY, CSV])
async def test_to_other_roles_and_other_organisations_the_day_does_not_exist(
    house: House, who: tuple[Role, str], path: str
) -> None:
    session = await house.sign_in(*who)
    async with house.browser(session) as browser:
        found = await browser.get(path)
    assert (found.status_code, found.text.split("<main")[1]) == await missing_page(house, session)
    assert await house.rows("SELECT 1 FROM audit_events WHERE action LIKE 'day.%%' AND %s", True) == []


@pytest.mark.parametrize("path", ["/sites/R0A99/day", "/sites/r0a01/day", "/sites/R0A99/day.csv"])
async def test_a_site_that_is_not_there_has_no_day(house: House, path: str) -> None:
    async with house.browser(await nurse(house)) as browser:
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("typed", ["2026-02-31", "31/01/2026", "yesterday", "0001-01-01", "9999-12-31", "2026-01-01'; DROP", "%00"])
async def test_a_day_that_is_none_lists_nothing_and_says_what_is_wrong(house: House, typed: str) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="ED-1")
    async with house.browser(await nurse(house)) as browser:
        found, file = await browser.get(DAY, params={"date": typed}), await browser.get(CSV, params={"date": typed})
    assert (found.status_code, file.status_code) == (422, 404)
    assert "There is a problem Enter a day from 2020 to today" in words(found.text)
    assert "ED-1" not in words(found.text)
    assert await house.rows("SELECT 1 FROM audit_events WHERE action LIKE 'day.%%' AND %s", True) == []


@pytest.mark.parametrize(
    "typed, day",
    [
        ("2026-03-29", date(2026, 3, 29)),
        ("2020-01-01", date(2020, 1, 1)),
        ("2019-12-31", None),
        ("2026-06-01", date(2026, 6, 1)),
        ("2026-06-02", None),
        ("", None),
    ],
)
def test_a_day_is_from_2020_to_today(typed: str, day: date | None) -> None:
    assert read_date(typed, date(2026, 6, 1)) == day


async def test_opening_and_exporting_are_audited_with_counts_alone(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.seen(None)
    await page(house)
    await lines(house)
    detail = {"day": england_day(now()).isoformat(), "flagged": 1, "unchecked": 1}
    assert await house.rows(
        "SELECT action, actor_name, subject_id, detail FROM audit_events WHERE subject_type = 'site' AND action LIKE 'day.%%'"
        " AND %s ORDER BY id",
        True,
    ) == [("day.view", "Nora Nurse", ST_AGNES, detail), ("day.export", "Nora Nurse", ST_AGNES, detail)]


async def test_an_empty_day_says_none_of_each(house: House) -> None:
    text = await page(house)
    for title in ("Flagged attendances", "Banners nobody opened", "Left before being seen", "Could not check"):
        assert part(text, title).endswith("None. ")


async def test_a_row_is_named_by_visit_alone_and_says_no_name_number_or_kind(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="ED-1")
    text = await page(house)
    assert "ED-1" in part(text, "Flagged attendances")
    for secret in ("HARDING", "Jo,", str(CHILD), "999 000", "Subject to", "Northmoor"):
        assert secret not in text


async def test_a_banner_counts_as_opened_when_a_clinician_has_seen_its_details(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="ED-1")
    session = await nurse(house)
    async with house.browser(session) as browser:
        await browser.get(f"/encounters/{encounter}")
        await browser.post(f"/encounters/{encounter}/details", data={"csrf": await house.token(session)})
    assert "ED-1" in part(await page(house), "Banners nobody opened")
    await details(house, encounter)
    text = await page(house)
    assert "ED-1" not in part(text, "Banners nobody opened")
    assert "Opened" in part(text, "Flagged attendances")


async def test_what_social_care_answered_is_said_and_unread_is_not_made_to_look_handled(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    assert "Told, not yet acknowledged" in await page(house)
    await answer(house, NORTHMOOR, "Ring me on 020 7946 0999")
    text = await page(house)
    assert "Acknowledged: Please speak to us before discharge" in text
    assert "Ring me" not in text


async def test_left_before_being_seen_is_of_the_day_on_which_they_left(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="ED-1")
    await house.seen(CHILD, visit="ED-1", trigger=TriggerEvent.DISCHARGE, left=True)
    yesterday = england_day(now()) - timedelta(days=1)
    await house.rows("UPDATE encounters SET arrived_at = %s WHERE id = %s RETURNING 1", bounds(yesterday)[0], encounter)
    text, before = await page(house), await page(house, yesterday)
    assert "ED-1" in part(text, "Left before being seen")
    assert "ED-1" not in part(text, "Flagged attendances")
    assert "ED-1" in part(before, "Flagged attendances")
    assert "ED-1" not in part(before, "Left before being seen")


async def test_could_not_check_says_why_and_whether_a_later_message_mended_it(house: House) -> None:
    await house.seen(None, visit="STILL")
    await house.seen(None, visit="MENDED")
    await house.seen(nhs_number(2), visit="MENDED", trigger=TriggerEvent.UPDATE)
    await house.seen(nhs_number(4), visit="CHECKED")
    text = part(await page(house), "Could not check")
    assert "Could not check (2)" in text
    assert "No NHS number was given. Find the NHS number" in text
    assert "A later message brought the NHS number, and it was checked then." in text
    assert "CHECKED" not in text


async def test_what_could_not_be_checked_and_turned_out_to_be_flagged_is_in_both_parts(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(None, visit="ED-1")
    await house.seen(CHILD, visit="ED-1", trigger=TriggerEvent.UPDATE)
    text = await page(house)
    assert "ED-1" in part(text, "Flagged attendances")
    assert "ED-1" in part(text, "Could not check")


async def test_other_sites_private_services_and_test_messages_are_not_in_it(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, HARBOUR, visit="THEIRS")
    for setting in CareSetting:
        if setting.is_private:
            await house.seen(CHILD, setting=setting, visit="PRIVATE")
            await house.seen(None, setting=setting, visit="PRIVATE-2")
    encounter = await house.seen(CHILD, visit="TEST")
    await house.rows("UPDATE encounters SET test = true WHERE id = %s RETURNING 1", encounter)
    text = await page(house)
    assert "Flagged attendances (0)" in text
    assert "Could not check (0)" in text


async def came_at(house: House, visit: str, at: datetime) -> UUID:
    encounter = await house.seen(CHILD, visit=visit)
    await house.rows("UPDATE encounters SET arrived_at = %s WHERE id = %s RETURNING 1", at, encounter)
    return encounter


@pytest.mark.parametrize(
    "day, first, last, hours",
    [
        (date(2026, 3, 29), datetime(2026, 3, 29, 0, 0, tzinfo=UTC), datetime(2026, 3, 29, 22, 59, tzinfo=UTC), 23),
        (date(2025, 10, 26), datetime(2025, 10, 25, 23, 0, tzinfo=UTC), datetime(2025, 10, 26, 23, 59, tzinfo=UTC), 25),
        (date(2026, 7, 1), datetime(2026, 6, 30, 23, 0, tzinfo=UTC), datetime(2026, 7, 1, 22, 59, tzinfo=UTC), 24),
    ],
)
async def test_a_day_begins_and_ends_at_midnight_in_england_also_when_the_clocks_change(
    house: House, day: date, first: datetime, last: datetime, hours: int
) -> None:
    begin, end = bounds(day)
    assert (begin, end - begin) == (first, timedelta(hours=hours))
    await house.flag(CHILD)
    await came_at(house, "BEFORE", first - timedelta(seconds=1))
    await came_at(house, "FIRST", first)
    await came_at(house, "LAST", last)
    await came_at(house, "AFTER", last + timedelta(minutes=1))
    text = part(await page(house, day), "Flagged attendances")
    assert [each for each in ("BEFORE", "FIRST", "LAST", "AFTER") if each in text] == ["FIRST", "LAST"]


async def test_an_older_day_says_that_what_was_not_checked_is_no_longer_kept(house: House) -> None:
    today = england_day(now())
    assert "is no longer kept" in await page(house, today - timedelta(days=4))
    assert "is no longer kept" not in await page(house, today)


async def test_silent_feeds_name_the_gaps_of_the_day_and_late_authorities(house: House) -> None:
    begin, _ = bounds(england_day(now()) - timedelta(days=1))
    for position, hours in enumerate((0, 1, 2, 3, 9.5, *range(10, 25))):  # the day may have 25 hours
        await house.rows(
            """
            INSERT INTO inbox (sending_facility, sending_application, control_id, content_hash, received_at, outcome,
                               acknowledgement)
            VALUES (%s, 'PAS', %s, '', %s, 'recorded', '') RETURNING 1
            """,
            ST_AGNES, f"C{position}", begin + timedelta(hours=hours),
        )  # fmt: skip
    await house.rows("UPDATE authorities SET last_extracted_at = now() - interval '3 days' WHERE code = %s RETURNING 1", WESTLEA)
    await house.read_anew()
    text = part(await page(house, england_day(begin + timedelta(hours=12))), "Silent feeds")
    assert "Silent feeds (2)" in text
    last, next_ = ((begin + timedelta(hours=hours)).astimezone(ENGLAND) for hours in (3, 9.5))
    assert f"{last:%H:%M} to {next_:%H:%M}, 6 h 30 min" in text
    assert "Westlea Borough: latest information" in text


async def test_a_site_without_a_feed_says_so_and_has_no_gaps(house: House) -> None:
    text = part(await page(house), "Silent feeds")
    assert "has never sent a message" in text
    assert "No message came in these times" not in text


@pytest.mark.parametrize(
    "stretches, expected",
    [
        ([], [(0, 24)]),
        ([(0, 1), (1, 2)], [(2, 24)]),
        ([(1, 2), (3.5, 4), (7, 23)], [(4, 7)]),
        ([(0, 0.9), (2.8, 22.5)], []),
        ([(0, 0.9), (2.9, 22.5)], [(0.9, 2.9)]),
        ([(2, 22)], [(0, 2), (22, 24)]),
    ],
)
def test_a_gap_is_two_hours_or_more_between_messages_or_the_ends_of_the_day(
    stretches: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    begin = datetime(2026, 1, 5, tzinfo=UTC)

    def at(hours: float) -> datetime:
        return begin + timedelta(hours=hours)

    found = gaps([(at(first), at(last)) for first, last in stretches], begin, at(24))
    assert [(gap.begin, gap.end) for gap in found] == [(at(first), at(last)) for first, last in expected]


async def test_messages_that_wait_in_quarantine_are_counted_for_this_site_alone(house: House) -> None:
    await put(house, "2 hours")
    text = part(await page(house), "Messages not taken")
    assert "Messages not taken (1)" in text
    assert "Nobody was checked by it." in text


async def test_messages_that_name_the_site_from_a_system_that_may_not_speak_for_it_are_counted(house: House) -> None:
    await put(house, peer="10.9.9.9")
    text = part(await page(house), "Messages not taken")
    assert "Messages not taken (1)" in text
    assert "1 names this site and came from a system that may not speak for it." in text
    assert "None waits" not in text
    await put(house)
    text = part(await page(house), "Messages not taken")
    assert "Messages not taken (2)" in text
    assert "1 more names this site" in text
    assert [line["Note"] for line in await lines(house) if line["Part"] == "Message not taken"] == [
        "the message has no PID segment; it waits",
        "1 more waits that names this site, from a system that may not speak for it: tell your integration team",
    ]


async def test_another_sites_messages_hide_none_of_this_sites(house: House) -> None:
    async with house.database.transaction() as transaction:
        await add_site(
            transaction, NIGHTLIGHT, "R0A02", "St Bees", CareSetting.EMERGENCY_DEPARTMENT, organisation_name="St Agnes Trust"
        )
    await house.read_anew()
    await put_many(house, "R0A02")
    await put(house)
    text = part(await page(house), "Messages not taken")
    assert "Messages not taken (1)" in text
    assert "Not all are counted" not in text


async def test_messages_that_are_more_than_are_read_are_never_said_to_be_none_or_all(house: House) -> None:
    await put_many(house, ST_AGNES, peer="10.9.9.9")
    await put(house)
    text = part(await page(house), "Messages not taken")
    assert f"Messages not taken (more than {MOST_ROWS})" in text
    assert "Not all are counted. More messages wait than these." in text
    assert "None waits" not in text
    assert [line["Note"] for line in await lines(house)][-2] == "More messages wait than are listed here"


async def put_many(house: House, facility: str, peer: str = "127.0.0.1") -> None:
    """As many as are read at most, all older than any other."""
    await house.rows(
        """
        INSERT INTO quarantine
            (received_at, peer, sending_facility, control_id, reason, error_code, raw, content_hash, acknowledgement)
        SELECT now() - interval '3 days', %s, %s, 'C' || n, 'no PID', '100', 'x', gen_random_uuid()::text::bytea, ''
        FROM generate_series(1, %s) AS n RETURNING 1
        """,
        peer, facility, MOST_ROWS,
    )  # fmt: skip


async def test_the_file_says_what_the_page_says(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, visit="ED-1")
    await house.seen(CHILD, visit="ED-1", trigger=TriggerEvent.DISCHARGE, left=True)
    await house.seen(None, visit="ED-2")
    found = await lines(house)
    assert [(line["Part"], line["Visit number"]) for line in found] == [
        ("Flagged attendance", "ED-1"),
        ("Banner nobody opened", "ED-1"),
        ("Left before being seen", "ED-1"),
        ("Could not check", "ED-2"),
        ("This list", ""),
    ]
    assert found[0]["Whereabouts"].startswith("Left before being seen, ")
    assert found[0]["Social care"] == "Told, not yet acknowledged"
    assert found[0]["Banner"] == "Nobody has opened it"
    assert found[3]["Could not check"].startswith("No NHS number was given.")
    assert str(CHILD) not in str(found)
    assert str(encounter) not in str(found)


async def test_the_file_is_an_attachment_that_no_cache_keeps_and_that_excel_reads_as_utf_8(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit="Ünïcode")
    async with house.browser(await nurse(house)) as browser:
        found = await browser.get(CSV)
    today = england_day(now()).isoformat()
    assert found.headers["content-disposition"] == f'attachment; filename="nightlight-day-{ST_AGNES}-{today}.csv"'
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert found.headers["cache-control"] == "no-store"
    assert found.content.startswith(b"\xef\xbb\xbfPart,Visit number,")
    assert "Ünïcode" in found.content.decode()


@pytest.mark.parametrize("visit", ["=1+1", "+44", "-1", "@SUM(A1)", "\t=1", "  =1", '=HYPERLINK("https://evil.example","x")'])
async def test_a_visit_number_is_never_a_formula(house: House, visit: str) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD, visit=visit)
    assert (await lines(house))[0]["Visit number"] == f"'{visit}"


@pytest.mark.parametrize("cell", ["", "ED-1", "3 h ago", "(=1)", "a=1", "2026-01-05 10:00 +00:00"])
def test_what_is_no_formula_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert [local(first), local(first + timedelta(hours=1))] == ["2025-10-26 01:30 +01:00", "2025-10-26 01:30 +00:00"]
    assert local(None) == ""


def attendance(**given: object) -> Attendance:
    at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    values: dict[str, object] = {
        "id": uuid7(), "reference": "ED-1", "local_number": "L1", "care_setting": "emergency-department", "state": "open",
        "arrived_at": at, "departed_at": None, "left_before_seen": False, "flagged": True, "could_not_check": None,
        "was_unchecked": False, "told": 1, "waiting": 1, "answers": [], "opened_at": None,
    }  # fmt: skip
    return Attendance(**(values | given))  # type: ignore[arg-type]


AT = datetime(2026, 1, 5, 11, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, "Still there, as far as we were told"),
        ({"state": "closed", "departed_at": AT}, "Left 11:15"),
        ({"state": "closed", "departed_at": AT + timedelta(days=1)}, "Left 6 January 2026 at 11:15"),
        ({"state": "closed", "departed_at": AT, "left_before_seen": True}, "Left before being seen, 11:15"),
        ({"state": "cancelled", "departed_at": AT}, "The hospital cancelled this arrival, 11:15"),
        ({"state": "expired", "departed_at": AT}, "No discharge received"),
    ],
)
def test_whereabouts_are_what_the_hospital_has_said(given: dict[str, object], expected: str) -> None:
    assert whereabouts_of(attendance(**given)) == expected


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"told": 0, "waiting": 0}, "Nobody was told"),
        ({"told": 0, "waiting": 0, "flagged": False}, ""),
        ({}, "Told, not yet acknowledged"),
        ({"told": 2, "waiting": 1, "answers": ["known"]}, "1 of 2 acknowledged: Known to us"),
        ({"waiting": 0, "answers": ["will-ring"]}, "Acknowledged: We will ring you"),
        ({"told": 2, "waiting": 0, "answers": ["known", "known"]}, "Acknowledged: Known to us"),
        ({"told": 2, "waiting": 0, "answers": ["known", "will-ring"]}, "Acknowledged: Known to us; We will ring you"),
    ],
)
def test_what_social_care_said_in_words(given: dict[str, object], expected: str) -> None:
    assert social_care(attendance(**given)) == expected


def test_opened_and_checked_in_words() -> None:
    assert opened(attendance()) == "Nobody has opened it"
    assert opened(attendance(opened_at=AT)) == "Opened 11:15"
    assert opened(attendance(flagged=False)) == ""
    assert check_words(attendance()) == ""
    assert check_words(attendance(was_unchecked=True)).startswith("A later message brought the NHS number")
    assert check_words(attendance(could_not_check="invalid-nhs-number")).startswith("The NHS number given is not valid.")


def test_every_line_of_the_file_has_every_column() -> None:
    begin = datetime(2026, 1, 5, tzinfo=ENGLAND)
    day = Day(date(2026, 1, 5), (attendance(), attendance(flagged=False, could_not_check="no-nhs-number", was_unchecked=True)))
    feed = SiteFeed(begin, gaps([], begin, begin + timedelta(hours=9)))
    content = to_csv("St Agnes Hospital", day, feed, (), QuarantineList((), False), begin + timedelta(hours=9)).decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(content, newline="")))
    assert {len(line) for line in table} == {len(HEADER)}
    assert [line[0] for line in table[1:]] == [
        "Flagged attendance", "Banner nobody opened", "Could not check", "Silent feed", "This list",
    ]  # fmt: skip
