"""What cannot be answered is a 503 that says so: never an empty Bundle, never a patient in the text or in a log."""

import asyncio

import psycopg
import pytest

from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.exchange import Parts
from fhir_adapter.interactions import INTERACTIONS
from flags_store.authorities import add_authority
from runtime.clients import ClientReader, TokenVerifier
from runtime.database import Database
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.doorway import BASE_URL, FORM, Doorway, token
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import CHILD, KEY, OPERATOR

AWAY = "postgresql://127.0.0.1:1/none?connect_timeout=1"
NOBODY = "0199aaaa-0000-7000-8000-000000000001"


def check_could_not_check(response: Response) -> None:
    assert (response.status, response.spine_code) == (503, "UNABLE_TO_CALL_SERVICE")
    assert response.json["resourceType"] == "OperationOutcome"
    assert response.json["issue"][0]["code"] == "transient"
    assert response.diagnostics.startswith("We could not check.")
    assert response.headers["retry-after"] == "2"
    assert "9990000018" not in response.body.decode()
    check_valid(response.json)


def bearer(client: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token(client)}"}


def door(desk: Desk, directory: DirectoryReader, database: Database, clients: ClientReader | None = None) -> FhirDoor:
    access = Access(TokenVerifier(KEY), clients or ClientReader(database))
    return FhirDoor(Parts(desk, directory, database, BASE_URL, KEY), access)


async def search(app: FhirDoor) -> Response:
    return await ask(app, "POST", "/Flag/_search", bearer("both-app") | {"content-type": FORM}, b"patient=9990000018")


async def test_a_store_that_is_away_is_503(capfd: pytest.CaptureFixture[str]) -> None:
    async with Database(AWAY) as away:
        directory = DirectoryReader(away)
        async with Desk(away, directory, KEY) as desk:
            app = door(desk, directory, away)
            check_could_not_check(await search(app))
    assert "9990000018" not in "".join(capfd.readouterr())


async def test_a_store_that_went_away_after_the_client_was_known_is_503(doorway: Doorway) -> None:
    async with Database(AWAY) as away, Desk(away, DirectoryReader(away), KEY) as desk:
        clients = ClientReader(doorway.house.database)
        app = door(desk, doorway.house.directory, away, clients)
        check_could_not_check(await search(app))


async def test_with_the_store_away_every_route_that_needs_it_is_503() -> None:
    """Whatever is sent: never an empty Bundle, never a 404."""
    async with Database(AWAY) as away:
        directory = DirectoryReader(away)
        app = door(Desk(away, directory, KEY), directory, away)
        targets = [(each.method, each.path.replace("{id}", NOBODY)) for each in INTERACTIONS if each.scope]
        for answer in await asyncio.gather(*(ask(app, *target, bearer("both-app")) for target in targets)):
            check_could_not_check(answer)


async def test_a_store_that_went_away_is_503_and_no_404_for_a_read(doorway: Doorway) -> None:
    async with Database(AWAY) as away, Desk(away, DirectoryReader(away), KEY) as desk:
        app = door(desk, doorway.house.directory, away, ClientReader(doorway.house.database))
        for kind in ("Flag", "CarePlan", "CareTeam"):
            check_could_not_check(await ask(app, "GET", f"/{kind}/{NOBODY}", bearer("both-app")))


async def test_a_full_desk_is_503(doorway: Doorway) -> None:
    house = doorway.house
    async with Desk(house.database, house.directory, KEY, queue=0) as full:
        app = door(full, house.directory, house.database)
        check_could_not_check(await search(app))


async def test_a_desk_that_is_closing_is_503(doorway: Doorway) -> None:
    house = doorway.house
    async with Desk(house.database, house.directory, KEY) as closed:
        pass
    app = door(closed, house.directory, house.database)
    check_could_not_check(await search(app))


async def test_a_fault_of_our_own_is_503_and_never_an_empty_bundle(
    doorway: Doorway, fresh_database: FreshDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    """The look cannot be audited: then nothing is said."""
    await doorway.house.flag()
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("REVOKE INSERT ON accesses FROM nightlight_service")
    check_could_not_check(await doorway.search())
    assert CHILD not in "".join(capfd.readouterr())


@pytest.mark.parametrize("unscheduled", ["true", "false"])
async def test_a_flag_of_an_authority_that_has_just_come_is_answered_whole(
    doorway: Doorway, unscheduled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remembered directory does not know yet whom to ring about it."""
    monkeypatch.setattr("safeguarding.directory.KEPT_SECONDS", 3600.0)
    house = doorway.house
    await house.directory.current()
    async with house.database.transaction() as transaction:
        await add_authority(transaction, OPERATOR, "303", "Cedarham", "01632 960303", "01632 961303", live=True)
    await house.flag(authority="303")
    response = await doorway.search(IsUnscheduledAccessEvent=unscheduled)
    assert response.status == 200
    assert "303 - Cedarham" in response.body.decode()


async def test_where_the_store_is_away_metadata_is_still_there() -> None:
    async with Database(AWAY) as away:
        directory = DirectoryReader(away)
        app = door(Desk(away, directory, KEY), directory, away)
        assert (await ask(app, "GET", "/metadata")).status == 200
