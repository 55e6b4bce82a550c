"""After a downtime: what was replayed late is told to people together, to screens at once, and nothing of it is lost."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from alerts.channels.email import EmailChannel
from alerts.channels.letters import read_letter
from alerts.channels.templates import reference_of
from alerts.claims import Attempt, claim_due, record_attempts
from alerts.escalating import claim_in_line, pass_on, tell_also
from alerts.raising import RaisedAlert, raise_alerts
from alerts.receipts import Receipt, Said, Taken, record_receipt
from alerts.waiting import read_waiting
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from domain.routing import Contact, Duty, Planned, Team, Telling
from runtime.clock import now
from runtime.database import Database, Transaction
from runtime.ids import uuid7
from runtime.nudge import Nudges
from tests.alerts.conftest import eventually
from tests.alerts.leaks import notice
from tests.alerts.mail import Mailbox, mail_server, url_of
from tests.alerts.running import dispatcher
from tests.alerts.store import AUTHORITY, MAILBOX, attempts, deliveries, execute, new_alert, rows, told_by

EMAIL, SCREEN, SMS = ChannelName.EMAIL, ChannelName.SCREEN, ChannelName.SMS
OTHER, OTHER_MAILBOX, NUMBER = "B902", "children@southmere.example", "07700900123"
SENT = Attempted(AttemptOutcome.SENT)
AWAY = Attempted(AttemptOutcome.TEMPORARY, "no-connection")


def to(channel: ChannelName, address: str, starts: timedelta = timedelta()) -> Telling:
    """A team with one contact, whose duty starts so long after the alert."""
    contact = Contact(channel, address)
    team = Team("office", "office team", "0300 555 0101", Duty.OFFICE, contacts=(contact,))
    return Telling("", 0, team, now() + starts, (Planned(contact, now() + starts, False),), None)


async def replay(
    transaction: Transaction, number: int = 1, authority: str = AUTHORITY, telling: Telling | None = None, late: bool = True
) -> list[RaisedAlert]:
    """So many arrivals, each of a visit of its own, raised together as one message after the other brings them."""
    wanted = [await new_alert(transaction, f"V-{uuid4()}", authority) for _ in range(number)]
    telling = telling or told_by(MAILBOX if authority == AUTHORITY else OTHER_MAILBOX, now())
    return await raise_alerts(transaction, [replace(each, is_replayed=late, telling=telling) for each in wanted])


async def replayed(
    database: Database, number: int = 1, authority: str = AUTHORITY, telling: Telling | None = None, late: bool = True
) -> list[RaisedAlert]:
    async with database.transaction() as transaction:
        return await replay(transaction, number, authority, telling, late)


async def claim(database: Database, channel: ChannelName = EMAIL, by: str = "one") -> list[Delivery]:
    async with database.transaction() as transaction:
        return (await claim_due(transaction, channel, by, timedelta(seconds=60), 100)).deliveries


async def record(database: Database, delivery: Delivery, attempted: Attempted, by: str = "one") -> Attempt:
    attempt = Attempt(uuid7(), delivery, now(), attempted, 0)
    async with database.transaction() as transaction:
        await record_attempts(transaction, [attempt], by)
    return attempt


async def gathered(database: Database) -> None:
    """The two minutes are over."""
    await execute(
        database,
        "UPDATE deliveries SET next_attempt_at = now() - interval '1 second', due_at = now() - interval '1 second'"
        " WHERE state = 'pending' AND next_attempt_at > now()",
    )


async def bundles(database: Database, channel: ChannelName = EMAIL) -> list[int]:
    """How many alerts each message tells of, the fewest first."""
    query = "SELECT count(*)::int FROM deliveries WHERE channel = %s GROUP BY coalesce(bundled_with, id) ORDER BY 1"
    return [count for (count,) in await rows(database, query, channel.value)]


async def states(database: Database, channel: ChannelName = EMAIL) -> set[str]:
    return {line.state for line in await deliveries(database, channel)}


async def letter_of(database: Database, delivery: Delivery) -> set[UUID]:
    letter = await read_letter(database, delivery, lambda path: path)
    return {letter.alert_id, *letter.others}


# What is not bundled


async def test_an_alert_in_time_is_told_by_itself_and_at_once(database: Database) -> None:
    await replayed(database, 3, late=False)
    assert len(await claim(database)) == 3
    assert await rows(database, "SELECT FROM deliveries WHERE bundled_with IS NOT NULL") == []


async def test_an_alert_in_time_waits_for_no_bundle_and_is_in_none(database: Database) -> None:
    await replayed(database, 2)
    (live,) = await replayed(database, late=False)
    await replayed(database, 2)
    assert [each.alert_id for each in await claim(database)] == [live.id]
    assert await bundles(database) == [1, 4]


async def test_what_is_raised_again_by_a_repeat_is_not_bundled_again(database: Database) -> None:
    async with database.transaction() as transaction:
        wanted = replace(await new_alert(transaction), is_replayed=True)
        assert len(await raise_alerts(transaction, [wanted])) == 1
        assert await raise_alerts(transaction, [wanted]) == []
    assert await bundles(database) == [1]


async def test_two_authorities_with_one_mailbox_have_a_letter_each(database: Database) -> None:
    await replayed(database, 2, AUTHORITY, to(EMAIL, MAILBOX))
    await replayed(database, 3, OTHER, to(EMAIL, MAILBOX))
    assert await bundles(database) == [2, 3]


@pytest.mark.parametrize("ours, others", [(timedelta(), timedelta(hours=9)), (timedelta(hours=9), timedelta())])
async def test_nobody_is_told_later_or_much_sooner_because_others_are(
    database: Database, ours: timedelta, others: timedelta
) -> None:
    """One mailbox of two teams, of which one is on duty now and the other in nine hours."""
    await replayed(database, 2, telling=to(EMAIL, MAILBOX, ours))
    await replayed(database, 2, telling=to(EMAIL, MAILBOX, others))
    assert await bundles(database) == [2, 2]
    found = await rows(database, "SELECT DISTINCT round(extract(epoch FROM due_at - now()) / 3600)::int FROM deliveries")
    assert sorted(hours for (hours,) in found) == [0, 9]


# What is


async def test_forty_arrivals_for_two_authorities_are_a_letter_for_each_and_forty_screens(database: Database) -> None:
    for _ in range(10):
        await replayed(database, 2)
        await replayed(database, 2, OTHER)
    assert len(await claim(database, SCREEN)) == 40
    assert await claim(database) == [], "two minutes are given to what else comes late"
    await gathered(database)
    letters = await claim(database)
    assert {each.recipient for each in letters} == {MAILBOX, OTHER_MAILBOX}
    assert [len(await letter_of(database, each)) for each in letters] == [20, 20]
    for letter in letters:
        await record(database, letter, SENT)
    assert await states(database) == {"sent"}
    assert await claim(database) == []


async def test_text_messages_are_bundled_like_letters(database: Database) -> None:
    for _ in range(3):
        await replayed(database, telling=to(SMS, NUMBER))
    assert await bundles(database, SMS) == [3]


async def test_what_waits_for_the_morning_is_told_together_in_the_morning(database: Database) -> None:
    morning = to(EMAIL, MAILBOX, timedelta(hours=9))
    for _ in range(2):
        await replayed(database, 2, telling=morning)
    assert await bundles(database) == [4]
    found = await rows(database, "SELECT DISTINCT due_at, next_attempt_at FROM deliveries WHERE channel = 'email'")
    assert found == [(morning.contacts[0].at, morning.contacts[0].at)]


async def test_whoever_comes_when_the_bundle_is_due_begins_another(database: Database) -> None:
    await replayed(database, 2)
    await gathered(database)
    await replayed(database, 3)
    assert await bundles(database) == [2, 3]


async def test_several_desks_at_once_begin_one_bundle(database: Database) -> None:
    async def another_desk() -> None:
        async with database.transaction() as another:
            await another.execute("SET LOCAL lock_timeout = 0")  # it waits for as long as the test takes to see it wait
            await replay(another)

    async with asyncio.TaskGroup() as desks, database.transaction() as one:
        await replay(one, 2)
        desks.create_task(another_desk())
        query = "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        await eventually(lambda: rows(database, query), "the other desk waits")
    assert await bundles(database) == [3]


# Whoever comes first: the dispatcher, or the alert that joins


@asynccontextmanager
async def open_since_before(database: Database) -> AsyncIterator[Transaction]:
    """A desk whose transaction began while the bundle was not due yet; by now it is, for whoever begins now."""
    async with database.transaction() as transaction:
        await transaction.execute("SELECT now()")
        await execute(database, "UPDATE deliveries SET next_attempt_at = clock_timestamp() WHERE channel = 'email'")
        yield transaction


async def test_nobody_writes_a_letter_while_another_alert_joins_it(database: Database) -> None:
    (first,) = await replayed(database)
    async with open_since_before(database) as joining:
        (second,) = await replay(joining)
        assert await claim(database) == [], "it is locked until the other one has joined"
    (letter,) = await claim(database)
    assert await letter_of(database, letter) == {first.id, second.id}


@pytest.mark.parametrize("committed", [True, False], ids=["claimed", "being claimed"])
async def test_nothing_joins_a_letter_that_may_be_written_already(database: Database, committed: bool) -> None:
    (first,) = await replayed(database)
    async with open_since_before(database) as joining, database.transaction() as dispatcher:
        (letter,) = (await claim_due(dispatcher, EMAIL, "one", timedelta(seconds=60), 10)).deliveries
        if committed:
            await dispatcher.commit()
        (second,) = await replay(joining)
    assert await letter_of(database, letter) == {first.id}
    await record(database, letter, SENT)
    await gathered(database)
    (next_letter,) = await claim(database)
    assert await letter_of(database, next_letter) == {second.id}


async def test_a_letter_that_failed_is_joined_by_nobody(database: Database) -> None:
    await replayed(database, 2)
    await gathered(database)
    (letter,) = await claim(database)
    await record(database, letter, AWAY)
    await execute(database, "UPDATE deliveries SET next_attempt_at = now() + interval '1 minute' WHERE id = %s", letter.id)
    await replayed(database)
    assert await bundles(database) == [1, 2]


# What becomes of it


async def test_what_fails_waits_for_all_and_what_succeeds_tells_all(database: Database) -> None:
    await replayed(database, 3)
    await gathered(database)
    (letter,) = await claim(database)
    await record(database, letter, AWAY)
    assert await states(database) == {"pending"}
    (waiting,) = [each for each in await read_waiting_of(database) if each[0] is EMAIL]
    assert waiting == (EMAIL, 3), "three alerts were not told of"
    (again,) = await claim(database)
    assert again.id == letter.id
    written = await record(database, again, SENT)
    assert await states(database) == {"sent"}
    members = [line.id for line in await deliveries(database, EMAIL) if line.id != letter.id]
    assert await attempts(database, letter.id) == [(1, "temporary-failure", "no-connection"), (2, "sent", "")]
    assert [await attempts(database, each) for each in members] == [[(1, "sent", "bundled")]] * 2
    async with database.transaction() as transaction:
        await record_attempts(transaction, [written], "one")
    assert [len(await attempts(database, each)) for each in members] == [1, 1], "what is written down twice is written once"


async def read_waiting_of(database: Database) -> list[tuple[ChannelName, int]]:
    async with database.transaction() as transaction:
        return [(each.channel, each.count) for each in await read_waiting(transaction)]


async def test_a_crash_before_it_is_written_down_sends_the_same_letter_again(database: Database) -> None:
    raised = await replayed(database, 2)
    await gathered(database)
    (letter,) = await claim(database)
    await execute(database, "UPDATE deliveries SET lease_until = now() WHERE id = %s", letter.id)
    await replayed(database)
    (again,) = await claim(database, by="two")
    assert again.id == letter.id
    assert again.may_be_told
    assert await letter_of(database, again) == {each.id for each in raised}


async def test_what_nobody_tells_of_any_more_is_sent_by_itself(database: Database) -> None:
    await replayed(database, 3)
    await gathered(database)  # and somebody has mended the letter's row by hand
    await execute(database, "UPDATE deliveries SET state = 'sent', sent_at = now() WHERE bundled_with = id")
    letters = await claim(database)
    assert len(letters) == 2
    assert [await letter_of(database, each) for each in letters] == [{each.alert_id} for each in letters]


@pytest.mark.parametrize("said, state, outcome", [
    (Said.DELIVERED, "delivered", "delivered"),
    (Said.PERMANENT, "pending", "permanent-failure"),
    (Said.TECHNICAL, "pending", "temporary-failure"),
])  # fmt: skip
async def test_what_notify_says_of_the_message_is_said_of_all_of_it(
    database: Database, said: Said, state: str, outcome: str
) -> None:
    raised = await replayed(database, 3, telling=to(SMS, NUMBER))
    await gathered(database)
    (message,) = await claim(database, SMS)
    await record(database, message, SENT)
    receipt = Receipt(message.id, uuid4(), said)
    for taken in (Taken.NOW, Taken.BEFORE):
        async with database.transaction() as transaction:
            assert await record_receipt(transaction, receipt, now()) is taken
    assert await states(database, SMS) == {state}
    found = [(await attempts(database, line.id))[-1][:2] for line in await deliveries(database, SMS)]
    assert found == [(2, outcome)] * 3
    ((looked_at,),) = await rows(database, "SELECT count(*)::int FROM alerts WHERE next_step_at <= now()")
    assert looked_at == (0 if state == "delivered" else len(raised)), "who is told next is asked for each of them"
    if state == "pending":
        await execute(database, "UPDATE deliveries SET next_attempt_at = now() WHERE channel = 'sms'")
        assert [each.id for each in await claim(database, SMS)] == [message.id]


async def test_a_member_goes_on_to_its_fallback_and_to_the_next_team_by_itself(database: Database) -> None:
    _, member = await replayed(database, 2)
    await execute(database, "UPDATE alerts SET next_step_at = now() WHERE id = %s", member.id)
    async with database.transaction() as transaction:
        (alert,) = await claim_in_line(transaction, now(), 10)
        assert not alert.stands.got_through
        await tell_also(transaction, alert, to(EMAIL, "deputy@northshire.example").contacts)
        await pass_on(transaction, alert, to(EMAIL, "next@northshire.example"), now())
    told = await claim(database)
    assert {(each.alert_id, each.recipient) for each in told} == {
        (member.id, "deputy@northshire.example"),
        (member.id, "next@northshire.example"),
    }


async def test_a_member_has_got_through_once_its_letter_has(database: Database) -> None:
    raised = await replayed(database, 2)
    await gathered(database)
    (letter,) = await claim(database)
    await record(database, letter, SENT)
    await execute(database, "UPDATE alerts SET next_step_at = now()")
    async with database.transaction() as transaction:
        found = await claim_in_line(transaction, now(), 10)
    assert {alert.alert_id: alert.stands.got_through for alert in found} == {each.id: True for each in raised}


# On the wire


async def test_one_letter_names_ten_of_them_and_how_many_more(database: Database, mailbox: Mailbox, port: socket.socket) -> None:
    raised = await replayed(database, 13)
    await gathered(database)
    (letter,) = await claim(database)
    async with mail_server(mailbox, port):
        channel = EmailChannel(database, url_of(port), "Nightlight <a@nightlight.example>", lambda path: f"https://n.example{path}")
        assert await channel.deliver(letter) == SENT
    (text,) = [each.get_content() for each in mailbox.letters]
    assert "There are 13 new alerts for your team in Nightlight." in text
    assert " and 3 more\r\n" in text
    assert "https://n.example/worklist\r\n" in text
    assert mailbox.letters[0]["In-Reply-To"] is None
    assert f"References: {reference_of(letter.alert_id)}, " in text
    assert sum(reference_of(each.id) in text for each in raised) == 10


async def test_later_letters_follow_the_one_that_told_of_it_with_others(
    database: Database, mailbox: Mailbox, port: socket.socket
) -> None:
    raised = await replayed(database, 2)
    await gathered(database)
    (letter,) = await claim(database)
    (member,) = [each for each in raised if each.id != letter.alert_id]
    news = await notice(database, member, "cancel", EMAIL, MAILBOX)
    async with mail_server(mailbox, port):
        channel = EmailChannel(database, url_of(port), "Nightlight <a@nightlight.example>", lambda path: f"https://n.example{path}")
        for delivery in (letter, news):
            assert await channel.deliver(delivery) == SENT
    together, alone = mailbox.letters
    assert alone["In-Reply-To"] == together["Message-ID"]


async def test_a_mail_server_that_refuses_at_first_is_sent_one_letter_for_forty_arrivals(
    database: Database, mailbox: Mailbox, port: socket.socket, nudges: Nudges
) -> None:
    for _ in range(4):
        await replayed(database, 10)
    await gathered(database)
    mailbox.refusals.append("451 later")
    channel = EmailChannel(database, url_of(port), "Nightlight <a@nightlight.example>", lambda path: f"https://n.example{path}")

    async def all_told() -> bool:
        return await states(database) == {"sent"}

    async with mail_server(mailbox, port), dispatcher(database, nudges, channel):
        await eventually(all_told, "everything is told")
    (letter,) = mailbox.letters
    assert "There are 40 new alerts" in letter.get_content()
