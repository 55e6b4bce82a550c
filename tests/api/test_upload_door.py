"""The door for authorities' own systems: who is kept out, what is not taken, nothing acknowledged before it is on disk."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from api.doors import UPLOADS
from api.uploads_door import AT_ONCE_EACH, REJECTS_ON_A_PAGE, UploadsDoor
from domain.actor import NIGHTLIGHT
from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.smart.endpoint import TokenEndpoint
from fhir_adapter.throttle import Throttle
from flags_store.extracts import uploads as kept_uploads
from runtime.client_keys import add_keys
from runtime.clients import EXTRACTS, Care, Client, ClientReader, TokenVerifier, add_client, sign_token
from runtime.database import Database
from runtime.endpoints import Endpoints
from runtime.published_keys import PublishedKeys
from safeguarding.extracts.upload_loading import load_next
from tests.api.house import KEY, NORTHMOOR, WESTLEA, House, nhs_number, open_house
from tests.conftest import FreshDatabase
from tests.extracts.v3.files import a_file as a_v3_file
from tests.extracts.v3.files import child as v3_child
from tests.extracts.v3.files import plan as v3_plan
from tests.extracts.v3.files import record as v3_record
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.smart.office import form
from tests.runtime.signing import claims_of, signer

HEADER = "nhs_number,kind,start_date,end_date,delete_date,expected_delivery_date,given_name,family_name,birth_date,local_id"
GOOD = f"{HEADER}\n{nhs_number(1)},CPP,2026-01-05,,,,Jo,Harding,2019-03-03,A1\n".encode()
BAD_LINE = b"9990000019,CPP,2026-01-05,,,,Kim,Marsh,2018-03-03,A2\n"
TAKEN = "2026-03-01T06:30:00Z"
SIGNER = signer("ES384", "case")
MISSING = "00000000-0000-7000-8000-000000000000"
CLIENTS = {
    "northmoor-case": Client("northmoor-case", "", [EXTRACTS], Care.BOTH, True, authority_code=NORTHMOOR),
    "northmoor-sender": Client("northmoor-sender", "", ["system/Extract.cr"], Care.BOTH, True, authority_code=NORTHMOOR),
    "northmoor-flags": Client("northmoor-flags", "", ["system/Flag.rs"], Care.BOTH, True, authority_code=NORTHMOOR),
    "westlea-case": Client("westlea-case", "", [EXTRACTS], Care.BOTH, True, authority_code=WESTLEA),
    "hospital": Client("hospital", "R0A", ["system/Flag.rs"], Care.BOTH, True),
}


@dataclass(slots=True)
class Doorway:
    """The door in its house, and a caller."""

    house: House
    http: httpx.AsyncClient

    async def send(
        self, content: Any = GOOD, client: str = "northmoor-case", authority: str = NORTHMOOR, **given: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {token(client)}", "content-type": "text/csv"} | given.pop("headers", {})
        said = {"extracted_at": TAKEN} | given
        said = {name: value for name, value in said.items() if value is not None}
        return await self.http.post(f"/authorities/{authority}/extracts", params=said, content=content, headers=headers)

    async def get(self, path: str, client: str = "northmoor-case") -> httpx.Response:
        return await self.http.get(path, headers={"authorization": f"Bearer {token(client)}"})

    async def load(self) -> None:
        while await load_next(self.house.database):
            pass


def token(client: str) -> str:
    return sign_token(KEY.encode(), CLIENTS[client])


@asynccontextmanager
async def open_doorway(
    fresh: FreshDatabase, redis_url: str, folder: Path, pace: float = 1000, **given: Any
) -> AsyncIterator[Doorway]:
    async with Database(fresh.service_url) as database:
        access = Access(TokenVerifier(KEY.encode()), ClientReader(database, kept_seconds=0))
        largest = given.get("upload_max_bytes", 10_000_000)
        door = UploadsDoor(database, access, Throttle(pace).check, largest, lambda path: f"https://nightlight.example{path}")
        async with open_house(fresh, redis_url, folder, doors={UPLOADS: door}, **given) as house:
            async with house.database.transaction() as transaction:
                for client in CLIENTS.values():
                    await add_client(transaction, NIGHTLIGHT, client)
            async with httpx.AsyncClient(base_url=house.url, timeout=30) as http:
                yield Doorway(house, http)


@pytest.fixture
async def doorway(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> AsyncIterator[Doorway]:
    async with open_doorway(fresh_database, redis_url, tmp_path) as doorway:
        yield doorway


def problem(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code, after all that RFC 9457 asks of the rest."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["type"], body["status"]) == ("about:blank", answer.status_code)
    assert body["title"]
    assert body["detail"].endswith(".")
    return answer.status_code, body["code"]


def path_of(answer: httpx.Response) -> str:
    return answer.headers["location"].removeprefix("https://nightlight.example")


async def nothing_was_kept(doorway: Doorway) -> bool:
    return await doorway.house.rows("SELECT FROM uploads") == [] and await doorway.house.rows("SELECT FROM upload_parts") == []


# Who is kept out


@pytest.mark.parametrize("method, path", [("POST", ""), ("GET", f"/{MISSING}"), ("GET", f"/{MISSING}/rejects")])
@pytest.mark.parametrize("authorization", [None, "Basic eDp5", "Bearer nonsense"])
async def test_nobody_comes_in_without_a_token_of_ours(doorway: Doorway, method: str, path: str, authorization: str | None) -> None:
    headers = {"content-type": "text/csv"} | ({"authorization": authorization} if authorization else {})
    answer = await doorway.http.request(method, f"/authorities/{NORTHMOOR}/extracts{path}", content=GOOD, headers=headers)
    assert problem(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await nothing_was_kept(doorway)


@pytest.mark.parametrize("client", ["northmoor-flags", "hospital"])
async def test_a_client_without_the_scope_may_neither_send_nor_read(doorway: Doorway, client: str) -> None:
    assert problem(await doorway.send(client=client)) == (403, "forbidden")
    assert problem(await doorway.get(f"/authorities/{NORTHMOOR}/extracts/{MISSING}", client)) == (403, "forbidden")
    assert await nothing_was_kept(doorway)


async def test_a_token_that_was_given_less_may_do_less(doorway: Doorway) -> None:
    from runtime.clients import TokenSigner

    reading = TokenSigner(KEY.encode()).sign(CLIENTS["northmoor-case"], scopes=["system/Extract.r"])
    answer = await doorway.send(headers={"authorization": f"Bearer {reading}"})
    assert problem(answer) == (403, "forbidden")


async def test_a_disabled_client_is_kept_out(doorway: Doorway) -> None:
    await doorway.house.rows("UPDATE clients SET disabled_at = now() WHERE id = 'northmoor-case' RETURNING 1")
    assert problem(await doorway.send()) == (401, "unauthorized")


async def test_another_authority_is_not_there_and_neither_is_what_it_sent(doorway: Doorway) -> None:
    assert problem(await doorway.send(authority=WESTLEA)) == (404, "not-found")
    assert problem(await doorway.send(authority="999")) == (404, "not-found")
    assert await nothing_was_kept(doorway)
    theirs = path_of(await doorway.send(client="westlea-case", authority=WESTLEA))
    for path in (theirs, f"{theirs}/rejects", theirs.replace(WESTLEA, NORTHMOOR), f"{theirs.replace(WESTLEA, NORTHMOOR)}/rejects"):
        assert problem(await doorway.get(path)) == (404, "not-found")


async def test_who_asks_too_fast_is_told_to_wait(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> None:
    async with open_doorway(fresh_database, redis_url, tmp_path, pace=0.001) as doorway:
        assert (await doorway.send()).status_code == 202
        answer = await doorway.send()
    assert problem(answer) == (429, "too-many-requests")
    assert int(answer.headers["retry-after"]) > 0


# What is not taken


@pytest.mark.parametrize(
    "said",
    [
        {"extracted_at": None},
        {"extracted_at": "2026-03-01"},
        {"extracted_at": "2026-03-01T06:30:00"},
        {"extracted_at": "2999-03-01T06:30:00Z"},
        {"extracted_at": [TAKEN, TAKEN]},
        {"scope": "everything"},
        {"counts": "12"},
        {"sensitive": "yes"},
        {"sensetive": "true"},
    ],
    ids=str,
)
async def test_what_is_said_of_an_extract_must_be_understood(doorway: Doorway, said: dict[str, Any]) -> None:
    assert problem(await doorway.send(**said)) == (400, "bad-declaration")
    assert await nothing_was_kept(doorway)


@pytest.mark.parametrize(
    "headers",
    [{"content-type": ""}, {"content-type": "application/json"}, {"content-type": "text/csv", "content-encoding": "gzip"}],
    ids=str,
)
async def test_another_media_type_is_not_taken(doorway: Doorway, headers: dict[str, str]) -> None:
    assert problem(await doorway.send(headers=headers)) == (415, "wrong-media-type")
    assert await nothing_was_kept(doorway)


async def test_an_empty_body_is_no_extract(doorway: Doorway) -> None:
    assert problem(await doorway.send(b"")) == (400, "empty")
    assert await nothing_was_kept(doorway)


@pytest.mark.parametrize("hides_its_length", [False, True])
async def test_more_than_is_taken_is_refused_however_it_comes(
    fresh_database: FreshDatabase, redis_url: str, tmp_path: Path, hides_its_length: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(120):
            yield b"x" * 10_000

    async with open_doorway(fresh_database, redis_url, tmp_path, upload_max_bytes=1_000_000) as doorway:
        answer = await doorway.send(pieces() if hides_its_length else b"x" * 1_200_000)
        assert problem(answer) == (413, "too-large")
        assert "1 MB" in answer.json()["detail"]
        assert await nothing_was_kept(doorway)


@pytest.mark.parametrize("method, path, allowed", [("GET", "", "POST"), ("PUT", "", "POST"), ("DELETE", f"/{MISSING}", "GET")])
async def test_another_method_is_told_which_one(doorway: Doorway, method: str, path: str, allowed: str) -> None:
    answer = await doorway.http.request(method, f"/authorities/{NORTHMOOR}/extracts{path}")
    assert problem(answer) == (405, "wrong-method")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/", "/nonsense", f"/{MISSING}", f"/{MISSING}/rejects", f"/{MISSING}/other"])
async def test_what_is_not_there_is_not_found(doorway: Doorway, path: str) -> None:
    assert problem(await doorway.get(f"/authorities/{NORTHMOOR}/extracts{path}")) == (404, "not-found")


async def test_no_more_is_taken_than_may_wait(doorway: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_uploads, "MOST_WAITING", 2)
    answers = [await doorway.send(GOOD + b"\n" * each) for each in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert problem(answers[-1]) == (429, "too-many")
    assert (await doorway.send()).status_code == 200, "what waits already is known"


async def test_without_the_store_nothing_is_taken(
    embedded: Any, fresh_database: FreshDatabase, redis_url: str, tmp_path: Path
) -> None:
    from nightlight.embedded.cluster import SUPERUSER
    from nightlight.embedded.postgres import url_of

    superuser_url = url_of(embedded.folder, SUPERUSER, "postgres")
    async with open_doorway(fresh_database, redis_url, tmp_path, superuser_url=superuser_url) as doorway:
        async with doorway.house.store_away():
            answer = await doorway.send()
        assert problem(answer) == (503, "unavailable")
        assert answer.headers["retry-after"]
        assert (await doorway.send()).status_code == 202


# What is taken


async def test_nothing_is_acknowledged_before_it_is_on_disk(doorway: Doorway, fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.owner_url) as holding:
        holding.execute("SELECT FROM authorities WHERE code = %s FOR UPDATE", (NORTHMOOR,))
        sending = asyncio.create_task(doorway.send())
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while await doorway.house.rows(waiting) != [(1,)]:  # noqa: ASYNC110 (a server sets no event)
            await asyncio.sleep(0.01)
        assert await nothing_was_kept(doorway)
        assert not sending.done()
        holding.rollback()
    assert (await sending).status_code == 202
    assert len(await doorway.house.rows("SELECT FROM uploads")) == 1


async def test_a_sender_who_goes_half_way_has_sent_nothing(doorway: Doorway) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield GOOD
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await doorway.send(broken())
    assert (await doorway.send()).status_code == 202
    assert len(await doorway.house.rows("SELECT FROM uploads")) == 1


async def test_an_extract_is_kept_and_its_status_says_where_it_stands(doorway: Doorway) -> None:
    answer = await doorway.send(scope="full", counts="CPP=1,LAC=0", sensitive="true")
    assert answer.status_code == 202
    body = answer.json()
    assert (body["state"], body["progress"]["step"]) == ("waiting", "waiting")
    assert body["declared"] == {
        "extracted_at": "2026-03-01T06:30:00+00:00", "scope": "full", "sensitive": True, "counts": "CPP=1,LAC=0",
    }  # fmt: skip
    assert body["sha256"] == hashlib.sha256(GOOD).hexdigest()
    assert body["links"] == {"self": answer.headers["location"]}
    assert (await doorway.get(path_of(answer))).json() == body
    assert await doorway.house.rows("SELECT actor_id, came_by FROM uploads") == [("northmoor-case", "api")]


async def test_the_same_again_is_the_same_upload_and_says_so(doorway: Doorway) -> None:
    first, again = await doorway.send(), await doorway.send(client="northmoor-sender")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.headers["location"] == again.headers["location"]
    await doorway.load()
    after = await doorway.send()
    assert (after.status_code, after.json()["state"], after.headers["location"]) == (200, "loaded", first.headers["location"])
    assert len(await doorway.house.rows("SELECT FROM extracts")) == 1


async def test_once_loaded_the_status_is_the_report(doorway: Doorway) -> None:
    where = path_of(await doorway.send(GOOD + BAD_LINE))
    await doorway.load()
    body = (await doorway.get(where)).json()
    assert body["state"] == "loaded"
    assert "progress" not in body
    report = body["report"]
    assert (report["records"], report["opened"], report["rejected"], report["state"]) == (2, 1, 1, "loaded")
    assert report["words"].startswith("2 records: 1 opened")
    assert body["links"]["page"] == f"https://nightlight.example/extracts/{report['extract']}"
    assert "Harding" not in str(body)


async def test_rejected_records_are_read_in_pages_and_it_is_written_down(doorway: Doorway) -> None:
    where = path_of(await doorway.send(GOOD + BAD_LINE * (REJECTS_ON_A_PAGE + 1)))
    assert problem(await doorway.get(f"{where}/rejects")) == (409, "not-loaded-yet")
    await doorway.load()
    first = (await doorway.get(f"{where}/rejects")).json()
    assert (first["rejected"], len(first["records"])) == (REJECTS_ON_A_PAGE + 1, REJECTS_ON_A_PAGE)
    assert first["records"][0]["code"] == "bad-nhs-number"
    assert first["records"][0]["record"]["family_name"] == "Marsh"
    rest = (await doorway.get(first["links"]["next"].removeprefix("https://nightlight.example"))).json()
    assert (len(rest["records"]), "next" in rest["links"]) == (1, False)
    read = "SELECT actor_kind, actor_id, organisation, detail ->> 'records' FROM audit_events WHERE action = 'extract.read-rejects'"
    assert await doorway.house.rows(read) == [
        ("system", "northmoor-case", NORTHMOOR, "100"),
        ("system", "northmoor-case", NORTHMOOR, "1"),
    ]


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "9" * 30])
async def test_a_page_is_a_number(doorway: Doorway, page: str) -> None:
    where = path_of(await doorway.send())
    assert problem(await doorway.get(f"{where}/rejects?page={page}")) == (400, "bad-request")


async def test_what_is_refused_says_why_in_words(doorway: Doorway) -> None:
    where = path_of(await doorway.send(b"name,dob\nx,y\n"))
    await doorway.load()
    body = (await doorway.get(where)).json()
    assert (body["state"], body["refusal"]["code"]) == ("refused", "wrong-header")
    assert body["refusal"]["words"].startswith("The first line is not the header")
    assert problem(await doorway.get(f"{where}/rejects")) == (409, "not-loaded-yet")


async def test_xml_says_itself_when_it_was_taken(doorway: Doorway) -> None:
    answer = await doorway.send(b"<?xml version='1.0'?><File/>", extracted_at=None, headers={"content-type": "application/xml"})
    assert (answer.status_code, answer.json()["declared"]["extracted_at"]) == (202, None)


async def test_a_national_upload_has_a_response_file_that_only_its_authority_reads(doorway: Doorway) -> None:
    content = a_v3_file(v3_record(v3_child(nhs_number(1)), v3_plan()), sender=NORTHMOOR)
    answer = await doorway.send(content, extracted_at=None, headers={"content-type": "application/xml"})
    where = path_of(answer)
    assert problem(await doorway.get(f"{where}/response")) == (409, "not-loaded-yet")
    await doorway.load()
    body = (await doorway.get(where)).json()
    assert (body["report"]["format"], body["report"]["opened"]) == ("v3", 1), body
    response = await doorway.get(body["links"]["response"].removeprefix("https://nightlight.example"))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/xml")
    assert "CPR06" in response.text
    assert problem(await doorway.get(f"{where}/response", "westlea-case")) == (404, "not-found")
    assert await doorway.house.rows("SELECT actor_id FROM audit_events WHERE action = 'extract.read-response'") == [
        ("northmoor-case",)
    ]


async def test_a_csv_has_no_response_file(doorway: Doorway) -> None:
    where = path_of(await doorway.send())
    await doorway.load()
    assert "response" not in (await doorway.get(where)).json()["links"]
    assert problem(await doorway.get(f"{where}/response")) == (404, "not-found")


async def test_a_system_gets_its_token_by_signing_and_sends_with_it(doorway: Doorway) -> None:
    database = doorway.house.database
    async with database.transaction() as transaction:
        await add_keys(transaction, NIGHTLIGHT, "northmoor-case", [SIGNER.public()])
    audience = "https://nightlight.example/oauth2/token"
    clients = ClientReader(database, kept_seconds=0)
    tokens = TokenEndpoint(database, clients, PublishedKeys(Endpoints()), KEY.encode(), audience)
    asked = form(SIGNER.sign(claims_of("northmoor-case", audience)), scope="system/Extract.c")
    answer = await ask(
        cast(FhirDoor, tokens), "POST", "/token", {"content-type": "application/x-www-form-urlencoded"}, urlencode(asked).encode()
    )
    assert (answer.status, answer.json["scope"]) == (200, "system/Extract.c")
    headers = {"authorization": f"Bearer {answer.json['access_token']}"}
    sent = await doorway.send(headers=headers)
    assert sent.status_code == 202
    reading = await doorway.http.get(path_of(sent), headers=headers)
    assert problem(reading) == (403, "forbidden"), "it asked for no more than sending"


@pytest.mark.parametrize("taken", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
async def test_a_time_before_there_were_extracts_is_refused_and_not_to_be_sent_again(doorway: Doorway, taken: str) -> None:
    answer = await doorway.send(extracted_at=taken)
    assert problem(answer)[0] in {400, 422}
    assert "before 2000" in answer.json()["detail"]
    assert await nothing_was_kept(doorway)


async def test_slow_senders_of_one_authority_leave_room_for_another(doorway: Doorway) -> None:
    done = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield GOOD
        await done.wait()

    slow: list[asyncio.Task[httpx.Response]] = []
    try:
        async with asyncio.timeout(20):
            while problem_code(await doorway.send(GOOD + b"\n" * 3)) != "unavailable":  # whoever asks takes a place, too
                slow.append(asyncio.create_task(doorway.send(slowly())))
                await asyncio.sleep(0.02)
            assert len(slow) >= AT_ONCE_EACH
            assert (await doorway.send(client="westlea-case", authority=WESTLEA)).status_code == 202
    finally:
        done.set()
        answers = await asyncio.gather(*slow)
    assert 202 in {each.status_code for each in answers} <= {200, 202, 503}
    assert (await doorway.send()).status_code == 200


def problem_code(answer: httpx.Response) -> str:
    return str(answer.json().get("code", ""))


async def test_a_damaged_dataset_is_answered_as_refused_and_its_status_says_why(doorway: Doorway) -> None:
    answer = await doorway.send(b"PK\x03\x04 cut", headers={"content-type": "application/zip"})
    view = answer.json()
    assert (answer.status_code, view["state"], view["refusal"]["code"]) == (202, "refused", "zip-damaged")
    assert (await doorway.get(path_of(answer))).json()["refusal"] == view["refusal"]
