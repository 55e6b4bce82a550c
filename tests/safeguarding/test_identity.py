"""Numbers that change, told by the register: both lead to what is held, and a sealed one leads nowhere for good."""

from datetime import timedelta

import pytest

from domain.answer import Caution, CouldNotCheck, Flagged, NoneKnown
from domain.encounter import Identity, TriggerEvent
from domain.nhs_number import NhsNumber
from flags_store.aliases import record_merge
from flags_store.identity import SealReason, is_any_sealed, read_sealed, record_successor, seal_person
from tests.safeguarding.house import CHILD, FEED, OPERATOR, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House

MOTHER, BABY, TWIN = NhsNumber("9990000042"), NhsNumber("9990000050"), NhsNumber("9990000069")
REASONS: tuple[SealReason, ...] = ("invalidated", "adopted")


async def succeed(house: House, prior: NhsNumber, successor: NhsNumber) -> int:
    async with house.database.transaction() as transaction:
        return await record_successor(transaction, OPERATOR, prior, successor, "PDS", SEEN_AT)


async def seal(house: House, number: NhsNumber = CHILD, reason: SealReason = "adopted") -> bool:
    async with house.database.transaction() as transaction:
        return await seal_person(transaction, OPERATOR, number, reason, SEEN_AT)


def cautions(outcome: object) -> set[Caution]:
    assert isinstance(outcome, Flagged)
    return set(outcome.cautions) - {Caution.TEST_STORE}


@pytest.mark.parametrize(
    "held, given, caution",
    [
        (CHILD, OTHER_CHILD, Caution.NUMBER_SUCCEEDED),
        (OTHER_CHILD, CHILD, Caution.NUMBER_SUPERSEDED),
    ],
    ids=["held on the old number", "held on the new number"],
)
async def test_each_number_finds_the_flag_of_the_other_and_says_which_is_the_newer(
    house: House, held: NhsNumber, given: NhsNumber, caution: Caution
) -> None:
    await house.flag(held)
    assert isinstance((await house.ask(number=given)).outcome, NoneKnown)
    assert await succeed(house, CHILD, OTHER_CHILD) == 1
    assert cautions((await house.ask(number=given, visit_number="V2")).outcome) == {caution}
    assert cautions((await house.ask(number=held, visit_number="V3")).outcome) == set()


async def test_a_successor_is_recorded_once_and_audited(house: House) -> None:
    await house.flag()
    assert await succeed(house, CHILD, OTHER_CHILD) == 1
    assert await succeed(house, CHILD, OTHER_CHILD) == 0
    assert await house.value("SELECT count(*) FROM person_aliases") == 1
    [(detail,)] = await house.rows("SELECT detail FROM audit_events WHERE action = 'person.alias'")
    assert detail == {"relation": "superseded", "source": "PDS"}


async def test_a_number_that_changes_again_leads_to_what_is_held_on_the_first(house: House) -> None:
    await house.flag()
    await succeed(house, CHILD, OTHER_CHILD)
    assert await succeed(house, OTHER_CHILD, UNKNOWN_CHILD) == 1
    assert cautions((await house.ask(number=UNKNOWN_CHILD)).outcome) == {Caution.NUMBER_SUCCEEDED}


async def test_nobody_who_is_not_held_is_kept_for_a_number_that_changed(house: House) -> None:
    assert await succeed(house, CHILD, OTHER_CHILD) == 0
    assert await house.value("SELECT count(*) FROM persons") == 0


async def test_what_the_register_says_takes_the_place_of_what_a_hospital_said_and_neither_is_lost(house: House) -> None:
    await house.flag()
    async with house.database.transaction() as transaction:
        await record_merge(transaction, FEED, CHILD, OTHER_CHILD, "R0A01", SEEN_AT)
    assert await succeed(house, CHILD, OTHER_CHILD) == 1
    rows = await house.rows("SELECT relation, source, ended_at IS NULL FROM person_aliases ORDER BY id")
    assert rows == [("merged", "R0A01", False), ("superseded", "PDS", True)]


async def test_a_hospital_cannot_take_back_what_the_register_says(house: House) -> None:
    await house.flag()
    await succeed(house, CHILD, OTHER_CHILD)
    await house.ask(trigger=TriggerEvent.UNLINK, number=OTHER_CHILD, prior=Identity(CHILD), visit_number=None)
    assert cautions((await house.ask(number=OTHER_CHILD, visit_number="V2")).outcome) == {Caution.NUMBER_SUCCEEDED}


async def test_who_is_there_with_the_new_number_is_looked_for(house: House) -> None:
    await house.flag()
    await house.rows("UPDATE extracts SET sweep_due = false RETURNING id")
    await succeed(house, CHILD, OTHER_CHILD)
    assert await house.value("SELECT sweep_due FROM extracts")


@pytest.mark.parametrize("reason", REASONS)
async def test_a_sealed_child_is_shown_to_nobody_from_that_moment(house: House, reason: SealReason) -> None:
    await house.flag()
    await house.flag(authority="302", kind="LAC")
    assert isinstance((await house.ask()).outcome, Flagged)
    assert await seal(house, reason=reason)
    after = await house.ask(visit_number="V2", minutes=1)
    assert isinstance(after.outcome, NoneKnown)
    assert after.alerts == ()
    assert await house.rows("SELECT sealed_at, sealed_reason FROM persons") == [(SEEN_AT, reason)]
    assert await house.value("SELECT count(*) FROM flags WHERE withdrawn_at = %s", SEEN_AT) == 2


async def test_sealing_is_audited_once_without_a_name_or_a_number(house: House) -> None:
    await house.flag()
    assert await seal(house)
    assert not await seal(house)
    rows = await house.rows("SELECT action, detail FROM audit_events WHERE action IN ('person.seal', 'flag.withdraw') ORDER BY 1")
    assert rows == [("flag.withdraw", {"reason": "adopted"}), ("person.seal", {"reason": "adopted"})]


async def test_a_number_that_nobody_is_held_on_is_sealed_without_a_name(house: House) -> None:
    assert await seal(house, UNKNOWN_CHILD)
    assert await house.rows("SELECT nhs_number, given_name, family_name, birth_date FROM persons") == [
        (UNKNOWN_CHILD, "", "", None)
    ]
    async with house.database.transaction() as transaction:
        assert await read_sealed(transaction, [CHILD, UNKNOWN_CHILD]) == {UNKNOWN_CHILD}
        assert not await is_any_sealed(transaction, CHILD)


@pytest.mark.parametrize("prior_is_sealed", [True, False], ids=["the old number is sealed", "the new number is sealed"])
async def test_no_hospital_and_no_register_links_a_sealed_number_again(house: House, *, prior_is_sealed: bool) -> None:
    await house.flag(OTHER_CHILD)
    await seal(house, CHILD)
    one, other = (CHILD, OTHER_CHILD) if prior_is_sealed else (OTHER_CHILD, CHILD)
    await house.ask(trigger=TriggerEvent.MERGE, number=other, prior=Identity(one), visit_number=None)
    assert await succeed(house, one, other) == 0
    assert await house.value("SELECT count(*) FROM person_aliases") == 0
    assert isinstance((await house.ask(number=CHILD, visit_number="V2")).outcome, NoneKnown)
    assert isinstance((await house.ask(number=OTHER_CHILD, visit_number="V3")).outcome, Flagged)


async def test_links_that_were_made_before_end_with_the_seal_and_stay_as_history(house: House) -> None:
    await house.flag(CHILD)
    await house.flag(OTHER_CHILD)
    async with house.database.transaction() as transaction:
        assert await record_merge(transaction, FEED, CHILD, OTHER_CHILD, "R0A01", SEEN_AT) == 2
    await seal(house, CHILD)
    assert await house.rows("SELECT ended_at IS NOT NULL FROM person_aliases") == [(True,), (True,)]
    assert isinstance((await house.ask(number=CHILD)).outcome, NoneKnown)
    assert isinstance((await house.ask(number=OTHER_CHILD, visit_number="V2")).outcome, Flagged), "the other record stands"


async def test_whoever_is_held_on_an_older_number_is_sealed_with_its_successor(house: House) -> None:
    await house.flag(CHILD)
    await succeed(house, CHILD, OTHER_CHILD)
    await seal(house, OTHER_CHILD, "invalidated")
    for number in (CHILD, OTHER_CHILD):
        assert isinstance((await house.ask(number=number, visit_number=str(number))).outcome, NoneKnown)
    assert await house.value("SELECT count(*) FROM persons WHERE sealed_at IS NOT NULL") == 2


async def test_a_newer_identity_is_never_sealed_with_the_old_one(house: House) -> None:
    await house.flag(OTHER_CHILD)
    await succeed(house, CHILD, OTHER_CHILD)
    await seal(house, CHILD)
    assert cautions((await house.ask(number=OTHER_CHILD)).outcome) == set()
    assert isinstance((await house.ask(number=CHILD, visit_number="V2")).outcome, NoneKnown)


async def test_a_sealed_baby_leads_to_its_mother_no_more_by_any_of_its_numbers(house: House) -> None:
    await house.flag(MOTHER, kind="UCPP")
    born = {"trigger": TriggerEvent.ADD_PERSON, "mother": MOTHER, "family_name": "", "given_name": "", "birth_date": None}
    assert isinstance((await house.ask(number=BABY, local="L1", **born)).outcome, Flagged)
    await seal(house, BABY)
    assert isinstance((await house.ask(number=BABY, local="L1", visit_number="V2", minutes=1)).outcome, NoneKnown)
    assert isinstance((await house.ask(number=None, local="L1", visit_number="V3", minutes=2)).outcome, CouldNotCheck)
    assert await house.rows("SELECT DISTINCT resolution FROM newborn_links") == [("sealed",)]


async def test_a_sealed_baby_is_not_linked_to_its_mother_by_a_birth_that_is_told_later(house: House) -> None:
    await house.flag(MOTHER, kind="UCPP")
    await seal(house, BABY)
    reply = await house.ask(trigger=TriggerEvent.ADD_PERSON, number=BABY, local="L1", mother=MOTHER, birth_date=None)
    assert isinstance(reply.outcome, NoneKnown)
    assert await house.value("SELECT count(*) FROM newborn_links") == 0


async def test_a_twin_of_a_sealed_baby_keeps_its_link(house: House) -> None:
    await house.flag(MOTHER, kind="UCPP")
    for number, visit in ((BABY, "V1"), (TWIN, "V2")):
        await house.ask(trigger=TriggerEvent.ADD_PERSON, number=number, mother=MOTHER, visit_number=visit, birth_date=None)
    await seal(house, BABY)
    assert isinstance((await house.ask(number=TWIN, visit_number="V3", at=SEEN_AT + timedelta(hours=1))).outcome, Flagged)
