"""An alert that nobody acknowledges goes on in its line by its authority's rules, whatever changes meanwhile. Refusals first."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from alerts.answering import acknowledge
from alerts.escalating import claim_in_line, look_at_alert, pass_on
from alerts.routing.route import telling
from domain.actor import Actor, ActorKind
from domain.alert import CodedAnswer
from domain.encounter import TriggerEvent
from domain.nhs_number import NhsNumber
from domain.routing import Sighting
from safeguarding.desk import Desk
from tests.safeguarding.house import KEY, OTHER_CHILD, SEEN_AT, House, check
from tests.safeguarding.telling.lines import Lines

OFFICE_MAIL = "team@301.example"
WORKER = Actor(ActorKind.PERSON, "worker", "S. Worker", "301", "social-worker")
NOW, NOBODY_LEFT = False, True


@pytest.fixture
async def lines(house: House) -> Lines:
    await house.flag()
    return Lines(house)


async def answer(lines: Lines, alert: UUID, minutes: int) -> None:
    async with lines.house.database.transaction() as transaction:
        await acknowledge(transaction, alert, "301", WORKER, CodedAnswer.KNOWN, "", SEEN_AT + timedelta(minutes=minutes))


async def deputy_for_the_office(lines: Lines) -> None:
    await lines.team("office", OFFICE_MAIL, duty="office", deputy="deputies")
    await lines.team("deputies", "deputies@301.example")


# Nobody is told


async def test_nobody_is_told_before_the_minutes_are_over(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    assert await lines.look(29.99) == 0
    assert await lines.stands() == [("office", 0, NOW, "raised")]
    assert await lines.told("escalate") == []


async def test_what_somebody_acknowledged_goes_to_nobody_else(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    (alert,) = await lines.seen()
    await answer(lines, alert, 29)
    assert await lines.look(600) == 0
    assert [line[0] for line in await lines.stands()] == ["office"]


async def test_what_was_closed_goes_to_nobody_else(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    (alert,) = await lines.seen()
    await lines.seen(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    await answer(lines, alert, 6)
    assert await lines.look(600) == 0
    assert [line[3] for line in await lines.stands()] == ["closed"]


async def test_looking_often_tells_nobody_twice(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    assert [await lines.look(minutes) for minutes in (30, 30, 31, 45)] == [1, 0, 0, 0]
    assert await lines.told("escalate") == [("deputies", "deputies@301.example")]


# The next in line


async def test_the_deputy_is_told_when_the_minutes_are_over(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    assert await lines.told("raised") == [("office", OFFICE_MAIL)]
    assert await lines.look(30) == 1
    assert await lines.stands() == [("deputies", 1, NOW, "raised")]
    assert await lines.told("escalate") == [("deputies", "deputies@301.example")]
    assert await lines.teams_told() == ["office", "deputies"]
    assert await lines.house.value("SELECT count(*) FROM deliveries WHERE channel = 'screen' AND notice = 'escalate'") == 1


async def test_each_team_of_a_rule_has_its_turn_and_its_own_minutes(lines: Lines) -> None:
    for code in ("one", "two", "three"):
        await lines.team(code, f"{code}@301.example")
    await lines.rule("All three", "one", "two", "three", minutes=20)
    await lines.seen()
    for minutes in (20, 39, 40, 60):
        await lines.look(minutes)
    assert await lines.teams_told() == ["one", "two", "three"]
    assert await lines.told("escalate 2") == [("three", "three@301.example")]
    assert await lines.stands() == [("three", 2, NOBODY_LEFT, "raised")]


async def test_who_is_told_late_still_has_all_their_minutes(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    assert await lines.look(300) == 1, "no dispatcher ran for hours"
    assert await lines.look(329) == 0
    assert (await lines.overdue(329)).nobody_left == 0


async def test_the_clock_runs_only_while_the_team_is_on_duty(lines: Lines) -> None:
    await lines.office_hours(time(8, 45), time(16, 30))
    await deputy_for_the_office(lines)
    await lines.seen(at=datetime(2026, 4, 2, 15, 20, tzinfo=UTC))  # 16:20 in England, the Thursday before Easter
    tuesday = datetime(2026, 4, 7, 8, 5, tzinfo=UTC)  # 09:05 in England
    for at, told in ((tuesday - timedelta(seconds=1), 0), (tuesday, 1)):
        assert await lines.look((at - SEEN_AT) / timedelta(minutes=1)) == told


# Fallbacks


async def test_a_fallback_is_told_where_nothing_got_through_and_only_once(lines: Lines) -> None:
    await lines.team("office", OFFICE_MAIL, "10 second@301.example", "20 third@301.example", duty="office")
    await lines.seen()
    assert await lines.told("raised") == [("office", OFFICE_MAIL)], "it is no row before it is needed"
    assert [await lines.look(minutes) for minutes in (9, 10, 11, 20, 21)] == [0, 1, 0, 1, 0]
    assert [to for _, to in await lines.told("raised")] == [OFFICE_MAIL, "second@301.example", "third@301.example"]


@pytest.mark.parametrize("state", ["sent", "delivered"])
async def test_a_fallback_is_not_told_where_something_got_through(lines: Lines, state: str) -> None:
    await lines.team("office", OFFICE_MAIL, "10 second@301.example", duty="office")
    await lines.seen()
    await lines.house.rows("UPDATE deliveries SET state = %s, sent_at = now() WHERE team <> '' RETURNING id", state)
    assert await lines.look(10) == 0
    assert len(await lines.told("raised")) == 1


async def test_a_screen_that_was_nudged_got_through_to_nobody(lines: Lines) -> None:
    await lines.team("office", OFFICE_MAIL, "10 second@301.example", duty="office")
    await lines.seen()
    await lines.house.rows("UPDATE deliveries SET state = 'delivered', sent_at = now() WHERE channel = 'screen' RETURNING id")
    assert await lines.look(10) == 1


async def test_what_got_through_an_hour_ago_about_something_else_does_not_count(lines: Lines) -> None:
    await lines.team("office", OFFICE_MAIL, "10 second@301.example", duty="office")
    await lines.seen()
    await lines.house.rows("UPDATE deliveries SET state = 'sent', sent_at = now() WHERE team <> '' RETURNING id")
    await lines.seen(trigger=TriggerEvent.CANCEL_ADMIT, minutes=60)
    assert await lines.look(70) == 1
    assert [to for _, to in await lines.told("cancel")] == [OFFICE_MAIL, "second@301.example"]


async def test_a_fallback_is_told_where_a_receipt_says_later_that_nothing_got_through(lines: Lines) -> None:
    await lines.team("office", OFFICE_MAIL, "10 second@301.example", duty="office")
    (alert,) = await lines.seen()
    await lines.house.rows("UPDATE deliveries SET state = 'sent', sent_at = now() WHERE team <> '' RETURNING id")
    await lines.look(10)
    await lines.look(30)
    async with lines.house.database.transaction() as transaction:
        await transaction.execute("UPDATE deliveries SET state = 'pending', sent_at = NULL WHERE team <> ''")
        await look_at_alert(transaction, alert, SEEN_AT + timedelta(minutes=40))
    assert await lines.look(40) == 1


# Nobody is left


async def test_where_nobody_is_next_the_alert_stays_raised_and_is_counted(lines: Lines) -> None:
    await lines.seen()
    assert (await lines.overdue(29)).alerts == 0
    assert await lines.look(30) == 0
    assert await lines.stands() == [("office", 0, NOBODY_LEFT, "raised")]
    overdue = await lines.overdue(42)
    assert (overdue.alerts, overdue.nobody_left, overdue.oldest) == (1, 1, timedelta(minutes=42))


async def test_an_alert_on_its_second_team_is_overdue_and_somebody_is_left(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    await lines.look(30)
    overdue = await lines.overdue(31)
    assert (overdue.alerts, overdue.nobody_left) == (1, 0)


async def test_what_waits_is_counted_in_minutes_of_duty(lines: Lines) -> None:
    await lines.office_hours(time(9), time(17))
    await lines.seen(at=datetime(2026, 3, 3, 16, 50, tzinfo=UTC))
    at = datetime(2026, 3, 4, 9, 5, tzinfo=UTC)
    assert (await lines.overdue((at - SEEN_AT) / timedelta(minutes=1))).oldest == timedelta(minutes=15)


async def test_what_somebody_acknowledged_is_not_counted(lines: Lines) -> None:
    (alert,) = await lines.seen()
    await lines.look(30)
    await answer(lines, alert, 31)
    overdue = await lines.overdue(32)
    assert (overdue.alerts, overdue.nobody_left, overdue.oldest) == (0, 0, timedelta())


# Whatever became of the child, or of the authority, nobody has read it


@pytest.mark.parametrize(
    "then",
    [
        {"trigger": TriggerEvent.DISCHARGE},
        {"trigger": TriggerEvent.CANCEL_ADMIT},
    ],
    ids=["discharged", "cancelled: confirm whereabouts"],
)
async def test_an_alert_goes_on_when_the_child_has_gone(lines: Lines, then: dict[str, TriggerEvent]) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    await lines.seen(minutes=5, **then)
    assert await lines.look(60) == 1
    assert [line[0] for line in await lines.stands()] == ["deputies"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE encounters SET state = 'expired', departed_at = now() RETURNING id",
        "UPDATE authorities SET state = 'paused' WHERE code = '301' RETURNING code",
        "UPDATE authorities SET state = 'trial' WHERE code = '301' RETURNING code",
        "UPDATE flags SET end_date = '2026-03-02' RETURNING id",
    ],
    ids=["no discharge was received", "the feed is paused", "the authority is on trial again", "the plan has ended"],
)
async def test_an_alert_that_was_raised_goes_on_whatever_is_true_now(lines: Lines, statement: str) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    await lines.house.rows(statement)
    assert await lines.look(30) == 1


async def test_a_child_who_leaves_after_the_answer_begins_the_line_anew(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    (alert,) = await lines.seen()
    await lines.look(30)
    await answer(lines, alert, 31)
    await lines.seen(trigger=TriggerEvent.DISCHARGE, left_before_seen=True, minutes=60)
    assert await lines.stands() == [("office", 0, NOW, "raised")]
    assert await lines.told("left-before-seen") == [("office", OFFICE_MAIL)]
    assert [await lines.look(minutes) for minutes in (89, 90)] == [0, 1]
    assert await lines.told("escalate 2") == [("deputies", "deputies@301.example")]


# The rules change while an alert is in line


async def test_a_rule_that_has_gone_leaves_its_alerts_to_the_ordinary_line(lines: Lines) -> None:
    await lines.team("one")
    await lines.team("two")
    await lines.rule("Both", "one", "two")
    await lines.seen()
    await lines.remove_rule("Both")
    assert await lines.look(1) == 1
    assert await lines.stands() == [("office", 0, NOW, "raised")]
    assert await lines.told("escalate") == [("office", OFFICE_MAIL)]


async def test_a_team_that_was_removed_leaves_its_alerts_to_who_has_its_place(lines: Lines) -> None:
    for code in ("one", "two", "three"):
        await lines.team(code)
    await lines.rule("All three", "one", "two", "three")
    await lines.seen()
    await lines.look(30)
    await lines.remove_team("two")
    assert await lines.look(31) == 1
    assert await lines.teams_told() == ["one", "two", "three"]


async def test_the_only_team_of_a_rule_that_was_removed_leaves_its_alerts_to_the_office(lines: Lines) -> None:
    await lines.team("one")
    await lines.rule("One alone", "one")
    await lines.seen()
    await lines.look(40)
    await lines.remove_team("one")
    assert await lines.look(41) == 1, "although nobody was left in its line"
    assert await lines.stands() == [("office", 0, NOW, "raised")]


async def test_a_team_that_is_added_to_the_line_is_told_of_what_nobody_was_left_for(lines: Lines) -> None:
    await lines.seen()
    await lines.look(30)
    await deputy_for_the_office(lines)
    assert await lines.look(31) == 1
    assert await lines.teams_told() == ["office", "deputies"]


async def test_an_earlier_team_that_is_taken_out_of_the_line_skips_nobody(lines: Lines) -> None:
    for code in ("one", "two", "three"):
        await lines.team(code)
    await lines.rule("Line", "one", "two", "three")
    await lines.seen()
    await lines.look(30)
    await lines.remove_rule("Line")
    await lines.rule("Line", "two", "three")
    assert [await lines.look(minutes) for minutes in (31, 60)] == [0, 1]
    assert await lines.teams_told() == ["one", "two", "three"]


async def test_another_rule_that_would_fit_now_changes_nothing_for_an_alert_in_line(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    await lines.team("new")
    await lines.rule("New", "new")
    assert [await lines.look(minutes) for minutes in (1, 30)] == [0, 1]
    assert await lines.teams_told() == ["office", "deputies"]


async def test_a_cover_that_begins_passes_what_its_team_has_not_read_to_the_deputy(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.team("others", "others@301.example")
    await lines.cover("office", "others", SEEN_AT + timedelta(minutes=10))
    await lines.seen()
    assert await lines.told("raised") == [("office", OFFICE_MAIL)]
    escalator = lines.escalator()
    for minutes, told in ((9, 0), (10, 1), (39, 0), (40, 1)):
        assert (await escalator.look(SEEN_AT + timedelta(minutes=minutes)))[0] == told
    assert await lines.teams_told() == ["office", "others", "deputies"]


async def test_who_stands_in_for_a_team_keeps_its_alert_when_the_cover_is_over(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.team("others")
    await lines.cover("office", "others", SEEN_AT - timedelta(days=1))
    await lines.seen()
    assert await lines.stands() == [("others", 0, NOW, "raised")]
    await lines.house.rows("UPDATE team_covers SET ended_at = now() RETURNING id")
    assert [await lines.look(minutes) for minutes in (1, 30)] == [0, 1]
    assert await lines.teams_told() == ["others", "deputies"]


# Several dispatchers, and a crash between


@pytest.mark.usefixtures("patient_store")
async def test_several_dispatchers_side_by_side_take_each_step_once(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    for visit in range(50):
        await lines.seen(visit_number=f"V{visit}")
    at = SEEN_AT + timedelta(minutes=30)

    async def until_none_is_due() -> int:
        escalator, total, is_more = lines.escalator(), 0, True
        while is_more:
            told, is_more = await escalator.look(at)
            total += told
        return total

    assert sum(await asyncio.gather(*(until_none_is_due() for _ in range(6)))) == 50
    assert len(await lines.told("escalate")) == 50
    assert await lines.told("escalate 2") == []
    assert {line[:2] for line in await lines.stands()} == {("deputies", 1)}


async def test_a_crash_between_claiming_and_writing_tells_nobody_and_loses_nothing(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    at = SEEN_AT + timedelta(minutes=30)
    lines.house.directory.forget()
    routing = (await lines.house.directory.current()).routing("301")
    told = telling(routing, Sighting(), 1, at)
    assert told is not None
    with suppress(RuntimeError):
        async with lines.house.database.transaction() as transaction:
            (alert,) = await claim_in_line(transaction, at, 10)
            await pass_on(transaction, alert, told, at)
            raise RuntimeError("killed")
    assert await lines.told("escalate") == []
    assert await lines.look(30) == 1
    assert await lines.told("escalate") == [("deputies", "deputies@301.example")]


async def test_what_somebody_else_holds_is_passed_over(lines: Lines) -> None:
    await deputy_for_the_office(lines)
    await lines.seen()
    at = SEEN_AT + timedelta(minutes=30)
    async with lines.house.database.transaction() as one, lines.house.database.transaction() as other:
        assert len(await claim_in_line(one, at, 10)) == 1
        assert await claim_in_line(other, at, 10) == []


# Threads of attendances

THREADS = "SELECT count(DISTINCT thread_id), count(*) FROM alerts"


async def threads(lines: Lines) -> tuple[int, int]:
    [(number, alerts)] = await lines.house.rows(THREADS)
    return number, alerts


async def test_another_child_is_another_thread(lines: Lines) -> None:
    await lines.house.flag(OTHER_CHILD)
    await lines.seen()
    await lines.seen(number=OTHER_CHILD, visit_number="V2", minutes=5)
    assert await threads(lines) == (2, 2)


async def test_another_authority_has_a_thread_of_its_own(lines: Lines) -> None:
    await lines.house.flag(authority="302")
    await lines.seen()
    await lines.seen(site="R0A02", visit_number="V2", minutes=5)
    assert await threads(lines) == (2, 4)


async def test_an_attendance_a_day_later_is_another_thread(lines: Lines) -> None:
    await lines.seen()
    await lines.seen(site="R0A02", visit_number="V2", minutes=24 * 60)
    assert await threads(lines) == (2, 2)


async def test_an_attendance_elsewhere_within_a_day_is_of_the_same_thread_and_tells_everybody_anew(lines: Lines) -> None:
    (first,) = await lines.seen()
    await answer(lines, first, 1)
    (second,) = await lines.seen(site="R0A02", visit_number="V2", minutes=24 * 60 - 1)
    assert await threads(lines) == (1, 2)
    assert await lines.house.value("SELECT thread_id FROM alerts WHERE id = %s", second) == first
    assert await lines.told("raised") == [("office", OFFICE_MAIL)] * 2
    assert [line[3] for line in await lines.stands()] == ["acknowledged", "raised"], "each has its own answer"


async def test_each_attendance_keeps_the_thread_open_for_another_day(lines: Lines) -> None:
    for day in range(3):
        await lines.seen(visit_number=f"V{day}", minutes=day * 20 * 60)
    assert await threads(lines) == (1, 3)


async def test_a_mother_and_her_newborn_twins_are_one_thread(lines: Lines) -> None:
    mother = NhsNumber("9990000042")
    born = {"mother": mother, "birth_date": SEEN_AT.date(), "family_name": "Baby of Harding", "trigger": TriggerEvent.ADD_PERSON}
    await lines.house.flag(mother, kind="UCPP", family_name="Harding", start_date=SEEN_AT.date() - timedelta(days=90))
    await lines.seen(number=mother, visit_number="M1", family_name="Harding", birth_date=None)
    await lines.seen(number=NhsNumber("9990000034"), visit_number="", minutes=90, **born)
    await lines.seen(number=OTHER_CHILD, visit_number="", minutes=100, **born)
    assert await threads(lines) == (1, 3), "the authority has one plan for them: the unborn child's, on the mother's number"


async def test_two_desks_at_once_raise_both_alerts_whatever_becomes_of_the_thread(lines: Lines) -> None:
    async with Desk(lines.house.database, lines.house.directory, KEY) as other:
        replies = await asyncio.gather(lines.house.ask(), other.ask(check(site="R0A02", visit_number="V2")))
    assert [len(reply.alerts) for reply in replies] == [1, 1]
    number, alerts = await threads(lines)
    assert alerts == 2
    assert number in {1, 2}


# Hours that change while somebody waits for the morning


@pytest.mark.parametrize(
    "opens,closes,due",
    [
        (time(6, 30), time(16, 30), datetime(2026, 3, 4, 6, 30, tzinfo=UTC)),
        (time(10), time(16, 30), datetime(2026, 3, 4, 10, tzinfo=UTC)),
        (time(8), time(23, 30), datetime(2026, 3, 3, 22, tzinfo=UTC)),
    ],
    ids=["opens earlier", "opens later", "is open now"],
)
async def test_who_waits_for_the_morning_is_told_when_the_office_opens_by_the_hours_as_they_are_now(
    lines: Lines, opens: time, closes: time, due: datetime
) -> None:
    await lines.office_hours(time(8), time(16, 30))
    await lines.seen(at=datetime(2026, 3, 3, 22, tzinfo=UTC))
    assert await lines.due() == [datetime(2026, 3, 4, 8, tzinfo=UTC)]
    await lines.office_hours(opens, closes)
    await lines.look(8 * 60 + 1)
    assert await lines.due() == [due]
    assert await lines.told("raised") == [("office", OFFICE_MAIL)]


async def test_a_day_that_is_closed_while_somebody_waits_for_it_is_waited_out(lines: Lines) -> None:
    await lines.office_hours(time(8), time(16, 30))
    await lines.seen(at=datetime(2026, 3, 3, 22, tzinfo=UTC))
    await lines.house.rows("INSERT INTO closed_days VALUES ('301', '2026-03-04', 'Flood') RETURNING day")
    await lines.look(8 * 60 + 1)
    assert await lines.due() == [datetime(2026, 3, 5, 8, tzinfo=UTC)]


async def test_what_is_due_already_waits_for_no_later_hour(lines: Lines) -> None:
    await lines.office_hours(time(8), time(16, 30))
    await lines.seen(at=datetime(2026, 3, 3, 22, tzinfo=UTC))
    await lines.office_hours(time(10), time(16, 30))
    await lines.look(18 * 60 + 1)
    assert await lines.due() == [datetime(2026, 3, 4, 8, tzinfo=UTC)]


async def test_what_was_tried_already_is_tried_again_when_it_was_to_be(lines: Lines) -> None:
    await lines.office_hours(time(8), time(16, 30))
    await lines.seen(at=datetime(2026, 3, 3, 22, tzinfo=UTC))
    await lines.house.rows("UPDATE deliveries SET attempts = 1, claims = 1 WHERE team <> '' RETURNING id")
    await lines.office_hours(time(6, 30), time(16, 30))
    await lines.look(8 * 60 + 1)
    assert await lines.due() == [datetime(2026, 3, 4, 8, tzinfo=UTC)]
