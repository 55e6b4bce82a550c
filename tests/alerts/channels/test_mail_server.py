"""One SMTP server, real: what its answers mean, and that a password never travels in the clear."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from alerts.channels.mail_server import MailServer
from domain.alert import AttemptOutcome
from domain.channel import Attempted
from tests.alerts.mail import Mailbox, mail_server, url_of

SENT = Attempted(AttemptOutcome.SENT)


def message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "nightlight@here.example", "team@there.example", "An alert"
    message.set_content("Sign in.")
    return message


async def hand_over(url: str, seconds: float = 10) -> Attempted:
    return await MailServer.from_url(url).hand_over(message(), "here.example", seconds)


@pytest.fixture
def certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """A server's certificate, from an authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@asynccontextmanager
async def speaking(port: socket.socket, *lines: bytes) -> AsyncIterator[None]:
    """A server that says these lines, whatever it hears, and then nothing."""

    ended = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line)
            await reader.readline()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(say, sock=port)
    yield
    await ended.wait()
    server.close()
    await server.wait_closed()


# What cannot be a server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://user:secret@",
        "smtp://user:secret@mail.example:many",
        "smtp://user:secret@[mail.example",
        "smtp://user:sec/ret@mail.example:25",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="NIGHTLIGHT_SMTP_URL must be") as refusal:
        MailServer.from_url(url)
    assert "sec" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "url, server",
    [
        ("smtp://mail.example", MailServer("mail.example", None, False, "", "")),
        ("smtps://mail.example:4650", MailServer("mail.example", 4650, True, "", "")),
        ("smtp://a%40b:p%2Fw@[::1]:25", MailServer("::1", 25, False, "a@b", "p/w")),
    ],
)
def test_an_address_is_read(url: str, server: MailServer) -> None:
    assert MailServer.from_url(url) == server
    assert "p/w" not in repr(server)


# What the server says


async def test_a_server_that_is_not_there_is_temporary(port: socket.socket) -> None:
    assert await hand_over(url_of(port)) == Attempted(AttemptOutcome.TEMPORARY, "no-connection")


async def test_a_server_that_says_nothing_is_temporary_after_a_bounded_time(port: socket.socket) -> None:
    port.listen()
    assert await hand_over(url_of(port), seconds=0.1) == Attempted(AttemptOutcome.TEMPORARY, "timed-out")


async def test_a_server_that_hangs_up_is_temporary(port: socket.socket) -> None:
    async with speaking(port, b"220 mail.example\r\n"):
        assert await hand_over(url_of(port)) == Attempted(AttemptOutcome.TEMPORARY, "no-connection")


@pytest.mark.parametrize(
    "greeting, expected",
    [
        (b"421 come back later, Ann Example\r\n", Attempted(AttemptOutcome.TEMPORARY, "smtp-421")),
        (b"554 not you\r\n", Attempted(AttemptOutcome.PERMANENT, "smtp-554")),
        (b"HTTP/1.1 400 Bad Request\r\n", None),
    ],
)
async def test_a_greeting_that_is_none_is_a_failure(port: socket.socket, greeting: bytes, expected: Attempted | None) -> None:
    async with speaking(port, greeting):
        attempted = await hand_over(url_of(port))
    assert attempted == (expected or replace(attempted, outcome=AttemptOutcome.TEMPORARY))


@pytest.mark.parametrize(
    "reply, expected",
    [
        ("451 try again", Attempted(AttemptOutcome.TEMPORARY, "smtp-451")),
        ("452 mailbox of Ann Example is full", Attempted(AttemptOutcome.TEMPORARY, "smtp-452")),
        ("550 no such user ann@there.example", Attempted(AttemptOutcome.PERMANENT, "smtp-550")),
        ("554 9990000018 looks like spam", Attempted(AttemptOutcome.PERMANENT, "smtp-554")),
    ],
)
async def test_a_refusal_is_its_code_and_none_of_its_words(
    mailbox: Mailbox, port: socket.socket, reply: str, expected: Attempted
) -> None:
    mailbox.refusals = [reply]
    async with mail_server(mailbox, port):
        assert await hand_over(url_of(port)) == expected
    assert mailbox.received == []


async def test_a_recipient_who_is_refused_is_permanent(port: socket.socket) -> None:
    class Stranger(Mailbox):
        async def handle_RCPT(self, *_: object) -> str:  # noqa: N802
            return "550 unknown"

    async with mail_server(Stranger(), port):
        assert await hand_over(url_of(port)) == Attempted(AttemptOutcome.PERMANENT, "smtp-550")


async def test_an_accepted_message_is_sent_once_and_we_are_called_by_our_domain(mailbox: Mailbox, port: socket.socket) -> None:
    async with mail_server(mailbox, port):
        assert await hand_over(url_of(port)) == SENT
    assert mailbox.recipients == ["team@there.example"]
    assert mailbox.helos == ["here.example"]
    assert mailbox.over_tls == [False]


async def test_a_message_is_sent_although_the_goodbye_goes_wrong(mailbox: Mailbox, port: socket.socket) -> None:
    class Rude(Mailbox):
        async def handle_QUIT(self, *_: object) -> str:  # noqa: N802
            return "500 stay"

    rude = Rude()
    async with mail_server(rude, port):
        assert await hand_over(url_of(port)) == SENT
    assert len(rude.received) == 1


# TLS and passwords


async def test_tls_is_taken_where_it_is_offered(mailbox: Mailbox, port: socket.socket, certificate: ssl.SSLContext) -> None:
    async with mail_server(mailbox, port, certificate):
        assert await hand_over(url_of(port)) == SENT
    assert mailbox.over_tls == [True]


async def test_tls_from_the_first_byte(mailbox: Mailbox, port: socket.socket, certificate: ssl.SSLContext) -> None:
    async with mail_server(mailbox, port, certificate, implicit_tls=True):
        assert await hand_over(url_of(port, "smtps")) == SENT
    assert len(mailbox.received) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_from_a_stranger_is_refused(mailbox: Mailbox, port: socket.socket, scheme: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with mail_server(mailbox, port, context, implicit_tls=scheme == "smtps"):
        assert await hand_over(url_of(port, scheme)) == Attempted(AttemptOutcome.TEMPORARY, "tls-failed")
    assert mailbox.received == []


async def test_a_password_is_given_over_tls(mailbox: Mailbox, port: socket.socket, certificate: ssl.SSLContext) -> None:
    async with mail_server(mailbox, port, certificate, auth_required=True):
        assert await hand_over(url_of(port, user="night:right%2Fpassword@")) == SENT
    assert mailbox.logins == [("night", "right/password")]


async def test_a_wrong_password_needs_a_person(mailbox: Mailbox, port: socket.socket, certificate: ssl.SSLContext) -> None:
    async with mail_server(mailbox, port, certificate, auth_required=True):
        attempted = await hand_over(url_of(port, user="night:wrong@"))
    assert attempted == Attempted(AttemptOutcome.PERMANENT, "smtp-535")


async def test_a_password_never_travels_in_the_clear(mailbox: Mailbox, port: socket.socket) -> None:
    by_name = url_of(port, user="night:right%2Fpassword@").replace("127.0.0.1", "127.1")
    async with mail_server(mailbox, port, auth_require_tls=False):
        assert await hand_over(by_name) == Attempted(AttemptOutcome.TEMPORARY, "no-tls")
    assert mailbox.logins == []


async def test_a_password_may_go_to_a_server_on_this_machine(mailbox: Mailbox, port: socket.socket) -> None:
    async with mail_server(mailbox, port, auth_require_tls=False):
        assert await hand_over(url_of(port, user="night:right%2Fpassword@")) == SENT
    assert mailbox.logins == [("night", "right/password")]
