"""E-mail over a real SMTP server: what is on the wire, and that nothing of the person or the site is."""

import email
import socket
from email.message import EmailMessage
from email.policy import SMTP
from quopri import decodestring
from uuid import uuid4

import psycopg
import pytest

from alerts.channel_run import ORDINARY_PACE
from alerts.channels.email import NOT_CONFIGURED, EmailChannel
from alerts.channels.templates import reference_of
from alerts.claims import claim_due
from domain.alert import AlertEvent, AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.database import Database
from tests.alerts.leaks import FACTS, NOTICES, WORDS, bundle_of, leaks, notice, raise_thread
from tests.alerts.mail import Mailbox, mail_server, url_of
from tests.alerts.store import AT, AUTHORITY_NAME, MAILBOX, execute, raise_one, rows, tell_of
from tests.conftest import FreshDatabase


def text_of(received: bytes) -> str:
    """A letter as it is on the wire, and decoded, with every header."""
    letter = email.message_from_bytes(received, EmailMessage, policy=SMTP)
    wire, unquoted = received.decode().replace("Content-Transfer-Encoding", ""), decodestring(received).decode("utf-8", "replace")
    unquoted = unquoted.replace("Content-Transfer-Encoding", "")
    return "\n".join([wire, unquoted, *(str(value) for value in letter.values()), letter.get_content()])


async def claim(database: Database) -> list[Delivery]:
    async with database.transaction() as transaction:
        return (await claim_due(transaction, ChannelName.EMAIL, "one", ORDINARY_PACE.lease, 10)).deliveries


def channel(database: Database, smtp_url: str, mail_from: str = "Nightlight <alerts@nightlight.example>") -> EmailChannel:
    return EmailChannel(database, smtp_url, mail_from, lambda path: f"https://nightlight.example{path}")


async def send_all(database: Database, mailbox: Mailbox, port: socket.socket) -> list[EmailMessage]:
    async with mail_server(mailbox, port):
        for delivery in await claim(database):
            assert await channel(database, url_of(port)).deliver(delivery) == Attempted(AttemptOutcome.SENT)
    return mailbox.letters


# Refusals


@pytest.mark.parametrize("mail_from", ["", "Nightlight", "a@b.example, c@d.example", "a@", "x\r\nBcc: y@z.example"])
async def test_a_sender_that_is_no_address_is_refused_at_the_start(database: Database, mail_from: str) -> None:
    with pytest.raises(ValueError, match="NIGHTLIGHT_MAIL_FROM must be one address"):
        channel(database, "", mail_from)


@pytest.mark.parametrize(
    "recipient", ["nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "Team <a@b.example>", "a@", " "]
)
async def test_a_mailbox_that_is_no_address_needs_a_person_and_reaches_nobody(
    database: Database, mailbox: Mailbox, port: socket.socket, recipient: str
) -> None:
    delivery = Delivery(uuid4(), uuid4(), ChannelName.EMAIL, recipient, "A901", 0)
    async with mail_server(mailbox, port):
        attempted = await channel(database, url_of(port)).deliver(delivery)
    assert attempted == Attempted(AttemptOutcome.PERMANENT, "no-address")
    assert mailbox.received == []


async def test_without_a_mail_server_the_letter_waits(database: Database) -> None:
    await raise_one(database)
    (delivery,) = await claim(database)
    assert await channel(database, "").deliver(delivery) == NOT_CONFIGURED
    assert NOT_CONFIGURED.outcome is AttemptOutcome.TEMPORARY


# What is on the wire


@pytest.mark.parametrize("kind", ["test", "production"])
async def test_nothing_of_the_person_the_site_or_what_was_written_is_in_any_letter(
    database: Database, fresh_database: FreshDatabase, mailbox: Mailbox, port: socket.socket, kind: str
) -> None:
    """Every notice, of the first alert of a thread and of another one, and a bundle of both."""
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE store SET kind = %s", (kind,))
    both = await raise_thread(database)
    encounters = [each.encounter_id for each in both]
    ((person_id,),) = await rows(database, "SELECT id FROM persons")
    told = [await notice(database, raised, said, ChannelName.EMAIL, MAILBOX) for raised in both for said in NOTICES]
    told.append(await bundle_of(database, both, ChannelName.EMAIL, "second@northshire.example"))
    async with mail_server(mailbox, port):
        for delivery in told:
            assert await channel(database, url_of(port)).deliver(delivery) == Attempted(AttemptOutcome.SENT)
    assert len(mailbox.received) == 2 * len(NOTICES) + 1
    for received, letter in zip(mailbox.received, mailbox.letters, strict=True):
        assert leaks(text_of(received), [*encounters, person_id]) == []
        assert str(letter["Subject"]).startswith("TEST: ") is (kind == "test")
        assert letter.get_content().startswith("TEST: ") is (kind == "test")


@pytest.mark.parametrize("word", [*FACTS, *WORDS])
@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_the_search_for_leaks_finds_each_of_them_however_it_is_encoded(word: str, encoding: str) -> None:
    message = EmailMessage()
    message.set_content(f"An alert about {word}, today.\n", cte=encoding)
    assert word in leaks(text_of(message.as_bytes(policy=SMTP)))


async def test_the_letter_names_the_reference_the_authority_the_hour_and_the_link(
    database: Database, mailbox: Mailbox, port: socket.socket
) -> None:
    raised = await raise_one(database)
    await execute(database, "UPDATE deliveries SET created_at = %s", AT)
    (letter,) = await send_all(database, mailbox, port)
    text = letter.get_content()
    assert letter["Subject"] == f"TEST: Nightlight: new alert, reference {reference_of(raised.id)}"
    for expected in (
        AUTHORITY_NAME,
        reference_of(raised.id),
        "21 November 2026 at 3:05am",
        f"https://nightlight.example/alerts/{raised.id}\r\n",
    ):
        assert expected in text


async def test_the_headers_say_who_to_whom_and_that_a_machine_wrote_it(
    database: Database, mailbox: Mailbox, port: socket.socket
) -> None:
    await raise_one(database)
    ((delivery_id,),) = await rows(database, "SELECT id FROM deliveries WHERE channel = 'email'")
    (letter,) = await send_all(database, mailbox, port)
    assert letter["Message-ID"] == f"<{delivery_id}@nightlight.example>"
    assert letter["From"] == "Nightlight <alerts@nightlight.example>"
    assert letter["To"] == MAILBOX
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime is not None
    assert letter.get_content_type() == "text/plain"
    assert mailbox.recipients == [MAILBOX]


async def test_a_mailbox_sees_what_belongs_together_as_one_thread_and_every_alert_as_a_letter(
    database: Database, mailbox: Mailbox, port: socket.socket
) -> None:
    first, second = await raise_thread(database)
    async with database.transaction() as transaction:
        await tell_of(transaction, second.encounter_id, AlertEvent.CANCEL, AT, "Brannoc PAS")
    begun, another, news = await send_all(database, mailbox, port)
    assert begun["In-Reply-To"] is None
    assert begun["References"] is None
    for letter in (another, news):
        assert letter["In-Reply-To"] == letter["References"] == begun["Message-ID"]
    assert str(another["Subject"]) == f"TEST: Nightlight: another new alert, reference {reference_of(second.id)}"
    assert f"It belongs with the alert {reference_of(first.id)}." in another.get_content()
    assert reference_of(second.id) in str(news["Subject"])


async def test_a_letter_follows_none_that_went_to_another_mailbox_or_about_another_thread(
    database: Database, mailbox: Mailbox, port: socket.socket
) -> None:
    first, second = await raise_thread(database)
    elsewhere = await notice(database, first, "escalate", ChannelName.EMAIL, "deputy@northshire.example")
    await execute(database, "UPDATE alerts SET thread_id = id")
    async with mail_server(mailbox, port):
        for delivery in [elsewhere, *(each for each in await claim(database) if each.alert_id == second.id)]:
            await channel(database, url_of(port)).deliver(delivery)
    assert [letter["References"] for letter in mailbox.letters] == [None, None]


async def test_a_letter_that_waited_for_the_morning_says_when_the_alert_was_raised(
    database: Database, mailbox: Mailbox, port: socket.socket
) -> None:
    raised = await raise_one(database)
    await notice(database, raised, "escalate", ChannelName.EMAIL, MAILBOX)
    await execute(database, "UPDATE deliveries SET created_at = '2026-11-21 08:45Z' WHERE notice = 'escalate'")
    _, passed_on = await send_all(database, mailbox, port)
    assert "Raised: 21 November 2026 at 3:05am" in passed_on.get_content()
    assert "Passed on: 21 November 2026 at 8:45am" in passed_on.get_content()


async def test_a_letter_sent_again_is_the_same_letter(database: Database, mailbox: Mailbox, port: socket.socket) -> None:
    await raise_one(database)
    (delivery,) = await claim(database)
    async with mail_server(mailbox, port):
        for _ in range(2):
            await channel(database, url_of(port)).deliver(delivery)
    first, second = mailbox.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_content() == second.get_content()


async def test_two_deliveries_are_two_letters(database: Database, mailbox: Mailbox, port: socket.socket) -> None:
    raised = await raise_one(database)
    async with database.transaction() as transaction:
        await tell_of(transaction, raised.encounter_id, AlertEvent.CANCEL, AT, "Brannoc PAS")
    first, second = await send_all(database, mailbox, port)
    assert first["Message-ID"] != second["Message-ID"]
    assert "reference" in first["Subject"]


async def test_a_welsh_name_arrives_as_it_is_written(database: Database, mailbox: Mailbox, port: socket.socket) -> None:
    await execute(database, "UPDATE authorities SET name = 'Cyngor Sir Ynys Môn' WHERE code = 'A901'")
    await raise_one(database)
    (letter,) = await send_all(database, mailbox, port)
    assert "To Cyngor Sir Ynys Môn" in letter.get_content()
