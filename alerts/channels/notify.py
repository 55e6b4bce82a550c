"""GOV.UK Notify: an e-mail or a text message to a team, with nothing in it by which anybody could be known.

`alerts.dispatcher` hands over a delivery; what became of the message comes later, by `alerts.receipts`. The delivery's id is
Notify's `reference`: who may have been told before is asked for first. Sources: docs/facts.md, section 5; docs/notify.md.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import psycopg

from alerts.channels.letters import Link, read_letter
from alerts.channels.mail_server import to_recipient
from alerts.channels.notify_access import NotifyAccess
from alerts.channels.notify_client import Kept, NotifyClient, NotifyFailed
from alerts.channels.notify_words import email_words, text_words
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from domain.errors import CouldNotReachStore
from runtime.clock import now
from runtime.database import Database

NOT_CONFIGURED = Attempted(AttemptOutcome.TEMPORARY, "not-configured")
UNDELIVERABLE = timedelta(hours=24)
"""A number or mailbox that is none, by what Notify says, is tried again after so long."""

_PERMANENT, _TEMPORARY = "permanent-failure", "temporary-failure"
_FAILED = frozenset({_PERMANENT, _TEMPORARY, "technical-failure", "failed"})
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_BETWEEN = str.maketrans("", "", " -()")


class NotifyChannel:
    """One of the two ways of Notify: `name` is NOTIFY_EMAIL or SMS. Without a key, or without its template, deliveries wait."""

    def __init__(self, name: ChannelName, database: Database, access: NotifyAccess | None, link: Link) -> None:
        self.name = name
        self._database = database
        self._client = NotifyClient(access) if access and name in access.templates else None
        self._words = text_words if name is ChannelName.SMS else email_words
        self._link = link

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send the message, unless Notify has it already: then nothing is sent, and it counts as told."""
        if self._client is None:
            return NOT_CONFIGURED
        if not _FITS[self.name](delivery.recipient):
            return Attempted(AttemptOutcome.PERMANENT, "no-number" if self.name is ChannelName.SMS else "no-address")
        try:
            if delivery.may_be_told or delivery.attempts:
                kept = await self._client.find(delivery.id)
                known, message_id = told_by(kept, now())
                if known:
                    await self._keep_receipt_id(delivery, message_id)
                    return known
            words = self._words(await read_letter(self._database, delivery, self._link))
            message_id = await self._client.send(self.name, delivery.recipient, delivery.id, words)
        except NotifyFailed as failed:
            return failed.attempted
        await self._keep_receipt_id(delivery, message_id)
        return Attempted(AttemptOutcome.SENT)

    async def _keep_receipt_id(self, delivery: Delivery, message_id: str) -> None:
        """A help for whoever looks a message up in Notify: what was told stays told where the store is away just now."""
        with suppress(CouldNotReachStore, psycopg.Error):
            async with self._database.transaction() as transaction:
                await transaction.execute("UPDATE deliveries SET receipt_id = %s WHERE id = %s", (message_id, delivery.id))


def told_by(kept: Sequence[Kept], at: datetime) -> tuple[Attempted | None, str]:
    """What Notify's messages of one delivery (the newest first) say of it, and which; None where another one is to be sent. Pure.

    A message that is on its way, or in a state that we do not know, is there: it is not sent again. One that failed is; but a
    number or mailbox that is none costs a message each time, and has a day for somebody to put it right.
    """
    for each in kept:
        if each.status == "delivered":
            return Attempted(AttemptOutcome.DELIVERED, "receipt-delivered"), each.id
    for each in kept:
        if each.status not in _FAILED:
            return Attempted(AttemptOutcome.SENT, "notify-has-it"), each.id
    for newest in kept[:1]:
        if newest.status == _PERMANENT and newest.created_at and at - newest.created_at < UNDELIVERABLE:
            return Attempted(AttemptOutcome.PERMANENT, "receipt-permanent"), newest.id
    return None, ""


def _is_mailbox(text: str) -> bool:
    return to_recipient(text) is not None


def _is_number(text: str) -> bool:
    """A telephone number and nothing else. Whether it is a mobile one, Notify says."""
    return _NUMBER.fullmatch(text.translate(_BETWEEN)) is not None


_FITS: dict[ChannelName, Callable[[str], bool]] = {ChannelName.NOTIFY_EMAIL: _is_mailbox, ChannelName.SMS: _is_number}
