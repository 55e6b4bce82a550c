"""A plan that full extracts do not name stays, says so, and becomes work; nothing but a person or a record changes it."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.actor import Actor, ActorKind
from domain.errors import InvalidInput, NotFound
from domain.extract import Scope
from domain.flag import Flag, FlagKind, Standing
from domain.nhs_number import NhsNumber
from flags_store.extracts.missing import Named, named_by
from flags_store.extracts.open_plans import count_open
from flags_store.extracts.record import RowError
from runtime.clock import england_day, now
from safeguarding.extracts.held import read_waiting, refuse
from safeguarding.extracts.loading import OlderExtract
from safeguarding.extracts.missing import MissingList, Settled, open_missing, open_missing_plan, settle
from tests.extracts.files import a_file, numbers, row
from tests.extracts.store import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, Store

SECOND = Actor(ActorKind.PERSON, "sam", "Sam Second", "301", "data-officer")
ADA, BEN, CAT = numbers(3)
FRIDAY = THURSDAY + timedelta(days=1)
FULL = Scope.FULL


async def three(store: Store) -> None:
    await store.load(a_file(*(row(nhs_number=each, local_id=f"L{each[-4:]}") for each in (ADA, BEN, CAT))), scope=FULL)


async def without_cat(store: Store, *more: str, at: object = TUESDAY, scope: Scope = FULL) -> int:
    """An extract that names Ada and Ben, and what else is given; how many plans it says are missing."""
    content = a_file(*(row(nhs_number=each, local_id=f"L{each[-4:]}") for each in (ADA, BEN)), *more)
    return (await store.load(content, at, scope=scope)).missing  # type: ignore[arg-type]


async def missed(store: Store) -> dict[str, int]:
    return dict(await store.flags("nhs_number", "missed_snapshots"))


async def listed(store: Store, authority: str = "301") -> MissingList:
    async with store.database.transaction() as transaction:
        return await open_missing(transaction, SECOND, authority, limit=50)


async def flag_of(store: Store, number: str) -> UUID:
    return UUID(str(await store.value("SELECT f.id FROM flags f JOIN persons p ON p.id = person_id WHERE nhs_number = %s", number)))


async def test_a_plan_missing_from_one_full_extract_says_so_and_stays_as_it_is(store: Store) -> None:
    await three(store)
    before = await store.flags()
    assert await without_cat(store) == 1
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 1}
    assert await store.flags() == before
    found = await listed(store)
    assert (found.once, found.work, list(found.plans)) == (1, 0, [])
    assert await store.rows("SELECT subject_id, detail->>'missed' FROM audit_events WHERE action = 'flag.missing'") == [
        (str(await flag_of(store, CAT)), "1")
    ]


async def test_a_plan_missing_from_two_is_work_with_its_age(store: Store) -> None:
    await three(store)
    await without_cat(store)
    await without_cat(store, at=WEDNESDAY)
    found = await listed(store)
    assert (found.once, found.work) == (0, 1)
    [plan] = found.plans
    assert (plan.nhs_number, plan.missed_snapshots, plan.missing_since, plan.last_confirmed_at) == (CAT, 2, TUESDAY, MONDAY)
    assert await store.rows("SELECT actor_id, detail->>'shown' FROM audit_events WHERE action = 'missing.open'") == [("sam", "1")]


async def test_a_partial_extract_that_does_not_name_a_plan_says_nothing_about_it(store: Store) -> None:
    await three(store)
    assert await without_cat(store, scope=Scope.PARTIAL) == 0
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 0}


@pytest.mark.parametrize("scope", list(Scope))
async def test_whoever_is_named_again_is_missing_no_longer(store: Store, scope: Scope) -> None:
    await three(store)
    await without_cat(store)
    await without_cat(store, at=WEDNESDAY)
    await without_cat(store, row(nhs_number=CAT), at=THURSDAY, scope=scope)
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 0}
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'flag.found'") == 1


async def test_an_older_or_repeated_extract_changes_nothing(store: Store) -> None:
    await three(store)
    await without_cat(store)
    await without_cat(store)
    with pytest.raises(OlderExtract):
        await without_cat(store, row(nhs_number=CAT), at=MONDAY - timedelta(days=1))
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 1}


@pytest.mark.parametrize(
    "rejected",
    [
        pytest.param({"nhs_number": CAT, "start_date": "2025-01-32"}, id="by-number"),
        pytest.param({"nhs_number": f"{CAT[:3]} {CAT[3:6]} {CAT[6:]}", "kind": "XYZ"}, id="by-number-with-spaces"),
        pytest.param({"nhs_number": "123", "local_id": f"L{CAT[-4:]}"}, id="by-local-id"),
    ],
)
async def test_whose_record_was_rejected_is_named_all_the_same(store: Store, rejected: dict[str, str]) -> None:
    await three(store)
    assert await without_cat(store, row(**rejected)) == 0
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 0}


async def test_a_full_extract_without_any_good_record_makes_nobody_missing(store: Store) -> None:
    await three(store)
    await store.load(a_file(row(nhs_number="1")), TUESDAY, scope=FULL)
    assert set((await missed(store)).values()) == {0}


async def test_what_is_held_for_a_second_person_is_named(store: Store) -> None:
    people = numbers(20)
    await store.load(a_file(*(row(nhs_number=each) for each in people)), scope=FULL)
    report = await store.load(a_file(*(row(nhs_number=each, end_date="2025-08-01") for each in people)), TUESDAY, scope=FULL)
    assert set((await missed(store)).values()) == {0}
    async with store.database.transaction() as transaction:
        assert len((await read_waiting(transaction, "301")).held) == 1
        await refuse(transaction, SECOND, "301", report.id, "a mistake of the export")
    assert set((await missed(store)).values()) == {0}


async def test_plans_that_are_over_and_other_authorities_are_expected_in_no_extract(store: Store) -> None:
    grown = str(england_day(now()).year - 18)
    await store.load(
        a_file(
            row(nhs_number=ADA, end_date="2025-08-01"), row(nhs_number=BEN),
            row(nhs_number=CAT, start_date="2020-01-06", birth_date=f"{grown}-01-01"),
        )
    )  # fmt: skip
    other = numbers(1, 999_400_000)[0]
    await store.load(a_file(row(nhs_number=other)), authority="302")
    assert (await store.load(a_file(row(nhs_number=BEN)), TUESDAY, scope=FULL)).missing == 0
    assert set((await missed(store)).values()) == {0}


async def make_work(store: Store) -> UUID:
    await three(store)
    await without_cat(store)
    await without_cat(store, at=WEDNESDAY)
    return await flag_of(store, CAT)


async def test_a_plan_is_settled_with_a_reason_and_a_day_that_can_be(store: Store) -> None:
    flag = await make_work(store)
    tomorrow = england_day(now()) + timedelta(days=1)
    for outcome, reason, ended_on in (
        (Settled.STILL_OPEN, "", None),
        (Settled.ENDED, "closed in our system", None),
        (Settled.ENDED, "closed in our system", tomorrow),
        (Settled.ENDED, "closed in our system", date(2025, 1, 5)),
    ):
        with pytest.raises(InvalidInput):
            await settle(store.database, SECOND, "301", flag, outcome, reason, ended_on=ended_on)
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 2}


async def test_a_plan_of_another_authority_or_one_that_is_not_missing_cannot_be_settled_or_seen(store: Store) -> None:
    flag = await make_work(store)
    for authority, which in (("302", flag), ("301", await flag_of(store, ADA))):
        with pytest.raises(NotFound):
            await settle(store.database, SECOND, authority, which, Settled.STILL_OPEN, "asked the team")
        with pytest.raises(NotFound):
            async with store.database.transaction() as transaction:
                await open_missing_plan(transaction, SECOND, authority, which)
    assert (await listed(store, "302")).work == 0


@pytest.mark.parametrize(
    "outcome, ended_on",
    [(Settled.STILL_OPEN, None), (Settled.ENDED, date(2025, 8, 15)), (Settled.RECORDED_IN_ERROR, None)],
)
async def test_what_a_person_found_out_is_in_force_at_once(store: Store, outcome: Settled, ended_on: date | None) -> None:
    flag = await make_work(store)
    fresh = await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'")
    await settle(store.database, SECOND, "301", flag, outcome, "the team was asked", ended_on=ended_on)
    deleted_on = england_day(now()) if outcome is Settled.RECORDED_IN_ERROR else None
    assert await store.rows("SELECT end_date, deleted_on FROM flags WHERE id = %s", flag) == [(ended_on, deleted_on)]
    assert await missed(store) == {ADA: 0, BEN: 0, CAT: 0}
    assert (await listed(store)).work == 0
    assert await store.rows("SELECT outcome, reason, settled_by FROM missing_settled") == [
        (outcome.value, "the team was asked", "Sam Second")
    ]
    assert await store.rows(
        "SELECT actor_id, subject_id, detail->>'outcome' FROM audit_events WHERE action = 'missing.settle'"
    ) == [("sam", str(flag), outcome.value)]
    assert await store.value("SELECT last_extracted_at FROM authorities WHERE code = '301'") == fresh
    with pytest.raises(NotFound):
        await settle(store.database, SECOND, "301", flag, outcome, "the team was asked", ended_on=ended_on)


async def test_a_plan_that_is_still_open_is_work_again_when_two_more_extracts_miss_it(store: Store) -> None:
    flag = await make_work(store)
    await settle(store.database, SECOND, "301", flag, Settled.STILL_OPEN, "the team was asked")
    later = now()
    await store.rows("UPDATE flags SET last_confirmed_at = %s WHERE id = %s RETURNING 1", THURSDAY, flag)
    await without_cat(store, at=FRIDAY)
    assert ((await listed(store)).once, (await listed(store)).work) == (1, 0)
    await without_cat(store, at=later)
    assert (await listed(store)).work == 1


async def test_an_extract_that_was_taken_before_a_person_confirmed_the_plan_does_not_miss_it(store: Store) -> None:
    flag = await make_work(store)
    await settle(store.database, SECOND, "301", flag, Settled.STILL_OPEN, "the team was asked")
    assert await without_cat(store, at=THURSDAY) == 0


def test_a_rejected_record_names_by_columns_or_by_what_was_sent_and_nothing_names_nobody() -> None:
    columns = ("999 000 0018", "", "", "", "", "", "", "", "", " A1 ")
    errors = [
        RowError(2, "kind", "missing", "", {"anything": "else"}, fields=columns),
        RowError(3, "line", "wrong-columns", "", {"nhs_number": "999-000-0026", "local_id": ""}),
        RowError(4, "line", "wrong-columns", "", {"field 1": "x"}),
    ]
    named = named_by(errors)
    assert named == Named(frozenset({"9990000018", "9990000026"}), frozenset({"A1"}))


LEAP = date(2008, 2, 29)


@pytest.mark.parametrize("today", [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2028, 2, 29), date(2027, 6, 1)])
async def test_which_plans_stand_open_is_asked_of_the_store_as_the_flag_itself_would_say(store: Store, today: date) -> None:
    """One rule in two languages: every flag is put in as it is, and the store's count is the sum of what the flags say."""
    flags = _flags(today)
    people = numbers(len(flags), 999_500_000)
    await store.load(a_file(*(row(nhs_number=number) for number in people)))
    for number, flag in zip(people, flags, strict=True):
        await store.rows(
            """
            UPDATE flags SET kind = %s, start_date = %s, end_date = %s, expected_delivery_date = %s FROM persons p
            WHERE p.id = person_id AND p.nhs_number = %s RETURNING 1
            """,
            flag.kind.value, flag.start_date, flag.end_date, flag.expected_delivery_date, number,
        )  # fmt: skip
        await store.rows("UPDATE persons SET birth_date = %s WHERE nhs_number = %s RETURNING 1", flag.birth_date, number)
    expected = sum(flag.standing(today) is Standing.OPEN for flag in flags)
    async with store.database.transaction() as transaction:
        assert await count_open(transaction, "301", today) == expected
    assert 0 < expected < len(flags)


def _flags(today: date) -> list[Flag]:
    day = timedelta(days=1)
    born = [
        None,
        LEAP,
        date(today.year - 18, today.month, min(today.day, 28)),
        date(2015, 5, 5),
        date(2010, 3, 1),
        date(2008, 3, 1),
    ]
    starts = [today - 400 * day, today - 308 * day, today - 309 * day, today, today + day]
    ends = [None, today - day, today, today + day]
    dues = [None, today - 29 * day, today - 28 * day, today + 90 * day]
    plans: list[tuple[FlagKind, date, date | None, date | None, date | None]] = []
    plans += [(FlagKind.CPP, start, end, None, birth) for start in starts for end in ends for birth in born]
    plans += [(FlagKind.UCPP, start, end, due, date(1990, 1, 1)) for start in starts for end in ends for due in dues]
    nobody = UUID(int=0)
    return [
        Flag(nobody, nobody, NhsNumber(""), kind, "301", start, end, due, birth, "", "", sensitive=False, last_confirmed_at=MONDAY)
        for kind, start, end, due, birth in plans
        if end is None or end >= start
    ]
