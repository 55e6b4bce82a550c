"""What would happen if: the same lines, addresses and times that a real alert gets, and a reason where nobody is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import OFFICE, Contact, Cover, Duty, Occasion, Rule, Sighting, Step, Team
from runtime.clock import now
from safeguarding.telling import rules, rules_teams
from safeguarding.telling.rules import Rulebook, read_rulebook
from safeguarding.telling.what_if import WhatIf, what_if
from safeguarding.telling.what_if_words import banner_sentence, by_rule, ring_words, rungs, systems
from tests.safeguarding.house import OPERATOR, SEEN_AT, House

SUNDAY_NIGHT = datetime(2026, 12, 27, 3, 0, tzinfo=UTC)
CPP = frozenset({FlagKind.CPP})
OFFICE_TEAM = Team(
    OFFICE, "office team", "", Duty.OFFICE,
    contacts=(
        Contact(ChannelName.EMAIL, "front-door@301.example"), Contact(ChannelName.SMS, "+447700900123", 15),
        Contact(ChannelName.NOTIFY_EMAIL, "manager@301.example"),
    ),
    deputy="mash",
)  # fmt: skip
MASH = Team("", "MASH", "01632 960555", Duty.ALWAYS, contacts=(Contact(ChannelName.SMS, "+447700900456"),))


@pytest.fixture
async def furnished(house: House) -> House:
    """Authority 301 has a rule for the ward, two teams with contacts, and systems of its own."""
    async with house.database.transaction() as transaction:
        await rules_teams.add_team(transaction, OPERATOR, "301", MASH)
        mark = (await read_rulebook(transaction, "301")).team_mark(OFFICE)
        await rules_teams.change_team(transaction, OPERATOR, "301", mark, OFFICE_TEAM)
        ward = Rule("ward", (Step("mash", 20), Step(OFFICE, 30)), care_settings=frozenset({CareSetting.PAEDIATRIC_WARD}))
        await rules.add_rule(transaction, OPERATOR, "301", (await read_rulebook(transaction, "301")).rules_mark, ward)
        await transaction.execute("UPDATE authorities SET mesh_mailbox = 'X26LA301' WHERE code = '301'")
    house.directory.forget()
    return house


async def asked(house: House, sighting: Sighting, at: datetime, site: str = "") -> tuple[Rulebook, WhatIf]:
    where = (await house.directory.current()).sites.get(site)
    async with house.database.transaction() as transaction:
        book = await read_rulebook(transaction, "301")
        return book, await what_if(transaction, book, sighting, at, where)


@pytest.mark.parametrize("setting", [each for each in CareSetting if not each.is_unscheduled])
async def test_of_scheduled_and_private_care_nobody_is_told(furnished: House, setting: CareSetting) -> None:
    _, result = await asked(furnished, Sighting(CPP, setting), SUNDAY_NIGHT)
    assert ("whatever the rules say" if setting.is_private else "is scheduled care") in result.nobody
    assert (result.systems, result.line) == ((), ())


@pytest.mark.parametrize(
    "change, said",
    [
        ("UPDATE sites SET state = 'trial' WHERE ods_code = 'R0A01' RETURNING 1", "Site R0A01 is not live"),
        ("UPDATE authorities SET state = 'trial' WHERE code = '301' RETURNING 1", "Ambershire is not live"),
    ],
)
async def test_where_site_or_authority_is_not_live_it_says_so(furnished: House, change: str, said: str) -> None:
    await furnished.rows(change)
    furnished.directory.forget()
    book, result = await asked(furnished, Sighting(CPP), SUNDAY_NIGHT, "R0A01")
    assert result.nobody.startswith(said)
    assert banner_sentence(await furnished.directory.current(), book, result) == ""


async def test_without_a_plan_nobody_is_told(furnished: House) -> None:
    _, result = await asked(furnished, Sighting(frozenset()), SUNDAY_NIGHT)
    assert result.nobody == "Nobody is told of a child without an open plan."


@pytest.mark.parametrize("site", ["R0A01", "R0A02"], ids=["no rule fits", "by the rule of the ward"])
async def test_it_says_what_a_real_alert_gets(furnished: House, site: str) -> None:
    """The deliveries of an alert that the desk raises, and what the answer says, are the same: channel, address, team, time."""
    directory = await furnished.directory.current()
    setting = directory.sites[site].setting
    await furnished.flag()
    await furnished.ask(site=site, care_setting=setting)
    _, result = await asked(furnished, Sighting(CPP, setting), SEEN_AT, site)
    first = result.line[0]
    rows: list[Any] = await furnished.rows("SELECT channel, recipient, team, due_at FROM deliveries")
    of_people = {(row[0], row[1], row[2], row[3]) for row in rows if row[2]}
    of_systems = {(row[0], row[1]) for row in rows if not row[2]}
    assert of_people == {
        (each.contact.channel.value, each.contact.address, first.team.code, each.at)
        for each in first.contacts
        if not each.is_fallback
    }
    assert of_systems == {(each.channel.value, each.address) for each in result.systems}
    [(rule, team, next_step)] = await furnished.rows("SELECT rule, team_code, next_step_at FROM alerts")
    fallbacks = [each.at for each in first.contacts if each.is_fallback]
    assert (rule, team) == (first.rule, first.team.code)
    assert next_step == min([*fallbacks, *([first.escalates_at] if first.escalates_at else [])])


async def test_a_sunday_night_is_queued_for_the_first_working_day_and_the_banner_says_whom_to_ring(furnished: House) -> None:
    book, result = await asked(furnished, Sighting(CPP), SUNDAY_NIGHT)
    assert by_rule(result) == "No rule of yours fits: the office team is told."
    assert systems(result, book) == ("Worklist of Ambershire", "MESH X26LA301")
    office, mash = rungs(result, book)
    assert (office.when, office.is_queued) == ("Queued until 08:45 on Tuesday 29 December", True), "Monday is a bank holiday"
    assert office.ways == (
        "e-mail to front-door@301.example at 08:45 on Tuesday 29 December",
        "text message to +447700900123 at 09:00 on Tuesday 29 December, only if nothing got through by then",
        "e-mail by GOV.UK Notify to manager@301.example at 08:45 on Tuesday 29 December",
    )
    assert office.then == "Unless somebody acknowledges, the next team is told at 09:15 on Tuesday 29 December."
    assert (mash.team, mash.when, mash.then) == ("MASH", "Told at 09:15 on Tuesday 29 December", "Nobody is next in line.")
    assert ring_words(result) == "emergency duty team, 01632 961301"
    sentence = banner_sentence(await furnished.directory.current(), book, result)
    assert sentence == (
        "Queued for 08:45 on Tuesday 29 December; nobody has read this. Worried? Ring the emergency duty team on 01632 961301."
    )


async def test_who_stands_in_is_named_with_for_whom(furnished: House) -> None:
    cover = Cover(OFFICE, "mash", now(), now() + timedelta(days=2))
    async with furnished.database.transaction() as transaction:
        await rules_teams.add_cover(transaction, OPERATOR, "301", cover, now())
    book, result = await asked(furnished, Sighting(CPP), now() + timedelta(hours=1))
    first = rungs(result, book)[0]
    assert first.team == "MASH, which stands in for the office team"
    assert first.ways[0].startswith("text message to +447700900456 at ")


async def test_on_other_occasions_the_national_notice_is_not_sent_again(furnished: House) -> None:
    book, result = await asked(furnished, Sighting(CPP, occasion=Occasion.LEFT), SUNDAY_NIGHT)
    assert systems(result, book) == ("Worklist of Ambershire",)
    assert replace(result.sighting, occasion=Occasion.ATTENDANCE) == Sighting(CPP)
