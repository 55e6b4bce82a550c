"""A real SMTP server on a port of the system's choice, in the test's own event loop, and the letters that reach it."""

import asyncio
import email
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mailbox:
    """Keeps what it is given. `refusals` are given instead of an acceptance, one a letter, as long as there are some."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.recipients: list[str] = []
        self.refusals: list[str] = []
        self.logins: list[tuple[str, str]] = []
        self.helos: list[str] = []
        self.over_tls: list[bool] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refusals:
            return self.refusals.pop(0)
        assert isinstance(envelope.original_content, bytes)
        self.received.append(envelope.original_content)
        self.recipients += [str(recipient) for recipient in envelope.rcpt_tos]
        self.helos.append(str(session.host_name))
        self.over_tls.append(session.ssl is not None)
        return "250 OK"

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right/password", handled=False)

    @property
    def letters(self) -> list[EmailMessage]:
        """What was received, parsed."""
        return [email.message_from_bytes(content, EmailMessage, policy=SMTP_POLICY) for content in self.received]


def reserve_port() -> socket.socket:
    """A port that is ours and at which nobody listens yet: whoever connects is refused."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    return reserved


def url_of(reserved: socket.socket, scheme: str = "smtp", user: str = "") -> str:
    """The URL of the server that will listen there."""
    return f"{scheme}://{user}127.0.0.1:{reserved.getsockname()[1]}"


@asynccontextmanager
async def mail_server(
    mailbox: Mailbox, reserved: socket.socket, tls: ssl.SSLContext | None = None, *, implicit_tls: bool = False, **more: Any
) -> AsyncIterator[None]:
    """Serve on the reserved port. With `tls` it offers STARTTLS, or speaks TLS from the first byte."""
    loop = asyncio.get_running_loop()
    settings = {"hostname": "mail.example", "loop": loop, "authenticator": mailbox.log_in, **more}
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(SMTP(mailbox, tls_context=None if implicit_tls else tls, **settings))
        return sessions[-1]

    server = await loop.create_server(session, sock=reserved, ssl=tls if implicit_tls else None)
    try:
        yield
    finally:
        server.close()
        for each in sessions:
            if each.transport is not None:
                each.transport.abort()  # type: ignore[attr-defined]
        await server.wait_closed()
