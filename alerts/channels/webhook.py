"""The channel by which an authority's own system is told: a signed notice by POST to the address that the authority registered.

`alerts.dispatcher` hands over a delivery; what it tells is read by `alerts.channels.webhook_reading`, so that a Delivery carries
nothing of a child. Source: Standard Webhooks 1.0; docs/integration/webhooks.md; docs/adr/0043.
"""

from collections.abc import Callable, Mapping

from alerts.channels.webhook_body import CONTENT_TYPE, render
from alerts.channels.webhook_reading import Contents, Read
from alerts.channels.webhook_signing import good_secrets, signed_headers
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.clock import now
from runtime.database import Database
from runtime.endpoints import EndpointError, Endpoints

CONNECTIONS = 16
"""To one host, at most: kept open, and each in use by one notice at a time."""

ENDPOINT_OFF = "endpoint-off"
"""Somebody has taken the webhook out of use: what is for it waits."""
GONE = "gone"
"""The receiver says that it wants no more (410): what is for it waits until a person has settled it."""


class WebhookChannel:
    """Tells authorities' systems. `key` is the service's, `link` makes the address of a page, `read` says what is told."""

    name = ChannelName.WEBHOOK

    def __init__(self, database: Database, endpoints: Endpoints, key: bytes, link: Callable[[str], str], read: Read) -> None:
        self._contents = Contents(database, read)
        self._endpoints = endpoints
        self._key = key
        self._link = link

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send it, and have it taken. The delivery's id is the notice's id, so that the receiver can make repeats one."""
        to_send = await self._contents.of(delivery.id)
        if to_send.stop or to_send.webhook_id is None:
            return Attempted(AttemptOutcome.PERMANENT, to_send.stop)
        body = render(to_send.notice, self._link(f"/alerts/{to_send.notice.alert_id}"))
        at = now()
        secrets = good_secrets(self._key, to_send.webhook_id, to_send.renewals, to_send.renewed_at, at)
        return await call(self._endpoints, to_send.url, body, signed_headers(secrets, str(delivery.id), at, body))


async def call(endpoints: Endpoints, url: str, body: bytes, headers: Mapping[str, str]) -> Attempted:
    """POST a signed notice. A status of 200 to 299 means that the receiver has it."""
    try:
        await endpoints.post(url, body, {"content-type": CONTENT_TYPE, **headers})
    except EndpointError as error:
        if error.code == "status-410":
            return Attempted(AttemptOutcome.PERMANENT, GONE)
        return Attempted(AttemptOutcome.TEMPORARY if error.temporary else AttemptOutcome.PERMANENT, error.code, error.again_in)
    return Attempted(AttemptOutcome.DELIVERED)
