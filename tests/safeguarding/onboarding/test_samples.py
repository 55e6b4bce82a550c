"""The monthly sample: drawn by a seed, each kind by its share, seen by the own authority alone, marked, and overdue if not done."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Conflict, InvalidInput, NotFound
from flags_store.sample_values import WRONG, Result
from flags_store.samples import draw_sample, list_samples, mark_record, overdue_samples, read_sample
from flags_store.sampling import choose, shares
from runtime.clock import now
from tests.extracts.files import numbers
from tests.safeguarding.house import House
from tests.safeguarding.onboarding.road import DORA, today

COUNTS = st.dictionaries(st.sampled_from(["CPP", "LAC", "UCPP"]), st.integers(0, 3000), min_size=1)


def plans(counts: dict[str, int]) -> dict[str, list[UUID]]:
    return {
        kind: [UUID(int=place * 10_000 + each + 1) for each in range(count)] for place, (kind, count) in enumerate(counts.items())
    }


@given(COUNTS, st.integers(3, 60))
def test_a_sample_is_as_large_as_it_shall_be_or_all_there_is_and_no_kind_is_left_out(counts: dict[str, int], size: int) -> None:
    found = shares(counts, size)
    assert sum(found.values()) == min(size, sum(counts.values()))
    assert all(1 <= found[kind] <= count for kind, count in counts.items() if count)


@pytest.mark.parametrize(
    "counts,expected",
    [
        ({"CPP": 600, "LAC": 380, "UCPP": 20}, {"CPP": 12, "LAC": 7, "UCPP": 1}),
        ({"CPP": 10_000, "UCPP": 1}, {"CPP": 19, "UCPP": 1}),
        ({"CPP": 3, "LAC": 4, "UCPP": 0}, {"CPP": 3, "LAC": 4}),
        ({}, {}),
    ],
)
def test_each_kind_has_its_share_and_at_least_one(counts: dict[str, int], expected: dict[str, int]) -> None:
    assert shares(counts, 20) == expected


@given(COUNTS, st.integers(0, 2**31), st.randoms(use_true_random=False))
def test_the_same_plans_and_seed_give_the_same_sample_in_whatever_order_they_come(
    counts: dict[str, int], seed: int, chance: object
) -> None:
    held = plans(counts)
    shuffled = {kind: list(ids) for kind, ids in reversed(held.items())}
    for ids in shuffled.values():
        chance.shuffle(ids)  # type: ignore[attr-defined]
    drawn = choose(held, 20, seed)
    assert choose(shuffled, 20, seed) == drawn
    assert len(set(drawn)) == len(drawn)


def test_another_seed_draws_another_sample() -> None:
    held = plans({"CPP": 500})
    assert choose(held, 20, 1) != choose(held, 20, 2)


# In the store


async def fill(house: House, count: int = 24) -> None:
    for number in numbers(count):
        await house.flag(number)


async def test_there_is_nothing_to_draw_from_an_authority_that_holds_nothing_or_is_not_there(house: House) -> None:
    await house.flag(end_date=today() - timedelta(days=1))
    for code, refusal in (("301", Conflict), ("399", NotFound)):
        with pytest.raises(refusal):
            async with house.database.transaction() as transaction:
                await draw_sample(transaction, DORA, code)


async def test_a_month_has_one_sample_of_twenty_open_plans_of_that_authority_with_its_seed_on_record(house: House) -> None:
    await fill(house)
    await house.flag(authority="302")
    async with house.database.transaction() as transaction:
        sample = await draw_sample(transaction, DORA, "301")
    assert (sample.records, sample.waiting, sample.drawn_from, sample.share_right) == (20, 20, 24, None)
    assert await house.rows("SELECT DISTINCT f.authority_code FROM sample_records r JOIN flags f ON f.id = r.flag_id") == [("301",)]
    assert await house.rows("SELECT detail FROM audit_events WHERE action = 'sample.draw'") == [
        ({"records": 20, "seed": sample.seed},)
    ]
    with pytest.raises(Conflict, match="was drawn already"):
        async with house.database.transaction() as transaction:
            await draw_sample(transaction, DORA, "301")


async def test_the_seed_draws_the_same_sample_again(house: House) -> None:
    await fill(house)
    drawn = []
    for _ in range(2):
        async with house.database.transaction() as transaction:
            await draw_sample(transaction, DORA, "301", seed=7)
        drawn.append(await house.rows("SELECT flag_id FROM sample_records ORDER BY position"))
        await house.rows("WITH gone AS (DELETE FROM sample_records) SELECT 1")
        await house.rows("DELETE FROM samples RETURNING 1")
    assert drawn[0] == drawn[1]


async def test_another_authoritys_sample_is_not_there_and_who_looks_is_written_down_for_each_person(house: House) -> None:
    await fill(house, 3)
    async with house.database.transaction() as transaction:
        sample = await draw_sample(transaction, DORA, "301")
    async with house.database.transaction() as transaction:
        with pytest.raises(NotFound):
            await read_sample(transaction, DORA, "302", sample.id)
        with pytest.raises(NotFound):
            await mark_record(transaction, DORA, "302", sample.id, 1, Result.RIGHT)
    assert await house.rows("SELECT 1 FROM audit_events WHERE action IN ('sample.look', 'sample.view', 'sample.mark')") == []
    async with house.database.transaction() as transaction:
        _, records = await read_sample(transaction, DORA, "301", sample.id)
    looked = await house.rows("SELECT subject_id FROM audit_events WHERE action = 'sample.look' AND actor_name = 'Dora Lindqvist'")
    assert sorted(looked) == sorted((str(each.person_id),) for each in records)
    assert len(records) == 3


async def test_each_record_is_marked_and_the_share_that_is_right_is_the_result(house: House) -> None:
    await fill(house, 4)
    async with house.database.transaction() as transaction:
        sample = await draw_sample(transaction, DORA, "301")
        with pytest.raises(InvalidInput, match="say what is wrong"):
            await mark_record(transaction, DORA, "301", sample.id, 1, Result.WRONG)
        with pytest.raises(InvalidInput, match="longer than 500"):
            await mark_record(transaction, DORA, "301", sample.id, 1, Result.RIGHT, note="x" * 501)
        with pytest.raises(NotFound, match="no such record"):
            await mark_record(transaction, DORA, "301", sample.id, 5, Result.RIGHT)
    async with house.database.transaction() as transaction:
        for position, result, wrong in (
            (1, Result.WRONG, "name"), (2, Result.RIGHT, ""), (3, Result.NOT_FOUND, ""), (4, Result.RIGHT, ""),
            (1, Result.RIGHT, "name"),
        ):  # fmt: skip
            await mark_record(transaction, DORA, "301", sample.id, position, result, wrong)
        [done] = await list_samples(transaction, "301")
    assert (done.right, done.wrong, done.not_found, done.is_done, done.share_right) == (3, 0, 1, True, 0.75)
    assert len(await house.rows("SELECT 1 FROM audit_events WHERE action = 'sample.mark'")) == 5


async def test_a_sealed_record_leaves_the_sample_and_keeps_nobody_waiting(house: House) -> None:
    await fill(house, 2)
    async with house.database.transaction() as transaction:
        sample = await draw_sample(transaction, DORA, "301")
        await mark_record(transaction, DORA, "301", sample.id, 2, Result.RIGHT)
        await transaction.execute(
            """
            UPDATE persons SET sealed_at = now(), sealed_reason = 'adopted'
            WHERE id = (SELECT f.person_id FROM sample_records r JOIN flags f ON f.id = r.flag_id WHERE r.position = 1)
            """
        )
        found, records = await read_sample(transaction, DORA, "301", sample.id)
    assert ([each.position for each in records], found.is_done) == ([2], True)


async def overdue(house: House, at: date) -> list[tuple[str, date, int | None]]:
    async with house.database.transaction() as transaction:
        found = await overdue_samples(transaction, now().replace(year=at.year, month=at.month, day=at.day))
    return [(each.authority_code, each.month, each.waiting) for each in found]


async def test_last_months_sample_is_overdue_until_its_last_record_is_compared(house: House) -> None:
    await fill(house, 2)
    this = today().replace(day=1)
    following = (this + timedelta(days=40)).replace(day=1)
    assert await overdue(house, this) == [], "nothing was loaded before this month"
    assert await overdue(house, following) == [("301", this, None)]
    async with house.database.transaction() as transaction:
        sample = await draw_sample(transaction, DORA, "301")
        await mark_record(transaction, DORA, "301", sample.id, 1, Result.RIGHT)
    assert await overdue(house, following) == [("301", this, 1)]
    async with house.database.transaction() as transaction:
        await mark_record(transaction, DORA, "301", sample.id, 2, Result.NOT_FOUND)
    assert await overdue(house, following) == []
    await house.rows("UPDATE authorities SET state = 'trial' WHERE code = '301' RETURNING 1")
    assert await overdue(house, (following + timedelta(days=40)).replace(day=1)) == [], "who is not live is not overdue"


@pytest.mark.parametrize("loaded, expected", [("2026-07-31 22:59Z", [("301", date(2026, 7, 1), None)]), ("2026-07-31 23:30Z", [])])
async def test_a_month_begins_at_englands_midnight_also_in_summer(
    house: House, loaded: str, expected: list[tuple[str, date, int | None]]
) -> None:
    await fill(house, 1)
    await house.rows("UPDATE extracts SET completed_at = %s RETURNING 1", loaded)
    assert await overdue(house, date(2026, 8, 15)) == expected


def test_all_that_can_be_wrong_has_words() -> None:
    assert all(WRONG.values())
    assert [each.words for each in Result] == ["Right", "Wrong", "Not found"]
