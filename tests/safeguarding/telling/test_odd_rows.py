"""Who is told is data that somebody may have written by hand: what cannot be read there stops nobody from being told."""

import pytest

from domain.errors import CouldNotReachStore
from tests.safeguarding.house import House
from tests.safeguarding.telling.lines import Lines

OFFICE_MAIL = "team@301.example"
ODD = "INSERT INTO routing_rules (authority_code, position, name, {0}) VALUES ('301', 0, 'odd', {1}) RETURNING id"
COVER = """
    INSERT INTO team_covers (authority_code, team_code, deputy_code, starts_at, ends_at, set_by)
    VALUES ('301', 'office', 'gone', {0}, 'x') RETURNING id
"""
TEAM = """
    WITH odd AS (INSERT INTO teams (authority_code, code, name, duty) VALUES ('301', 'odd', 'odd', 'own') RETURNING id)
    INSERT INTO team_hours (team_id, weekday, opens, closes) SELECT id, 2, '00:00', '24:00' FROM odd RETURNING id
"""
OFFICE = "INSERT INTO authority_hours (authority_code, weekday, opens, closes) VALUES ('301', 7, '00:00', '24:00') RETURNING id"


@pytest.mark.parametrize(
    "column,value",
    [
        ("kinds", "'{XYZ}'"),
        ("kinds", "'{CPP,XYZ}'"),
        ("kinds", "'{NULL}'"),
        ("care_settings", "'{moon}'"),
        ("occasions", "'{born}'"),
        ("weekdays", "'{9,NULL}'"),
        ("opens, closes", "'00:00', '24:00'"),
    ],
    ids=["kind", "one kind of two", "kind that is none", "care setting", "occasion", "weekday", "until midnight"],
)
async def test_a_rule_that_cannot_be_read_stops_nobody_from_being_told(house: House, column: str, value: str) -> None:
    await house.flag()
    lines = Lines(house)
    [(rule,)] = await house.rows(ODD.format(column, value))
    await house.rows("INSERT INTO routing_steps VALUES (%s, 0, 'office', 30) RETURNING place", rule)
    assert len(await lines.seen()) == 1
    assert await lines.told("raised") == [("office", OFFICE_MAIL)]
    assert await lines.look(1) == 0


async def test_a_rule_of_which_nothing_is_known_fits_nothing_and_one_of_which_something_is_fits_that(house: House) -> None:
    for place, (name, kinds) in enumerate({"odd": "{XYZ}", "half known": "{CPP,XYZ}"}.items()):
        [(rule,)] = await house.rows(
            "INSERT INTO routing_rules (authority_code, position, name, kinds) VALUES ('301', %s, %s, %s) RETURNING id",
            place, name, kinds,
        )  # fmt: skip
        await house.rows("INSERT INTO routing_steps VALUES (%s, 0, 'office', 30) RETURNING place", rule)
    await house.flag()
    await Lines(house).seen()
    assert await house.value("SELECT rule FROM alerts") == "half known"


@pytest.mark.parametrize(
    "statement",
    [
        COVER.format("'2026-01-01', 'infinity'"),
        COVER.format("'-infinity', '9999-12-31'"),
        "INSERT INTO closed_days VALUES ('301', 'infinity', 'x') RETURNING reason",
        OFFICE,
        TEAM,
    ],
    ids=["cover without an end", "cover without a beginning", "day that is none", "office until midnight", "team until midnight"],
)
async def test_an_hour_that_cannot_be_read_stops_nobody_from_being_told(house: House, statement: str) -> None:
    await house.flag()
    lines = Lines(house)
    await house.rows(statement)
    assert len(await lines.seen()) == 1
    assert await lines.told("raised") == [("office", OFFICE_MAIL)]
    assert await lines.look(1) == 0


async def test_where_the_directory_cannot_be_read_at_all_the_message_is_to_come_again_and_is_not_refused(house: House) -> None:
    await house.rows("UPDATE authorities SET last_extracted_at = 'infinity' WHERE code = '302' RETURNING code")
    house.directory.forget()
    with pytest.raises(CouldNotReachStore):
        await house.ask()
