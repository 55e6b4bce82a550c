"""Reads by id, through the real door: refusals, what is the same as in a search, what is audited, and conditions."""

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import psycopg
import pytest
from time_machine import travel

from runtime.clock import now
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import CHILD, OTHER_CHILD

UNKNOWN = "0199aaaa-0000-7000-8000-000000000001"
KINDS = ["Flag", "CarePlan", "CareTeam"]


async def ids(doorway: Doorway, number: str = CHILD) -> dict[str, str]:
    """The addresses that a search gives out, by type."""
    bundle = (await doorway.search(number, IsUnscheduledAccessEvent="false")).json
    base = "https://hospital.example/FHIR/R4"
    return {each["resource"]["resourceType"]: each["fullUrl"].removeprefix(base) for each in bundle["entry"]}


def settle(fresh_database: FreshDatabase) -> None:
    """As if all of it had come some time ago."""
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE flags SET last_confirmed_at = now() - interval '1 day'")
        owner.execute("UPDATE extracts SET completed_at = now() - interval '1 day'")
        owner.execute("UPDATE audit_events SET occurred_at = occurred_at - interval '1 day'")


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
async def test_without_a_token_nobody_learns_whether_an_id_is_there(doorway: Doorway, kind: str) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))[kind]
    answers = [await ask(doorway.app, "GET", target) for target in (there, f"/{kind}/{UNKNOWN}")]
    assert [(answer.status, answer.body) for answer in answers] == [(401, answers[0].body)] * 2


async def test_a_client_without_the_scope_learns_nothing_either(doorway: Doorway) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))["CareTeam"]
    answers = [await doorway.get(target, "flags-only-app") for target in (there, f"/CareTeam/{UNKNOWN}")]
    assert [(answer.status, answer.body) for answer in answers] == [(403, answers[0].body)] * 2
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 1


async def test_what_nobody_gave_out_is_not_found_and_no_look(doorway: Doorway) -> None:
    for kind in KINDS:
        for given in (UNKNOWN, CHILD, "x", UNKNOWN.upper(), UNKNOWN.replace("-", "")):
            response = await doorway.get(f"/{kind}/{given}")
            assert (response.status, response.spine_code) == (404, "RESOURCE_NOT_FOUND")
            assert given == "x" or given not in response.body.decode()
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 0


async def test_the_id_of_one_kind_leads_to_no_other(doorway: Doorway) -> None:
    await doorway.house.flag()
    address = await ids(doorway)
    assert (await doorway.get(f"/Flag/{address['CarePlan'].rpartition('/')[2]}")).status == 404
    assert (await doorway.get(f"/CarePlan/{address['Flag'].rpartition('/')[2]}")).status == 404


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE flags SET deleted_on = current_date RETURNING id",
        "UPDATE flags SET end_date = '2024-01-01', start_date = '2023-01-01' RETURNING id",
    ],
    ids=["recorded in error", "ended long ago"],
)
async def test_what_is_no_longer_shown_is_told_apart_and_the_look_is_audited(doorway: Doorway, change: str) -> None:
    await doorway.house.flag()
    address = await ids(doorway)
    await doorway.house.rows(change)
    for kind in KINDS:
        response = await doorway.get(address[kind])
        assert (response.status, response.spine_code) == (404, "INVALIDATED_RESOURCE")
        assert CHILD not in response.body.decode()
        check_valid(response.json)
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 1 + len(KINDS)


async def test_a_plan_of_an_authority_that_is_not_shown_is_not_found(doorway: Doorway) -> None:
    await doorway.house.flag()
    address = await ids(doorway)
    await doorway.house.rows("UPDATE authorities SET state = 'trial' WHERE code = '301' RETURNING code")
    for kind in KINDS:
        assert (await doorway.get(address[kind])).spine_code == "RESOURCE_NOT_FOUND"


WRONG: list[tuple[str, dict[str, str], int]] = [
    ("?_format=xml", {}, 406),
    ("", {"Accept": "application/fhir+xml"}, 406),
    ("?_summary=count", {}, 400),
    ("?_summary=true&_elements=status", {}, 400),
    ("?_sort=date", {"Prefer": "handling=strict"}, 400),
    ("", {"X_Request_ID": "1"}, 400),
    ("", {"NHSD_End_User_Organisation_ODS": "R0B01"}, 403),
]


async def test_a_read_that_is_wrong_is_refused(doorway: Doorway) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))["CarePlan"]
    for query, headers, status in WRONG:
        assert (await doorway.get(there + query, **headers)).status == status


async def test_other_methods_are_refused(doorway: Doorway) -> None:
    for kind in KINDS:
        response = await ask(doorway.app, "DELETE", f"/{kind}/{UNKNOWN}")
        assert (response.status, response.headers["allow"]) == (405, "GET")


async def test_a_newborns_ids_lead_nowhere_and_never_to_its_mother(doorway: Doorway, fresh_database: FreshDatabase) -> None:
    mother = OTHER_CHILD
    plan = await doorway.house.flag(mother, kind="UCPP", start_date=now().date() - timedelta(days=30))
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("INSERT INTO newborn_links (flag_id, facility, value, source) VALUES (%s, '', %s, 'R0A01')", (plan, CHILD))
    address = await ids(doorway)
    assert str(plan) not in str(address)
    for kind in KINDS:
        assert (await doorway.get(address[kind])).spine_code == "RESOURCE_NOT_FOUND"


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_read_says_what_the_search_said(doorway: Doorway, kind: str, fresh_database: FreshDatabase) -> None:
    await doorway.house.flag()
    settle(fresh_database)
    bundle = (await doorway.search()).json
    [found] = [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]
    response = await doorway.get((await ids(doorway))[kind])
    read = response.json
    assert response.status == 200
    check_valid(read)
    meta = read.pop("meta")
    assert read == {name: value for name, value in found.items() if name != "meta"}
    assert meta["profile"] == found["meta"]["profile"]
    assert meta["security"][-1]["code"] == "HTEST"
    assert response.headers["etag"] == f'W/"{meta["versionId"]}"'
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/fhir+json"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_read_is_a_look_as_any_other(doorway: Doorway, kind: str) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))[kind]
    await doorway.get(there, "scheduled-app", IsUnscheduledAccessEvent="true")
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 0
    await doorway.get(there, NHSD_Session_URID="555254240100")
    rows = await doorway.house.rows("SELECT actor_id, actor_role, in_history, outcome FROM accesses ORDER BY occurred_at")
    assert rows[1:] == [("scheduled-app", "", False, "flagged"), ("both-app", "555254240100", True, "flagged")]
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 1


async def test_a_read_of_one_plan_shows_no_other(doorway: Doorway) -> None:
    await doorway.house.flag()
    second = await doorway.house.flag(authority="302", kind="LAC")
    response = await doorway.get(f"/CareTeam/{second}")
    assert response.json["name"] == "302 - Birchford"
    assert "Ambershire" not in response.body.decode()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_sensitive_one_is_masked_in_a_read_too_and_says_not_when_it_changed(
    doorway: Doorway, kind: str, fresh_database: FreshDatabase
) -> None:
    await doorway.house.flag(sensitive=True)
    settle(fresh_database)
    response = await doorway.get((await ids(doorway))[kind])
    check_valid(response.json)
    assert not [secret for secret in ("Ambershire", "01632 960301", "2026-01-05") if secret in response.body.decode()]
    assert "last-modified" not in response.headers
    assert "lastUpdated" not in response.json["meta"]


async def test_a_read_shows_as_much_as_is_wanted(doorway: Doorway) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))["CareTeam"]
    read = (await doorway.get(f"{there}?_elements=telecom")).json
    assert set(read) == {"resourceType", "id", "meta", "status", "telecom"}
    assert read["meta"]["tag"][0]["code"] == "SUBSETTED"


# ── conditions ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
async def test_who_has_the_version_gets_no_body_and_is_audited(doorway: Doorway, kind: str) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))[kind]
    etag = (await doorway.get(there)).headers["etag"]
    response = await doorway.get(there, If_None_Match=f'W/"1", {etag}')
    assert (response.status, response.body, response.headers["etag"]) == (304, b"", etag)
    assert "content-type" not in response.headers
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 3


CHANGES = {
    "an end": "UPDATE flags SET end_date = current_date - 1 RETURNING id",
    "a name": "UPDATE authorities SET name = 'Ambershire and Birchford' WHERE code = '301' RETURNING code",
    "a mask": "UPDATE persons SET sensitive = true RETURNING id",
}


async def test_what_changed_is_another_version(doorway: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safeguarding.directory.KEPT_SECONDS", 0.0)
    await doorway.house.flag()
    address = await ids(doorway)
    for change in CHANGES.values():
        etags = {kind: (await doorway.get(address[kind])).headers["etag"] for kind in KINDS}
        await doorway.house.rows(change)
        for kind in KINDS:
            response = await doorway.get(address[kind], If_None_Match=etags[kind])
            assert response.status == 200
            assert response.headers["etag"] != etags[kind]


@pytest.mark.parametrize("kind", ["Flag", "CarePlan"])
async def test_what_has_not_changed_since_is_not_sent(doorway: Doorway, kind: str, fresh_database: FreshDatabase) -> None:
    await doorway.house.flag()
    there = (await ids(doorway))[kind]
    settle(fresh_database)
    first = await doorway.get(there)
    modified = first.headers["last-modified"]
    updated = datetime.fromisoformat(first.json["meta"]["lastUpdated"])
    assert modified == format_datetime(updated.astimezone(UTC), usegmt=True)
    assert (await doorway.get(there, If_Modified_Since=modified)).status == 304
    before = format_datetime(updated.astimezone(UTC) - timedelta(seconds=1), usegmt=True)
    assert (await doorway.get(there, If_Modified_Since=before)).status == 200
    assert (await doorway.get(there, If_Modified_Since=modified, If_None_Match='W/"1"')).status == 200
    assert (await doorway.get(there, If_Modified_Since="yesterday")).status == 200


@pytest.mark.parametrize("kind", ["Flag", "CarePlan"])
async def test_a_date_of_the_callers_own_hides_no_change_that_was_under_way_when_it_read(
    doorway: Doorway, kind: str, fresh_database: FreshDatabase
) -> None:
    """An extract's change is dated by the beginning of its transaction, before anybody can see it."""
    await doorway.house.flag()
    settle(fresh_database)
    there = (await ids(doorway))[kind]
    async with doorway.house.database.transaction() as transaction:
        await transaction.execute("UPDATE flags SET end_date = current_date - 3")
        await transaction.execute("UPDATE extracts SET completed_at = now()")
        first = await doorway.get(there)
        read_at = format_datetime(now() + timedelta(seconds=1), usegmt=True)
    assert first.json["status"] == "active"
    with travel(now() + timedelta(minutes=1), tick=True):
        again = await doorway.get(there, If_Modified_Since=read_at)
    assert (again.status, again.json["status"]) == (200, "inactive" if kind == "Flag" else "completed")


async def test_whom_to_ring_has_no_date_and_is_always_sent(doorway: Doorway, fresh_database: FreshDatabase) -> None:
    await doorway.house.flag()
    settle(fresh_database)
    there = (await ids(doorway))["CareTeam"]
    response = await doorway.get(there, If_Modified_Since=format_datetime(now(), usegmt=True))
    assert response.status == 200
    assert "last-modified" not in response.headers


async def test_ids_are_uuids_that_say_nothing(doorway: Doorway) -> None:
    await doorway.house.flag()
    for address in (await ids(doorway)).values():
        assert str(UUID(address.removeprefix("urn:uuid:").rpartition("/")[2])) in address


async def test_a_plan_that_has_ended_is_read_as_ended(doorway: Doorway) -> None:
    plan = await doorway.house.flag(start_date=date(2024, 1, 1), end_date=now().date() - timedelta(days=10))
    assert (await doorway.get(f"/CarePlan/{plan}")).json["status"] == "completed"
