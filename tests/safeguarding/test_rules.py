"""A site's rules: what cannot be one is refused, and their order is kept."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from domain.care_setting import CareSetting
from domain.errors import InvalidInput, NotFound
from runtime.database import Transaction
from safeguarding.care_settings import DEFAULT_RULES, decide_care_setting
from safeguarding.directory import CareSettingRule
from safeguarding.rules import add_rule, read_rules, remove_rule
from tests.safeguarding.house import OPERATOR, House

CLINIC = CareSettingRule(frozenset(), frozenset(), frozenset(), "CLIN", CareSetting.OUTPATIENT)
ANYTHING = CareSettingRule(frozenset(), frozenset(), frozenset(), "", CareSetting.OUTPATIENT)
AUDITED = "SELECT action, subject_id FROM audit_events WHERE action LIKE 'rule.%%' ORDER BY id"


@pytest.mark.parametrize(
    "work, expected",
    [
        (lambda transaction: read_rules(transaction, "R0Z99"), NotFound),
        (lambda transaction: add_rule(transaction, OPERATOR, "R0Z99", CLINIC), NotFound),
        (lambda transaction: add_rule(transaction, OPERATOR, "R0A01", ANYTHING), InvalidInput),
        (lambda transaction: add_rule(transaction, OPERATOR, "R0A01", CLINIC, 0), InvalidInput),
        (lambda transaction: add_rule(transaction, OPERATOR, "R0A01", CLINIC, len(DEFAULT_RULES) + 2), InvalidInput),
        (lambda transaction: remove_rule(transaction, OPERATOR, "R0A01", 0), NotFound),
        (lambda transaction: remove_rule(transaction, OPERATOR, "R0A01", len(DEFAULT_RULES) + 1), NotFound),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    house: House, work: Callable[[Transaction], Awaitable[object]], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        async with house.database.transaction() as transaction:
            await work(transaction)
    async with house.database.transaction() as transaction:
        assert tuple(await read_rules(transaction, "R0A01")) == DEFAULT_RULES
    assert await house.rows(AUDITED) == []


@pytest.mark.parametrize("at, place", [(None, len(DEFAULT_RULES) + 1), (1, 1), (3, 3)])
async def test_a_rule_stands_where_it_was_put_and_decides_from_then_on(house: House, at: int | None, place: int) -> None:
    async with house.database.transaction() as transaction:
        assert await add_rule(transaction, OPERATOR, "R0A01", CLINIC, at) == place
        assert (await read_rules(transaction, "R0A01"))[place - 1] == CLINIC
    house.directory.forget()
    site = (await house.directory.current()).sites["R0A01"]
    expected = CareSetting.OUTPATIENT if place < 4 else CareSetting.EMERGENCY_DEPARTMENT
    assert decide_care_setting(site, "E", "", "", "CLIN7") is expected
    assert decide_care_setting(site, "X", "", "", "clin7") is CareSetting.OUTPATIENT
    assert await house.rows(AUDITED) == [("rule.add", "R0A01")]


async def test_a_removed_rule_decides_nothing_any_more(house: House) -> None:
    async with house.database.transaction() as transaction:
        assert await remove_rule(transaction, OPERATOR, "R0A01", 3) == DEFAULT_RULES[2]
    async with house.database.transaction() as transaction:
        assert tuple(await read_rules(transaction, "R0A01")) == DEFAULT_RULES[:2] + DEFAULT_RULES[3:]
        assert tuple(await read_rules(transaction, "R0A02")) == DEFAULT_RULES, "another site keeps its own"
    assert await house.rows(AUDITED) == [("rule.remove", "R0A01")]


@pytest.mark.usefixtures("patient_store")
async def test_two_people_who_add_a_rule_at_once_both_have_it(house: House) -> None:
    async def add(prefix: str) -> None:
        async with house.database.transaction() as transaction:
            rule = CareSettingRule(frozenset(), frozenset(), frozenset(), prefix, CareSetting.OUTPATIENT)
            await add_rule(transaction, OPERATOR, "R0A01", rule, 1)

    await asyncio.gather(*(add(f"CLIN{number}") for number in range(4)))
    async with house.database.transaction() as transaction:
        assert len(await read_rules(transaction, "R0A01")) == len(DEFAULT_RULES) + 4


async def test_who_only_reads_the_rules_keeps_nobody_from_changing_them(house: House) -> None:
    async with house.database.transaction() as reading, house.database.transaction() as changing:
        await read_rules(reading, "R0A01")
        await remove_rule(changing, OPERATOR, "R0A01", 1)
        assert len(await read_rules(reading, "R0A01")) == len(DEFAULT_RULES)
