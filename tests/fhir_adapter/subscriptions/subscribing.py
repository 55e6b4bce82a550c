"""The FHIR door with clients that subscribe: of two authorities, of two hospitals; and a dispatcher that tells them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.actor import Actor, ActorKind
from domain.alert import CodedAnswer
from domain.care_setting import CareSetting
from fhir_adapter.app import FhirDoor
from fhir_adapter.subscriptions.channel import SubscriptionChannel
from fhir_adapter.subscriptions.keeping import keep_subscriptions
from runtime.clients import Care, Client, add_client, sign_token
from runtime.database import Database
from runtime.endpoints import Endpoints
from runtime.nudge import Nudges
from safeguarding.answering import acknowledge_alert
from safeguarding.client_endpoints import add_endpoint
from safeguarding.sites import add_site
from tests.alerts.running import QUICK, dispatcher
from tests.alerts.store import execute
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.doorway import BASE_URL, open_door
from tests.fhir_adapter.subscriptions.receiving import Receiver
from tests.safeguarding.house import KEY, OPERATOR, House, open_house

SCOPES = ["system/Subscription.cruds"]
CLIENTS = {
    each.id: each
    for each in (
        Client("amber-council", "", SCOPES, Care.BOTH, True, authority_code="301"),
        Client("amber-second", "", SCOPES, Care.BOTH, True, authority_code="301"),
        Client("birch-council", "", SCOPES, Care.BOTH, True, authority_code="302"),
        Client("amber-hospital", "R0A", SCOPES, Care.BOTH, True),
        Client("birch-hospital", "R0B", SCOPES, Care.BOTH, True),
        Client("flags-only", "R0A", ["system/Flag.rs"], Care.BOTH, True),
    )
}
CHILD_SEEN = "https://nightlight.example/fhir/SubscriptionTopic/flagged-child-seen"
ACKNOWLEDGED = "https://nightlight.example/fhir/SubscriptionTopic/alert-acknowledged"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
SOCIAL_WORKER = Actor(ActorKind.PERSON, "worker", "A Worker", "301", "social-worker")
ENDPOINTS = Endpoints({"localhost"})


def body(endpoint: str = "https://subscriber.example/notify", topic: str = CHILD_SEEN, **changes: Any) -> dict[str, Any]:
    """A Subscription as a client would send it; `changes` replace elements, those of `channel` as `channel_…`."""
    channel: dict[str, Any] = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": f"{BACKPORT}/backport-payload-content", "valueCode": "id-only"}]},
    }
    resource: dict[str, Any] = {
        "resourceType": "Subscription",
        "meta": {"profile": [f"{BACKPORT}/backport-subscription"]},
        "status": "requested",
        "reason": "To show alerts in the case system",
        "criteria": topic,
        "channel": channel,
    }
    for name, value in changes.items():
        part, key = (channel, name.removeprefix("channel_")) if name.startswith("channel_") else (resource, name)
        if value is None:
            part.pop(key, None)
        else:
            part[key] = value
    return resource


def content(code: str) -> dict[str, Any]:
    """What `_payload` holds for a content code."""
    return {"extension": [{"url": f"{BACKPORT}/backport-payload-content", "valueCode": code}]}


def filtered(*filters: str) -> dict[str, Any]:
    """What `_criteria` holds for filters."""
    return {"extension": [{"url": f"{BACKPORT}/backport-filter-criteria", "valueString": each} for each in filters]}


@dataclass(slots=True)
class Subscribing:
    """The door, the house behind it, and the clients."""

    app: FhirDoor
    house: House

    @property
    def database(self) -> Database:
        return self.house.database

    async def call(self, method: str, path: str, resource: Any = None, client: str = "amber-council", **headers: str) -> Response:
        """One exchange as a client, with a resource as its body."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["authorization"] = f"Bearer {sign_token(KEY, CLIENTS[client])}"
        if resource is not None:
            sent.setdefault("content-type", "application/fhir+json")
        raw = b"" if resource is None else json.dumps(resource).encode()
        return await ask(self.app, method, path, sent, raw)

    async def register(self, url: str, client: str = "amber-council") -> None:
        async with self.database.transaction() as transaction:
            await add_endpoint(transaction, OPERATOR, client, url)

    async def subscribe(self, receiver: Receiver, client: str = "amber-council", **changes: Any) -> str:
        """A subscription of the client to a registered endpoint; its id."""
        with suppress(Exception):
            await self.register(receiver.url, client)
        response = await self.call("POST", "/Subscription", body(receiver.url, **changes), client)
        assert response.status == 201, response.body
        return str(response.json["id"])

    async def status(self, id: str, client: str = "amber-council") -> str:
        return str((await self.call("GET", f"/Subscription/{id}", client=client)).json["status"])

    async def see_child(self, visit: str = "V1", **changes: Any) -> UUID:
        """The child is seen, in a visit of its own; the alert."""
        await self.house.ask(visit_number=visit, **changes)
        found = await self.house.rows(
            "SELECT a.id FROM alerts a JOIN encounters e ON e.id = a.encounter_id WHERE e.reference = %s ORDER BY a.id DESC", visit
        )
        alert_id: UUID = found[0][0]
        return alert_id

    async def acknowledge(self, alert_id: UUID, authority: str = "301") -> None:
        async with self.database.transaction() as transaction:
            await acknowledge_alert(transaction, SOCIAL_WORKER, authority, alert_id, CodedAnswer.WILL_RING, "We ring at nine")

    async def change(self, statement: str, *parameters: object) -> None:
        await execute(self.database, statement, *parameters)

    async def deliveries(self) -> list[tuple[Any, ...]]:
        """Number, state and attempts of each delivery to a subscription, by number."""
        return await self.house.rows(
            """
            SELECT event_number, state, attempts FROM deliveries WHERE channel = 'subscription'
            ORDER BY recipient, event_number, id
            """
        )

    async def lasts(self) -> list[tuple[str, str]]:
        """Outcome and detail of the attempts at deliveries to subscriptions, in order."""
        return await self.house.rows(
            """
            SELECT t.outcome, t.detail FROM attempts t JOIN deliveries d ON d.id = t.delivery_id
            WHERE d.channel = 'subscription' ORDER BY t.attempted_at
            """
        )


@asynccontextmanager
async def open_subscribing(service_url: str) -> AsyncIterator[Subscribing]:
    async with open_house(service_url) as house:
        async with house.database.transaction() as transaction:
            await add_site(transaction, OPERATOR, "R0B01", "Birch Infirmary", CareSetting.EMERGENCY_DEPARTMENT)
            for client in CLIENTS.values():
                await add_client(transaction, OPERATOR, client)
        yield Subscribing(open_door(house, BASE_URL), house)


@asynccontextmanager
async def telling(database: Database, nudges: Nudges, endpoints: Endpoints = ENDPOINTS) -> AsyncIterator[None]:
    """A dispatcher's process, as far as subscriptions go."""
    channel = SubscriptionChannel(database, endpoints, BASE_URL)
    keeping = asyncio.create_task(keep_subscriptions(database, endpoints, BASE_URL, poll_seconds=0.02))
    try:
        async with dispatcher(database, nudges, channel, pace=QUICK):
            yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
