"""The FHIR load client, a process of its own: `POST Flag/_search` or `CareTeam/_search` about one child after another.

`rounds` runs it by `clients.run`. Every status is checked, and of every fiftieth body what it says of the child.
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
from bench.people import Patient, patients_met


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `flagged` is how many children have a plan."""

    port: int
    token: str
    resource: str
    seed: int
    connections: int
    warm_seconds: float
    seconds: float
    flagged: int


def exchanges(order: Order) -> Iterator[Exchange]:
    """One lookup after another, each with an id of its own."""
    headers = {
        "authorization": f"Bearer {order.token}",
        "accept": "application/fhir+json",
        "content-type": "application/x-www-form-urlencoded",
    }
    for child in patients_met(order.seed, order.flagged):
        asked = {**headers, "x-request-id": str(uuid4())}
        body = f"patient={child.number}".encode()
        yield request("POST", f"/FHIR/R4/{order.resource}/_search", asked, body), partial(says_right, child)


def says_right(child: Patient, response: Response) -> bool:
    """Whether the Bundle says of the child what is true, and how far it reaches."""
    bundle = json.loads(response.body)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    matches = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"]
    about = {match["subject"]["identifier"]["value"] for match in matches}
    return bool(
        bundle["type"] == "searchset"
        and bundle["total"] == len(matches) == int(child.flagged)
        and about == ({child.number} if child.flagged else set())
        and "OperationOutcome" in kinds
    )


async def load(order: Order) -> dict[str, Any]:
    """Do what is ordered."""
    return await run_load(Pace(order.port, order.connections, order.warm_seconds, order.seconds), exchanges(order))


if __name__ == "__main__":
    serve_order(Order, load)
