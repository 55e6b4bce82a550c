"""The token load client, a process of its own: signed assertions, made beforehand, become tokens at `POST /oauth2/token`.

`rounds` runs it by `clients.run`. Assertions are signed with ES384, which costs a server more to check than RS384 does.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bench.clients import serve_order
from bench.http11 import Response, request
from bench.http_load import Exchange, Pace, run_load
from bench.keys import signed
from fhir_adapter.smart.configuration import ASSERTION_TYPE, GRANT_TYPE, TOKEN_PATH


@dataclass(frozen=True, slots=True)
class Order:
    """What to do. `most` is how many assertions are made: the load must not be able to use them up."""

    port: int
    client_id: str
    private_key: dict[str, Any]
    connections: int
    warm_seconds: float
    seconds: float
    most: int


def exchanges(order: Order) -> Iterator[Exchange]:
    """One request after another, each with an assertion of its own."""
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    audience = f"http://127.0.0.1:{order.port}{TOKEN_PATH}"
    for assertion in signed(order.private_key, order.client_id, audience, order.most):
        form = {"grant_type": GRANT_TYPE, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        yield request("POST", TOKEN_PATH, headers, urlencode(form).encode()), says_right


def says_right(response: Response) -> bool:
    """Whether it is a bearer token that runs out within five minutes."""
    answer = json.loads(response.body)
    return bool(answer["token_type"] == "bearer" and answer["access_token"] and 0 < answer["expires_in"] <= 300)  # noqa: S105 (a kind of token)


async def load(order: Order) -> dict[str, Any]:
    """Do what is ordered."""
    pace = Pace(order.port, order.connections, order.warm_seconds, order.seconds)
    return await run_load(pace, iter(list(exchanges(order))))


if __name__ == "__main__":
    serve_order(Order, load)
