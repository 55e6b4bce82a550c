"""Lookups through the whole door, on real PostgreSQL: what is refused, what is answered, what is written down."""

from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest

from runtime.clients import SCOPES, Care, Client, add_client
from runtime.clock import now
from tests.conftest import FreshDatabase
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import CLIENTS, FORM, NHS_NUMBER, Doorway, encoded, token
from tests.fhir_adapter.reading import matches, sentences
from tests.fhir_adapter.validity import check_valid
from tests.safeguarding.house import CHILD, OPERATOR, OTHER_CHILD, UNKNOWN_CHILD

REQUEST_ID = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "method, target, status, allow",
    [
        ("GET", "/", 404, None),
        ("GET", "", 404, None),
        ("GET", "/Patient", 404, None),
        ("GET", "/flag?patient=9990000018", 404, None),
        ("GET", "/Flag/9990000018", 404, None),
        ("GET", "/Flag/", 404, None),
        ("GET", "/../metadata", 404, None),
        ("GET", "/Flag%00", 404, None),
        ("HEAD", "/Flag?patient=9990000018", 405, "GET"),
        ("POST", "/Flag", 405, "GET"),
        ("PUT", "/metadata", 405, "GET"),
        ("GET", "/Flag/_search?patient=9990000018", 405, "POST"),
        ("OPTIONS", "/CareTeam", 405, "GET"),
        ("DELETE", "/CareTeam/_search", 405, "POST"),
    ],
)
async def test_what_is_not_served_is_refused(doorway: Doorway, method: str, target: str, status: int, allow: str | None) -> None:
    response = await ask(doorway.app, method, target, {"authorization": f"Bearer {token('both-app')}"})
    assert response.status == status
    assert response.headers.get("allow") == allow
    assert response.spine_code == {404: "RESOURCE_NOT_FOUND", 405: "UNSUPPORTED_SERVICE"}[status]
    assert "9990000018" not in response.body.decode()
    check_valid(response.json)


@pytest.mark.parametrize(
    "target, headers, status, code",
    [
        ("/Flag", {}, 400, "INVALID_SEARCH_DATA"),
        ("/Flag?patient=9990000019", {}, 400, "INVALID_SEARCH_DATA"),
        ("/Flag?patient=9990000018%", {}, 400, "INVALID_SEARCH_DATA"),
        ("/Flag?patient=9990000018&patient=9990000026", {}, 400, "INVALID_SEARCH_DATA"),
        ("/Flag?patient=9990000018&code=female-genital-mutilation-flag", {}, 400, "INVALID_SEARCH_DATA"),
        ("/Flag?patient=9990000018&_sort=date", {"Prefer": "handling=strict"}, 400, "INVALID_SEARCH_DATA"),
        (f"/Flag?patient=9990000018&x={'y' * 9000}", {}, 413, "INVALID_SEARCH_DATA"),
        ("/Flag?patient=9990000018", {"X_Request_ID": "9990000018"}, 400, "PRECONDITION_FAILED"),
        ("/Flag?patient=9990000018", {"IsUnscheduledAccessEvent": "maybe"}, 400, "PRECONDITION_FAILED"),
        ("/Flag?patient=9990000018", {"NHSD_End_User_Organisation_ODS": "R0A-01"}, 400, "PRECONDITION_FAILED"),
        ("/Flag?patient=9990000018", {"Accept": "application/fhir+xml"}, 406, "UNSUPPORTED_SERVICE"),
        ("/Flag?patient=9990000018&_format=xml", {}, 406, "UNSUPPORTED_SERVICE"),
        ("/metadata", {"Accept": "text/html"}, 406, "UNSUPPORTED_SERVICE"),
    ],
)
async def test_what_is_wrong_with_a_search_is_said_and_nothing_is_looked_up(
    doorway: Doorway, target: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = await doorway.get(target, **headers)
    assert (response.status, response.spine_code) == (status, code)
    assert "99900000" not in response.body.decode()
    assert "99900000" not in str(response.headers)
    check_valid(response.json)
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 0


@pytest.mark.parametrize(
    "content_type, body, status",
    [
        ("application/json", b'{"patient": "9990000018"}', 415),
        ("", b"patient=9990000018", 415),
        (FORM, b"", 400),
        (FORM, b"\xff\xfe", 400),
        (FORM, b"patient=9990000018&x=%00", 400),
        (FORM, b"patient=9990000018&x=" + b"y" * 9000, 413),
    ],
)
async def test_a_body_that_is_no_search_is_refused(doorway: Doorway, content_type: str, body: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {token('both-app')}", "content-type": content_type}
    response = await ask(doorway.app, "POST", "/Flag/_search", headers, body)
    assert response.status == status
    assert "9990000018" not in response.body.decode()
    check_valid(response.json)


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_flagged_child_is_found_and_the_look_is_audited(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await doorway.search(NHSD_Session_URID="555254240100", X_Request_ID=REQUEST_ID)
    [flag] = matches(response)
    assert flag["status"] == "active"
    assert flag["subject"]["identifier"]["value"] == CHILD
    [row] = await doorway.house.rows(
        """
        SELECT actor_kind, actor_id, actor_role, organisation, purpose, trigger_event, care_setting, in_history, outcome, request_id
        FROM accesses
        """
    )
    assert row == (
        "system", "both-app", "555254240100", "R0A", "direct-care", "lookup", "emergency-department", True, "flagged", REQUEST_ID,
    )  # fmt: skip


async def test_none_known_is_answered_with_coverage_and_audited(doorway: Doorway) -> None:
    response = await doorway.search(UNKNOWN_CHILD)
    assert matches(response) == []
    assert response.json["total"] == 0
    assert "Checked against the 2 authorities connected to Nightlight." in sentences(response)
    assert "No plan is not no risk." in sentences(response)
    assert await doorway.house.rows("SELECT outcome, person_id FROM accesses") == [("none-known", None)]


@pytest.mark.parametrize(
    "target",
    [
        f"/Flag?patient={CHILD}",
        f"/PatientFlag?patient={CHILD}&code=child-protection-information-system-flag",
        f"/Flag?patient:identifier={NHS_NUMBER}|{CHILD}",
        f"/Flag?patient:identifier={encoded(NHS_NUMBER + '|' + CHILD)}",
        f"/Flag?subject.identifier={NHS_NUMBER}|{CHILD}&nonsense=1",
        f"/CareTeam?patient:identifier={NHS_NUMBER}|{CHILD}",
    ],
)
async def test_every_spelling_finds_the_same_child(doorway: Doorway, target: str) -> None:
    await doorway.house.flag()
    response = await doorway.get(target)
    assert len(matches(response)) == 1
    link = response.json["link"][0]["url"]
    assert link.startswith("https://hospital.example/FHIR/R4/")
    assert CHILD in link
    assert "nonsense" not in link


async def test_the_number_of_a_search_by_post_is_in_no_address(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await doorway.search()
    assert response.json["link"][0]["url"] == "https://hospital.example/FHIR/R4/Flag/_search"
    assert not [entry for entry in response.json["entry"] if CHILD in entry["fullUrl"]]


async def test_a_form_may_leave_some_of_the_search_in_the_address(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await doorway.post("/Flag/_search?code=child-protection-information-system-flag", f"patient={CHILD}")
    assert len(matches(response)) == 1


async def test_the_door_finds_its_paths_below_the_place_where_it_is_mounted(doorway: Doorway) -> None:
    headers = {"authorization": f"Bearer {token('both-app')}"}
    response = await ask(doorway.app, "GET", f"/Flag?patient={CHILD}", headers, root_path="/FHIR/R4")
    assert response.status == 200


async def test_plans_of_two_authorities_are_two_care_teams_of_one_flag(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.flag(authority="302", kind="LAC")
    response = await doorway.search()
    assert len(matches(response)) == 1
    teams = [entry["resource"] for entry in response.json["entry"] if entry["resource"]["resourceType"] == "CareTeam"]
    assert {team["name"] for team in teams} == {"301 - Ambershire", "302 - Birchford"}


async def test_an_ended_plan_is_shown_and_tells_nobody(doorway: Doorway) -> None:
    ended = now().date() - timedelta(days=10)
    await doorway.house.flag(start_date=date(2024, 1, 1), end_date=ended)
    [flag] = matches(await doorway.search())
    assert (flag["status"], flag["period"]["end"]) == ("inactive", ended.isoformat())
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 0


async def test_a_sensitive_flag_is_masked_from_the_first_day(doorway: Doorway) -> None:
    await doorway.house.flag(sensitive=True)
    response = await doorway.search()
    [flag] = matches(response)
    held = str([entry for entry in response.json["entry"] if entry["search"]["mode"] != "outcome"])
    assert "Ambershire" not in held
    assert "01632 960301" not in held
    assert "Ring the Site R0A01 safeguarding team on 01632 960999" in held
    assert "contained" not in flag


async def test_a_superseded_number_finds_the_flag_and_says_so(doorway: Doorway) -> None:
    await doorway.house.flag()
    async with doorway.house.database.transaction() as transaction:
        await transaction.execute(
            """
            INSERT INTO person_aliases (person_id, value, relation, direction, source)
            SELECT id, %s, 'superseded', 'prior', 'test' FROM persons
            """,
            (OTHER_CHILD,),
        )
    response = await doorway.search(OTHER_CHILD)
    [flag] = matches(response)
    assert flag["subject"]["identifier"]["value"] == CHILD
    assert "The NHS number given was superseded; this is held on its successor." in sentences(response)


async def test_a_late_feed_is_not_fully_checked(doorway: Doorway) -> None:
    await doorway.house.rows("UPDATE authorities SET last_extracted_at = NULL WHERE code = '302' RETURNING code")
    response = await doorway.search(UNKNOWN_CHILD)
    assert "Not fully checked: the feed of Birchford is late." in sentences(response)


async def test_a_production_store_could_not_check_a_test_number(doorway: Doorway, fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE store SET kind = 'production'")
    response = await doorway.search()
    assert (response.status, response.spine_code) == (400, "INVALID_SEARCH_DATA")
    assert response.diagnostics == "We could not check: the NHS number given is a test number."


# ── headers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_answer_carries_its_headers(doorway: Doorway) -> None:
    response = await doorway.search(X_Request_ID=REQUEST_ID, X_Correlation_ID="trace-7")
    assert response.headers["content-type"] == "application/fhir+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["x-request-id"] == REQUEST_ID
    assert response.headers["x-correlation-id"] == "trace-7"


async def test_a_refusal_carries_the_ids_too(doorway: Doorway) -> None:
    response = await ask(doorway.app, "GET", "/Flag", {"X-Request-ID": REQUEST_ID, "X-Correlation-ID": "trace-7"})
    assert response.status == 401
    assert (response.headers["x-request-id"], response.headers["x-correlation-id"]) == (REQUEST_ID, "trace-7")
    assert response.headers["content-type"] == "application/fhir+json"


async def test_a_request_id_is_made_and_written_down_where_none_came(doorway: Doorway) -> None:
    response = await doorway.search()
    made = response.headers["x-request-id"]
    assert str(UUID(made)) == made
    assert await doorway.house.value("SELECT request_id FROM accesses") == made


async def test_a_system_of_a_local_authority_cannot_look(doorway: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await doorway.house.flag()
    client = Client("authority-app", "", list(SCOPES), Care.BOTH, True, authority_code="301")
    monkeypatch.setitem(CLIENTS, client.id, client)
    async with doorway.house.database.transaction() as transaction:
        await add_client(transaction, OPERATOR, client)
    for target in (f"/Flag?patient={CHILD}", f"/CareTeam?patient={CHILD}", f"/CarePlan/{plan}", f"/CareTeam/{plan}"):
        response = await doorway.get(target, client.id)
        assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 0


@pytest.mark.parametrize("name", ["_id", "identifier", "date", "_lastUpdated", "status"])
async def test_a_filter_never_hides_a_known_child(doorway: Doorway, name: str) -> None:
    await doorway.house.flag()
    value = "2001" if name in {"date", "_lastUpdated"} else "nothing"
    response = await doorway.get(f"/Flag?patient={CHILD}&{name}={value}&_include=Flag:detail")
    assert len(matches(response)) == 1
    assert "The search's filters would leave out all that is held: they were not applied." in sentences(response)
    assert response.json["link"][0]["url"].endswith(f"/Flag?patient={CHILD}&_include=Flag:detail")
