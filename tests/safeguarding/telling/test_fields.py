"""What may leave is what both parties' agreements list; one that has run out changes nothing, and none on record means none."""

from datetime import date, timedelta

import pytest

from safeguarding.onboarding.agreements import AgreedWith, end_agreement, record_agreement
from safeguarding.telling.fields import ALL, NONE, fields_that_may_leave, may_leave, read_fields
from tests.conftest import FreshDatabase
from tests.safeguarding.house import House
from tests.safeguarding.onboarding.road import IGGY, make_production, terms, today

AUTHORITY, ORGANISATION = AgreedWith.AUTHORITY, AgreedWith.ORGANISATION
ONE, OTHER = frozenset({"arrival", "site"}), frozenset({"site", "care-setting"})


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


async def agree(house: House, kind: AgreedWith, code: str, *fields: str, starts: int = -365, ends: int | None = None) -> None:
    async with house.database.transaction() as transaction:
        last = None if ends is None else in_days(ends)
        await record_agreement(transaction, IGGY, terms(kind, code, last, starts=in_days(starts), fields=fields))


async def fields(house: House, authority: str = "301", organisation: str = "R0A") -> frozenset[str]:
    async with house.database.transaction() as transaction:
        return await fields_that_may_leave(transaction, authority, organisation, today())


@pytest.mark.parametrize(
    "one,other,in_test,in_production",
    [
        (None, None, ALL, NONE),
        (ONE, None, NONE, NONE),
        (None, OTHER, NONE, NONE),
        (NONE, OTHER, NONE, NONE),
        (ONE, OTHER, frozenset({"site"}), frozenset({"site"})),
        (ALL, ALL, ALL, ALL),
        (frozenset({"diagnosis", "site"}), frozenset({"diagnosis", "site"}), frozenset({"site"}), frozenset({"site"})),
    ],
    ids=["nobody agreed", "organisation silent", "authority silent", "agreed on nothing", "both agreed", "all", "unknown field"],
)
def test_only_what_both_have_agreed_may_leave(
    one: frozenset[str] | None, other: frozenset[str] | None, in_test: frozenset[str], in_production: frozenset[str]
) -> None:
    agreed, pair = {(AUTHORITY.value, "301"): one, (ORGANISATION.value, "R0A"): other}, ("301", "R0A")
    assert may_leave(agreed, [pair], is_production=False) == {pair: in_test}
    assert may_leave(agreed, [pair], is_production=True) == {pair: in_production}


async def test_without_any_agreement_all_may_leave_a_test_store_and_nothing_a_production_store(
    fresh_database: FreshDatabase, house: House
) -> None:
    assert await fields(house) == ALL
    make_production(fresh_database)
    assert await fields(house) == NONE


async def test_each_organisation_and_each_authority_has_its_own_in_one_question(house: House) -> None:
    await agree(house, AUTHORITY, "301", "arrival", "site")
    await agree(house, ORGANISATION, "R0A", "site", "care-setting")
    pairs = [("301", "R0A"), ("302", "R0A"), ("301", "R0Z"), ("302", "R0Z")]
    async with house.database.transaction() as transaction:
        assert await read_fields(transaction, pairs, today()) == dict(
            zip(pairs, [frozenset({"site"}), NONE, NONE, ALL], strict=True)
        )
        assert await read_fields(transaction, [], today()) == {}


@pytest.mark.parametrize("ends", [None, 0, -1, -400], ids=["no end", "last day", "ran out", "long ago"])
async def test_an_agreement_that_ran_out_goes_on_to_say_what_may_leave(house: House, ends: int | None) -> None:
    await agree(house, AUTHORITY, "301", "site", starts=-500, ends=ends)
    await agree(house, ORGANISATION, "R0A", "site", "arrival")
    assert await fields(house) == {"site"}


async def test_one_that_was_ended_early_goes_on_until_another_takes_its_place(house: House) -> None:
    await agree(house, ORGANISATION, "R0A", *ALL)
    async with house.database.transaction() as transaction:
        agreement = await record_agreement(transaction, IGGY, terms(fields=("site", "arrival")))
        await end_agreement(transaction, IGGY, agreement, in_days(-2), "Replaced")
    assert await fields(house) == {"site", "arrival"}
    await agree(house, AUTHORITY, "301", "site", starts=0)
    assert await fields(house) == {"site"}


@pytest.mark.parametrize(
    "agreements,left",
    [
        ([(-100, None, "site"), (-10, None, "arrival")], "arrival"),
        ([(-100, None, "site"), (-10, -5, "arrival")], "site"),
        ([(-100, -50, "site"), (-60, -55, "arrival")], "site"),
        ([(-100, -50, "site"), (1, None, "arrival")], "site"),
    ],
    ids=["the newest in force", "one in force before one over", "the last to end", "none before it starts"],
)
async def test_of_several_agreements_one_decides(house: House, agreements: list[tuple[int, int | None, str]], left: str) -> None:
    await agree(house, ORGANISATION, "R0A", *ALL)
    for starts, ends, field in agreements:
        await agree(house, AUTHORITY, "301", field, starts=starts, ends=ends)
    assert await fields(house) == {left}
