"""How fast a client may ask, by a clock that the test turns."""

import pytest

from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.errors import TOO_MANY, Refused
from fhir_adapter.exchange import Parts
from fhir_adapter.throttle import Throttle
from runtime.clients import ClientReader, TokenVerifier
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import BASE_URL, Doorway, token
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import KEY


def test_who_asks_too_fast_is_told_when_to_ask_again() -> None:
    throttle = Throttle(0.5, lambda: 100.0)
    throttle.check("app")
    with pytest.raises(Refused) as refused:
        throttle.check("app")
    assert refused.value.kind is TOO_MANY
    assert refused.value.headers == {"retry-after": "2"}


def test_a_quiet_second_gives_a_seconds_requests_and_no_more() -> None:
    at = [0.0]
    throttle = Throttle(3, lambda: at[0])
    assert passed(throttle, 10) == 3
    at[0] = 1 / 3 + 1e-9
    assert passed(throttle, 10) == 1
    at[0] = 100.0
    assert passed(throttle, 10) == 3


def test_one_clients_haste_is_not_anothers() -> None:
    throttle = Throttle(1, lambda: 0.0)
    assert passed(throttle, 3, "one") == 1
    assert passed(throttle, 3, "other") == 1


def passed(throttle: Throttle, requests: int, client: str = "app") -> int:
    count = 0
    for _ in range(requests):
        try:
            throttle.check(client)
        except Refused:
            continue
        count += 1
    return count


async def test_the_door_refuses_with_429_and_looks_nothing_up(doorway: Doorway) -> None:
    house = doorway.house
    parts = Parts(house.desk, house.directory, house.database, BASE_URL, KEY)
    door = FhirDoor(parts, Access(TokenVerifier(KEY), ClientReader(house.database)), Throttle(1, lambda: 0.0))
    headers = {"authorization": f"Bearer {token('both-app')}"}
    assert (await ask(door, "GET", "/Flag?patient=9990000018", headers)).status == 200
    response = await ask(door, "GET", "/Flag?patient=9990000018", headers)
    assert (response.status, response.spine_code, response.headers["retry-after"]) == (429, "TOO_MANY_REQUESTS", "1")
    check_valid(response.json)
    assert await house.value("SELECT count(*) FROM accesses") == 1
