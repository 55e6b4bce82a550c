"""Agreements are data: refused where something is missing, in force by their days, and an alarm before and after they run out."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.answer import Flagged
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.clock import now
from safeguarding.onboarding.agreements import (
    AgreedWith,
    RunningOut,
    Terms,
    agreements_running_out,
    end_agreement,
    list_agreements,
    record_agreement,
)
from tests.safeguarding.house import House
from tests.safeguarding.onboarding.road import AUTHORITY, IGGY, put, terms, today


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


async def record(house: House, agreed: Terms) -> Any:
    async with house.database.transaction() as transaction:
        return await record_agreement(transaction, IGGY, agreed)


async def alarms(house: House) -> list[tuple[str, int]]:
    async with house.database.transaction() as transaction:
        return [(each.party_code, each.days_left) for each in await agreements_running_out(transaction, now())]


@pytest.mark.parametrize(
    "changes,said",
    [
        ({"title": " "}, "needs its title"),
        ({"controllers": ""}, "needs its controllers"),
        ({"processor": ""}, "needs its processor"),
        ({"purpose": ""}, "needs its purpose"),
        ({"lawful_basis": ""}, "needs its lawful basis"),
        ({"contact": ""}, "needs its contact for subject access"),
        ({"purpose": "x" * 2001}, "longer than 2000"),
        ({"starts": today(), "ends": in_days(-1)}, "ends before it starts"),
        ({"fields": ("arrival", "diagnosis")}, "diagnosis is no field that may leave"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_agreement_that_says_too_little_or_too_much_is_refused(house: House, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        await record(house, replace(terms(), **changes))


@pytest.mark.parametrize("kind,code", [(AgreedWith.AUTHORITY, "399"), (AgreedWith.ORGANISATION, "R0Z")])
async def test_nobody_agrees_with_a_party_that_is_not_there(house: House, kind: AgreedWith, code: str) -> None:
    with pytest.raises(NotFound, match=f"there is no {kind.value} {code}"):
        await record(house, terms(kind, code))


async def test_an_agreement_ends_once_with_a_reason_and_not_before_it_starts(house: House) -> None:
    agreement = await record(house, replace(terms(), starts=today()))
    cases: list[tuple[Any, date, str, type[Exception]]] = [
        (uuid4(), today(), "Replaced", NotFound),
        (agreement, today(), " ", InvalidInput),
        (agreement, in_days(-1), "Replaced", InvalidInput),
    ]
    for which, last_day, reason, refusal in cases:
        with pytest.raises(refusal):
            async with house.database.transaction() as transaction:
                await end_agreement(transaction, IGGY, which, last_day, reason)
    async with house.database.transaction() as transaction:
        await end_agreement(transaction, IGGY, agreement, today(), "Replaced")
    with pytest.raises(Conflict, match="was ended already"):
        async with house.database.transaction() as transaction:
            await end_agreement(transaction, IGGY, agreement, today(), "Replaced")
    async with house.database.transaction() as transaction:
        [held] = await list_agreements(transaction)
    assert (held.ended_on, held.ended_by, held.end_reason) == (today(), "Iggy Marlowe", "Replaced")
    assert (held.holds_on(today()), held.holds_on(in_days(1)), held.holds_on(in_days(-1))) == (True, False, False)
    actions = await house.rows("SELECT action FROM audit_events WHERE subject_type = 'agreement' ORDER BY id")
    assert actions == [("agreement.record",), ("agreement.end",)]


@pytest.mark.parametrize(
    "ends,said", [(None, []), (61, []), (60, [("301", 60)]), (0, [("301", 0)]), (-1, [("301", -1)]), (-400, [("301", -400)])]
)
async def test_an_agreement_alarms_from_60_days_before_its_last_day_until_a_later_one_is_on_record(
    house: House, ends: int | None, said: list[tuple[str, int]]
) -> None:
    await record(house, replace(terms(ends=None if ends is None else in_days(ends)), starts=in_days(-500)))
    assert await alarms(house) == said
    await record(house, terms())
    assert await alarms(house) == []


async def test_one_that_starts_later_than_the_warning_lets_nobody_off(house: House) -> None:
    await record(house, terms(ends=in_days(10)))
    await record(house, replace(terms(), starts=in_days(61)))
    assert await alarms(house) == [("301", 10)]


async def test_one_that_was_ended_early_alarms_and_a_party_that_shares_nothing_does_not(house: House) -> None:
    agreement = await record(house, terms())
    async with house.database.transaction() as transaction:
        await end_agreement(transaction, IGGY, agreement, in_days(-1), "Withdrawn")
    assert await alarms(house) == [("301", -1)]
    await put(house, AUTHORITY, "setting-up")
    assert await alarms(house) == []


async def test_an_agreement_that_has_run_out_hides_no_flag_and_stops_no_alert(house: House) -> None:
    await house.flag()
    await record(house, replace(terms(ends=in_days(-1))))
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    assert len(reply.alerts) == 1
    assert reply.outcome.coverage.connected == 2


@pytest.mark.parametrize(
    "days,said",
    [
        (-1, "the agreement with authority 301 has run out"),
        (0, "the agreement with authority 301 runs out today"),
        (9, "the agreement with authority 301 runs out in 9 days"),
    ],
)
def test_the_alarm_is_one_sentence(days: int, said: str) -> None:
    assert RunningOut("authority", "301", "Sharing", in_days(days), days).sentence == said
