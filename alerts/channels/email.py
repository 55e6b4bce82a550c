"""E-mail: one letter to a team's mailbox, with nothing in it by which anybody could be known.

`alerts.dispatcher` hands over a delivery; `alerts.channels.letters` reads the letter's few facts.
Sources: docs/facts.md, section 5; RFC 5322, section 3.6.4 (Message-ID, In-Reply-To, References); docs/alerts.md.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from uuid import UUID

from alerts.channels.letters import Link, first_in_thread, read_letter
from alerts.channels.mail_server import MailServer, compose, to_recipient, to_sender
from alerts.channels.templates import Letter, write
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.database import Database

NOT_CONFIGURED = Attempted(AttemptOutcome.TEMPORARY, "not-configured")


class EmailChannel:
    """Sends letters by one SMTP server; without one they wait.

    `smtp_url` and `mail_from` are the settings of these names, `link` makes the address of a page. Raises ValueError
    where a setting does not fit.
    """

    name = ChannelName.EMAIL

    def __init__(self, database: Database, smtp_url: str, mail_from: str, link: Link) -> None:
        self._database = database
        self._server = MailServer.from_url(smtp_url) if smtp_url else None
        self._sender = to_sender(mail_from)
        self._link = link

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send the letter. The delivery's id is its Message-ID, so that the mailbox can make repeats one."""
        if self._server is None:
            return NOT_CONFIGURED
        recipient = to_recipient(delivery.recipient)
        if recipient is None:
            return Attempted(AttemptOutcome.PERMANENT, "no-address")
        letter = await read_letter(self._database, delivery, self._link)
        first = None if letter.others else await first_in_thread(self._database, delivery)  # a bundle belongs to no one thread
        message = to_message(delivery, letter, self._sender, recipient, first)
        return await self._server.hand_over(message, helo=self._sender.domain)


def to_message(delivery: Delivery, letter: Letter, sender: Address, recipient: Address, first: UUID | None = None) -> EmailMessage:
    """The letter as a message for the wire; `first` is the letter that it follows in this mailbox."""
    subject, text = write(letter)
    return compose(delivery.id, sender, recipient, subject, text, follows=first)
