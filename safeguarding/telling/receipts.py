"""GOV.UK Notify says what became of a message: its body is read, and the delivery that it was sent for is moved.

`api.notify_receipts` hands it over in its own transaction. The number or mailbox in it is not looked at, and nothing of it is kept.
Source: docs.notifications.service.gov.uk, "delivery receipts"; docs/notify.md.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from alerts.receipts import Receipt, Said, Taken, record_receipt
from domain.errors import InvalidInput
from runtime.database import Transaction
from runtime.logs import get_logger

log = get_logger()


class Heard(Enum):
    """TAKEN, or not to be said again because it is nothing to us; LATER: while the delivery is in somebody's hand."""

    TAKEN = auto()
    NOTHING_TO_US = auto()
    LATER = auto()


async def take_receipt(transaction: Transaction, said: Mapping[str, object], at: datetime) -> Heard:
    """Take one receipt. What is no receipt of a message of ours is logged without its content.

    Raises InvalidInput for what is no receipt at all.
    """
    receipt = to_receipt(said)
    if receipt is None:
        log.warning("receipt of no message of ours")
        return Heard.NOTHING_TO_US
    taken = await record_receipt(transaction, receipt, at)
    log.info("receipt", delivery=receipt.delivery_id.hex, code=receipt.said, outcome=taken)
    if taken is Taken.IN_HAND:
        return Heard.LATER
    return Heard.NOTHING_TO_US if taken is Taken.UNKNOWN else Heard.TAKEN


def to_receipt(said: Mapping[str, object]) -> Receipt | None:
    """What is told of which delivery; None where it is another service's reference or a state that decides nothing.

    Raises InvalidInput without the message's own id or its state.
    """
    message_id, status = _uuid(said.get("id")), said.get("status")
    if message_id is None or not isinstance(status, str):
        raise InvalidInput("a receipt has an id and a status")
    delivery_id = _uuid(said.get("reference"))
    if delivery_id is None or status not in set(Said):
        return None
    return Receipt(delivery_id, message_id, Said(status))


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
