"""The questions of board, day and sweep stay small however much a hospital keeps: each finds its rows by an index made for it."""

from datetime import date

import psycopg
import pytest

from runtime.database import Database
from safeguarding import board, day, sweep
from safeguarding.board import board_marks
from tests.conftest import FreshDatabase

SITE = "R0A01"
FILL = """
    INSERT INTO organisations VALUES ('R0A', 'St Agnes Trust');
    INSERT INTO sites (ods_code, organisation_code, name, setting) VALUES ('R0A01', 'R0A', 'St Agnes', 'emergency-department'),
                                                                          ('R0A02', 'R0A', 'St Bees', 'emergency-department');
    INSERT INTO encounters (site, encounter_key, care_setting, unscheduled, state, arrived_at, departed_at, flagged,
                            could_not_check, last_event_at)
    SELECT CASE WHEN n % 2 = 0 THEN 'R0A01' ELSE 'R0A02' END, 'visit ' || n, 'emergency-department', true,
           CASE WHEN n % 40 < 4 THEN 'open' ELSE 'closed' END, now() - n * interval '10 minutes',
           CASE WHEN n % 40 < 4 THEN NULL ELSE now() - n * interval '9 minutes' END,
           n % 100 < 4, CASE WHEN n % 400 = 6 THEN 'no-nhs-number' END, now()
    FROM generate_series(1, 40000) AS n;
    ANALYZE;
"""


@pytest.fixture(scope="module")
def filled(module_database: FreshDatabase) -> FreshDatabase:
    """Two sites with 20,000 encounters each, one in 25 flagged and one in ten open."""
    with psycopg.connect(module_database.owner_url, autocommit=True) as owner:
        owner.execute(FILL)
    return module_database


def plan(database: FreshDatabase, query: str) -> str:
    parameters = board._parameters(SITE) | {"silent": board.FEED_SILENT}
    with psycopg.connect(database.service_url) as connection:
        return "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN {query}".encode(), parameters).fetchall())


@pytest.mark.parametrize("query", [board._ROWS, board._MARK], ids=["rows", "mark"])
def test_a_refresh_reads_no_more_than_what_is_on_the_board(filled: FreshDatabase, query: str) -> None:
    found = plan(filled, query)
    assert "encounters_to_watch" in found
    assert "Seq Scan on encounters" not in found


def test_a_day_reads_no_more_than_what_somebody_must_look_at(filled: FreshDatabase) -> None:
    begin, end = day.bounds(date(2026, 1, 5))
    with psycopg.connect(filled.service_url) as connection:
        parameters = {"site": SITE, "begin": begin, "end": end, "private": board.PRIVATE_SETTINGS, "most": 500}
        found = "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN {day._ROWS}".encode(), parameters).fetchall())
    assert "encounters_to_watch" in found
    assert "Seq Scan on encounters" not in found


def test_the_sweep_finds_whom_to_look_at_by_their_numbers_and_reads_no_other_stay(filled: FreshDatabase) -> None:
    with psycopg.connect(filled.service_url) as connection:
        cursor = connection.execute(f"EXPLAIN {sweep._CANDIDATES}".encode(), (["301"], board.PRIVATE_SETTINGS))
        found = "\n".join(str(line) for (line,) in cursor.fetchall())
    assert "encounters_open_by_number" in found
    assert "encounters_open_by_mother" in found
    assert "Seq Scan on encounters" not in found


async def test_the_marks_of_two_sites_are_their_own(filled: FreshDatabase) -> None:
    async with Database(filled.service_url) as database:
        async with database.transaction() as transaction:
            before = await board_marks(transaction, [SITE, "R0A02"])
        async with database.transaction() as transaction:
            await transaction.execute(
                "UPDATE encounters SET version = version + 1 WHERE site = 'R0A02' AND flagged AND state = 'open'"
            )
            after = await board_marks(transaction, [SITE, "R0A02"])
    assert after[SITE] == before[SITE]
    assert after["R0A02"] != before["R0A02"]
