"""The CDS Hooks load client, a process of its own: `patient-view` about one child after another, at a pace, each call with a JWT.

`rounds` runs it by `clients.run`. Every status is checked, and of every tenth answer whether it has a card just where it must.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from bench.clients import serve_order
from bench.http11 import Response, request
from bench.http_load import Exchange, Pace, run_load
from bench.keys import signed
from bench.people import Patient, patients_met
from fhir_adapter.codes import NHS_NUMBER

SERVICE = "/cds-services/child-protection-patient-view"


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `flagged` is how many children have a plan."""

    port: int
    issuer: str
    private_key: dict[str, Any]
    seed: int
    connections: int
    per_second: float
    warm_seconds: float
    seconds: float
    flagged: int

    @property
    def pace(self) -> Pace:
        """As the load takes it."""
        return Pace(self.port, self.connections, self.warm_seconds, self.seconds, self.per_second, looked_into=10)


def exchanges(order: Order) -> Iterator[Exchange]:
    """One call after another, each with a token of its own."""
    tokens = signed(order.private_key, order.issuer, f"http://127.0.0.1:{order.port}{SERVICE}", order.pace.most)
    for token, child in zip(tokens, patients_met(order.seed, order.flagged), strict=False):
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        yield request("POST", SERVICE, headers, json.dumps(_call(child)).encode()), partial(says_right, child)


def _call(child: Patient) -> dict[str, Any]:
    patient = {
        "resourceType": "Patient",
        "id": f"p-{child.sequence}",
        "identifier": [{"system": NHS_NUMBER, "value": child.number}],
        "name": [{"family": child.family_name, "given": [child.given_name]}],
        "birthDate": child.birth_date.isoformat(),
    }
    return {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": patient["id"]},
        "prefetch": {"patient": patient},
    }


def says_right(child: Patient, response: Response) -> bool:
    """Whether there is a critical card for a child with a plan, and none for another."""
    cards = json.loads(response.body)["cards"]
    return [card["indicator"] for card in cards] == (["critical"] if child.flagged else [])


async def load(order: Order) -> dict[str, Any]:
    """Do what is ordered."""
    return await run_load(order.pace, iter(list(exchanges(order))))


if __name__ == "__main__":
    serve_order(Order, load)
