"""A nudge wakes those channels alone for which something is due: what is found, and what waits for its time."""

from alerts.waiting import due_channels
from domain.alert import ChannelName
from runtime.database import Database
from tests.alerts.store import raise_one

ALL = list(ChannelName)


async def found(database: Database, channels: list[ChannelName]) -> set[ChannelName]:
    async with database.single() as connection:
        return await due_channels(connection, channels)


async def test_where_nothing_waits_nobody_is_woken(database: Database) -> None:
    assert await found(database, ALL) == set()


async def test_what_is_due_is_found_and_of_the_channels_that_were_asked_for_alone(database: Database) -> None:
    await raise_one(database)
    assert await found(database, ALL) == {ChannelName.SCREEN, ChannelName.EMAIL}
    assert await found(database, [ChannelName.EMAIL, ChannelName.SMS]) == {ChannelName.EMAIL}


async def test_what_waits_for_the_morning_or_was_told_wakes_nobody(database: Database) -> None:
    await raise_one(database)
    async with database.transaction() as transaction:
        await transaction.execute("UPDATE deliveries SET next_attempt_at = now() + interval '1 hour' WHERE channel = 'email'")
        await transaction.execute("UPDATE deliveries SET state = 'sent', sent_at = now() WHERE channel = 'screen'")
    assert await found(database, ALL) == set()
