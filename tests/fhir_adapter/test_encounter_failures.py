"""What cannot be recorded is a 503 that says so, and nothing is acknowledged before it is on disk."""

import asyncio
import json

import psycopg
import pytest

from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.exchange import Parts
from runtime.clients import ClientReader, TokenVerifier
from runtime.database import Database
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.doorway import BASE_URL, Doorway, token
from tests.fhir_adapter.encounter_bodies import encounter, furnish, id_of, post, put
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import CHILD, KEY

AWAY = "postgresql://127.0.0.1:1/none?connect_timeout=1"
REQUEST_ID = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


def check_could_not_record(response: Response) -> None:
    assert (response.status, response.spine_code) == (503, "UNABLE_TO_CALL_SERVICE")
    assert response.json["issue"][0]["code"] == "transient"
    assert response.diagnostics.startswith("We could not check.")
    assert response.headers["retry-after"] == "2"
    assert "location" not in response.headers
    assert CHILD not in response.body.decode()
    check_valid(response.json)


async def record(desk: Desk, directory: DirectoryReader, database: Database, clients: ClientReader) -> Response:
    app = FhirDoor(Parts(desk, directory, database, BASE_URL, KEY), Access(TokenVerifier(KEY), clients))
    headers = {"authorization": f"Bearer {token('both-app')}", "content-type": "application/fhir+json"}
    return await ask(app, "POST", "/Encounter", headers, json.dumps(encounter()).encode())


async def test_a_store_that_is_away_is_503(capfd: pytest.CaptureFixture[str]) -> None:
    async with Database(AWAY) as away:
        directory = DirectoryReader(away)
        async with Desk(away, directory, KEY) as desk:
            check_could_not_record(await record(desk, directory, away, ClientReader(away)))
    assert CHILD not in "".join(capfd.readouterr())


async def test_a_store_that_went_away_once_the_client_was_known_is_503(doorway: Doorway) -> None:
    house = doorway.house
    async with Database(AWAY) as away, Desk(away, house.directory, KEY) as desk:
        check_could_not_record(await record(desk, house.directory, away, ClientReader(house.database)))


async def test_a_full_desk_is_503(doorway: Doorway) -> None:
    house = doorway.house
    async with Desk(house.database, house.directory, KEY, queue=0) as full:
        check_could_not_record(await record(full, house.directory, house.database, ClientReader(house.database)))
    assert await house.value("SELECT count(*) FROM encounters") == 0


@pytest.mark.parametrize("table", ["accesses", "encounters", "inbox", "alerts", "deliveries"])
async def test_without_the_look_the_encounter_the_alert_and_its_delivery_nothing_is_acknowledged(
    doorway: Doorway, fresh_database: FreshDatabase, table: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """They are one transaction: where one of them cannot be written, none is."""
    await doorway.house.flag()
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute(f"REVOKE INSERT ON {table} FROM nightlight_service".encode())
    check_could_not_record(await post(doorway, encounter(), Prefer="return=representation"))
    for each in ("accesses", "encounters", "inbox", "alerts", "deliveries"):
        assert await doorway.house.value(f"SELECT count(*) FROM {each}") == 0
    assert CHILD not in "".join(capfd.readouterr())


async def test_a_request_that_was_answered_into_the_void_is_recognised_when_it_comes_again(doorway: Doorway) -> None:
    """The caller hung up while the desk was at work: it was recorded all the same, once."""
    await doorway.house.flag()
    gone = asyncio.create_task(post(doorway, encounter(), X_Request_ID=REQUEST_ID))
    while not gone.done() and not await doorway.house.value("SELECT count(*) FROM encounters"):
        pass
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    again = await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    assert again.status == 201
    assert await doorway.house.rows("SELECT (SELECT count(*) FROM encounters), (SELECT count(*) FROM alerts)") == [(1, 1)]


async def test_an_encounter_that_was_erased_is_not_found_and_its_resend_is_still_recognised(doorway: Doorway) -> None:
    first = await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    await doorway.house.rows("DELETE FROM encounters RETURNING id")
    again = await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    assert (again.status, again.headers["location"]) == (200, first.headers["location"])
    assert "etag" not in again.headers
    assert (await put(doorway, id_of(first), encounter("finished"))).status == 404


async def test_no_number_and_no_name_is_in_a_log_or_a_header(doorway: Doorway, capfd: pytest.CaptureFixture[str]) -> None:
    await furnish(doorway)
    contained = [{"resourceType": "Patient", "id": "p", "name": [{"family": "Zzyzx"}]}]
    bad = encounter(contained=contained) | {"status": "Zzyzx", "Zzyzx": CHILD}
    for response in (await post(doorway, encounter(contained=contained)), await post(doorway, bad), await post(doorway, b"Zzyzx")):
        assert CHILD not in str(response.headers)
        assert "Zzyzx" not in response.body.decode()
    assert not {CHILD, "Zzyzx"} & set("".join(capfd.readouterr()).replace('"', " ").split())
