"""The measurements, in rounds: ours and its yardsticks in turn, so that whatever else the machine does falls on all.

`__main__` calls `measure` with a plan; what comes back is everything that was measured, for `report` to put together.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import cards_client, clients, fhir_client, mllp_client, query_client, screens_client, store, token_client
from bench.drain import drain
from bench.figures import delays, percentiles
from bench.keys import new_key, public_half
from bench.plan import ASKING, CARDS, DRAIN, MEASUREMENTS, SCREEN, Plan
from bench.service import Service
from bench.world import CLIENT, EHR, SITES, register_key
from bench.yardsticks import MESSAGE_FOUNDRY, PGBENCH, WITHOUT_DATABASE, NoYardstick, message_foundry, pgbench, without_database
from runtime.clients import sign_token
from runtime.database import Database

MOST_PER_SECOND = 20_000
FAULTS = ("refused", "lost", "wrong", "unseen")
_MOST_TOKENS_PER_SECOND = 2_000


@dataclass(slots=True)
class Measured:
    """One list of figures, a round each, for each of our measurements (`ours`) and each of its yardsticks (`theirs`)."""

    ours: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    theirs: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Messages that were acknowledged with AA, the warm-up among them."""
        return sum(each["accepted"] for each in self._messages())

    @property
    def flagged(self) -> int:
        """Those of them that were about a child with a plan."""
        return sum(each["flagged"] for each in self._messages())

    def _messages(self) -> Iterator[dict[str, Any]]:
        """The measurements that sent messages; the others only ask."""
        return (each for name, rounds in self.ours.items() if not name.startswith(ASKING) for each in rounds)

    @property
    def faults(self) -> int:
        """Whatever was refused, lost or answered wrongly."""
        return sum(each.get(fault, 0) for rounds in self.ours.values() for each in rounds for fault in FAULTS)


Note = Callable[[str, dict[str, Any]], None]


async def measure(service: Service, database: Database, plan: Plan, engine: Path | None, on_step: Note) -> Measured:
    """All rounds. `engine` is the environment of MessageFoundry, which is left out where there is none.

    `on_step` hears the name of each measurement and its figures. Raises ClientFailed, NotRunning and NoYardstick.
    """
    measured = Measured()
    run = _Run(service, database, plan, engine, time.time_ns() // 1_000_000)
    await run.register_key()

    async def take(into: dict[str, list[dict[str, Any]]], name: str, shown: str, work: Awaitable[dict[str, Any]]) -> None:
        figures = await work
        into.setdefault(name, []).append(figures)
        on_step(shown, figures)
        await store.until_quiet(database)

    await take(measured.ours, "warm-up", "warm-up", run.adt(20))
    await store.until_feeds_are_live(database, SITES)
    store.refresh_statistics(service.servers.owner_url)
    for number in range(plan.rounds):
        for each in MEASUREMENTS:
            with_them = f"with {each.connections}"
            theirs = measured.theirs.setdefault(each.name, {})
            steps = [
                (theirs, name, f"{name} {with_them}", run.yardsticks[name])
                for name in each.yardsticks
                if engine or name != MESSAGE_FOUNDRY
            ]
            steps.insert(1, (measured.ours, each.name, f"{each.door} {with_them}", run.doors[each.door]))
            for into, name, shown, work in steps[:: -1 if number % 2 else 1]:
                await take(into, name, shown, work(each.connections))
        await take(measured.ours, CARDS, "CDS Hooks cards", run.cards())
        await take(measured.ours, SCREEN, "ADT to screen", run.screens())
        await take(measured.ours, DRAIN, "webhooks drained", drain(service, database, plan.waiting))
    return measured


class _Run:
    """The single measurements."""

    def __init__(self, service: Service, database: Database, plan: Plan, engine: Path | None, seed: int) -> None:
        self._service = service
        self._database = database
        self._plan = plan
        self._engine = engine
        self._seed = seed
        self._private_key: dict[str, Any] = {}
        self.doors = {
            "adt": self.adt,
            "flag": lambda connections: self._lookups("Flag", connections),
            "care-team": lambda connections: self._lookups("CareTeam", connections),
            "query": self.query,
            "token": self.token,
        }
        self.yardsticks = {
            PGBENCH: self.pgbench,
            WITHOUT_DATABASE: lambda connections: self._beside(without_database.running(), connections),
            MESSAGE_FOUNDRY: self.message_foundry,
        }

    async def register_key(self) -> None:
        """The key by which the clients sign."""
        key = new_key()
        self._private_key = dict(key.as_dict(private=True))
        await register_key(self._database, public_half(key))

    async def pgbench(self, connections: int) -> dict[str, Any]:
        return await pgbench.measure(self._service.servers.service_url, connections, max(1, round(self._plan.seconds)))

    async def message_foundry(self, connections: int) -> dict[str, Any]:
        assert self._engine is not None
        return await self._beside(message_foundry.running(self._engine), connections)

    async def adt(self, connections: int) -> dict[str, Any]:
        return await clients.run("mllp_client", self._adt_order(self._service.mllp, connections, self._plan.seconds))

    async def _beside(self, running: AbstractAsyncContextManager[int], connections: int) -> dict[str, Any]:
        """Another program that takes the same messages from the same client. Raises NoYardstick where it does not take all."""
        async with running as port:
            figures = await clients.run("mllp_client", self._adt_order(port, connections, self._plan.seconds))
        if figures["refused"] or figures["lost"]:
            raise NoYardstick(f"it refused {figures['refused']} messages and lost {figures['lost']}")
        return figures

    async def _lookups(self, resource: str, connections: int) -> dict[str, Any]:
        token = sign_token(self._service.key, CLIENT)
        plan = self._plan
        order = fhir_client.Order(
            self._service.http, token, resource, self._next_seed(), connections, plan.warm_seconds, plan.seconds, plan.flagged
        )
        return await clients.run("fhir_client", order)

    async def token(self, connections: int) -> dict[str, Any]:
        plan = self._plan
        most = round((plan.warm_seconds + plan.seconds) * _MOST_TOKENS_PER_SECOND) + connections
        order = token_client.Order(
            self._service.http, CLIENT.id, self._private_key, connections, plan.warm_seconds, plan.seconds, most
        )
        return await clients.run("token_client", order)

    async def cards(self) -> dict[str, Any]:
        plan = self._plan
        order = cards_client.Order(
            self._service.http,
            EHR,
            self._private_key,
            self._next_seed(),
            20,
            plan.cards,
            plan.warm_seconds,
            plan.seconds,
            plan.flagged,
        )
        return await clients.run("cards_client", order)

    async def query(self, connections: int) -> dict[str, Any]:
        plan, seed, certificates = self._plan, self._next_seed(), self._service.certificates
        order = query_client.Order(
            self._service.mllp_tls, f"{seed:x}"[-8:].upper(), seed, connections, list(SITES), plan.warm_seconds, plan.seconds,
            plan.flagged, str(certificates.authority), str(certificates.client),
        )  # fmt: skip
        return await clients.run("query_client", order)

    async def screens(self) -> dict[str, Any]:
        """Screens are opened first; then messages fall due at the offered rate, and each alert is waited for."""
        plan, opening = self._plan, 2.0
        order = self._adt_order(self._service.mllp, 20, plan.screen_seconds, plan.offered)
        watching = plan.warm_seconds + plan.screen_seconds + 2 * opening + 3.0
        sessions = await store.sign_in_everywhere(self._database)
        watch = screens_client.Order(self._service.http, sessions, watching)
        watched = asyncio.create_task(clients.run("screens_client", watch))
        await asyncio.sleep(opening)
        sent = await clients.run("mllp_client", order)
        seen = await watched
        shown_at, sent["refused"] = seen["shown_at"], sent["refused"] + seen["refused"]
        visits = await store.visits_of(self._database, list(shown_at))
        waited, unseen = delays(sent.pop("due_at"), {visits[alert]: at for alert, at in shown_at.items()})
        return {**sent, "latency": percentiles(waited), "seen": len(waited), "unseen": unseen, "ack_latency": sent["latency"]}

    def _adt_order(self, port: int, connections: int, seconds: float, per_second: float = 0) -> mllp_client.Order:
        plan, seed = self._plan, self._next_seed()
        most = round((seconds + plan.warm_seconds) * (per_second or MOST_PER_SECOND)) + connections
        return mllp_client.Order(
            port, f"{seed:x}"[-8:].upper(), seed, connections, list(SITES), plan.warm_seconds, seconds, most,
            plan.flagged, per_second,
        )  # fmt: skip

    def _next_seed(self) -> int:
        self._seed += 1
        return self._seed
