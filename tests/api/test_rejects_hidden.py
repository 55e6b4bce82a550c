"""A sensitive or sealed person stays hidden in every list, also where one of their records is rejected."""

import pytest

from tests.api.house import NORTHMOOR, WESTLEA, House
from tests.api.test_rejects import BAD, GOOD, RIGHT, get, officer, sends

BAD_DAY = GOOD | {"start_date": "2026-13-05"}


async def report(house: House) -> str:
    [(extract,)] = await house.rows("SELECT id FROM extracts WHERE rejected > 0")
    status, text = await get(house, f"/extracts/{extract}", await officer(house))
    assert status == 200
    return text


async def test_the_report_of_a_sensitive_extract_names_nobody(house: House) -> None:
    await sends(house, BAD, sensitive=True)
    text = await report(house)
    assert "A sensitive record" in text
    assert [word for word in ("Harding", "9990000019", "A1") if word in text] == []


async def test_the_report_of_another_extract_names_whoever_is_not_sensitive(house: House) -> None:
    await sends(house, BAD)
    assert "Harding" in await report(house)


@pytest.mark.parametrize("how", ["sensitive = true", "sealed_at = now(), sealed_reason = 'adopted'"])
async def test_nobody_who_is_sensitive_already_is_named_by_an_ordinary_extract(house: House, how: str) -> None:
    await house.flag(RIGHT, WESTLEA)
    await house.rows(f"UPDATE persons SET {how} RETURNING 1")
    await sends(house, BAD_DAY)
    text, listed = await report(house), (await get(house, "/rejects"))[1]
    assert "Harding" not in text + listed
    assert "A sensitive record" in text
    assert "A sensitive record" in listed


async def test_a_missing_plan_of_a_sensitive_person_is_not_listed_by_name(house: House) -> None:
    await house.flag(RIGHT, NORTHMOOR, family="Harding", sensitive=True)
    await house.rows("UPDATE flags SET missed_snapshots = 2, missing_since = now() RETURNING 1")
    listed = (await get(house, "/extracts/missing"))[1]
    assert "A sensitive record" in listed
    assert "Harding" not in listed
