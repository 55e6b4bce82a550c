"""One SMTP server, as NIGHTLIGHT_SMTP_URL names it: takes one message, and says how that went as a short code.

`alerts.channels.email` and `safeguarding.notices` hand messages over. TLS is used where the server offers it; no password
travels without.
Sources: RFC 5321, section 4.2.1 (reply codes); RFC 3207 (STARTTLS); RFC 5322, section 3.6.4 (Message-ID); RFC 3834, section 5.
"""

import ipaddress
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Self
from urllib.parse import unquote, urlsplit
from uuid import UUID

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from domain.alert import AttemptOutcome
from domain.channel import Attempted
from runtime.clock import now

COMMAND_SECONDS = 10.0
_QUIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where messages are handed over. `user` is empty where the server asks for none."""

    host: str
    port: int | None
    is_tls: bool
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read smtp://user:password@host:port or smtps://…. Raises ValueError, without the URL: it holds a password."""
        try:
            parts = urlsplit(url)
            host, port, scheme = parts.hostname, parts.port, parts.scheme
        except ValueError:
            host, port, scheme = None, None, ""
        if scheme not in {"smtp", "smtps"} or not host:
            raise ValueError("NIGHTLIGHT_SMTP_URL must be smtp://user:password@host:port or smtps://…")
        return cls(host, port, scheme == "smtps", unquote(parts.username or ""), unquote(parts.password or ""))

    async def hand_over(self, message: EmailMessage, helo: str, seconds: float = COMMAND_SECONDS) -> Attempted:
        """Give the server one message; each step may take `seconds`. `helo` is how we name ourselves."""
        client = SMTP(
            hostname=self.host, port=self.port, use_tls=self.is_tls, local_hostname=helo, timeout=seconds
        )  # fmt: skip
        try:
            await client.connect()
            if self.user and not _is_private(client, self.host):
                return Attempted(AttemptOutcome.TEMPORARY, "no-tls")
            if self.user:
                await client.login(self.user, self.password)
            await client.send_message(message)
            with suppress(SMTPException, OSError):
                await client.quit(timeout=_QUIT_SECONDS)  # the message is theirs already
        except (SMTPException, OSError) as error:
            return _to_attempted(error)
        finally:
            client.close()
        return Attempted(AttemptOutcome.SENT)


def to_sender(mail_from: str) -> Address:
    """The one address that the setting names. Raises ValueError."""
    header = EmailMessage(policy=WIRE)
    try:
        header["From"] = mail_from
        (sender,) = header["From"].addresses
    except (ValueError, IndexError, MessageError):
        sender = None
    if not isinstance(sender, Address) or not sender.domain:
        raise ValueError("NIGHTLIGHT_MAIL_FROM must be one address, such as nightlight@example.org")
    return sender


def to_recipient(text: str) -> Address | None:
    """One address, or None where the text is none."""
    try:
        return Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        return None


def compose(
    letter_id: UUID, sender: Address, recipient: Address, subject: str, text: str, follows: UUID | None = None
) -> EmailMessage:
    """A message for the wire. The id is its Message-ID, so that the mailbox can make repeats one.

    With `follows` mail programs show it as one thread with that earlier message.
    """
    message = EmailMessage(policy=WIRE)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{letter_id}@{sender.domain}>"
    if follows is not None:
        message["In-Reply-To"] = f"<{follows}@{sender.domain}>"
        message["References"] = f"<{follows}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"  # the same to Microsoft Exchange
    message.set_content(text)
    return message


def _is_private(client: SMTP, host: str) -> bool:
    """Whether nobody can read along: TLS, or this very machine."""
    if client.get_transport_info("sslcontext") is not None or host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _to_attempted(error: SMTPException | OSError) -> Attempted:
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        permanent = 500 <= error.code <= 599
        outcome = AttemptOutcome.PERMANENT if permanent else AttemptOutcome.TEMPORARY
        return Attempted(outcome, f"smtp-{error.code}")
    if isinstance(error, TimeoutError):
        return Attempted(AttemptOutcome.TEMPORARY, "timed-out")
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Attempted(AttemptOutcome.TEMPORARY, "tls-failed")
    return Attempted(AttemptOutcome.TEMPORARY, "no-connection" if isinstance(error, OSError) else "smtp-failed")
