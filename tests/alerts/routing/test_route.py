"""Who is told, by what and when: a year of hours against decisions written out by hand, and tables of what is special."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from alerts.routing.route import rule_for, telling, to_ring, unfold
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import Contact, Cover, Duty, Occasion, Routing, Rule, Sighting, Step, Stretch, Team
from runtime.clock import ENGLAND
from tests.alerts.routing.walking import Walked, hours_of_the_year, number_of, office, wall

CPP, LAC = FlagKind.CPP, FlagKind.LAC
EMERGENCY_DEPARTMENT, WARD = CareSetting.EMERGENCY_DEPARTMENT, CareSetting.PAEDIATRIC_WARD
HOURS: tuple[Stretch, ...] = (*((day, time(8, 45), time(17)) for day in range(1, 5)), (5, time(8, 45), time(16, 30)))
DESK_HOURS: tuple[Stretch, ...] = tuple(
    (day, opens, closes) for day in range(1, 6) for opens, closes in ((time(9), time(12)), (time(13), time(17)))
)


def england(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ENGLAND).astimezone(UTC)


def mail(address: str, after: int | None = None) -> Contact:
    return Contact(ChannelName.EMAIL, f"{address}@x.example", after)


HOOK = Contact(ChannelName.WEBHOOK, "hook")
TEAMS = {
    team.code: team
    for team in (
        Team("office", "office team", "1", Duty.OFFICE, contacts=(mail("office"), HOOK, mail("manager", 20)), deputy="deputies"),
        Team("emergency", "emergency duty team", "2", Duty.OUTSIDE, contacts=(mail("night"),)),
        Team("desk", "front desk", "3", Duty.OWN, DESK_HOURS, (mail("desk"),)),
        Team("deputies", "deputies", "4", Duty.ALWAYS, contacts=(mail("deputies"),)),
        Team("easter", "easter cover", "5", Duty.ALWAYS, contacts=(mail("easter"),)),
    )
}
SHUT = frozenset({date(2026, 12, 24)})
EASTER = Cover("office", "easter", england("2026-04-02 12:00"), england("2026-04-08 09:00"))
RULES = (
    Rule("Left", (Step("emergency", 15), Step("office", 60)), occasions=frozenset({Occasion.LEFT})),
    Rule("Friday night", (Step("deputies", 45),), weekdays=frozenset({5}), opens=time(18), closes=time(6)),
    Rule("In care by night", (Step("emergency", 20), Step("office", 60)), frozenset({LAC}), during=Duty.OUTSIDE),
    Rule(
        "Seen in A&E", (Step("desk", 25), Step("office", 30)), care_settings=frozenset({EMERGENCY_DEPARTMENT}), during=Duty.OFFICE
    ),
)
COUNTY = Routing("A901", HOURS, TEAMS, RULES, (EASTER,), SHUT)

is_open = office(((1, 2, 3, 4), "08:45", "17:00"), ((5,), "08:45", "16:30"), closed=SHUT)
WALKS = {
    "office": Walked(is_open),
    "emergency": Walked(lambda day, clock: not is_open(day, clock)),
    "desk": Walked(office(((1, 2, 3, 4, 5), "09:00", "12:00"), ((1, 2, 3, 4, 5), "13:00", "17:00"), closed=SHUT)),
    "deputies": Walked(lambda day, clock: True),
    "easter": Walked(lambda day, clock: True),
}


@dataclass(frozen=True)
class Expected:
    """One rung, as a person would work it out."""

    team: str
    starts: datetime
    escalates_at: datetime | None


def worked_out(sighting: Sighting, at: datetime) -> Iterator[Expected]:
    """The rules of the county, said again in ifs."""
    began = at
    line = _line_by_hand(sighting, at)
    for place, (turn, minutes) in enumerate(line):
        covered = any(EASTER.starts <= when < EASTER.ends for when in (at, WALKS["office"].next_start(at)))
        team = "easter" if turn == "office" and covered else turn
        starts = WALKS[team].next_start(at)
        late_at = WALKS[team].after(starts, minutes)
        yield Expected(team, starts, late_at if place + 1 < len(line) else None)
        at = late_at
    assert at > began


def _line_by_hand(sighting: Sighting, at: datetime) -> list[tuple[str, int]]:
    day, _, clock = wall()[number_of(at)]
    weekday, hour = day.isoweekday(), clock // 60
    if sighting.occasion is Occasion.LEFT:
        return [("emergency", 15), ("office", 60), ("deputies", 60)]
    if (weekday == 5 and hour >= 18) or (weekday == 6 and hour < 6):
        return [("deputies", 45)]
    if LAC in sighting.kinds and not WALKS["office"].is_on(at):
        return [("emergency", 20), ("office", 60), ("deputies", 60)]
    if sighting.care_setting is EMERGENCY_DEPARTMENT and WALKS["office"].is_on(at):
        return [("desk", 25), ("office", 30), ("deputies", 30)]
    return [("office", 30), ("deputies", 30)]


SEEN = {
    "a child on a plan, in A&E": Sighting(frozenset({CPP}), EMERGENCY_DEPARTMENT),
    "a child on a plan, on a ward": Sighting(frozenset({CPP}), WARD),
    "a child in care, in A&E": Sighting(frozenset({LAC}), EMERGENCY_DEPARTMENT),
    "a child in care who has left": Sighting(frozenset({LAC, CPP}), WARD, Occasion.LEFT),
}


@pytest.mark.parametrize("who", SEEN)
def test_at_every_hour_of_a_year_everybody_is_told_whom_a_person_would_work_out(who: str) -> None:
    for at in hours_of_the_year():
        found = [Expected(told.team.code, told.starts, told.escalates_at) for told in unfold(COUNTY, SEEN[who], at)]
        assert found == list(worked_out(SEEN[who], at)), at


def test_at_every_hour_of_a_year_people_are_told_when_they_read_and_systems_at_once() -> None:
    told_of = {"office": ["office", "hook", "manager"], "easter": ["easter"], "deputies": ["deputies"]}
    for at in hours_of_the_year():
        told = telling(COUNTY, SEEN["a child on a plan, on a ward"], 0, at)
        assert told is not None
        walked = WALKS[told.team.code]
        starts = walked.next_start(at)
        due = {"hook": at, "manager": walked.after(starts, 20)}
        assert [(each.contact.address.removesuffix("@x.example"), each.at) for each in told.contacts] == [
            (name, due.get(name, starts)) for name in told_of[told.team.code]
        ], at
        assert [each.is_fallback for each in told.contacts] == [name == "manager" for name in told_of[told.team.code]]


def test_at_every_hour_of_a_year_an_alert_keeps_its_line_while_the_hours_go_by() -> None:
    for at in hours_of_the_year()[::5]:
        for who in SEEN.values():
            rules = {rule_for(COUNTY, who, at).name, *(told.rule for told in unfold(COUNTY, who, at))}
            assert len(rules) == 1, at


def test_at_every_hour_of_a_year_somebody_is_rung_who_is_on_duty() -> None:
    for at in hours_of_the_year():
        rung = to_ring(COUNTY, at, SEEN["a child on a plan, on a ward"])
        told = next(worked_out(SEEN["a child on a plan, on a ward"], at))
        assert (rung.phone, rung.is_office) == ((TEAMS[told.team].phone, True) if told.starts == at else ("2", False)), at


# Windows of rules

WINDOWS = [
    # weekdays, opens, closes, at (England), does it fit
    ({5}, time(17), time(9), "2026-01-16 17:00", True),
    ({5}, time(17), time(9), "2026-01-17 08:59", True),
    ({5}, time(17), time(9), "2026-01-17 09:00", False),
    ({5}, time(17), time(9), "2026-01-16 08:59", False),
    ({5}, time(17), time(9), "2026-01-17 17:00", False),
    ({7}, time(22), time(6), "2026-01-19 05:59", True),
    ({1}, time(22), time(6), "2026-01-19 05:59", False),
    (set(), time(22), time(6), "2026-01-19 05:59", True),
    (set(), time(22), time(0), "2026-01-19 23:59", True),
    (set(), time(22), time(0), "2026-01-20 00:00", False),
    ({2}, time(9), time(9), "2026-01-21 08:59", True),
    ({2}, time(9), time(9), "2026-01-21 09:00", False),
    ({2}, None, None, "2026-01-20 00:00", True),
    ({2}, None, None, "2026-01-21 00:00", False),
    ({6}, time(23), time(3), "2026-03-29 02:59", True),  # the clocks went forward at one
    ({6}, time(23), time(3), "2026-03-29 03:00", False),
]


@pytest.mark.parametrize("weekdays, opens, closes, at, fits", WINDOWS)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(
    weekdays: set[int], opens: time | None, closes: time | None, at: str, fits: bool
) -> None:
    rule = Rule("Window", (Step("emergency", 10),), weekdays=frozenset(weekdays), opens=opens, closes=closes)
    found = rule_for(replace(COUNTY, rules=(rule,)), Sighting(), england(at))
    assert (found.name == "Window") is fits


# Covers

NIGHT, MORNING = "2026-01-18 03:00", "2026-01-19 08:45"  # a Sunday and a Monday
COVERS = [
    # what, deputy, cover from, until, who is told, when she reads it (England)
    ("nobody covers", "deputies", "2026-02-01 00:00", "2026-02-02 00:00", "office", MORNING),
    ("it was over an hour before", "deputies", "2026-01-17 00:00", "2026-01-18 02:00", "office", MORNING),
    ("it ends before the team reads", "deputies", "2026-01-17 00:00", "2026-01-19 08:00", "deputies", NIGHT),
    ("it ends before either reads", "desk", "2026-01-17 00:00", "2026-01-19 08:00", "office", MORNING),
    ("it begins before the team reads", "deputies", "2026-01-19 00:00", "2026-01-30 00:00", "deputies", NIGHT),
    ("it begins after the team reads", "deputies", "2026-01-19 08:46", "2026-01-30 00:00", "office", MORNING),
    ("the deputy reads later than the team", "desk", "2026-01-17 00:00", "2026-01-30 00:00", "desk", "2026-01-19 09:00"),
    ("the deputy is no team", "nobody", "2026-01-17 00:00", "2026-01-30 00:00", "office", MORNING),
]


@pytest.mark.parametrize("what, deputy, starts, ends, team, reads", COVERS, ids=[line[0] for line in COVERS])
def test_a_cover_counts_where_it_holds_when_somebody_reads(
    what: str, deputy: str, starts: str, ends: str, team: str, reads: str
) -> None:
    cover = Cover("office", deputy, england(starts), england(ends))
    told = telling(replace(COUNTY, rules=(), covers=(cover,)), Sighting(), 0, england(NIGHT))
    assert told is not None
    assert (told.team.code, told.starts) == (team, england(reads))
    assert told.covered == (None if team == "office" else "office")


@pytest.mark.parametrize(
    "pairs, told_first",
    [
        (["office desk", "desk deputies"], "deputies"),
        (["office desk", "desk office"], "office"),
        (["office desk", "desk easter", "easter desk"], "office"),
    ],
    ids=["a deputy who is covered", "a circle", "a circle further on"],
)
def test_a_deputy_may_be_covered_and_a_circle_covers_nobody(pairs: list[str], told_first: str) -> None:
    covers = tuple(Cover(*_two(pair), england("2026-01-01"), england("2026-12-31")) for pair in pairs)
    told = telling(replace(COUNTY, rules=(), covers=covers), Sighting(), 0, england("2026-01-14 10:00"))
    assert told is not None
    assert told.team.code == told_first


def _two(pair: str) -> tuple[str, str]:
    team, deputy = pair.split()
    return team, deputy


# Lines

LINES = [
    # steps, teams that were removed, who is told in turn
    (["desk", "office"], [], ["desk", "office", "deputies"]),
    (["desk", "office"], ["desk"], ["office", "deputies"]),
    (["desk", "office"], ["deputies"], ["desk", "office"]),
    (["desk"], ["desk"], ["office", "deputies"]),
    (["deputies", "office"], [], ["deputies", "office"]),
    (["office", "office"], [], ["office", "office", "deputies"]),
]


@pytest.mark.parametrize("steps, removed, in_turn", LINES)
def test_a_line_has_its_teams_that_are_there_then_the_last_ones_deputy(
    steps: list[str], removed: list[str], in_turn: list[str]
) -> None:
    teams = {code: team for code, team in TEAMS.items() if code not in removed}
    rule = Rule("Line", tuple(Step(team, 10) for team in steps))
    routing = replace(COUNTY, teams=teams, rules=(rule,), covers=())
    assert [told.team.code for told in unfold(routing, Sighting(), england("2026-01-14 10:00"))] == in_turn


def test_hours_that_nobody_has_set_keep_nobody_waiting() -> None:
    routing = replace(COUNTY, hours=(), rules=(), covers=())
    for at in hours_of_the_year()[::11]:
        first, second = unfold(routing, Sighting(), at)
        assert (first.team.code, first.starts, first.escalates_at) == ("office", at, at + timedelta(minutes=30))
        assert (second.team.code, second.starts) == ("deputies", at + timedelta(minutes=30))


def test_the_last_in_line_has_minutes_too_although_nobody_is_next() -> None:
    *_, last = unfold(COUNTY, Sighting(), england("2026-01-14 10:00"))
    assert last.escalates_at is None
    assert last.late_at == last.starts + timedelta(minutes=30)


@pytest.mark.parametrize(
    "kept, began_by",
    [("In care by night", "In care by night"), ("", ""), (None, "Seen in A&E"), ("A rule that has gone", "Seen in A&E")],
)
def test_an_alert_keeps_the_rule_by_which_it_began_while_there_is_one_of_that_name(kept: str | None, began_by: str) -> None:
    at = england("2026-01-14 10:00")
    told = telling(COUNTY, SEEN["a child on a plan, in A&E"], 1, at, at, kept)
    assert told is not None
    assert told.rule == began_by
