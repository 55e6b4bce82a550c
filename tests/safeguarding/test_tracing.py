"""Who came without a number: asked of PDS after the desk has answered, checked once there is one, and forgotten in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from domain.actor import Purpose
from domain.answer import CouldNotCheck, CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.encounter import Encounter, EncounterState, TriggerEvent
from domain.errors import InvalidInput
from domain.nhs_number import NhsNumber
from domain.trace import (
    Demographics,
    Detail,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NoTrace,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Trace,
    Traced,
    Verified,
)
from fhir_adapter.pds import open_trace
from nightlight.demo.pds_people import Registered
from nightlight.processes.tracing import keep_tracing
from runtime.settings import Settings
from safeguarding.directory import DirectoryReader
from safeguarding.encounters import Wanted, read_encounters, seek_encounters
from safeguarding.housekeeping import keep_house
from safeguarding.trace_wants import claim_wants, oldest_wanted, read_outcomes, want_of
from safeguarding.tracing import number_to_use, outcome_word, trace_by_hand, trace_due
from tests.conftest import FreshDatabase
from tests.fhir_adapter.pds.register import Register, open_register, rsa_key
from tests.safeguarding.house import CHILD, KEY, OPERATOR, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, check, open_house

BORN = date(2018, 5, 6)
ADA = Registered(CHILD, "Example", ("Ada",), BORN, "female")
REMOVED = "SELECT count(*) FROM trace_wants WHERE details IS NOT NULL"


@pytest.fixture
async def register() -> AsyncIterator[Register]:
    """PDS knows Ada Example, and nobody else."""
    async with open_register([ADA]) as register:
        yield register


async def arrive(house: House, **changes: Any) -> UUID:
    """Somebody comes without a number."""
    outcome = (await house.ask(**{"number": None, **changes})).outcome
    assert isinstance(outcome, CouldNotCheck)
    assert outcome.encounter_id is not None
    return outcome.encounter_id


async def encounter_of(house: House, encounter_id: UUID) -> Encounter:
    async with house.database.numbered_transaction() as transaction:
        wanted = Wanted(0, (), None, (), (), str(encounter_id))
        [encounter] = (await read_encounters(await seek_encounters(transaction, [wanted])))[0]
    return encounter


async def trace(house: House, asked: Trace | Register) -> int:
    if isinstance(asked, Register):
        async with open_trace(asked.access()) as pds:
            return await trace(house, pds)
    return await trace_due(house.database, house.directory, house.desk, asked)


class Answers:
    """PDS in the words of the domain, for what cannot be staged in the register."""

    def __init__(self, *results: Traced, before: Any = None) -> None:
        self._results = list(results)
        self._before = before

    async def verify(self, number: NhsNumber, told: Demographics | None = None) -> Traced:
        return await self.find(told or Demographics("", BORN))

    async def find(self, told: Demographics) -> Traced:
        if self._before:
            await self._before()
        return self._results.pop(0)


# Who is asked about


async def test_nothing_that_was_said_is_kept_where_nobody_asks_pds(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url, traces=False) as house:
        await arrive(house)
        assert await house.rows("SELECT 1 FROM trace_wants") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"number": CHILD},
        {"family_name": ""},
        {"birth_date": None},
        {"birth_date": date(1900, 1, 1)},
        {"birth_date": date(2031, 1, 1)},
        {"family_name": "Unknown", "given_name": "Male Seven"},
        {"given_name": ""},
        {"given_name": "Baby of"},
        {"given_name": "BABY-1"},
        {"given_name": "Twin2"},
        {"given_name": "Girl"},
        {"family_name": "?", "given_name": "?"},
        {"family_name": "Ex*"},
        {"test": True},
        {"silent": True},
        {"care_setting": CareSetting.SARC},
        {"care_setting": CareSetting.SEXUAL_HEALTH},
        {"care_setting": CareSetting.OUTPATIENT},
        {"trigger": TriggerEvent.PRE_ADMIT},
        {"trigger": TriggerEvent.LOOKUP},
    ],
    ids=str,
)
async def test_nobody_else_is_asked_about(house: House, changes: dict[str, Any]) -> None:
    seen = check(**{"number": None, **changes})
    await house.desk.ask(seen)
    for (encounter_id,) in await house.rows("SELECT id FROM encounters"):
        want = want_of(seen, await encounter_of(house, encounter_id))
        assert want is None or not want.asks
    assert await house.rows("SELECT 1 FROM trace_wants") == []


async def test_who_was_born_after_midnight_in_a_summer_night_is_asked_about(house: House) -> None:
    """It is still the day before in UTC."""
    await arrive(house, at=datetime(2026, 6, 30, 23, 20, tzinfo=UTC), birth_date=date(2026, 7, 1))
    assert await house.rows("SELECT details ->> 'born' FROM trace_wants") == [("2026-07-01",)]


@pytest.mark.parametrize(
    "said",
    [
        {"family_name": "Unknown", "given_name": "Male"},
        {"family_name": "Other", "birth_date": None},
        {"family_name": "Example", "given_name": "Baby"},
        {"family_name": "Example", "given_name": "Bea", "birth_date": None},
    ],
)
async def test_who_turns_out_to_be_somebody_else_is_asked_about_no_more(
    house: House, register: Register, said: dict[str, Any]
) -> None:
    """What was said first is not the patient's: a number found by it would be another child's, and the answer too."""
    encounter_id = await arrive(house)
    await arrive(house, trigger=TriggerEvent.UPDATE, minutes=1, **said)
    assert await trace(house, register) == 0
    assert (await encounter_of(house, encounter_id)).could_not_check == CouldNotCheckReason.NO_NUMBER
    assert await house.rows("SELECT details, outcome FROM trace_wants") == [(None, "not-needed")]


@pytest.mark.parametrize("said", [{"family_name": "Unknown", "given_name": "Male"}, {"family_name": "Nobody"}])
async def test_a_message_that_comes_late_changes_nothing_of_who_is_asked_about(
    house: House, register: Register, said: dict[str, Any]
) -> None:
    encounter_id = await arrive(house, minutes=2)
    await arrive(house, trigger=TriggerEvent.UPDATE, minutes=3, event_at=SEEN_AT + timedelta(minutes=1), **said)
    await trace(house, register)
    assert (await encounter_of(house, encounter_id)).nhs_number == CHILD


async def test_who_turns_out_to_be_somebody_else_while_pds_is_asked_gets_no_number_by_it(house: House) -> None:
    encounter_id = await arrive(house)

    async def nobody_knows() -> None:
        await arrive(house, trigger=TriggerEvent.UPDATE, minutes=1, family_name="Unknown", given_name="Male")

    await trace(house, Answers(Verified(CHILD, compared=True), before=nobody_knows))
    assert (await encounter_of(house, encounter_id)).nhs_number is None


@pytest.mark.parametrize("family", ["Exa\x00mple", "\x00", "Unknown\x00"])
async def test_a_name_that_no_database_takes_loses_no_arrival_and_no_question(house: House, family: str) -> None:
    await arrive(house, family_name=family)
    asked = [("Exa mple",)] if family.startswith("Exa") else []
    assert await house.rows("SELECT details ->> 'family' FROM trace_wants") == asked


@pytest.mark.parametrize("said", [{"family_name": "", "given_name": "", "birth_date": None}, {"birth_date": None}])
async def test_a_message_that_says_less_of_the_same_patient_ends_no_question(
    house: House, register: Register, said: dict[str, Any]
) -> None:
    encounter_id = await arrive(house)
    await arrive(house, trigger=TriggerEvent.UPDATE, minutes=1, **said)
    await trace(house, register)
    assert (await encounter_of(house, encounter_id)).nhs_number == CHILD


@pytest.mark.parametrize("reason", [CouldNotCheckReason.INVALID_NUMBER, CouldNotCheckReason.AMBIGUOUS_NUMBER])
async def test_a_number_that_was_given_and_is_wrong_is_not_overruled(house: House, reason: CouldNotCheckReason) -> None:
    seen = check(number=None)
    seen = replace(seen, identity=replace(seen.identity, no_number=reason))
    reply = await house.desk.ask(seen)
    assert isinstance(reply.outcome, CouldNotCheck)
    assert reply.outcome.encounter_id
    assert want_of(seen, await encounter_of(house, reply.outcome.encounter_id)) is None


async def test_who_has_left_or_never_came_is_not_asked_about_anew(house: House) -> None:
    seen = check(number=None)
    encounter = await encounter_of(house, await arrive(house))
    want = want_of(seen, encounter)
    assert want is not None
    assert want.asks
    for state in (EncounterState.CLOSED, EncounterState.CANCELLED, EncounterState.EXPIRED):
        assert want_of(seen, replace(encounter, state=state)) is None


# What comes of it


async def test_a_unique_match_finds_the_flag_and_tells_the_authority_once(house: House, register: Register) -> None:
    await house.flag()
    encounter_id = await arrive(house)
    assert await house.value("SELECT count(*) FROM alerts") == 0
    assert await trace(house, register) == 1
    encounter = await encounter_of(house, encounter_id)
    assert (encounter.nhs_number, encounter.flagged, encounter.could_not_check) == (CHILD, True, None)
    assert await house.rows("SELECT reason, authority_code, encounter_id FROM alerts") == [("late-identity", "301", encounter_id)]
    looks = "SELECT outcome, in_history, actor_kind, organisation FROM accesses WHERE trigger_event = 'update-person'"
    assert await house.rows(looks) == [("flagged", True, "service", "R0A")]
    assert house.nudged
    assert await trace(house, register) == 0
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_what_was_said_is_forgotten_with_the_answer_and_that_it_was_asked_is_written_down(
    house: House, register: Register
) -> None:
    encounter_id = await arrive(house)
    assert await house.value(REMOVED) == 1
    await trace(house, register)
    assert await house.rows("SELECT details, outcome FROM trace_wants") == [(None, "verified")]
    audit = "SELECT subject_id, detail FROM audit_events WHERE action = 'trace.find'"
    assert await house.rows(audit) == [(str(encounter_id), {"outcome": "verified", "purpose": "direct-care"})]


async def test_a_child_of_whom_nothing_is_held_is_checked_and_no_longer_unchecked(house: House, register: Register) -> None:
    encounter_id = await arrive(house)
    await trace(house, register)
    encounter = await encounter_of(house, encounter_id)
    assert (encounter.nhs_number, encounter.flagged, encounter.could_not_check) == (CHILD, False, None)
    assert await house.value("SELECT count(*) FROM accesses WHERE outcome = 'none-known'") == 1


@pytest.mark.parametrize("code", ["R", "V"])
async def test_a_sensitive_patient_is_checked_as_well(house: House, register: Register, code: str) -> None:
    register.stand_in.people = [replace(ADA, confidentiality=code)]
    await house.flag(sensitive=True)
    await arrive(house)
    await trace(house, register)
    assert await house.value("SELECT count(*) FROM alerts") == 1


TWO = [ADA, replace(ADA, number=OTHER_CHILD)]


@pytest.mark.parametrize(
    "people,outcome",
    [
        ([], "not-found"),
        (TWO, "not-unique"),
        ([replace(ADA, given=("Isla",))], "not-found"),
        ([replace(ADA, invalid=True)], "not-found"),
        ([replace(ADA, died_on=date(2020, 1, 1))], "deceased"),
    ],
    ids=["nobody", "two", "another", "adopted", "dead"],
)
async def test_without_a_unique_match_it_stays_unchecked_and_says_so(
    house: House, register: Register, people: list[Registered], outcome: str
) -> None:
    register.stand_in.people = people
    await house.flag()
    encounter_id = await arrive(house)
    await trace(house, register)
    encounter = await encounter_of(house, encounter_id)
    assert (encounter.nhs_number, encounter.could_not_check) == (None, "no-nhs-number")
    assert await house.value("SELECT count(*) FROM alerts") == 0
    async with house.database.transaction() as transaction:
        assert await read_outcomes(transaction, [encounter_id]) == {encounter_id: outcome}
    assert await house.value(REMOVED) == 0


async def test_details_that_differ_from_the_flags_are_said_beside_it(house: House, register: Register) -> None:
    await house.flag(family_name="Lowe")
    encounter_id = await arrive(house)
    await trace(house, register)
    encounter = await encounter_of(house, encounter_id)
    assert (encounter.flagged, encounter.cautions) == (True, "details-differ")


@pytest.mark.parametrize(
    "traced,number,word",
    [
        (Verified(CHILD, compared=True), CHILD, "verified"),
        (Verified(CHILD, compared=False), None, "verified"),
        (Verified(CHILD, compared=True, deceased=True), None, "deceased"),
        (Superseded(CHILD, compared=True), CHILD, "superseded"),
        (Superseded(CHILD, compared=False), None, "superseded"),
        (Invalidated(), None, "invalidated"),
        (NotFound(), None, "not-found"),
        (NotUnique(), None, "not-unique"),
        (DetailsDiffer((Detail.BIRTH_DATE,)), None, "details-differ"),
        (NotVerified(NotVerifiedReason.UNVERIFIED), None, "unverified"),
    ],
)
def test_only_a_verified_number_with_the_same_details_is_used(traced: Traced, number: NhsNumber | None, word: str) -> None:
    assert (number_to_use(traced), outcome_word(traced)) == (number, word)


# What the hospital says meanwhile


async def test_a_number_that_came_over_hl7_wins(house: House, register: Register) -> None:
    await house.flag()
    encounter_id = await arrive(house)
    await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.UPDATE, minutes=1)
    assert await trace(house, register) == 0
    assert (await encounter_of(house, encounter_id)).nhs_number == UNKNOWN_CHILD
    assert await house.rows("SELECT details, outcome FROM trace_wants") == [(None, "number-came")]
    assert not register.stand_in.asked


async def test_a_number_that_comes_while_pds_is_asked_wins_too(house: House) -> None:
    await house.flag()
    encounter_id = await arrive(house)

    async def number_comes() -> None:
        await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.UPDATE, minutes=1)

    await trace(house, Answers(Verified(CHILD, compared=True), before=number_comes))
    assert (await encounter_of(house, encounter_id)).nhs_number == UNKNOWN_CHILD
    assert await house.value("SELECT count(*) FROM alerts") == 0
    await trace(house, Answers())
    assert await house.value(REMOVED) == 0


async def test_a_trace_outruns_no_message_of_the_hospitals(house: House, register: Register) -> None:
    """The discharge happened before the trace was answered, and comes after it: it is no late message."""
    encounter_id = await arrive(house)
    await trace(house, register)
    before = await encounter_of(house, encounter_id)
    assert before.last_event_at == SEEN_AT
    await house.ask(number=None, trigger=TriggerEvent.DISCHARGE, minutes=1)
    after = await encounter_of(house, encounter_id)
    assert (after.state, after.nhs_number) == (EncounterState.CLOSED, CHILD)


async def test_a_child_who_has_left_meanwhile_is_told_of_all_the_same(house: House, register: Register) -> None:
    await house.flag()
    await arrive(house)
    await house.ask(number=None, trigger=TriggerEvent.DISCHARGE, minutes=5, left_before_seen=True)
    await trace(house, register)
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_an_arrival_that_was_cancelled_is_not_asked_about(house: House, register: Register) -> None:
    await house.flag()
    await arrive(house)
    await house.ask(number=None, trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    assert await trace(house, register) == 0
    assert await house.rows("SELECT details, outcome FROM trace_wants") == [(None, "not-needed")]


async def test_the_same_details_are_asked_about_once_and_others_again(house: House, register: Register) -> None:
    await arrive(house, family_name="Nobody")
    await trace(house, register)
    await arrive(house, family_name="Nobody", trigger=TriggerEvent.UPDATE, minutes=1)
    assert await trace(house, register) == 0
    encounter_id = await arrive(house, trigger=TriggerEvent.UPDATE, minutes=2)
    assert await trace(house, register) == 1
    assert (await encounter_of(house, encounter_id)).nhs_number == CHILD


async def test_other_details_that_come_while_pds_is_asked_are_asked_about_next(house: House, register: Register) -> None:
    encounter_id = await arrive(house, family_name="Nobody")

    async def details_come() -> None:
        await arrive(house, trigger=TriggerEvent.UPDATE, minutes=1)

    await trace(house, Answers(Verified(OTHER_CHILD, compared=True), before=details_come))
    assert (await encounter_of(house, encounter_id)).nhs_number is None
    await trace(house, register)
    assert (await encounter_of(house, encounter_id)).nhs_number == CHILD


# When PDS is away


@pytest.mark.parametrize(
    "reason",
    [
        NotVerifiedReason.UNAVAILABLE,
        NotVerifiedReason.RATE_LIMITED,
        NotVerifiedReason.CIRCUIT_OPEN,
        NotVerifiedReason.REFUSED,
    ],
)
async def test_what_may_pass_later_is_asked_again(house: House, register: Register, reason: NotVerifiedReason) -> None:
    encounter_id = await arrive(house)
    await trace(house, Answers(NotVerified(reason, 3_000.0)))
    assert await trace(house, register) == 0, "not before the time that PDS named"
    async with house.database.transaction() as transaction:
        assert await read_outcomes(transaction, [encounter_id]) == {encounter_id: None}
        assert await oldest_wanted(transaction) is not None
    await house.rows("UPDATE trace_wants SET due_at = now() RETURNING attempts")
    await trace(house, register)
    assert (await encounter_of(house, encounter_id)).nhs_number == CHILD
    async with house.database.transaction() as transaction:
        assert await oldest_wanted(transaction) is None


async def test_without_pds_everything_works_and_nothing_that_was_said_is_kept(house: House) -> None:
    encounter_id = await arrive(house)
    assert await trace(house, NoTrace()) == 1
    assert await house.rows("SELECT details, outcome FROM trace_wants") == [(None, "not-configured")]
    assert (await encounter_of(house, encounter_id)).could_not_check == "no-nhs-number"


async def test_a_process_that_dies_loses_nothing(house: House, register: Register) -> None:
    encounter_id = await arrive(house)
    async with house.database.transaction() as transaction:
        assert len(await claim_wants(transaction, 10)) == 1
    assert await trace(house, register) == 0, "its lease still runs"
    await house.rows("UPDATE trace_wants SET due_at = now() - interval '1 second' RETURNING attempts")
    await trace(house, register)
    assert (await encounter_of(house, encounter_id)).nhs_number == CHILD


async def test_a_desk_that_is_full_or_away_is_asked_again(house: House) -> None:
    await arrive(house)
    desk = type(house.desk)(house.database, house.directory, KEY, queue=0)
    await trace_due(house.database, house.directory, desk, Answers(Verified(CHILD, compared=True)))
    assert await house.rows("SELECT attempts, outcome FROM trace_wants") == [(1, None)]


async def test_two_processes_share_the_work(house: House, register: Register) -> None:
    people = [replace(ADA, number=number, given=(f"Ada {number[-4:]}",)) for number in (CHILD, OTHER_CHILD, UNKNOWN_CHILD)]
    register.stand_in.people = people
    for position, person in enumerate(people):
        await arrive(house, visit_number=f"V{position}", given_name=person.given[0], local=f"L{position}")
    async with open_trace(register.access()) as pds:
        rounds = (trace_due(house.database, house.directory, house.desk, pds) for _ in range(2))
        assert sum(await asyncio.gather(*rounds)) == 3
    assert len(register.stand_in.asked) == 3
    numbers = await house.rows("SELECT nhs_number FROM encounters ORDER BY encounter_key")
    assert [number for (number,) in numbers] == [CHILD, OTHER_CHILD, UNKNOWN_CHILD]


# The process


async def test_the_dispatchers_process_traces_by_itself(house: House, register: Register, tmp_path: Path) -> None:
    await house.flag()
    encounter_id = await arrive(house)
    async with tracing(house, pds_settings(register, tmp_path)) as nudged:
        while (await encounter_of(house, encounter_id)).nhs_number is None:  # noqa: ASYNC110 (a row sets no event)
            await asyncio.sleep(0.02)
        await asyncio.wait_for(nudged.wait(), 60)
    assert await house.value("SELECT count(*) FROM alerts") == 1


@pytest.mark.parametrize("change", [{"pds_url": ""}, {"pds_url": "http://pds.example/FHIR"}, {"pds_private_key_file": "/nowhere"}])
async def test_settings_that_must_not_be_used_trace_nobody_and_stop_no_process(
    house: House, register: Register, tmp_path: Path, change: dict[str, str]
) -> None:
    await arrive(house)
    async with tracing(house, pds_settings(register, tmp_path).model_copy(update=change)):
        while await house.value(REMOVED):  # noqa: ASYNC110 (a row sets no event)
            await asyncio.sleep(0.02)
    assert await house.rows("SELECT outcome FROM trace_wants") == [("not-configured",)]
    assert not register.stand_in.asked


@asynccontextmanager
async def tracing(house: House, settings: Settings) -> AsyncIterator[asyncio.Event]:
    """The worker of the dispatcher's process until the block ends; the event says that the dispatcher was nudged."""
    nudged = asyncio.Event()
    worker = asyncio.create_task(keep_tracing(house.database, DirectoryReader(house.database), settings, KEY, nudged.set))
    try:
        yield nudged
        assert not worker.done(), worker.exception()
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


def pds_settings(register: Register, folder: Path) -> Settings:
    access, key = register.access(), folder / "key.pem"
    key.write_bytes(rsa_key().as_pem(private=True))
    return Settings(
        pds_url=access.url, pds_token_url=access.token_url, pds_api_key=SecretStr(access.api_key), pds_key_id=access.key_id,
        pds_private_key_file=str(key),
    )  # fmt: skip


# How long it is kept


async def test_after_a_day_what_was_said_is_gone_answer_or_none(house: House) -> None:
    await arrive(house, visit_number="OLD", local="1")
    await arrive(house, visit_number="NEW", local="2", family_name="Other")
    old = "UPDATE trace_wants SET wanted_at = now() - %s::interval WHERE details ->> 'family' = %s RETURNING true"
    await house.rows(old, timedelta(hours=24, minutes=1), "Example")
    await house.rows(old, timedelta(hours=23, minutes=59), "Other")
    await keep_house(house.database, 30)
    assert sorted(await house.rows("SELECT details IS NULL, outcome FROM trace_wants"), key=str) == [
        (False, None),
        (True, "expired"),
    ]


async def test_a_want_goes_with_its_encounter(house: House) -> None:
    await arrive(house)
    await house.rows("DELETE FROM encounters RETURNING id")
    assert await house.value("SELECT count(*) FROM trace_wants") == 0


async def test_nothing_that_was_said_can_stand_beside_an_outcome(house: House) -> None:
    await arrive(house)
    with pytest.raises(psycopg.errors.CheckViolation):
        await house.rows("UPDATE trace_wants SET outcome = 'verified' RETURNING true")


# By hand


async def test_by_hand_without_a_number_and_without_details_is_refused(house: House) -> None:
    with pytest.raises(InvalidInput):
        await trace_by_hand(house.database, KEY, NoTrace(), OPERATOR, Purpose.SUPPORT)


@pytest.mark.parametrize(
    "number,told,traced,action",
    [
        (CHILD, None, Verified(CHILD, compared=False), "trace.verify"),
        (CHILD, Demographics("Example", BORN, "Ada"), Verified(CHILD, compared=True), "trace.verify"),
        (OTHER_CHILD, None, NotFound(), "trace.verify"),
        (None, Demographics("Example", BORN, "Ada"), Verified(CHILD, compared=True), "trace.find"),
        (None, Demographics("Other", BORN, "Ada"), NotFound(), "trace.find"),
    ],
)
async def test_a_trace_by_hand_is_audited_with_its_purpose_and_no_number(
    house: House, register: Register, number: NhsNumber | None, told: Demographics | None, traced: Traced, action: str
) -> None:
    async with open_trace(register.access()) as pds:
        assert await trace_by_hand(house.database, KEY, pds, OPERATOR, Purpose.SUPPORT, number, told) == traced
    [(written, actor, subject, detail)] = await house.rows(
        "SELECT action, actor_id, subject_id, detail FROM audit_events WHERE action LIKE 'trace.%%'"
    )
    assert (written, actor, detail) == (action, "test", {"outcome": outcome_word(traced), "purpose": "support"})
    assert "999000" not in subject
    assert bool(subject) is (number is not None or isinstance(traced, Verified))
