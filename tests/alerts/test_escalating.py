"""Escalation as the dispatchers' processes run it: an alert that nobody acknowledges becomes a letter to the deputy, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from alerts.escalating import look_now, read_standing
from alerts.raising import NewAlert, RaisedAlert, raise_alerts
from alerts.routing.route import telling
from domain.alert import AlertReason, ChannelName
from domain.routing import Sighting
from nightlight.processes.telling import keep_telling
from runtime.database import Database
from runtime.nudge import Nudges
from safeguarding.directory import Directory, DirectoryReader, read_directory
from safeguarding.telling.escalating import Escalator
from tests.alerts.conftest import eventually
from tests.alerts.running import Told, dispatcher
from tests.alerts.store import AUTHORITY, deliveries, execute, rows, see_child

EMAIL, SCREEN = ChannelName.EMAIL, ChannelName.SCREEN
THURSDAY = datetime(2026, 4, 2, 15, 20, tzinfo=UTC)  # 16:20 in England, the Thursday before Easter; the office closes at 16:30
TUESDAY = datetime(2026, 4, 7, 8, 5, tzinfo=UTC)  # 09:05 in England: half an hour of the office's duty later
DEPUTY = "deputies@northshire.example"


class Clock:
    """What time the processes believe it is."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.asked = 0

    def __call__(self) -> datetime:
        self.asked += 1
        return self.at

    async def show(self, at: datetime) -> None:
        """From now on; returns when everybody has looked twice."""
        self.at, before = at, self.asked
        await eventually(lambda: self._was_asked(before + 20), "they look")

    async def _was_asked(self, times: int) -> bool:
        return self.asked >= times


@asynccontextmanager
async def escalating(database: Database, clock: Clock, processes: int = 1) -> AsyncIterator[list[bool]]:
    """So many dispatchers' processes; gives their nudges."""
    nudged: list[bool] = []
    running = [
        asyncio.create_task(keep_telling(database, DirectoryReader(database), lambda: nudged.append(True), clock, 0.01))
        for _ in range(processes)
    ]
    try:
        yield nudged
    finally:
        for task in running:
            task.cancel()
        for task in running:
            with suppress(asyncio.CancelledError):
                await task


async def found_teams(database: Database) -> None:
    """The office reads from 08:45 to 16:30, from Monday to Friday; its deputies always."""
    await execute(
        database,
        """
        INSERT INTO authority_hours (authority_code, weekday, opens, closes)
        SELECT %s, day, '08:45', '16:30' FROM generate_series(1, 5) AS day
        """,
        AUTHORITY,
    )
    await execute(
        database,
        """
        WITH teams AS (
            INSERT INTO teams (authority_code, code, name, duty, deputy_code)
            VALUES (%(a)s, 'office', 'office team', 'office', 'deputies'), (%(a)s, 'deputies', 'deputies', 'always', NULL)
            RETURNING id, code
        )
        INSERT INTO team_contacts (team_id, position, channel, address)
        SELECT id, 0, 'email', code || '@northshire.example' FROM teams
        """.replace("%(a)s", f"'{AUTHORITY}'"),
    )


async def see(database: Database, at: datetime, visits: int = 1) -> list[RaisedAlert]:
    """The child is seen, by a desk that asks the authority's rules."""
    async with database.transaction() as transaction:
        routing = (await read_directory(transaction)).routing(AUTHORITY)
        told = telling(routing, Sighting(), 0, at)
        assert told is not None
        seen = [await see_child(transaction, f"V-{number}") for number in range(visits)]
        return await raise_alerts(
            transaction,
            [NewAlert(encounter, AUTHORITY, person, AlertReason.ATTENDANCE, told, at) for encounter, person in seen],
        )


async def steps(database: Database) -> list[tuple[str, int]]:
    return [(notice, len(await rows(database, "SELECT FROM deliveries WHERE notice = %s AND channel = 'email'", notice)))
            for (notice,) in await rows(database, "SELECT DISTINCT notice FROM deliveries ORDER BY notice")]  # fmt: skip


def gauge(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def test_what_nobody_acknowledges_reaches_the_deputy_after_the_minutes_of_duty(database: Database, nudges: Nudges) -> None:
    await found_teams(database)
    (alert,) = await see(database, THURSDAY)
    clock, letters, screens = Clock(THURSDAY), Told(name=EMAIL), Told(name=SCREEN)
    async with dispatcher(database, nudges, letters, screens), escalating(database, clock) as nudged:
        for at in (THURSDAY + timedelta(days=3), TUESDAY - timedelta(seconds=1)):
            await clock.show(at)
            assert nudged == []
        await clock.show(TUESDAY)

        async def is_told() -> bool:
            return any(line.recipient == DEPUTY and line.state == "sent" for line in await deliveries(database, EMAIL))

        await eventually(is_told, "the deputy has a letter")
    assert set(letters.times.values()) == {1}
    assert [(line.notice, line.recipient) for line in await deliveries(database, EMAIL)] == [
        ("raised", "office@northshire.example"),
        ("escalate", DEPUTY),
    ]
    assert await rows(database, "SELECT event, team, state_after FROM alert_events WHERE alert_id = %s ORDER BY id", alert.id) == [
        ("raise", "office", "raised"),
        ("escalate", "deputies", "raised"),
    ]


async def test_several_processes_side_by_side_take_each_step_once(database: Database, nudges: Nudges) -> None:
    await found_teams(database)
    await see(database, THURSDAY, visits=30)
    clock, letters = Clock(THURSDAY), Told(name=EMAIL)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            _ = await stack.enter_async_context(dispatcher(database, nudges, letters))
        await stack.enter_async_context(escalating(database, clock, processes=5))
        await clock.show(TUESDAY)

        async def all_are_told() -> bool:
            return sum(1 for line in await deliveries(database, EMAIL) if line.state == "sent") == 60

        await eventually(all_are_told, "everybody has a letter for each of the thirty")
        await clock.show(TUESDAY + timedelta(days=10))
    assert await steps(database) == [("escalate", 30), ("raised", 30)]
    assert set(letters.times.values()) == {1}
    assert await rows(database, "SELECT count(*) FROM alert_events WHERE event = 'escalate'") == [(30,)]


async def test_what_nobody_is_left_for_is_measured(database: Database) -> None:
    await found_teams(database)
    await see(database, THURSDAY, visits=3)
    clock = Clock(TUESDAY)
    async with escalating(database, clock):
        await clock.show(TUESDAY)
    clock = Clock(TUESDAY + timedelta(minutes=45))
    async with escalating(database, clock):
        await clock.show(clock.at)
    assert (await read_standing_of(database)) == (3, 3)
    async with escalating(database, Clock(clock.at)):

        async def is_measured() -> bool:
            return gauge("nightlight_alerts_nobody_left") == 3

        await eventually(is_measured, "the gauge says so")
    assert gauge("nightlight_alerts_overdue") == 3
    assert gauge("nightlight_oldest_unacknowledged_seconds") == (clock.at - THURSDAY).total_seconds(), (
        "the deputies are always there"
    )


async def read_standing_of(database: Database) -> tuple[int, int]:
    async with database.transaction() as transaction:
        standing = await read_standing(transaction)
    return standing.overdue, standing.nobody_left


@pytest.mark.parametrize("state", ["acknowledged", "closed"])
async def test_nobody_looks_at_what_somebody_has_read(database: Database, state: str) -> None:
    await see(database, THURSDAY)
    await execute(
        database,
        """
        UPDATE alerts SET state = %s, next_step_at = NULL, acknowledged_at = now(), acknowledged_by = 'S. Worker', answer = 'known'
        """,
        state,
    )
    async with database.transaction() as transaction:
        assert await look_now(transaction, [AUTHORITY], TUESDAY, 10) == 0
    assert await rows(database, "SELECT next_step_at FROM alerts") == [(None,)]


async def test_all_are_looked_at_some_at_a_time(database: Database) -> None:
    await see(database, THURSDAY, visits=5)
    looked_at = []
    for _ in range(4):
        async with database.transaction() as transaction:
            looked_at.append(await look_now(transaction, [AUTHORITY, "B902"], THURSDAY, 2))
    assert looked_at == [2, 2, 1, 0]


class OldDirectory(DirectoryReader):
    """It goes by what it has read first."""

    async def current(self) -> Directory:
        return self.last_known or await super().current()


async def test_an_alert_that_cannot_be_decided_holds_up_no_other(database: Database) -> None:
    """Its authority is newer than the directory that the process has read."""
    await found_teams(database)
    await see(database, THURSDAY)
    before = gauge("nightlight_alerts_undecided_total")
    escalator = Escalator(database, OldDirectory(database))
    assert await escalator.look(THURSDAY) == (0, False)
    await execute(
        database,
        "INSERT INTO authorities (code, name, office_phone, emergency_phone, state) VALUES ('C903', 'New', '1', '2', 'live')",
    )
    await execute(
        database,
        """
        INSERT INTO alerts (id, encounter_id, authority_code, person_id, reason, raised_at, changed_at, began_at, step_at,
                            thread_id, next_step_at)
        SELECT uuidv7(), encounter_id, 'C903', person_id, reason, raised_at, changed_at, began_at, step_at, thread_id, began_at
        FROM alerts
        """,
    )
    assert await escalator.look(TUESDAY) == (1, False), "the other one"
    assert gauge("nightlight_alerts_undecided_total") == before + 1
    later = "SELECT team_code, next_step_at FROM alerts WHERE authority_code = 'C903'"
    assert await rows(database, later) == [("office", TUESDAY + timedelta(minutes=1))]
    await Escalator(database, DirectoryReader(database)).look(TUESDAY + timedelta(minutes=1))
    assert await rows(database, later) == [("office", None)], "nobody is next, and its time has long passed"


async def test_while_the_store_is_away_nobody_is_told_and_the_process_goes_on(database: Database) -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1", 1)
    before = gauge("nightlight_dispatcher_store_errors_total")
    async with nowhere, escalating(nowhere, Clock(THURSDAY)) as nudged:

        async def has_failed_twice() -> bool:
            return gauge("nightlight_dispatcher_store_errors_total") >= before + 2

        await eventually(has_failed_twice, "it tries again")
    assert nudged == []
