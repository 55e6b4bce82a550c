"""Health: ready means able to answer about a child; what else is wrong is named; no patient anywhere."""

import io
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.metrics import counted
from domain.actor import Actor, ActorKind
from domain.extract import CameBy, Declaration
from runtime.clock import now
from runtime.heartbeat import ALIVE_SECONDS
from safeguarding.extracts.uploads import keep_file
from tests.api.house import HARBOUR, NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number, open_house
from tests.conftest import FreshDatabase

CHILD = nhs_number(1)


async def ready(house: House) -> tuple[int, dict[str, Any]]:
    async with house.browser() as browser:
        answer = await browser.get("/ready")
    return answer.status_code, answer.json()


async def beat(house: House, *processes: str, ago: float = -600.0) -> None:
    """They are heard, unless said otherwise at a time that is still to come: none falls silent while a test is slow."""
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
    await beat(house, "listener", "dispatcher", "loader", "api")
    status, body = await ready(house)
    assert (status, body["status"], body["reasons"]) == (200, "ready", [])


@pytest.mark.parametrize("process", ["listener", "dispatcher", "loader"])
async def test_a_silent_process_is_named_and_the_pages_stay(house: House, process: str) -> None:
    await beat(house, *({"listener", "dispatcher", "loader"} - {process}))
    assert await reasons(house) == [f"the {process} was never heard"]
    await beat(house, process, ago=ALIVE_SECONDS + 1000)
    [reason] = await reasons(house)
    assert re.fullmatch(rf"the {process} was last heard 1\d\d\d s ago", reason)


async def reasons(house: House) -> list[str]:
    status, body = await ready(house)
    assert (status, body["status"]) == (200, "degraded")
    found: list[str] = body["reasons"]
    return found


async def test_an_alert_that_waits_too_long_is_named(house: House) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.rows("UPDATE deliveries SET due_at = now() - interval '400 s' RETURNING 1")
    [reason] = await reasons(house)
    assert re.fullmatch(r"an alert has waited undelivered for 4[0-5]\d s", reason)
    _, body = await ready(house)
    assert 400 <= body["oldest_undelivered_alert_seconds"] < 460


async def test_an_extract_that_waits_too_long_is_named_and_measured(house: House) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    officer = Actor(ActorKind.PERSON, "dora", "Dora Data", NORTHMOOR)
    content, declaration = io.BytesIO(b"anything"), Declaration(now())
    await keep_file(house.database, officer, NORTHMOOR, content, declaration, CameBy.PAGE)
    assert (await ready(house))[1]["reasons"] == []
    await house.rows("UPDATE uploads SET received_at = now() - interval '1000 s' RETURNING 1")
    [reason] = await reasons(house)
    assert re.fullmatch(r"an extract has waited 10\d\d s to be loaded", reason)
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert re.search(r'nightlight_oldest_waiting_upload_seconds{store="postgresql"} 10\d\d\.', text)


async def test_what_mesh_cannot_bring_in_is_named_until_a_week_after_it_is_lost(house: House) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await house.rows(
        """
        INSERT INTO mesh_inbox (message_id, sender, state, reason, last_seen_at, settled_at)
        VALUES ('1', 'X26ABC1', 'waiting', 'unknown-sender', now(), NULL), ('2', 'X26ABC2', 'gone', 'unknown-sender', now(), now()),
               ('3', 'X26ABC3', 'gone', 'unknown-sender', now() - interval '8 days', now()) RETURNING 1
        """
    )
    said = await reasons(house)
    assert "nobody can take in: 1 " in said[0]
    assert "lost from the MESH inbox before anybody took them in: 1 " in said[1]
    assert "X26ABC" not in " ".join(said)


async def test_a_patient_who_waits_too_long_to_be_asked_for_at_pds_is_degraded(house: House) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await house.seen(None)
    await house.rows(
        """
        INSERT INTO trace_wants (encounter_id, details, details_hash, event_at, wanted_at)
        SELECT id, '{}', 'x', now(), now() - interval '1000 s' FROM encounters RETURNING 1
        """
    )
    [reason] = await reasons(house)
    assert re.fullmatch(r"a patient without an NHS number has waited 10\d\d s to be asked for at PDS", reason)
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
