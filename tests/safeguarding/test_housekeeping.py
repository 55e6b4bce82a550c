"""What is kept about whom, for how long: the table, and the job that follows it."""

from datetime import timedelta

import psycopg

from domain.answer import CouldNotCheck, CouldNotCheckReason
from domain.encounter import TriggerEvent
from safeguarding.housekeeping import keep_house
from safeguarding.retention import RETENTION
from tests.conftest import FreshDatabase
from tests.safeguarding.house import SEEN_AT, UNKNOWN_CHILD, House

STATES = "SELECT encounter_key LIKE 'look %%', state FROM encounters ORDER BY 1"


async def age(house: House, hours: int) -> None:
    """Let everything have happened so many hours ago."""
    async with house.database.transaction() as transaction:
        await transaction.execute(
            """
            UPDATE encounters SET last_event_at = now() - %(a)s::interval, recorded_at = now() - %(a)s::interval,
                                  departed_at = CASE WHEN state <> 'open' THEN now() - %(a)s::interval END
            """,
            {"a": timedelta(hours=hours)},
        )
        await transaction.execute("UPDATE inbox SET received_at = now() - %s::interval", (timedelta(hours=hours),))


async def test_nobody_flagged_is_erased_72_hours_after_leaving_and_not_before(house: House) -> None:
    await house.ask(number=UNKNOWN_CHILD)
    await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.DISCHARGE, minutes=5)
    await age(house, 71)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM encounters") == 1
    await age(house, 73)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM encounters") == 0
    assert await house.value("SELECT count(*) FROM accesses") == 1, "the audit stays, by hash"


async def test_a_flagged_child_is_not_erased(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=5)
    await age(house, 1000)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM encounters") == 1


async def test_an_encounter_that_never_closes_expires_and_one_of_a_look_sooner(house: House) -> None:
    await house.ask(number=UNKNOWN_CHILD)
    await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.LOOKUP, site="R0A02", visit_number="")
    await house.ask(number="9990000042", trigger=TriggerEvent.LOOKUP, visit_number="")
    await age(house, 13)
    await keep_house(house.database, 30)
    assert await house.rows(STATES) == [(False, "open"), (True, "expired")]
    await age(house, 73)
    await keep_house(house.database, 30)
    assert await house.rows("SELECT state FROM encounters WHERE encounter_key LIKE 'visit %%'") == [("expired",)]


async def test_a_sender_whose_clock_is_years_behind_keeps_its_encounters_and_a_late_number_alerts(house: House) -> None:
    await house.flag()
    await house.ask(number=None, local="633", event_at=SEEN_AT.replace(year=2016))
    await keep_house(house.database, 30)
    assert await house.rows("SELECT state FROM encounters") == [("open",)]
    late = await house.ask(local="633", trigger=TriggerEvent.UPDATE, event_at=SEEN_AT.replace(year=2016), minutes=20)
    assert len(late.alerts) == 1


async def test_control_ids_are_remembered_for_as_long_as_the_setting_says(house: House) -> None:
    await house.ask(control_id="C1")
    await age(house, 24 * 29)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM inbox") == 1
    await age(house, 24 * 31)
    await keep_house(house.database, 30)
    assert await house.value("SELECT count(*) FROM inbox") == 0


async def test_a_held_message_stays_until_somebody_has_decided(house: House) -> None:
    async with house.database.transaction() as transaction:
        await transaction.execute(
            """
            INSERT INTO quarantine (received_at, peer, sending_facility, control_id, reason, error_code, raw, content_hash,
                                    acknowledgement, state, decided_at)
            VALUES (now() - interval '99 days', 'p', 'f', 'c', 'r', '100', 'x', '1', 'a', 'held', NULL),
                   (now() - interval '99 days', 'p', 'f', 'c', 'r', '100', 'x', '2', 'a', 'discarded', now() - interval '98 days')
            """
        )
    await keep_house(house.database, 30)
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]


def test_every_line_of_the_retention_table_says_about_whom_since_when_and_who_erases() -> None:
    assert len(RETENTION) >= 9
    assert all(line.what and line.about and line.since and line.erased_by for line in RETENTION)
    assert {line.life for line in RETENTION if line.what == "minimal encounter"} == {timedelta(hours=72)}


async def test_a_production_store_checks_no_invented_number_for_a_person(fresh_database: FreshDatabase, house: House) -> None:

    await house.flag()
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        owner.execute("UPDATE store SET kind = 'production'")
    house.directory.forget()
    for number in ("9990000018", "4" * 10):
        outcome = (await house.ask(number=number, visit_number=number)).outcome
        assert isinstance(outcome, CouldNotCheck)
        assert outcome.reason is CouldNotCheckReason.TEST_NUMBER


async def test_what_an_extract_left_behind_is_erased_in_its_time_and_what_waits_is_not(house: House) -> None:
    await house.flag()
    async with house.database.transaction() as transaction:
        [(extract,)] = await (await transaction.execute("SELECT id FROM extracts LIMIT 1")).fetchall()
        await transaction.execute("UPDATE extracts SET received_at = now() - interval '364 days' WHERE id = %s", (extract,))
        await transaction.execute(
            "INSERT INTO extract_rejects (extract_id, line, field, code, reason, record) VALUES (%s, 1, 'line', 'x', 'x', '{}')",
            (extract,),
        )
        await transaction.execute(
            """
            INSERT INTO extract_responses (extract_id, file_code, records, accepted, created_at)
            VALUES (%s, 'CPF02', 1, 1, now() - interval '89 days')
            """,
            (extract,),
        )
        await transaction.execute("INSERT INTO extract_response_parts VALUES (%s, 0, 'x')", (extract,))
        await transaction.execute(
            """
            INSERT INTO mesh_inbox (message_id, state, settled_at)
            VALUES ('1', 'taken', now() - interval '399 days'), ('2', 'waiting', NULL)
            """
        )
    kept = """
        SELECT (SELECT count(*) FROM extract_rejects), (SELECT count(*) FROM extract_response_parts),
               (SELECT count(*) FROM mesh_inbox)
    """
    await keep_house(house.database, 30)
    assert await house.rows(kept) == [(1, 1, 2)]
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE extracts SET received_at = received_at - interval '2 days'")
        await transaction.execute("UPDATE extract_responses SET created_at = created_at - interval '2 days'")
        await transaction.execute("UPDATE mesh_inbox SET settled_at = settled_at - interval '2 days'")
    await keep_house(house.database, 30)
    assert await house.rows(kept) == [(0, 0, 1)]
