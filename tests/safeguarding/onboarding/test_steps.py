"""A step is refused with what is missing, waits for a second person where one is needed, and is audited."""

import io
from datetime import timedelta

import pytest

from domain.errors import Conflict, InvalidInput, NotFound
from domain.extract import Declaration
from domain.flag import FlagKind
from flags_store.authorities import update_authority
from flags_store.authority_details import Superseded
from runtime.clock import now
from safeguarding.extracts.loading import load_extract
from safeguarding.extracts.work import read_work
from safeguarding.onboarding.agreements import end_agreement, list_agreements
from safeguarding.onboarding.checking import PhoneKind, TotalsDiffer, agree_totals, record_phone_test
from safeguarding.onboarding.facts import AuthorityFacts
from safeguarding.onboarding.reading import read_facts
from safeguarding.onboarding.states import Party, PartyKind, State
from safeguarding.onboarding.steps import ConditionsMissing, Moved, move, withdraw
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row
from tests.safeguarding.house import House
from tests.safeguarding.onboarding.road import AUTHORITY, DORA, IGGY, SITE, make_production, make_ready, put, today

PARTIES = pytest.mark.parametrize("party", [AUTHORITY, SITE], ids=str)


@pytest.fixture
def production(fresh_database: FreshDatabase, house: House) -> House:
    make_production(fresh_database)
    return house


async def step(house: House, party: Party, state: State, actor: object = IGGY) -> Moved:
    async with house.database.transaction() as transaction:
        return await move(transaction, actor, party, state)  # type: ignore[arg-type]


async def state_of(house: House, party: Party) -> State:
    async with house.database.transaction() as transaction:
        return (await read_facts(transaction, party)).state


# What is refused


@pytest.mark.parametrize(
    "party,titles",
    [
        (
            AUTHORITY,
            (
                "Agreement in force", "Mailbox of the data officers", "Office phone rung", "Emergency duty phone rung",
                "First extract loaded", "At least 95% of the records accepted", "Control totals agreed",
            ),
        ),
        (
            SITE,
            (
                "Agreement in force", "Safeguarding team’s phone rung", "Its system registered by certificate",
                "Messages heard within a day", "Fewer than 1% of its arrivals fit no rule",
            ),
        ),
    ],
    ids=["authority", "site"],
)  # fmt: skip
async def test_going_live_in_production_is_refused_with_all_that_is_missing(
    production: House, party: Party, titles: tuple[str, ...]
) -> None:
    await put(production, party, "trial")
    with pytest.raises(ConditionsMissing) as refused:
        await step(production, party, State.LIVE)
    assert refused.value.missing == titles
    assert all(title in str(refused.value) for title in titles)
    assert await state_of(production, party) is State.TRIAL
    assert await production.rows("SELECT 1 FROM state_requests") == []


@PARTIES
async def test_even_the_trial_needs_an_agreement_in_production(production: House, party: Party) -> None:
    await put(production, party, "setting-up")
    with pytest.raises(ConditionsMissing, match="Agreement in force"):
        await step(production, party, State.TRIAL)


@PARTIES
async def test_no_step_is_skipped_in_production(production: House, party: Party) -> None:
    await put(production, party, "setting-up")
    with pytest.raises(Conflict, match="setting-up: from there it can be trial"):
        await step(production, party, State.LIVE)
    with pytest.raises(Conflict, match="setting-up already"):
        await step(production, party, State.SETTING_UP)


@pytest.mark.parametrize("party", [Party(PartyKind.AUTHORITY, "399"), Party(PartyKind.SITE, "R0Z99")], ids=str)
async def test_a_party_that_is_not_there_moves_nowhere(house: House, party: Party) -> None:
    with pytest.raises(NotFound, match=f"there is no {party}"):
        await step(house, party, State.LIVE)


@PARTIES
async def test_whoever_asks_cannot_confirm_and_nothing_changes_until_somebody_else_does(production: House, party: Party) -> None:
    await make_ready(production, party)
    assert await step(production, party, State.LIVE) is Moved.ASKED
    with pytest.raises(Conflict, match="somebody else must confirm"):
        await step(production, party, State.LIVE)
    await put(production, party, "live")
    with pytest.raises(Conflict, match=r"Iggy Marlowe asked that .* be live"):
        await step(production, party, State.TRIAL, DORA)
    assert await production.rows("SELECT decision FROM state_requests") == [(None,)]


@PARTIES
async def test_what_is_no_longer_met_when_it_is_confirmed_is_refused(production: House, party: Party) -> None:
    await make_ready(production, party)
    await step(production, party, State.LIVE)
    async with production.database.transaction() as transaction:
        [held] = await list_agreements(transaction)
        await end_agreement(transaction, IGGY, held.id, today() - timedelta(days=1), "Replaced")
    with pytest.raises(ConditionsMissing, match="Agreement in force"):
        await step(production, party, State.LIVE, DORA)


async def test_a_phone_that_changed_after_it_was_rung_must_be_rung_again(production: House) -> None:
    await make_ready(production, AUTHORITY)
    async with production.database.transaction() as transaction:
        await update_authority(transaction, IGGY, "301", emergency_phone="01632 960777")
    with pytest.raises(ConditionsMissing) as refused:
        await step(production, AUTHORITY, State.LIVE)
    assert refused.value.missing == ("Emergency duty phone rung",)


# The good case


@PARTIES
async def test_two_people_take_it_live_and_each_step_is_audited(production: House, party: Party) -> None:
    await make_ready(production, party)
    assert await step(production, party, State.LIVE) is Moved.ASKED
    assert await state_of(production, party) is State.TRIAL
    assert await step(production, party, State.LIVE, DORA) is Moved.DONE
    assert await state_of(production, party) is State.LIVE
    kind = party.kind.value
    assert await production.rows(
        "SELECT action, actor_name FROM audit_events WHERE subject_type = %s AND action = ANY(%s) ORDER BY id",
        kind,
        [f"{kind}.ask", f"{kind}.confirmed", f"{kind}.live"],
    ) == [(f"{kind}.ask", "Iggy Marlowe"), (f"{kind}.confirmed", "Dora Lindqvist"), (f"{kind}.live", "Dora Lindqvist")]


@PARTIES
async def test_pausing_waits_for_nobody_and_hiding_again_waits_for_a_second_person(production: House, party: Party) -> None:
    await make_ready(production, party)
    await put(production, party, "live")
    assert await step(production, party, State.PAUSED) is Moved.DONE
    assert await step(production, party, State.TRIAL) is Moved.ASKED
    assert await state_of(production, party) is State.PAUSED
    assert await step(production, party, State.TRIAL, DORA) is Moved.DONE
    assert await state_of(production, party) is State.TRIAL
    assert await step(production, party, State.SETTING_UP) is Moved.DONE


@PARTIES
async def test_what_was_asked_for_can_be_taken_back_by_anybody(production: House, party: Party) -> None:
    await make_ready(production, party)
    await step(production, party, State.LIVE)
    async with production.database.transaction() as transaction:
        await withdraw(transaction, DORA, party)
    with pytest.raises(NotFound, match="nobody has asked"):
        async with production.database.transaction() as transaction:
            await withdraw(transaction, DORA, party)
    assert await step(production, party, State.LIVE, DORA) is Moved.ASKED, "the first word counts no more"


@PARTIES
async def test_a_test_store_shows_the_conditions_and_does_at_once_what_it_is_told(house: House, party: Party) -> None:
    for state in (State.SETTING_UP, State.LIVE, State.PAUSED, State.LIVE):
        assert await step(house, party, state) is Moved.DONE
        assert await state_of(house, party) is state


# What people try and compare


@pytest.mark.parametrize(
    "party,which,said",
    [
        (AUTHORITY, PhoneKind.SAFEGUARDING, "has no safeguarding phone: choose"),
        (SITE, PhoneKind.OFFICE, "has no office phone: choose"),
        (Party(PartyKind.SITE, "R0A02"), PhoneKind.SAFEGUARDING, "set it first"),
    ],
)
async def test_a_phone_that_is_not_there_was_not_rung(house: House, party: Party, which: PhoneKind, said: str) -> None:
    await house.rows("UPDATE sites SET safeguarding_phone = '' WHERE ods_code = 'R0A02' RETURNING 1")
    with pytest.raises(InvalidInput, match=said):
        async with house.database.transaction() as transaction:
            await record_phone_test(transaction, IGGY, party, which)


async def test_a_phone_was_not_rung_in_the_future(house: House) -> None:
    with pytest.raises(InvalidInput, match="in the future"):
        async with house.database.transaction() as transaction:
            await record_phone_test(transaction, IGGY, AUTHORITY, PhoneKind.OFFICE, now() + timedelta(minutes=1))


async def test_totals_that_differ_are_refused_by_kind_and_those_that_agree_are_on_record(house: House) -> None:
    async with house.database.transaction() as transaction:
        with pytest.raises(InvalidInput, match="has loaded no extract"):
            await agree_totals(transaction, DORA, "301", {FlagKind.CPP: 1})
    await house.flag()
    await house.flag(kind="LAC")
    await house.flag("9990000026", end_date=today() - timedelta(days=1))
    async with house.database.transaction() as transaction:
        with pytest.raises(InvalidInput, match="declares no counts"):
            await agree_totals(transaction, DORA, "301")
    async with house.database.transaction() as transaction:
        with pytest.raises(TotalsDiffer, match=r"CPP: the authority has 2, here are 1\Z"):
            await agree_totals(transaction, DORA, "301", {FlagKind.CPP: 2, FlagKind.LAC: 1})
    await house.rows("""UPDATE extracts SET declared = '{"CPP": 1, "LAC": 1}' RETURNING 1""")
    async with house.database.transaction() as transaction:
        assert await agree_totals(transaction, DORA, "301") == "1 CPP, 1 LAC, 0 UCPP"
    [(value, by, extract)] = await house.rows("SELECT value, checked_by, extract_id FROM onboarding_checks")
    assert (value, by) == ("1 CPP, 1 LAC, 0 UCPP", "Dora Lindqvist")
    assert extract is not None


async def test_the_matched_share_is_the_one_on_the_data_officers_first_page(house: House) -> None:
    for number, basis in zip(numbers(3), ("traced", "superseded", "differs"), strict=True):
        flag = await house.flag(number)
        await house.rows("UPDATE flags SET match_basis = %s WHERE id = %s RETURNING 1", basis, flag)
    await house.flag(kind="LAC")
    await house.rows(
        """
        INSERT INTO rejected_records (authority_code, last_extract_id, record_key, content_hash, line, field, code, reason, record)
        SELECT '301', id, %s, %s, 7, 'nhs_number', 'bad-nhs-number', 'x', '{}' FROM extracts LIMIT 1 RETURNING 1
        """,
        b"k" * 32,
        b"h" * 32,
    )
    authority = (await house.directory.current()).authorities["301"]
    async with house.database.transaction() as transaction:
        facts = await read_facts(transaction, AUTHORITY)
        work = await read_work(transaction, authority)
    assert isinstance(facts, AuthorityFacts)
    assert facts.matched == work.matched_share == 0.5


async def test_an_authority_with_a_successor_loads_no_extract_and_is_told_whose_it_is(house: House) -> None:
    async with house.database.transaction() as transaction:
        await update_authority(transaction, IGGY, "301", successor_code="302")
    with pytest.raises(Superseded, match="301 has been succeeded by 302, Birchford: load the extract for 302"):
        await load_extract(house.database, DORA, "301", io.BytesIO(a_file(row())), Declaration(now()))
    assert await house.rows("SELECT 1 FROM extracts") == []
