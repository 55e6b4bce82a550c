"""One alert per encounter and authority, however many looks; and everybody told hears what happens next, each time."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.raising import raise_alerts
from domain.alert import AlertEvent, ChannelName
from runtime.database import Database
from tests.alerts.store import (
    AT,
    AUTHORITY,
    MAILBOX,
    deliveries,
    execute,
    new_alert,
    raise_many,
    raise_one,
    rows,
    tell_of,
    told_by,
)


async def events(database: Database) -> list[tuple[str, str]]:
    found = await rows(database, "SELECT event, state_after FROM alert_events ORDER BY id")
    return [(event, state) for event, state in found]


async def state(database: Database) -> str:
    ((state,),) = await rows(database, "SELECT state FROM alerts")
    return str(state)


async def test_nobody_to_tell_raises_nothing(database: Database) -> None:
    async with database.transaction() as transaction:
        assert await raise_alerts(transaction, []) == []
    assert await deliveries(database) == []


async def test_a_second_look_at_the_same_encounter_raises_no_second_alert(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = await new_alert(transaction)
        first = await raise_alerts(transaction, [wanted])
    async with database.transaction() as transaction:
        assert await raise_alerts(transaction, [wanted]) == []
    assert len(first) == 1
    assert len(await deliveries(database)) == 2
    assert await events(database) == [("raise", "raised")]


async def test_two_plans_of_one_authority_raise_one_alert(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = await new_alert(transaction)
        assert len(await raise_alerts(transaction, [wanted, wanted])) == 1
    assert len(await deliveries(database)) == 2


async def test_each_recipient_has_one_pending_delivery(database: Database) -> None:
    raised = await raise_one(database)
    lines = [(line.alert_id, line.channel, line.recipient, line.state) for line in await deliveries(database)]
    assert sorted(lines) == [
        (raised.id, "email", MAILBOX, "pending"),
        (raised.id, "screen", AUTHORITY, "pending"),
    ]


async def test_an_authority_without_a_mailbox_is_told_on_the_screen(database: Database) -> None:
    await raise_one(database, email=None)
    assert [line.channel for line in await deliveries(database)] == ["screen"]


async def test_two_authorities_of_one_encounter_have_an_alert_each(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = await new_alert(transaction)
        other = type(wanted)(wanted.encounter_id, "B902", wanted.person_id, wanted.reason, told_by(None), AT)
        raised = await raise_alerts(transaction, [other, wanted])
    assert sorted(alert.authority_code for alert in raised) == ["A901", "B902"]
    assert len(await deliveries(database)) == 3


@pytest.mark.parametrize(
    "event, after",
    [
        (AlertEvent.LEFT_BEFORE_SEEN, "raised"),
        (AlertEvent.CANCEL, "retracted"),
    ],
)
async def test_what_happens_next_is_told_to_the_same_recipients(database: Database, event: AlertEvent, after: str) -> None:
    raised = await raise_one(database)
    async with database.transaction() as transaction:
        assert await tell_of(transaction, raised.encounter_id, event, AT, "Brannoc PAS") == 1
    assert await state(database) == after
    assert sorted((line.notice, line.channel) for line in await deliveries(database)) == sorted(
        (notice, channel) for notice in ("raised", event.value) for channel in ("screen", "email")
    )
    assert await events(database) == [("raise", "raised"), (event.value, after)]


async def test_a_child_who_leaves_a_second_time_is_told_of_a_second_time(database: Database) -> None:
    raised = await raise_one(database)
    for event in (AlertEvent.LEFT_BEFORE_SEEN, AlertEvent.CANCEL, AlertEvent.REINSTATE, AlertEvent.LEFT_BEFORE_SEEN):
        async with database.transaction() as transaction:
            await tell_of(transaction, raised.encounter_id, event, AT, "Brannoc PAS")
    for channel in (ChannelName.SCREEN, ChannelName.EMAIL):
        assert [line.notice for line in await deliveries(database, channel)] == [
            "raised",
            "left-before-seen",
            "cancel",
            "reinstate",
            "left-before-seen 2",
        ]


async def test_two_who_tell_of_the_same_at_once_are_both_told_of(database: Database) -> None:
    raised = await raise_one(database)

    async def tell() -> None:
        async with database.transaction() as transaction:
            await transaction.execute("SET LOCAL lock_timeout = 0")  # it waits for as long as the test takes to see it wait
            await tell_of(transaction, raised.encounter_id, AlertEvent.LEFT_BEFORE_SEEN, AT, "Brannoc PAS")

    async with asyncio.timeout(20):
        async with database.transaction() as transaction:
            await tell_of(transaction, raised.encounter_id, AlertEvent.LEFT_BEFORE_SEEN, AT, "A clinician")
            second = asyncio.create_task(tell())
            while not await rows(database, "SELECT FROM pg_locks WHERE NOT granted"):
                pass
        await second
    for channel in (ChannelName.SCREEN, ChannelName.EMAIL):
        assert [line.notice for line in await deliveries(database, channel)] == [
            "raised",
            "left-before-seen",
            "left-before-seen 2",
        ]


async def test_alerts_about_one_child_that_are_raised_together_are_one_thread(database: Database) -> None:
    first, *_ = await raise_many(database, 3)
    assert await rows(database, "SELECT DISTINCT thread_id FROM alerts") == [(first.id,)]
    assert len(await deliveries(database, ChannelName.SCREEN)) == 3, "none hides another"


async def test_an_alert_that_is_there_already_leaves_the_thread_to_who_is_new(database: Database) -> None:
    async with database.transaction() as transaction:
        old = await new_alert(transaction, "V-1")
        (before,) = await raise_alerts(transaction, [replace(old, at=AT - timedelta(hours=25))])
    async with database.transaction() as transaction:
        new, newer = await new_alert(transaction, "V-2"), await new_alert(transaction, "V-3")
        raised = await raise_alerts(transaction, [old, newer, new])
    assert len(raised) == 2
    ids = {thread for (thread,) in await rows(database, "SELECT DISTINCT thread_id FROM alerts WHERE id <> %s", before.id)}
    assert len(ids) == 1
    assert ids < {each.id for each in raised}


async def test_a_new_alert_begins_the_line_of_who_is_first(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = await new_alert(transaction)
        late_at = AT + timedelta(minutes=30)
        told = replace(wanted.telling, rule="By night", covered="office", late_at=late_at)
        await raise_alerts(transaction, [replace(wanted, telling=told)])
    line = "SELECT rule, team_code, covered, notice, step, began_at, step_at, next_step_at FROM alerts"
    assert await rows(database, line) == [("By night", "office", "office", "raised", 0, AT, AT, late_at)]
    told_by_team = "SELECT channel, team, notice FROM deliveries ORDER BY channel"
    assert await rows(database, told_by_team) == [("email", "office", "raised"), ("screen", "", "raised")]


async def test_what_happens_next_begins_the_line_anew(database: Database) -> None:
    raised = await raise_one(database)
    await execute(database, "UPDATE alerts SET step = 3, team_code = 'others', notice = 'escalate 3', rule = 'Old'")
    later = AT + timedelta(hours=1)
    async with database.transaction() as transaction:
        await tell_of(transaction, raised.encounter_id, AlertEvent.LEFT_BEFORE_SEEN, later, "Brannoc PAS")
    line = "SELECT occasion, rule, team_code, notice, step, began_at, step_at FROM alerts"
    assert await rows(database, line) == [("left-before-seen", "", "office", "left-before-seen", 0, later, later)]


async def test_an_encounter_nobody_was_told_of_tells_nobody(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = await new_alert(transaction)
        assert await tell_of(transaction, wanted.encounter_id, AlertEvent.CANCEL, AT, "Brannoc PAS") == 0
    assert await deliveries(database) == []
