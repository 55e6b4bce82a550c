"""An authority's own people change who is told: never over each other, never out of sense, and never without a trace."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from domain.actor import Actor, ActorKind, Role
from domain.alert import ChannelName
from domain.errors import Conflict, NotFound
from domain.flag import FlagKind
from domain.routing import EMERGENCY, OFFICE, Contact, Cover, Duty, Occasion, Rule, Step, Team
from runtime.clock import now
from safeguarding.telling import rules, rules_teams
from safeguarding.telling.rules import ChangedMeanwhile, Rulebook, read_rulebook
from safeguarding.telling.rules_checks import Refused
from tests.safeguarding.house import House

DORA = Actor(ActorKind.PERSON, "dora", "Dora Lindqvist", "301", Role.DATA_OFFICER.value)
BEN = Actor(ActorKind.PERSON, "ben", "Ben Castellane", "301", Role.DATA_OFFICER.value)
MASH = Team("", "MASH", "01632 960555", Duty.OFFICE, contacts=(Contact(ChannelName.SMS, "07700 900123"),))
UNBORN = Rule("unborn", (Step(OFFICE, 60),), kinds=frozenset({FlagKind.UCPP}))
LEFT = Rule("left", (Step(OFFICE, 15), Step(EMERGENCY, 30)), occasions=frozenset({Occasion.LEFT}))
HOURS = ((1, time(9), time(17)),)
TODAY = date(2026, 11, 21)


async def book(house: House, authority: str = "301") -> Rulebook:
    async with house.database.transaction() as transaction:
        return await read_rulebook(transaction, authority)


async def do(house: House, use_case: Any, *arguments: Any, actor: Actor = DORA, authority: str = "301") -> Any:
    """One change, in a transaction of its own, as the page makes it."""
    async with house.database.transaction() as transaction:
        return await use_case(transaction, actor, authority, *arguments)


async def audited(house: House) -> list[tuple[Any, ...]]:
    return await house.rows(
        """
        SELECT actor_id, action, subject_id, detail ->> 'which', detail ->> 'before', detail ->> 'after' FROM audit_events
        WHERE action LIKE 'telling.%%' ORDER BY id
        """
    )


async def test_of_an_authority_that_is_not_there_nothing_is_read_or_written(house: House) -> None:
    with pytest.raises(NotFound):
        await book(house, "999")
    with pytest.raises(NotFound):
        await do(house, rules_teams.add_team, MASH, authority="999")
    assert await audited(house) == []


async def test_what_makes_no_sense_is_refused_and_nothing_changes(house: House) -> None:
    before = await book(house)
    refused: list[tuple[Any, ...]] = [
        (rules.set_hours, before.hours_mark, ()),
        (rules.close_office, TODAY - timedelta(days=1), "training", TODAY),
        (rules.close_office, TODAY, " ", TODAY),
        (rules.close_office, TODAY, "train\u202eing", TODAY),
        (rules.add_rule, before.rules_mark, replace(UNBORN, steps=())),
        (rules_teams.add_team, replace(MASH, contacts=(Contact(ChannelName.EMAIL, "nobody"),))),
        (rules_teams.change_team, before.team_mark(OFFICE), Team(OFFICE, "", "", Duty.OFFICE)),
        (rules_teams.add_cover, Cover(OFFICE, EMERGENCY, now(), now() + timedelta(days=1)), now()),
    ]
    for use_case, *arguments in refused:
        with pytest.raises(Refused) as error:
            await do(house, use_case, *arguments)
        assert error.value.errors
    assert (await book(house)).routing == before.routing
    assert await audited(house) == []


async def test_covers_are_as_many_as_an_alert_can_ask_in_no_time(house: House) -> None:
    code, at = await do(house, rules_teams.add_team, MASH), now()
    await house.rows(
        """
        INSERT INTO team_covers (authority_code, team_code, deputy_code, starts_at, ends_at, set_by)
        SELECT '301', 'office', %s, now() + n * interval '2 hours', now() + (n * 2 + 1) * interval '1 hour', 'Dora'
        FROM generate_series(1, 60) AS n RETURNING id
        """,
        code,
    )
    with pytest.raises(Refused, match="60 covers at most"):
        await do(house, rules_teams.add_cover, Cover(OFFICE, code, at + timedelta(days=20), at + timedelta(days=21)), at)


@pytest.mark.parametrize("what", ["hours", "team", "rules", "move", "remove"])
async def test_two_who_change_the_same_thing_at_once_never_lose_a_change(house: House, what: str) -> None:
    await do(house, rules.add_rule, (await book(house)).rules_mark, UNBORN)
    await do(house, rules.add_rule, (await book(house)).rules_mark, LEFT)
    seen = await book(house)
    team = Team(OFFICE, "Front door", "", Duty.OFFICE)
    changes: dict[str, tuple[Any, ...]] = {
        "hours": (rules.set_hours, seen.hours_mark, HOURS),
        "team": (rules_teams.change_team, seen.team_mark(OFFICE), team),
        "rules": (rules.change_rule, seen.rules_mark, 1, replace(UNBORN, steps=(Step(OFFICE, 5),))),
        "move": (rules.move_rule, seen.rules_mark, 2, 1),
        "remove": (rules.remove_rule, seen.rules_mark, 1),
    }
    use_case, *arguments = changes[what]
    await do(house, use_case, *arguments, actor=BEN)
    after_ben = await book(house)
    again = {"team": (seen.team_mark(OFFICE), replace(team, name="Dora's")), "hours": (seen.hours_mark, ((2, time(9), time(10)),))}
    with pytest.raises(ChangedMeanwhile, match="nothing of yours was saved"):
        await do(house, use_case, *again.get(what, tuple(arguments)))
    assert (await book(house)).routing == after_ben.routing
    assert [row[0] for row in await audited(house)][2:] == ["ben"]


async def test_changes_of_different_things_stand_in_nobodys_way(house: House) -> None:
    seen = await book(house)
    await do(house, rules.add_rule, seen.rules_mark, UNBORN, actor=BEN)
    await do(house, rules.set_hours, seen.hours_mark, HOURS)
    await do(house, rules_teams.change_team, seen.team_mark(OFFICE), Team(OFFICE, "Front door", "", Duty.OFFICE))
    routing = (await book(house)).routing
    assert (routing.rules, routing.hours, routing.teams[OFFICE].name) == ((UNBORN,), HOURS, "Front door")


async def test_a_team_that_is_in_use_cannot_be_removed(house: House) -> None:
    code = await do(house, rules_teams.add_team, MASH)
    mark = (await book(house)).team_mark(code)
    for fixed in (OFFICE, EMERGENCY):
        with pytest.raises(Conflict, match="cannot be removed"):
            await do(house, rules_teams.remove_team, "", fixed)
    await do(house, rules.add_rule, (await book(house)).rules_mark, replace(UNBORN, steps=(Step(code, 5),)))
    with pytest.raises(Conflict, match="named by rule “unborn”"):
        await do(house, rules_teams.remove_team, mark, code)
    await house.flag(kind="UCPP")
    await house.ask()
    await do(house, rules.remove_rule, (await book(house)).rules_mark, 1)
    with pytest.raises(Conflict, match="1 alert waits for the MASH"):
        await do(house, rules_teams.remove_team, mark, code)
    await house.rows("UPDATE alerts SET state = 'closed', next_step_at = NULL RETURNING 1")
    with pytest.raises(NotFound):
        await do(house, rules_teams.remove_team, mark, code, authority="302")
    await do(house, rules_teams.remove_team, mark, code)
    assert set((await book(house)).routing.teams) == {OFFICE, EMERGENCY}


async def test_another_authoritys_cover_cannot_be_ended(house: House) -> None:
    code = await do(house, rules_teams.add_team, MASH)
    cover_id = await do(house, rules_teams.add_cover, Cover(OFFICE, code, now(), now() + timedelta(days=1)), now())
    with pytest.raises(NotFound):
        await do(house, rules_teams.end_cover, cover_id, authority="302")
    await do(house, rules_teams.end_cover, cover_id)
    with pytest.raises(NotFound):
        await do(house, rules_teams.end_cover, cover_id)
    assert (await book(house)).covers == ()


async def test_a_new_team_gets_a_code_that_no_team_has_or_had(house: House) -> None:
    names = ("Night team", "Night-Team!", "!!!", "office")
    codes = [await do(house, rules_teams.add_team, replace(MASH, name=name)) for name in names]
    await do(house, rules_teams.remove_team, (await book(house)).team_mark("night-team"), "night-team")
    codes.append(await do(house, rules_teams.add_team, replace(MASH, name="Night team")))
    assert codes == ["night-team", "night-team-2", "team", "office-2", "night-team-3"]


async def test_what_is_saved_is_what_the_directory_follows_and_addresses_are_tidied(house: House) -> None:
    code = await do(house, rules_teams.add_team, MASH)
    await do(house, rules.add_rule, (await book(house)).rules_mark, LEFT)
    await do(house, rules.set_hours, (await book(house)).hours_mark, HOURS)
    await do(house, rules.close_office, TODAY, "training", TODAY)
    house.directory.forget()
    routing = (await house.directory.current()).routing("301")
    assert routing == (await book(house)).routing
    assert routing.teams[code].contacts == (Contact(ChannelName.SMS, "+447700900123"),)
    assert (routing.rules, routing.hours, routing.closed_days) == ((LEFT,), HOURS, frozenset({TODAY}))
    assert (await house.directory.current()).routing("302").rules == ()


async def test_every_change_leaves_who_what_before_and_after(house: House) -> None:
    code = await do(house, rules_teams.add_team, MASH)
    await do(house, rules.add_rule, (await book(house)).rules_mark, UNBORN)
    await do(house, rules.add_rule, (await book(house)).rules_mark, LEFT)
    await do(house, rules.move_rule, (await book(house)).rules_mark, 2, 1, actor=BEN)
    await do(house, rules.change_rule, (await book(house)).rules_mark, 2, replace(UNBORN, steps=(Step(code, 5),)))
    await do(house, rules.remove_rule, (await book(house)).rules_mark, 1)
    await do(house, rules.set_hours, (await book(house)).hours_mark, HOURS)
    await do(house, rules.close_office, TODAY, "training", TODAY)
    await do(house, rules.open_office, TODAY)
    unborn = "“unborn”: unborn child protection plan → "
    left = (
        "“left”: when a child leaves before being seen → office team, 15 minutes to acknowledge → emergency duty team, 30 minutes"
    )
    assert await audited(house) == [
        ("dora", "telling.team", "301", code, None,
         "MASH; phone 01632 960555; in office hours; deputy none; text message to +447700900123"),
        ("dora", "telling.rule", "301", "unborn", None, f"{unborn}office team, 1 hour to acknowledge"),
        ("dora", "telling.rule", "301", "left", None, f"{left} to acknowledge"),
        ("ben", "telling.rule", "301", "left", "place 2", "place 1"),
        ("dora", "telling.rule", "301", "unborn", f"{unborn}office team, 1 hour to acknowledge",
         f"{unborn}MASH, 5 minutes to acknowledge"),
        ("dora", "telling.rule", "301", "left", f"{left} to acknowledge", None),
        ("dora", "telling.hours", "301", "office hours", "Mon-Fri 08:45-17:00", "Mon 09:00-17:00"),
        ("dora", "telling.closed-day", "301", "2026-11-21", None, "training"),
        ("dora", "telling.closed-day", "301", "2026-11-21", "training", None),
    ]  # fmt: skip


@pytest.mark.parametrize("place, to", [(0, 1), (3, 1), (1, 3), (2, 0)])
async def test_no_rule_is_moved_from_or_to_where_there_is_none(house: House, place: int, to: int) -> None:
    for rule in (UNBORN, LEFT):
        await do(house, rules.add_rule, (await book(house)).rules_mark, rule)
    with pytest.raises(NotFound):
        await do(house, rules.move_rule, (await book(house)).rules_mark, place, to)
    assert (await book(house)).routing.rules == (UNBORN, LEFT)
