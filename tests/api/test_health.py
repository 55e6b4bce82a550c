"""Health: ready means able to answer about a child; what else is wrong is named; no patient anywhere."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.metrics import counted
from runtime.clock import now
from runtime.heartbeat import ALIVE_SECONDS
from tests.api.house import HARBOUR, NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number, open_house
from tests.conftest import FreshDatabase

CHILD = nhs_number(1)


async def ready(house: House) -> tuple[int, dict[str, Any]]:
    async with house.browser() as browser:
        answer = await browser.get("/ready")
    return answer.status_code, answer.json()


async def beat(house: House, *processes: str, ago: float = 0.0) -> None:
    for process in processes:
        await house.rows("INSERT INTO heartbeats VALUES (%s, 'one', %s) RETURNING 1", process, now() - timedelta(seconds=ago))


async def test_with_the_store_away_it_is_not_ready(house: House) -> None:
    async with house.store_away():
        await house.read_anew()
        assert await ready(house) == (503, {"status": "not-ready", "reasons": ["the database is away"]})
        async with house.browser() as browser:
            assert (await browser.get("/live")).status_code == 200
            assert 'nightlight_store_reachable{store="postgresql"} 0.0' in (await browser.get("/metrics")).text


async def test_on_a_database_of_another_release_it_is_not_ready(house: House, fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE alembic_version SET version_num = 'v0000'")
    assert await ready(house) == (503, {"status": "not-ready", "reasons": ["the database is not migrated to this release"]})


async def test_on_an_empty_database_it_is_not_ready(
    blank_database: FreshDatabase, fresh_database: FreshDatabase, redis_url: str, tmp_path: Path
) -> None:
    async with open_house(fresh_database, redis_url, tmp_path) as house:
        with psycopg.connect(fresh_database.owner_url) as owner:
            owner.execute("DROP TABLE alembic_version")
        status, body = await ready(house)
    assert (status, body["status"]) == (503, "not-ready")


async def test_it_is_ready_when_all_processes_are_heard(house: House) -> None:
    await beat(house, "listener", "dispatcher", "api")
    status, body = await ready(house)
    assert (status, body["status"], body["reasons"]) == (200, "ready", [])


@pytest.mark.parametrize("process", ["listener", "dispatcher"])
async def test_a_silent_process_is_named_and_the_pages_stay(house: House, process: str) -> None:
    await beat(house, *({"listener", "dispatcher"} - {process}))
    assert await reasons(house) == [f"the {process} was never heard"]
    await beat(house, process, ago=ALIVE_SECONDS + 60)
    assert await reasons(house) == [f"the {process} was last heard 75 s ago"]


async def reasons(house: House) -> list[str]:
    status, body = await ready(house)
    assert (status, body["status"]) == (200, "degraded")
    found: list[str] = body["reasons"]
    return found


async def test_an_alert_that_waits_too_long_is_named(house: House) -> None:
    await beat(house, "listener", "dispatcher")
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.rows("UPDATE deliveries SET created_at = now() - interval '400 s' RETURNING 1")
    assert await reasons(house) == ["an alert has waited undelivered for 400 s"]
    _, body = await ready(house)
    assert 400 <= body["oldest_undelivered_alert_seconds"] < 460


async def test_a_patient_who_waits_too_long_to_be_asked_for_at_pds_is_degraded(house: House) -> None:
    await beat(house, "listener", "dispatcher")
    await house.seen(None)
    await house.rows(
        """
        INSERT INTO trace_wants (encounter_id, details, details_hash, event_at, wanted_at)
        SELECT id, '{}', 'x', now(), now() - interval '1000 s' FROM encounters RETURNING 1
        """
    )
    assert await reasons(house) == ["a patient without an NHS number has waited 1000 s to be asked for at PDS"]
    _, body = await ready(house)
    assert 1000 <= body["oldest_untraced_seconds"] < 1060


async def test_it_shows_the_age_of_the_last_message_and_the_last_extract(house: House) -> None:
    await house.rows("INSERT INTO site_feeds VALUES (%s, now() - interval '30 s') RETURNING 1", ST_AGNES)
    await house.rows("UPDATE authorities SET last_extracted_at = now() - interval '3 days' WHERE code = %s RETURNING 1", WESTLEA)
    await house.read_anew()
    _, body = await ready(house)
    assert 30 <= body["sites"][ST_AGNES]["last_message_seconds"] < 90
    assert body["sites"][HARBOUR]["last_message_seconds"] is None
    assert (body["authorities"][WESTLEA]["late"], body["authorities"][NORTHMOOR]["late"]) == (True, False)
    assert body["authorities"][WESTLEA]["last_extract_seconds"] >= 3 * 86_400


async def test_requests_are_counted_by_route_template_and_name_nobody(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    async with house.browser() as browser:
        await browser.get(f"/encounters/{encounter}")
        await browser.get(f"/no-such-page?nhs={CHILD}")
        text = (await browser.get("/metrics")).text
    assert 'nightlight_http_requests_total{method="GET",route="/encounters/{encounter_id}",status="303"}' in text
    assert 'route="other",status="404"' in text
    assert 'nightlight_extract_age_seconds{authority="706"}' in text
    for secret in (str(encounter), str(CHILD), "HARDING"):
        assert secret not in text


def test_metrics_of_other_processes_are_served_where_they_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert counted() == b""
