"""The two services on real parts: opening a record looks, an encounter that begins is recorded, no trouble is "none"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from domain.encounter import TriggerEvent
from fhir_adapter.cds_hooks.answering import answer_call
from fhir_adapter.cds_hooks.calls import Call
from fhir_adapter.cds_hooks.parts import CdsParts, Patience
from fhir_adapter.cds_hooks.services import ENCOUNTER_START, PATIENT_VIEW, SERVICES, Service
from fhir_adapter.codes import Json
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.postgres import url_of
from safeguarding.cds_clients import CdsClient
from safeguarding.desk import Desk
from tests.conftest import Embedded, FreshDatabase
from tests.fhir_adapter.cds_hooks.clinic import (
    AMBER,
    BASE,
    CLINIC,
    KEEN,
    Clinic,
    all_at_once,
    make_clinic,
    walk,
)
from tests.safeguarding.house import CHILD, KEY, OTHER_CHILD, UNKNOWN_CHILD

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


async def alerts(clinic: Clinic) -> int:
    return int(await clinic.house.value("SELECT count(*) FROM alerts"))


async def feed_is_live(clinic: Clinic) -> None:
    await clinic.house.rows("INSERT INTO site_feeds VALUES ('R0A01', now(), now()) RETURNING 1")
    clinic.house.directory.forget()


async def test_discovery_publishes_both_services_and_what_to_prefetch(clinic: Clinic) -> None:
    services = (await clinic.send("GET", "")).json["services"]
    assert {each["id"]: each["hook"] for each in services} == {
        "child-protection-patient-view": "patient-view",
        "child-protection-encounter-start": "encounter-start",
    }
    for each in services:
        assert each["prefetch"] == {"patient": "Patient/{{context.patientId}}"}
        assert each["description"]
        assert each["title"]


async def test_nothing_known_and_all_checked_is_an_empty_list(clinic: Clinic) -> None:
    response = await clinic.call(prefetch={"patient": {"resourceType": "Patient", "identifier": [_nhs(UNKNOWN_CHILD)]}})
    assert (response.status, response.json) == (200, {"cards": []})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


def _nhs(number: str) -> dict[str, str]:
    return {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": number}


async def test_an_ehr_that_wants_it_is_told_how_far_none_known_reaches(clinic: Clinic) -> None:
    [card] = await clinic.view(UNKNOWN_CHILD, KEEN)
    assert card["indicator"] == "info"
    assert "overrideReasons" not in card


async def test_a_plan_is_a_critical_card_with_the_banner_and_no_number_in_its_address(clinic: Clinic) -> None:
    await clinic.house.flag()
    [card] = await clinic.start()
    assert card["indicator"] == "critical"
    [link] = card["links"]
    encounter = await clinic.house.value("SELECT id FROM encounters")
    assert link == {"label": "Open the banner in Nightlight", "url": f"{BASE}/encounters/{encounter}", "type": "absolute"}
    assert CHILD not in str(card)
    assert str(UUID(card["uuid"])) == card["uuid"]
    assert all(reason["display"] and reason["code"] and reason["system"] for reason in card["overrideReasons"])


async def test_several_plans_are_one_card(clinic: Clinic) -> None:
    for authority, kind in (("301", "CPP"), ("302", "LAC")):
        await clinic.house.flag(authority=authority, kind=kind)
    [card] = await clinic.view()
    assert card["summary"].startswith("Subject to child protection plan and 1 more: Ambershire.")


async def test_opening_a_record_tells_where_the_site_has_no_feed_of_its_own_once(clinic: Clinic) -> None:
    await clinic.house.flag()
    for _ in range(3):
        await clinic.view()
    assert await alerts(clinic) == 1
    assert await clinic.house.value("SELECT count(*) FROM accesses WHERE trigger_event = 'lookup'") == 3


async def test_opening_a_record_tells_nobody_where_the_sites_feed_is_live_and_shows_the_card_all_the_same(clinic: Clinic) -> None:
    await clinic.house.flag()
    await feed_is_live(clinic)
    [card] = await clinic.view()
    assert card["indicator"] == "critical"
    assert "links" not in card  # there is no encounter yet whose banner could be opened
    assert await alerts(clinic) == 0
    assert await clinic.house.value("SELECT count(*) FROM accesses") == 1


async def test_opening_a_record_in_scheduled_care_is_silent(clinic: Clinic) -> None:
    await clinic.house.flag()
    [card] = await clinic.view(ehr=CLINIC)
    assert card["indicator"] == "critical"
    assert await alerts(clinic) == 0
    assert await clinic.house.rows("SELECT in_history FROM accesses") == [(False,)]


async def test_an_encounter_that_begins_is_recorded_and_told_once_however_often_it_is_said(clinic: Clinic) -> None:
    await clinic.house.flag()
    await feed_is_live(clinic)
    for user in ("Practitioner/one", "Practitioner/two"):
        await clinic.start(context={"userId": user})
    await all_at_once(*(clinic.start(context={"encounterId": "enc-1"}) for _ in range(3)))
    assert await alerts(clinic) == 1
    assert await clinic.house.rows("SELECT site, state, flagged FROM encounters") == [("R0A01", "open", True)]


async def test_an_encounter_that_begins_joins_the_one_that_adt_has_opened(clinic: Clinic) -> None:
    await clinic.house.flag()
    opened = (await clinic.house.ask(trigger=TriggerEvent.REGISTER, visit_number="V9")).outcome.encounter_id
    [card] = await clinic.start()
    assert card["links"][0]["url"].endswith(str(opened))
    assert await clinic.house.rows("SELECT reference FROM encounters") == [("V9",)]
    assert await alerts(clinic) == 1


async def test_the_id_of_a_fhir_encounter_is_nobodys_visit_number(clinic: Clinic) -> None:
    await clinic.house.ask(number=OTHER_CHILD, visit_number="enc-1")
    await clinic.start()
    rows = await clinic.house.rows("SELECT nhs_number FROM encounters ORDER BY nhs_number")
    assert rows == [(CHILD,), (OTHER_CHILD,)]


async def test_two_ehrs_of_one_site_may_number_their_encounters_alike(clinic: Clinic) -> None:
    for number in (CHILD, OTHER_CHILD):
        await clinic.house.flag(number)
    await clinic.start(CHILD)
    await clinic.start(OTHER_CHILD, KEEN)
    assert await clinic.house.rows("SELECT nhs_number FROM encounters ORDER BY nhs_number") == [(CHILD,), (OTHER_CHILD,)]
    assert await clinic.house.rows("SELECT DISTINCT state FROM alerts") == [("raised",)]


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.hook)
async def test_every_look_says_who_asked_for_whom(clinic: Clinic, service: Service) -> None:
    await clinic.house.flag()
    instance = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
    assert (await clinic.call(service, hookInstance=instance)).status == 200
    rows = await clinic.house.rows("SELECT actor_id, actor_role, organisation, request_id FROM accesses")
    assert rows == [(AMBER.issuer, "Practitioner/pra-1", "R0A", instance)]


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"prefetch": {"patient": OUTCOME}}, "could not give us the patient"),
    ({"prefetch": {"patient": {"resourceType": "Patient"}}}, "no NHS number was given"),
    ({"prefetch": {"patient": {"resourceType": "Patient", "identifier": [_nhs("9990000019")]}}}, "is not valid"),
    (
        {"prefetch": {"patient": {"resourceType": "Patient", "identifier": [_nhs(CHILD), _nhs(OTHER_CHILD)]}}},
        "more than one NHS number",
    ),
    ({"prefetch": {"patient": {"resourceType": "Patient", "id": "other", "identifier": [_nhs(CHILD)]}}}, "another patient"),
]


@pytest.mark.parametrize("changes, words", UNKNOWN)
@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.hook)
async def test_a_patient_whom_nobody_can_tell_is_a_warning_and_never_an_empty_list(
    standing_clinic: Clinic, service: Service, changes: dict[str, Any], words: str
) -> None:
    response = await standing_clinic.call(service, **changes)
    [card] = response.json["cards"]
    assert (response.status, card["indicator"]) == (200, "warning")
    assert card["summary"].startswith("We could not check")
    assert words in card["summary"]
    assert "01632 960999" in card["detail"]


async def test_an_arrival_that_could_not_be_checked_is_recorded_and_waits_for_its_number(clinic: Clinic) -> None:
    await clinic.house.flag()
    await clinic.start(None)
    assert await clinic.house.rows("SELECT could_not_check, state FROM encounters") == [("no-nhs-number", "open")]
    [card] = await clinic.start()
    assert card["indicator"] == "critical"
    assert await clinic.house.rows("SELECT nhs_number, could_not_check FROM encounters") == [(CHILD, None)]
    assert await alerts(clinic) == 1


@pytest.mark.parametrize("family", ["Exa\x00mple", "\x00", "Unknown\x00"])
async def test_a_name_that_no_database_takes_loses_no_arrival(clinic: Clinic, family: str) -> None:
    [card] = await clinic.start(None, name=[{"family": family, "given": ["A\x00da"]}])
    assert card["summary"] == "We could not check: no NHS number was given."
    assert await clinic.house.value("SELECT count(*) FROM encounters") == 1
    assert await clinic.house.rows("SELECT details ->> 'family' FROM trace_wants") == [("Exa mple",)] * (family == "Exa\x00mple")


async def test_a_late_feed_is_a_warning_that_it_is_not_fully_checked(clinic: Clinic) -> None:
    await clinic.house.rows("UPDATE authorities SET last_extracted_at = now() - interval '9 days' WHERE code = '302' RETURNING 1")
    clinic.house.directory.forget()
    [card] = await clinic.view(UNKNOWN_CHILD)
    assert (card["indicator"], card["summary"]) == (
        "warning",
        "None known, but not fully checked: the feed of Birchford is late.",
    )


async def test_a_sensitive_plan_is_masked(clinic: Clinic) -> None:
    await clinic.house.flag(sensitive=True)
    [card] = await clinic.view()
    assert card["indicator"] == "critical"
    assert "withheld" in card["summary"]
    assert "Ambershire" not in str(card)
    assert "5 January" not in str(card)


async def test_an_organisation_without_a_site_is_refused(clinic: Clinic) -> None:
    await clinic.house.rows("INSERT INTO organisations (ods_code, name) VALUES ('R0Z', 'Without sites') RETURNING 1")
    await clinic.house.rows("UPDATE cds_clients SET organisation_code = 'R0Z' WHERE issuer = %s RETURNING 1", AMBER.issuer)
    assert (await clinic.call()).status == 403


async def test_a_desk_that_is_too_slow_is_a_card_that_says_so_and_the_alert_is_raised_all_the_same(clinic: Clinic) -> None:
    await clinic.house.flag()
    patience = Patience(fetch=60, desk=60, remember=60, everything=3_600)
    hurried = make_clinic(clinic.house, patience=patience)

    async def late(parts: CdsParts, client: CdsClient, service: Service, call: Call, deadline: float) -> Json:
        """The patience is over when the call comes to the desk, and no sooner: what comes before may take its time."""
        return await answer_call(parts, client, service, call, deadline - patience.desk)

    async with _held_up(clinic):
        with patch("fhir_adapter.cds_hooks.door.answer_call", late):
            [card] = await hurried.start()
    assert card["summary"] == "We could not check in time."
    assert card["indicator"] == "warning"
    await clinic.view()  # whoever asks about the same child waits for that answer
    assert await alerts(clinic) == 1


@asynccontextmanager
async def _held_up(clinic: Clinic) -> AsyncIterator[None]:
    """The desk waits for a door that opens when the block ends."""
    opened = asyncio.Event()
    commit = clinic.house.desk._commit

    async def waiting(checks: Any) -> Any:
        await opened.wait()
        return await commit(checks)

    clinic.house.desk._commit = waiting  # type: ignore[method-assign]
    try:
        yield
    finally:
        opened.set()


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.hook)
async def test_with_the_store_away_it_is_503_and_never_an_empty_list(
    clinic: Clinic, embedded: Embedded, fresh_database: FreshDatabase, service: Service
) -> None:
    name = str(conninfo_to_dict(fresh_database.service_url)["dbname"])
    with psycopg.connect(url_of(embedded.folder, SUPERUSER, "postgres"), autocommit=True) as superuser:
        superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        response = await make_clinic(clinic.house, patience=Patience()).call(service)
        superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
    assert (response.status, response.json["error"]) == (503, "could-not-check")
    assert "cards" not in response.json
    assert "retry-after" in response.headers


async def test_a_full_desk_is_503_and_never_an_empty_list(clinic: Clinic) -> None:
    desk = Desk(clinic.house.database, clinic.house.directory, KEY, queue=0)
    clinic.house.desk, kept = desk, clinic.house.desk
    response = await make_clinic(clinic.house).call()
    clinic.house.desk = kept
    assert (response.status, response.json["error"]) == (503, "could-not-check")


async def test_a_card_that_cannot_be_remembered_is_shown_without_a_uuid(clinic: Clinic) -> None:
    await clinic.house.flag()
    hurried = make_clinic(clinic.house, patience=Patience(fetch=60, desk=60, remember=0, everything=60))
    [card] = await hurried.view()
    assert card["indicator"] == "critical"
    assert not {"uuid", "suggestions", "overrideReasons"} & set(card)


async def test_a_card_that_the_store_refuses_to_keep_is_shown_without_a_uuid(
    clinic: Clinic, embedded: Embedded, fresh_database: FreshDatabase
) -> None:
    await clinic.house.flag()
    name = str(conninfo_to_dict(fresh_database.service_url)["dbname"])
    with psycopg.connect(url_of(embedded.folder, SUPERUSER, name), autocommit=True) as superuser:
        superuser.execute("ALTER TABLE cards ADD CHECK (indicator <> 'critical')")
    [card] = await clinic.view()
    assert card["indicator"] == "critical"
    assert not {"uuid", "suggestions", "overrideReasons"} & set(card)


async def test_what_is_remembered_of_a_card_names_nobody(clinic: Clinic) -> None:
    await clinic.house.flag()
    instance = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
    first = (await clinic.call(ENCOUNTER_START, hookInstance=instance)).json["cards"][0]
    again = (await clinic.call(ENCOUNTER_START, hookInstance=instance)).json["cards"][0]
    assert first["uuid"] == again["uuid"]
    [(card,)] = await clinic.house.rows("SELECT row_to_json(cards) FROM cards")
    encounter = await clinic.house.value("SELECT id::text FROM encounters")
    assert card.pop("shown_at")
    assert card == {
        "id": first["uuid"],
        "client": AMBER.issuer,
        "service": ENCOUNTER_START.id,
        "instance": instance,
        "indicator": "critical",
        "site": "R0A01",
        "encounter_id": encounter,
    }


async def test_no_answer_holds_anything_null_or_empty_but_an_empty_list_of_cards(clinic: Clinic) -> None:
    nothing = await clinic.call(prefetch={"patient": {"resourceType": "Patient", "identifier": [_nhs(UNKNOWN_CHILD)]}})
    await clinic.house.flag()
    await clinic.house.flag(OTHER_CHILD, sensitive=True)
    answers = [
        await clinic.send("GET", ""),
        await clinic.call(),
        await clinic.call(ENCOUNTER_START),
        await clinic.call(prefetch={"patient": {"resourceType": "Patient", "identifier": [_nhs(OTHER_CHILD)]}}),
        await clinic.call(ehr=KEEN, prefetch={"patient": {"resourceType": "Patient", "identifier": [_nhs(UNKNOWN_CHILD)]}}),
        *[await clinic.call(**changes) for changes, _ in UNKNOWN],
        await clinic.call(prefetch=None),
        await clinic.send("GET", "", token=""),
        await clinic.send("GET", "/nothing"),
        await clinic.send("POST", f"/{PATIENT_VIEW.id}/feedback", {"feedback": []}),
    ]
    card = answers[1].json["cards"][0]
    said = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}
    answers.append(await clinic.feedback([said | {"outcomeTimestamp": "2026-03-03T14:00:00Z"}]))
    assert nothing.json == {"cards": []}
    for answer in answers:
        assert [value for value in walk(answer.json) if value in (None, "", [], {})] == [], answer.body
