"""E-mail: one letter to the authority's mailbox, with nothing in it by which anybody could be known.

`alerts.dispatcher` hands over a delivery; the letter's few facts are read here, so that a Delivery carries none.
Sources: RFC 5322, section 3.6.4 (Message-ID); RFC 3834, section 5 (Auto-Submitted).
"""

from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from alerts.mail_server import MailServer
from alerts.templates import Letter, write
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.clock import now
from runtime.database import Database

NOT_CONFIGURED = Attempted(AttemptOutcome.TEMPORARY, "not-configured")


class EmailChannel:
    """Sends letters by one SMTP server; without one they wait.

    `smtp_url` and `mail_from` are the settings of these names, `link` makes the address of a page. Raises ValueError
    where a setting does not fit.
    """

    name = ChannelName.EMAIL

    def __init__(self, database: Database, smtp_url: str, mail_from: str, link: Callable[[str], str]) -> None:
        self._database = database
        self._server = MailServer.from_url(smtp_url) if smtp_url else None
        self._sender = _to_sender(mail_from)
        self._link = link

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send the letter. The delivery's id is its Message-ID, so that the mailbox can make repeats one."""
        if self._server is None:
            return NOT_CONFIGURED
        try:
            recipient = Address(addr_spec=delivery.recipient)
        except (ValueError, IndexError, MessageError):
            return Attempted(AttemptOutcome.PERMANENT, "no-address")
        message = to_message(delivery, await self._read_letter(delivery), self._sender, recipient)
        return await self._server.hand_over(message, helo=self._sender.domain)

    async def _read_letter(self, delivery: Delivery) -> Letter:
        async with self._database.transaction() as transaction:
            cursor = await transaction.execute(
                """
                SELECT t.name, d.notice, d.created_at, (SELECT kind FROM store)
                FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN authorities t ON t.code = a.authority_code
                WHERE d.id = %s
                """,
                (delivery.id,),
            )
            row = await cursor.fetchone()
        if row is None:
            raise LookupError("a delivery without an alert")
        name, notice, at, kind = row
        link = self._link(f"/alerts/{delivery.alert_id}")
        return Letter(delivery.alert_id, name, notice, at, link, is_test=kind != "production")


def to_message(delivery: Delivery, letter: Letter, sender: Address, recipient: Address) -> EmailMessage:
    """The letter as a message for the wire."""
    subject, text = write(letter)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{delivery.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"  # the same to Microsoft Exchange
    message.set_content(text)
    return message


def _to_sender(mail_from: str) -> Address:
    header = EmailMessage(policy=SMTP)
    try:
        header["From"] = mail_from
        (sender,) = header["From"].addresses
    except (ValueError, IndexError, MessageError):
        sender = None
    if not isinstance(sender, Address) or not sender.domain:
        raise ValueError("NIGHTLIGHT_MAIL_FROM must be one address, such as nightlight@example.org")
    return sender
