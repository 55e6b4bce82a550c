"""Valkey and PostgreSQL stop and return while alerts are delivered: servers of this module's own, really stopped."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from alerts.channels.email import EmailChannel
from alerts.channels.screen import ScreenChannel, confirm_shown
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from domain.errors import CouldNotReachStore
from nightlight.embedded import postgres, valkey
from nightlight.embedded.account import choose_account
from nightlight.embedded.binaries import postgres_program
from nightlight.embedded.folder import DataFolder, open_data_folder, take_lock
from nightlight.embedded.guarded import Account, Guarded
from runtime.clock import now
from runtime.database import Database
from runtime.migrate import migrate
from runtime.nudge import Nudges
from tests.alerts.conftest import eventually
from tests.alerts.mail import Mailbox, mail_server, reserve_port, url_of
from tests.alerts.running import Told, dispatcher
from tests.alerts.store import (
    AT,
    AUTHORITY,
    attempts,
    deliveries,
    found_hospital,
    let_time_pass,
    raise_many,
    raise_one,
    rows,
)

EMAIL, SCREEN = ChannelName.EMAIL, ChannelName.SCREEN
SENT = Attempted(AttemptOutcome.SENT)


class OwnServers:
    """A PostgreSQL and a Valkey that the tests stop and start."""

    def __init__(self, folder: DataFolder, account: Account, lock: int) -> None:
        self._folder, self._account, self._lock = folder, account, lock
        self._running: dict[str, Guarded] = {}
        self.redis_url = valkey.url_of(folder)
        self.owner_url = postgres.url_of(folder, postgres.OWNER)
        self.service_url = postgres.url_of(folder, postgres.SERVICE)

    def start(self) -> None:
        """Start what does not run."""
        if "valkey" not in self._running:
            self._running["valkey"] = valkey.start_valkey(self._folder, self._account, self._lock)
        if "postgres" not in self._running:
            self._running["postgres"] = postgres.start_postgres(self._folder, self._account, self._lock)

    def stop(self, *names: str) -> None:
        """Stop these, or all."""
        for name in names or list(self._running):
            self._running.pop(name).stop()


@pytest.fixture(scope="module")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    folder = open_data_folder(Path(tmp_path_factory.mktemp("o")) / "data")
    lock = take_lock(folder)
    servers = OwnServers(folder, choose_account(folder, postgres_program("postgres")), lock)
    servers.start()
    migrate(servers.owner_url)
    yield servers
    servers.stop()
    os.close(lock)


@pytest.fixture
def servers(own_servers: OwnServers) -> Iterator[OwnServers]:
    """Both run when a test begins, with nothing in the store."""
    own_servers.start()
    with psycopg.connect(own_servers.owner_url) as owner:
        owner.execute(
            "TRUNCATE deliveries, attempts, alerts, alert_events, encounters, persons, sites, organisations, authorities CASCADE"
        )
    yield own_servers
    own_servers.start()


@pytest.fixture
async def database(servers: OwnServers) -> AsyncIterator[Database]:
    async with Database(servers.service_url) as database:
        async with database.transaction() as transaction:
            await found_hospital(transaction)
        yield database


@pytest.fixture
async def nudges(servers: OwnServers) -> AsyncIterator[Nudges]:
    nudges = Nudges(servers.redis_url)
    yield nudges
    await nudges.close()


async def all_are(database: Database, channel: ChannelName, state: str) -> bool:
    """Whether they are; where the database is away, not yet."""
    try:
        return {line.state for line in await deliveries(database, channel)} == {state}
    except CouldNotReachStore:
        return False


async def test_with_valkey_stopped_letters_go_out_and_the_screen_is_delivered_by_polling(
    servers: OwnServers, database: Database, nudges: Nudges, mailbox: Mailbox
) -> None:
    port = reserve_port()
    email = EmailChannel(database, url_of(port), "nightlight@here.example", str)
    async with mail_server(mailbox, port), dispatcher(database, nudges, ScreenChannel(nudges), email):
        servers.stop("valkey")
        raised = await raise_one(database)
        await eventually(lambda: all_are(database, EMAIL, "sent"), "the letter is sent")
        (line,) = await deliveries(database, SCREEN)
        await eventually(lambda: _was_tried(database), "the nudge is tried")
        assert {each[1:] for each in await attempts(database, line.id)} == {("temporary-failure", "nobody-nudged")}
        async with database.transaction() as transaction:
            assert await confirm_shown(transaction, {raised.id: AT}, AUTHORITY, now()) == [raised.id]
    assert await all_are(database, SCREEN, "delivered")
    assert (await attempts(database, line.id))[-1][1:] == ("delivered", "shown")


async def _was_tried(database: Database) -> bool:
    return (await deliveries(database, SCREEN))[0].attempts > 0


async def test_with_valkey_back_the_screens_are_nudged_of_what_waited(
    servers: OwnServers, database: Database, nudges: Nudges
) -> None:
    servers.stop("valkey")
    async with dispatcher(database, nudges, ScreenChannel(nudges)):
        await raise_many(database, 3)
        await eventually(lambda: _was_tried(database), "the nudge is tried")
        servers.start()
        await let_time_pass(database)
        await eventually(lambda: all_are(database, SCREEN, "sent"), "the screens are nudged")


async def test_a_dispatcher_outlives_a_restart_of_the_database(servers: OwnServers, database: Database, nudges: Nudges) -> None:
    told = Told()
    async with dispatcher(database, nudges, told) as running:
        await raise_many(database, 2)
        await eventually(lambda: all_are(database, SCREEN, "sent"), "the first two are told")
        servers.stop("postgres")
        with pytest.raises(CouldNotReachStore):
            await deliveries(database)
        servers.start()
        await eventually(lambda: _raise_more(database), "alerts can be raised again")
        await eventually(lambda: all_are(database, SCREEN, "sent"), "the others are told")
        assert not running.done()
    assert len(told.times) == 3
    assert set(told.times.values()) == {1}


async def _raise_more(database: Database) -> bool:
    try:
        async with database.transaction() as transaction:
            await transaction.execute(
                """
                INSERT INTO deliveries (alert_id, notice, channel, recipient)
                SELECT id, 'cancel', 'screen', authority_code FROM alerts LIMIT 1
                """
            )
    except CouldNotReachStore:
        return False
    return True


async def test_what_was_told_while_the_database_was_away_is_written_down_when_it_returns(
    servers: OwnServers, database: Database, nudges: Nudges
) -> None:
    async def stops_the_database(_: Delivery) -> Attempted:
        servers.stop("postgres")
        return SENT

    told = Told(stops_the_database)
    async with dispatcher(database, nudges, told):
        await raise_one(database)
        await eventually(lambda: _is_told(told), "it is told")
        servers.start()
        await eventually(lambda: all_are(database, SCREEN, "sent"), "it is written down")
    assert list(told.times.values()) == [1]
    assert await rows(database, "SELECT number, outcome FROM attempts") == [(1, "sent")]


async def _is_told(told: Told) -> bool:
    return bool(told.times)
