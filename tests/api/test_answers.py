"""What every answer carries, and what a failure says: headers, the TEST mark, pages and logs without any patient."""

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
import structlog
from fastapi import Request
from starlette.types import Receive, Scope, Send

from domain.actor import Role
from domain.errors import CouldNotReachStore
from runtime import logs
from tests.api.house import NORTHMOOR, House, nhs_number, open_house
from tests.api.test_refusals import routes_of
from tests.conftest import FreshDatabase

CHILD = nhs_number(1)
NAMED = f"HARDING {CHILD}"


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """The log as it is configured for every process, written to where a test can read it."""
    written = StringIO()
    logs.configure()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))
    yield written
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.getLogger().handlers.clear()


async def home_of_a_worker(house: House) -> str:
    return await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")


@pytest.mark.parametrize(
    "path, status", [("/worklist", 200), ("/nothing", 404), ("/signed-out", 200), ("/sign-in", 503), ("/live", 200), ("/", 303)]
)
async def test_every_answer_is_kept_from_frames_caches_and_foreign_scripts(house: House, path: str, status: int) -> None:
    async with house.browser(await home_of_a_worker(house)) as browser:
        answer = await browser.get(path)
    assert answer.status_code == status
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers


async def test_every_page_has_a_nonce_of_its_own_and_no_other_inline_script_or_style(house: House) -> None:
    nonces = set()
    async with house.browser(await home_of_a_worker(house)) as browser:
        for _ in range(2):
            page = await browser.get("/worklist")
            nonce = re.findall(r"'nonce-([^']+)'", page.headers["content-security-policy"])[0]
            nonces.add(nonce)
            for script in re.findall(r"<script[^>]*>", page.text):
                assert "src=" in script or f'nonce="{nonce}"' in script
            assert "<style" not in page.text
            assert "style=" not in page.text
            assert "onclick" not in page.text
    assert len(nonces) == 2


async def test_styles_and_scripts_are_kept_by_browsers_and_change_their_address(house: House) -> None:
    async with house.browser() as browser:
        page = await browser.get("/signed-out")
        links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert len(links) >= 4
        for link in links:
            answer = await browser.get(link)
            assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
        assert (await browser.get("/static/another-version/nightlight.css")).status_code == 404


async def test_every_page_of_a_test_store_says_test(house: House) -> None:
    async with house.browser(await home_of_a_worker(house)) as browser:
        for path in ("/worklist", "/nothing", "/signed-out", "/sign-in"):
            text = (await browser.get(path)).text
            assert "Invented people only." in text
            assert "(TEST)</title>" in text


async def test_a_production_store_is_not_marked_test(house: House, fresh_database: FreshDatabase) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE store SET kind = 'production'")
    await house.read_anew()
    async with house.browser() as browser:
        text = (await browser.get("/signed-out")).text
    assert not re.search(r"\(TEST\)|>\s*TEST\s*<|Invented people only", text)


async def test_times_are_englands(house: House) -> None:
    await house.flag(CHILD)
    await house.seen(CHILD)
    await house.rows("UPDATE encounters SET arrived_at = '2026-07-01 22:30Z' RETURNING 1")
    async with house.browser(await home_of_a_worker(house)) as browser:
        text = (await browser.get("/worklist")).text
    assert "23:30" in text
    assert "1 July 2026" in text


async def test_what_nobody_expected_is_a_page_and_a_log_line_without_the_data(house: House, logged: StringIO) -> None:
    @house.app.get("/broken/{name}")
    async def broken(request: Request, name: str) -> None:
        raise ValueError(f"boom {name} {NAMED}")

    async with house.browser() as browser:
        answer = await browser.get("/broken/HARDING")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "HARDING" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert {"route": "/broken/{name}", "error": "ValueError", "event": "page failed"}.items() <= lines[-1].items()
    assert "HARDING" not in json.dumps(lines)


async def test_trouble_with_the_store_is_a_page_that_promises_nothing(house: House) -> None:
    @house.app.get("/away")
    async def away() -> None:
        raise CouldNotReachStore(NAMED)

    async with house.browser() as browser:
        answer = await browser.get("/away")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "HARDING" not in answer.text
    assert "a silent screen does not mean that no child was seen" in answer.text


async def test_a_method_that_a_page_does_not_know_is_a_page_too(house: House) -> None:
    async with house.browser() as browser:
        answer = await browser.delete("/worklist")
    assert (answer.status_code, "We did not do that" in answer.text) == (405, True)


async def test_no_address_of_a_page_carries_a_number_or_a_name(house: House) -> None:
    paths = [route.path for route in routes_of(house)]
    assert "/alerts/{alert_id}/history" in paths
    parameters = {name for path in paths for name in re.findall(r"{(\w+)", path)}
    ids = {name for name in parameters if name.endswith("_id")}
    assert parameters - ids <= {"path", "ods", "ods_code", "code", "place", "plural", "shown"}


async def test_the_access_review_names_who_looked_and_nobody_who_was_looked_at(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    session = await house.sign_in(Role.INFORMATION_GOVERNANCE, "nightlight", "Iggy Lead")
    async with house.browser(session) as browser:
        text = (await browser.get("/access-review")).text
    assert "St Agnes PAS" in text
    assert "flagged" in text
    for secret in ("HARDING", str(CHILD), "999 000", str(encounter)):
        assert secret not in text
    assert len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'accesses.review'")) == 1


async def test_the_fhir_api_is_mounted_beside_the_pages_and_keeps_its_own_headers(
    fresh_database: FreshDatabase, redis_url: str, tmp_path: Path
) -> None:
    async def fhir(scope: Scope, _: Receive, send: Send) -> None:
        body = f"{scope['root_path']} {scope['path']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"private")]})
        await send({"type": "http.response.body", "body": body})

    async with open_house(fresh_database, redis_url, tmp_path, doors={"/FHIR/R4": fhir}) as house, house.browser() as browser:
        answer = await browser.get("/FHIR/R4/Flag")
        beside = await browser.get("/FHIR/R4x")
        counted = (await browser.get("/metrics")).text
    assert (answer.text, answer.headers["cache-control"]) == ("/FHIR/R4 /FHIR/R4/Flag", "private")
    assert "content-security-policy" not in answer.headers
    assert beside.status_code == 404
    assert 'route="/FHIR/R4"' in counted
