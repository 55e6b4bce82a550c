"""What waits for data officers, on their first page and in the metrics; and a feed that is late, wherever it must be seen."""

from datetime import timedelta
from typing import Any

import pytest

from domain.extract import Scope
from flags_store.authorities import read_authorities
from flags_store.extracts.data_work import WorkCounts
from runtime.clock import now
from safeguarding.extracts.work import DataWork, read_work
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.test_health import beat, ready
from tests.api.test_rejects import BAD, GOOD, get, post, sends


def work(matched: int = 0, doubtful: int = 0, refused: int = 0, unasked: int = 0, **more: Any) -> DataWork:
    counts = WorkCounts(refused, None, refused, 0, 0, None, 0, matched, doubtful, unasked)
    known: dict[str, Any] = {"state": "live", "at": now(), "last_extracted_at": now(), "rhythm": timedelta(days=1)} | more
    return DataWork("301", "Ambershire", counts=counts, **known)


# What is measured


@pytest.mark.parametrize(
    "matched, doubtful, refused, unasked, words",
    [
        pytest.param(0, 0, 0, 0, "not measured", id="nothing held"),
        pytest.param(0, 0, 9, 90, "not measured", id="PDS was never asked"),
        pytest.param(95, 3, 2, 0, "95.0% matched: 95% or more", id="just enough"),
        pytest.param(949, 25, 26, 0, "94.9% matched: less than 95%", id="just too little"),
        pytest.param(94_999, 5_001, 0, 0, "94.9% matched: less than 95%", id="never rounded up to the rule"),
        pytest.param(10, 0, 0, 5_000, "100.0% matched: 95% or more", id="who was not asked counts on neither side"),
        pytest.param(0, 2, 0, 0, "0.0% matched: less than 95%", id="nobody agrees"),
    ],
)
def test_the_matched_share_is_of_those_asked_and_those_refused_or_not_measured(
    matched: int, doubtful: int, refused: int, unasked: int, words: str
) -> None:
    found = work(matched, doubtful, refused, unasked)
    assert found.matched_words == words
    assert found.is_below_rule == ("less than" in words)


@pytest.mark.parametrize("state, late", [("live", True), ("paused", False), ("setting-up", False), ("trial", False)])
def test_only_a_live_feed_is_late(state: str, late: bool) -> None:
    assert work(state=state, last_extracted_at=None).is_late is late
    assert work(state=state, last_extracted_at=now() - timedelta(days=2)).is_late is late
    assert not work(state=state).is_late


async def test_the_counts_are_of_one_authority_alone(house: House) -> None:
    await sends(house, BAD, BAD | {"local_id": "A2"}, ago=9)
    await sends(house, BAD, code=WESTLEA)
    async with house.database.transaction() as transaction:
        by_code = {each.code: await read_work(transaction, each) for each in await read_authorities(transaction)}
    assert {code: by_code[code].counts.rejected for code in (NORTHMOOR, WESTLEA)} == {NORTHMOOR: 2, WESTLEA: 1}


async def test_the_first_page_shows_what_waits_and_how_old_it_is(house: House) -> None:
    await sends(house, BAD, GOOD | {"nhs_number": nhs_number(2), "local_id": "A2"}, ago=30)
    await house.rows("UPDATE rejected_records SET first_rejected_at = now() - interval '12 days' RETURNING 1")
    await house.rows("UPDATE authorities SET last_extracted_at = now() - interval '30 minutes' RETURNING 1")
    await house.read_anew()
    page = (await get(house, "/extracts"))[1]
    assert "Rejected records 1 the oldest for 12 days" in page
    assert "Waiting for a second person 0" in page
    assert "Missing from two full extracts 0" in page
    assert "Matched with PDS Not measured" in page
    assert "Newest extract 30 min old expected every" in page


async def test_what_was_mended_here_and_comes_wrong_again_is_counted_beside(house: House) -> None:
    work_id = await sends(house, BAD, ago=9)
    await post(house, f"/rejects/{work_id}/mend", GOOD)
    assert "still wrong at the source" not in (await get(house, "/extracts"))[1]
    await sends(house, BAD)
    page = (await get(house, "/extracts"))[1]
    assert "Rejected records 0 Mended here, still wrong at the source 1" in page


async def test_plans_that_are_missing_from_two_full_extracts_are_counted(house: House) -> None:
    other = GOOD | {"nhs_number": nhs_number(2), "local_id": "A2"}
    await sends(house, GOOD, other, ago=30)
    await sends(house, other, scope=Scope.FULL, ago=20)
    assert "Missing from two full extracts 0" in (await get(house, "/extracts"))[1]
    await sends(house, other | {"family_name": "Hardinge"}, scope=Scope.FULL, ago=10)
    assert "Missing from two full extracts 1" in (await get(house, "/extracts"))[1]


async def test_the_metrics_measure_it_by_authority_and_name_nobody(house: House) -> None:
    await sends(house, BAD | {"given_name": "Wilhelmina"})
    await house.rows("UPDATE rejected_records SET first_rejected_at = now() - interval '12 days' RETURNING 1")
    await house.read_anew()
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert f'nightlight_rejected_records{{authority="{NORTHMOOR}"}} 1.0' in text
    [oldest] = [
        line for line in text.splitlines() if line.startswith(f'nightlight_rejected_oldest_seconds{{authority="{NORTHMOOR}"')
    ]
    assert float(oldest.split()[-1]) >= 12 * 86_400
    assert f'nightlight_held_records{{authority="{NORTHMOOR}"}} 0.0' in text
    assert "nightlight_matched_share{" not in text
    assert 'nightlight_oldest_unsent_notice_seconds{store="postgresql"} 0.0' in text
    assert "Wilhelmina" not in text
    assert "9990000019" not in text


# Freshness


async def last_came(house: House, ago: timedelta | None, state: str = "live") -> None:
    """When Northmoor's newest extract was taken; Westlea's is fresh."""
    at = None if ago is None else now() - ago
    await house.rows("UPDATE authorities SET last_extracted_at = now(), state = 'live' RETURNING 1")
    await house.rows("UPDATE authorities SET last_extracted_at = %s, state = %s WHERE code = %s RETURNING 1", at, state, NORTHMOOR)
    await house.read_anew()


@pytest.mark.parametrize("ago", [None, timedelta(days=400)], ids=["never", "long ago"])
async def test_a_late_feed_makes_the_service_degraded_and_is_named(house: House, ago: timedelta | None) -> None:
    await beat(house, "listener", "dispatcher", "loader", "api")
    await last_came(house, ago)
    status, body = await ready(house)
    assert (status, body["status"], body["reasons"]) == (200, "degraded", ["the feed of Northmoor Council is late"])
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert f'nightlight_feed_late{{authority="{NORTHMOOR}"}} 1.0' in text
    assert f'nightlight_feed_late{{authority="{WESTLEA}"}} 0.0' in text


@pytest.mark.parametrize("state", ["paused", "setting-up", "trial"])
async def test_a_feed_that_is_paused_or_being_set_up_is_no_alarm(house: House, state: str) -> None:
    await beat(house, "listener", "dispatcher", "loader", "api")
    await last_came(house, None, state)
    status, body = await ready(house)
    assert (status, body["status"], body["reasons"]) == (200, "ready", [])
