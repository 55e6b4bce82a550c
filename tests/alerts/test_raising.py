"""One alert per encounter and authority, however many looks; and everybody told hears what happens next, each time."""

import pytest

from alerts.raising import raise_alerts
from domain.alert import AlertEvent, ChannelName
from runtime.database import Database
from tests.alerts.store import AT, AUTHORITY, MAILBOX, deliveries, new_alert, raise_one, rows, tell_of


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
        other = type(wanted)(wanted.encounter_id, "B902", wanted.person_id, wanted.reason, None, AT)
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


async def test_an_encounter_nobody_was_told_of_tells_nobody(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = await new_alert(transaction)
        assert await tell_of(transaction, wanted.encounter_id, AlertEvent.CANCEL, AT, "Brannoc PAS") == 0
    assert await deliveries(database) == []
