"""The channel by which subscribed systems are told: a notification Bundle by POST to the endpoint that was registered.

`alerts.dispatcher` hands over a delivery; what it is about is read here, so that a Delivery carries nothing of a child.
Source: Subscriptions R5 Backport IG 1.1, "REST-Hook"; docs/integration/subscriptions.md.
"""

import asyncio
from contextlib import suppress
from uuid import UUID

import orjson
import psycopg

from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from domain.errors import CouldNotReachStore
from domain.subscription import Subscription, SubscriptionStatus
from fhir_adapter.codes import Json
from fhir_adapter.subscriptions.headers import to_mapping
from fhir_adapter.subscriptions.notifications import Notification, to_notification
from fhir_adapter.subscriptions.reader import TIMEOUT_BOUNDS
from runtime.database import Database
from runtime.endpoints import EndpointError, Endpoints
from safeguarding.subscription_calls import ToSend, read_event, record_call


class SubscriptionChannel:
    """Tells subscribers of events. `base_url` is the address of the FHIR door, as the ids in a notification have it."""

    name = ChannelName.SUBSCRIPTION

    def __init__(self, database: Database, endpoints: Endpoints, base_url: str) -> None:
        self._database = database
        self._endpoints = endpoints
        self._base_url = base_url

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send it, and have it taken. Where nothing may be sent now it waits; what only a person can mend is permanent."""
        async with self._database.transaction() as transaction:
            to_send = await read_event(transaction, delivery.id)
        if to_send.stop:
            return _stopped(to_send)
        subscription, event = to_send.subscription, to_send.event
        bundle = to_notification(delivery.id, subscription, Notification.EVENT, self._base_url, event.at, [event])
        attempted = await call(self._endpoints, subscription, delivery.id, bundle)
        with suppress(CouldNotReachStore, psycopg.Error):  # whether it was taken does not hang on our own notes
            async with self._database.transaction() as transaction:
                await record_call(transaction, subscription.id, attempted.detail)
        return attempted


def _stopped(to_send: ToSend) -> Attempted:
    """A handshake that is under way is waited for; whatever else stops it needs a person."""
    is_under_way = to_send.subscription.status in {SubscriptionStatus.REQUESTED, SubscriptionStatus.OFF}
    is_ours = to_send.stop in {"no-handshake", "subscription-off"}
    return Attempted(AttemptOutcome.TEMPORARY if is_ours and is_under_way else AttemptOutcome.PERMANENT, to_send.stop)


async def call(endpoints: Endpoints, subscription: Subscription, id: UUID, bundle: Json) -> Attempted:
    """POST a Bundle to a subscription's endpoint. The id is in X-Request-ID, so that a receiver can make repeats one."""
    wanted = subscription.wanted
    headers = {**to_mapping(wanted.headers), "content-type": wanted.media_type, "x-request-id": str(id)}
    try:
        async with asyncio.timeout(wanted.timeout_seconds or TIMEOUT_BOUNDS[1]):
            await endpoints.post(wanted.endpoint, orjson.dumps(bundle), headers)
    except TimeoutError:
        return Attempted(AttemptOutcome.TEMPORARY, "slow")
    except EndpointError as error:
        return Attempted(AttemptOutcome.TEMPORARY if error.temporary else AttemptOutcome.PERMANENT, error.code)
    return Attempted(AttemptOutcome.DELIVERED)
