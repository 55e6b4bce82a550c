"""What is written of an authority's teams, rules, covers and closed days: it is what is read, and another's stays as it is."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.routing.editing import (
    count_waiting,
    read_closed_days,
    read_codes,
    read_covers,
    read_webhooks,
    take_closed_day_away,
    take_cover_away,
    take_team_away,
    write_closed_day,
    write_cover,
    write_rules,
    write_team,
)
from alerts.routing.store import Kept, read_kept
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.errors import NotFound
from domain.flag import FlagKind
from domain.routing import Contact, Cover, Duty, Occasion, Rule, Step, Team
from runtime.clock import now
from runtime.database import Database
from tests.alerts.store import AUTHORITY

OTHER = "B902"
DAY = date(2099, 1, 5)
NIGHTS = Team("nights", "Night team", "020 7946 0199", Duty.OWN, ((1, time(0), time(8)), (1, time(20), time.max)))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
CODES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
CLOCKS = st.times().map(lambda value: value.replace(second=0, microsecond=0, fold=0))
CONTACTS = st.builds(
    Contact, st.sampled_from([ChannelName.EMAIL, ChannelName.NOTIFY_EMAIL, ChannelName.SMS, ChannelName.WEBHOOK]), TEXTS,
    st.none() | st.integers(1, 1440),
)  # fmt: skip
HOURS = st.dictionaries(
    st.integers(1, 7), st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] < pair[1]), max_size=7
).map(lambda days: tuple(sorted((day, *times) for day, times in days.items())))  # fmt: skip
TEAMS = st.builds(
    Team, CODES, TEXTS, TEXTS | st.just(""), st.sampled_from(Duty), HOURS,
    st.lists(CONTACTS, max_size=4, unique_by=lambda each: (each.channel, each.address)).map(tuple), st.none() | CODES,
)  # fmt: skip
WINDOWS = st.just((None, None)) | st.tuples(CLOCKS, CLOCKS)
RULES = st.builds(
    lambda window, **rest: Rule(**rest, opens=window[0], closes=window[1]), WINDOWS, name=TEXTS,
    steps=st.lists(st.builds(Step, CODES, st.integers(1, 10080)), min_size=1, max_size=4).map(tuple),
    kinds=st.frozensets(st.sampled_from(FlagKind)), care_settings=st.frozensets(st.sampled_from(CareSetting)),
    occasions=st.frozensets(st.sampled_from(Occasion)), during=st.sampled_from([Duty.ALWAYS, Duty.OFFICE, Duty.OUTSIDE]),
    weekdays=st.frozensets(st.integers(1, 7)),
)  # fmt: skip


async def kept(database: Database, authority: str = AUTHORITY) -> Kept:
    async with database.transaction() as transaction:
        return (await read_kept(transaction, authority)).get(authority) or Kept()


@pytest.mark.parametrize("authority", [OTHER, "nobody"])
async def test_what_is_another_authoritys_is_neither_ended_nor_opened_nor_removed(database: Database, authority: str) -> None:
    cover = Cover("office", "nights", now(), now() + timedelta(days=2))
    async with database.transaction() as transaction:
        await write_team(transaction, AUTHORITY, NIGHTS)
        cover_id = await write_cover(transaction, AUTHORITY, cover, "Dora")
        await write_closed_day(transaction, AUTHORITY, date(2026, 12, 24), "training")
    async with database.transaction() as transaction:
        with pytest.raises(NotFound):
            await take_team_away(transaction, authority, "nights")
        with pytest.raises(NotFound):
            await take_cover_away(transaction, authority, cover_id)
        with pytest.raises(NotFound):
            await take_closed_day_away(transaction, authority, date(2026, 12, 24))
        await write_rules(transaction, authority, ())
    stands = await kept(database)
    assert (set(stands.teams), stands.covers, stands.closed_days) == ({"nights"}, [cover], {date(2026, 12, 24)})


async def test_what_has_ended_cannot_be_ended_again(database: Database) -> None:
    async with database.transaction() as transaction:
        over = await write_cover(transaction, AUTHORITY, Cover("office", "nights", now() - timedelta(2), now() - timedelta(1)), "D")
        ended = await write_cover(transaction, AUTHORITY, Cover("office", "nights", now(), now() + timedelta(1)), "D")
        await take_cover_away(transaction, AUTHORITY, ended)
        for cover_id in (over, ended, UUID(int=7)):
            with pytest.raises(NotFound):
                await take_cover_away(transaction, AUTHORITY, cover_id)
        assert await read_covers(transaction, AUTHORITY) == []


async def test_the_store_itself_refuses_hours_that_overlap(database: Database) -> None:
    team = Team("nights", "Night team", "", Duty.OWN, ((1, time(8), time(12)), (1, time(11), time(13))))
    with pytest.raises(psycopg.errors.ExclusionViolation):
        async with database.transaction() as transaction:
            await write_team(transaction, AUTHORITY, team)
    assert (await kept(database)).teams == {}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(teams=st.lists(TEAMS, max_size=3, unique_by=lambda each: each.code), rules=st.lists(RULES, max_size=3))
async def test_what_is_written_is_what_is_read_whatever_stood_before(
    database: Database, teams: list[Team], rules: list[Rule]
) -> None:
    for code in (await kept(database)).teams:
        async with database.transaction() as transaction:
            await take_team_away(transaction, AUTHORITY, code)
    async with database.transaction() as transaction:
        for team in teams:
            await write_team(transaction, AUTHORITY, team)
        await write_rules(transaction, AUTHORITY, rules)
    stands = await kept(database)
    assert stands.teams == {team.code: team for team in teams}
    assert stands.rules == rules
    assert await kept(database, OTHER) == Kept()


async def test_a_team_that_is_written_again_keeps_its_row_and_loses_what_it_had(database: Database) -> None:
    told = Team("nights", "Nights", "", Duty.ALWAYS, (), (Contact(ChannelName.SMS, "+447700900123"),), "office")
    for team in (NIGHTS, told):
        async with database.transaction() as transaction:
            await write_team(transaction, AUTHORITY, team)
    assert (await kept(database)).teams == {"nights": told}
    async with database.transaction() as transaction:
        assert await (await transaction.execute("SELECT count(*) FROM teams")).fetchall() == [(1,)]


async def test_the_code_of_a_team_that_was_removed_is_known(database: Database) -> None:
    async with database.transaction() as transaction:
        await write_team(transaction, AUTHORITY, NIGHTS)
        await take_team_away(transaction, AUTHORITY, "nights")
        assert await read_codes(transaction, AUTHORITY) == {"nights"}
        assert await count_waiting(transaction, AUTHORITY, "nights") == 0
    assert (await kept(database)).teams == {}


async def test_covers_and_closed_days_come_back_with_who_and_why(database: Database) -> None:
    cover = Cover("office", "nights", datetime(2099, 1, 1, tzinfo=UTC), datetime(2099, 1, 2, tzinfo=UTC))
    async with database.transaction() as transaction:
        await write_cover(transaction, AUTHORITY, cover, "Dora Lindqvist")
        assert [await write_closed_day(transaction, AUTHORITY, DAY, why) for why in ("training", "again")] == [
            True,
            False,
        ]
        assert [(each.cover, each.set_by) for each in await read_covers(transaction, AUTHORITY)] == [(cover, "Dora Lindqvist")]
        assert await read_closed_days(transaction, AUTHORITY) == {DAY: "training"}
        assert await take_closed_day_away(transaction, AUTHORITY, DAY) == "training"
        assert await read_closed_days(transaction, AUTHORITY) == {}


async def test_only_the_authoritys_own_webhooks_that_are_in_use_can_be_named(database: Database) -> None:
    async with database.transaction() as transaction:
        for code, name, off in ((AUTHORITY, "case system", None), (AUTHORITY, "old one", now()), (OTHER, "theirs", None)):
            await transaction.execute(
                "INSERT INTO webhooks (authority_code, name, url, added_by, disabled_at) VALUES (%s, %s, %s, 'test', %s)",
                (code, name, "https://hook.example/", off),
            )
        assert list((await read_webhooks(transaction, AUTHORITY)).values()) == ["case system"]
