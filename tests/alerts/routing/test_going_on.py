"""What becomes of an alert that nobody has acknowledged: a table of decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.routing.going_on import go_on
from alerts.routing.route import Stands
from domain.alert import ChannelName
from domain.routing import Contact, Cover, Duty, Routing, Rule, Sighting, Step, Team

BEGAN = datetime(2026, 1, 14, 10, tzinfo=UTC)
SIGHTING = Sighting()


def mail(address: str, after: int | None = None) -> Contact:
    return Contact(ChannelName.EMAIL, f"{address}@x.example", after)


def team(code: str, *contacts: Contact, deputy: str | None = None) -> Team:
    return Team(code, code, "1", Duty.ALWAYS, contacts=contacts, deputy=deputy)


TEAMS = {
    each.code: each
    for each in (
        team("office", mail("office"), mail("late", 20), mail("soon", 10)),
        team("emergency"),
        team("one", mail("one"), mail("one-more", 10)),
        team("two", mail("two"), mail("two-more", 45)),
        team("three", mail("three")),
    )
}
LINE = Rule("Line", (Step("one", 30), Step("two", 30)))
ROUTING = Routing("A901", (), TEAMS, (LINE,))
ALONE = replace(ROUTING, rules=())


def tried(stands: Stands, *names: str) -> Stands:
    """By these mailboxes the team is on its way to be told."""
    return replace(stands, tried=frozenset((ChannelName.EMAIL, f"{name}@x.example") for name in (*names, stands.team)))


FIRST = tried(Stands(BEGAN, "Line", 0, "one", "", BEGAN, frozenset(), got_through=False))
SECOND = tried(replace(FIRST, step=1, team="two"))
OFFICE = tried(replace(FIRST, rule="", team="office"))
COVERED = replace(ROUTING, covers=(Cover("one", "three", BEGAN + timedelta(minutes=5), BEGAN + timedelta(days=9)),))


def minutes(number: int | None) -> datetime | None:
    return None if number is None else BEGAN + timedelta(minutes=number)


def without(*codes: str) -> Routing:
    return replace(ROUTING, teams={code: each for code, each in TEAMS.items() if code not in codes})


def line(*codes: str, name: str = "Line") -> Routing:
    return replace(ROUTING, rules=(Rule(name, tuple(Step(code, 30) for code in codes)),))


THREE = line("one", "two", "three").rules
HELD = [
    # what, routing, where it stands, minutes since it began, in which other ways it is told, when to look again
    ("before anything is due", ROUTING, FIRST, 9, [], 10),
    ("a fallback's time has come", ROUTING, FIRST, 10, ["one-more"], 30),
    ("something got through", ROUTING, replace(FIRST, got_through=True), 10, [], 30),
    ("the fallback is on its way already", ROUTING, tried(FIRST, "one-more"), 11, [], 30),
    ("the sooner of two fallbacks first", ALONE, OFFICE, 10, ["soon"], 20),
    ("then the later", ALONE, tried(OFFICE, "soon"), 20, ["late"], 30),
    ("nobody looked for a while", ALONE, OFFICE, 25, ["soon", "late"], 30),
    ("the last one's fallback comes after its minutes", ROUTING, SECOND, 30, [], 45),
    ("and is told", ROUTING, SECOND, 45, ["two-more"], None),
    ("nobody is left", ROUTING, tried(SECOND, "two-more"), 46, [], None),
    ("nobody is left, although its minutes have long passed", ALONE, tried(OFFICE, "soon", "late"), 9000, [], None),
    ("the minutes of the last in line are not over", ALONE, tried(OFFICE, "soon", "late"), 29, [], 30),
    ("an earlier team was taken out of the line", line("two", "three"), SECOND, 29, [], 30),
    ("the rule has gone, and the team is in the line that holds now", line("one", "two", name="New"), FIRST, 9, [], 10),
    ("a wrong mailbox was put right after it had been tried", ROUTING, tried(FIRST, "wrong"), 11, ["one-more"], 30),
    ("the mailbox that was told first was put right", ROUTING, replace(FIRST, tried=frozenset()), 1, ["one"], 10),
    ("it was put right after something got through", ROUTING, replace(tried(FIRST, "wrong"), got_through=True), 11, [], 30),
    ("the cover has not begun", COVERED, FIRST, 4, [], 10),
    ("who stands in keeps it", ROUTING, tried(replace(FIRST, team="three", covered="one")), 29, [], 30),
]


@pytest.mark.parametrize("what, routing, stands, since, told, look_at", HELD, ids=[each[0] for each in HELD])
def test_the_team_keeps_it(what: str, routing: Routing, stands: Stands, since: int, told: list[str], look_at: int | None) -> None:
    gone = go_on(routing, SIGHTING, stands, BEGAN + timedelta(minutes=since))
    found = [planned.contact.address.removesuffix("@x.example") for planned in gone.also]
    assert (gone.told, found, gone.look_at) == (None, told, minutes(look_at))


PASSED = [
    # what, routing, where it stands, minutes since it began, who is told, at which rung, instead of whom, when to look again
    ("its minutes are over", ROUTING, FIRST, 30, "two", 1, None, 60),
    ("its minutes are long over", ROUTING, FIRST, 500, "two", 1, None, 530),
    ("something got through, and nobody acknowledged", ROUTING, replace(FIRST, got_through=True), 30, "two", 1, None, 60),
    ("a team was added behind the last", line("one", "two", "three"), SECOND, 31, "three", 2, None, 61),
    ("an earlier team was taken out of the line", line("two", "three"), SECOND, 30, "three", 1, None, 60),
    ("its team was removed: who has its place now", without("one"), FIRST, 1, "two", 0, None, 31),
    ("its team was removed, between two others", replace(without("two"), rules=THREE), SECOND, 1, "three", 1, None, 31),
    ("its team was removed, the last in line", without("two"), SECOND, 1, "one", 0, None, 11),
    ("every team of its rule was removed", without("one", "two"), FIRST, 1, "office", 0, None, 11),
    ("its rule has gone", ALONE, FIRST, 1, "office", 0, None, 11),
    ("its rule has other teams now", line("three"), FIRST, 1, "three", 0, None, 31),
    ("a cover has begun", COVERED, FIRST, 5, "three", 0, "one", 35),
    ("a cover began while nobody looked", COVERED, FIRST, 31, "three", 0, "one", 61),
    ("who stood in has had its minutes", ROUTING, replace(FIRST, team="three", covered="one"), 30, "two", 1, None, 60),
    ("who stood in was removed", without("three"), replace(FIRST, team="three", covered="one"), 1, "one", 0, None, 11),
]


@pytest.mark.parametrize("what, routing, stands, since, who, step, covered, look_at", PASSED, ids=[each[0] for each in PASSED])
def test_another_team_is_told(
    what: str, routing: Routing, stands: Stands, since: int, who: str, step: int, covered: str | None, look_at: int
) -> None:
    gone = go_on(routing, SIGHTING, stands, BEGAN + timedelta(minutes=since))
    assert gone.told is not None
    assert (gone.told.team.code, gone.told.step, gone.told.covered) == (who, step, covered)
    assert (gone.also, gone.look_at) == ((), minutes(look_at))
