"""Who is asked about in a load, at which pace and for how long, and what of it is remembered."""

from datetime import timedelta

import pytest

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from domain.trace import (
    Demographics,
    Detail,
    DetailsDiffer,
    NotFound,
    NoTrace,
    NotVerified,
    NotVerifiedReason,
    Trace,
    Traced,
    Verified,
)
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.matched import NOT_ASKED, Match
from flags_store.extracts.stage import Stage
from safeguarding.extracts.matching import AT_ONCE, keep_matches, match_stage
from tests.extracts.files import a_file, numbers
from tests.extracts.matching.people import ADA, BEA, BORN, CAL, DOT, EVE, FAY, GUS, NEWER, NOBODY, Answering, child, staged
from tests.extracts.store import OFFICER, Store

TRACED = Match(MatchBasis.TRACED, asked=True)


def agree(number: NhsNumber, told: Demographics) -> Verified:
    return Verified(number, compared=True)


async def matched(store: Store, traces: Trace, *rows: str, patience: timedelta = timedelta(minutes=10)) -> dict[NhsNumber, Match]:
    """Match a stage, and remember it as if it had been applied."""
    with staged(*rows) as stage:
        await match_stage(store.database, traces, "301", stage, patience=patience)
        await keep_matches(store.database, OFFICER, "301", stage)
        return found(stage)


def found(stage: Stage) -> dict[NhsNumber, Match]:
    return {each.nhs_number: stage.match_of(each.nhs_number) for each in stage.people()}


async def test_each_person_is_matched_with_the_register_of_the_stand_in(store: Store, pds: Trace) -> None:
    people = [child(number) for number in (ADA, BEA, CAL, DOT, EVE, FAY, GUS, NOBODY)]
    assert await matched(store, pds, *people) == {
        ADA: TRACED,
        BEA: Match(MatchBasis.DIFFERS, RecordCode.PDS_DIFFERS, details="family name", asked=True),
        CAL: Match(MatchBasis.SUPERSEDED, successor=NEWER, note=NoteCode.SUPERSEDED, asked=True),
        DOT: Match(MatchBasis.TRACED, sensitive=True, note=NoteCode.RESTRICTED, asked=True),
        EVE: Match(MatchBasis.NOT_FOUND, RecordCode.INVALIDATED, invalidated=True, asked=True),
        FAY: Match(MatchBasis.TRACED, note=NoteCode.DECEASED, asked=True),
        GUS: Match(MatchBasis.TRACED, note=NoteCode.SPELLING, asked=True),
        NOBODY: Match(MatchBasis.NOT_FOUND, RecordCode.NOT_IN_PDS, asked=True),
    }


async def test_without_pds_nobody_is_refused_and_nothing_is_remembered(store: Store) -> None:
    assert await matched(store, NoTrace(), child(ADA)) == {ADA: NOT_ASKED}
    assert await store.value("SELECT count(*) FROM person_matches") == 0


async def test_without_pds_what_was_known_of_other_details_lapses_all_the_same(store: Store) -> None:
    await store.load(a_file(child(ADA)))
    await matched(store, Answering(agree), child(ADA))
    assert await matched(store, NoTrace(), child(ADA)) == {ADA: Match(MatchBasis.TRACED)}
    assert await matched(store, NoTrace(), child(ADA, family_name="Else")) == {ADA: Match(lapsed=True)}


async def test_a_person_with_several_records_is_asked_about_once(store: Store) -> None:
    register = Answering(agree)
    assert await matched(store, register, child(ADA), child(ADA, kind="LAC")) == {ADA: TRACED}
    assert len(register.asked) == 1


async def test_several_are_asked_about_at_once_and_never_more_than_that(store: Store) -> None:
    register = Answering(agree)
    await matched(store, register, *(child(number) for number in numbers(3 * AT_ONCE)))
    assert len(register.asked) == 3 * AT_ONCE
    assert register.most_at_once == AT_ONCE


async def test_who_was_matched_by_the_same_details_is_not_asked_about_again_and_keeps_the_basis(store: Store) -> None:
    register = Answering(agree)
    await store.load(a_file(child(ADA)))
    await matched(store, register, child(ADA))
    assert await matched(store, register, child(ADA, kind="LAC", local_id="A2")) == {ADA: Match(MatchBasis.TRACED)}
    assert register.asked == [(ADA, Demographics("Example", BORN, "Ada"))]


@pytest.mark.parametrize(
    "changes", [{"family_name": "Exampel"}, {"given_name": "Adah"}, {"birth_date": "2018-06-05"}], ids=lambda each: next(iter(each))
)
async def test_who_is_told_of_otherwise_is_asked_about_again(store: Store, changes: dict[str, str]) -> None:
    register = Answering(agree)
    await store.load(a_file(child(ADA)))
    await matched(store, register, child(ADA))
    await matched(store, register, child(ADA, **changes))
    assert len(register.asked) == 2


async def test_whom_the_register_contradicted_is_asked_about_again_with_each_extract(store: Store) -> None:
    register = Answering(lambda *_: DetailsDiffer((Detail.BIRTH_DATE,)))
    await store.load(a_file(child(ADA)))
    await matched(store, register, child(ADA))
    register.answer = agree
    assert await matched(store, register, child(ADA)) == {ADA: TRACED}


async def test_what_another_authority_told_of_a_person_says_nothing_of_this_ones_details(store: Store) -> None:
    register = Answering(agree)
    for authority in ("301", "302"):
        await store.load(a_file(child(ADA)), authority=authority)
    await matched(store, register, child(ADA))
    with staged(child(ADA)) as stage:
        await match_stage(store.database, register, "302", stage)
    assert len(register.asked) == 2


@pytest.mark.parametrize("reason", [each for each in NotVerifiedReason if each is not NotVerifiedReason.RATE_LIMITED])
async def test_where_nobody_can_say_what_was_known_of_the_same_details_stays(store: Store, reason: NotVerifiedReason) -> None:
    register = Answering(lambda *_: NotFound())
    await store.load(a_file(child(ADA)))
    await matched(store, register, child(ADA))
    register.answer = lambda *_: NotVerified(reason)
    assert await matched(store, register, child(ADA)) == {ADA: Match(MatchBasis.NOT_FOUND)}


async def test_what_was_known_of_other_details_lapses_where_nobody_can_say(store: Store) -> None:
    register = Answering(agree)
    await store.load(a_file(child(ADA)))
    await matched(store, register, child(ADA))
    assert await store.value("SELECT match_basis FROM flags") == "traced"
    register.answer = lambda *_: NotVerified(NotVerifiedReason.UNAVAILABLE)
    assert await matched(store, register, child(ADA, family_name="Else")) == {ADA: Match(lapsed=True)}
    assert await store.value("SELECT match_basis FROM flags") == "check-digit"
    assert await store.rows("SELECT family_name, due_at <= now() FROM person_matches") == [("Else", True)]


async def test_a_register_that_is_away_keeps_no_extract_waiting(store: Store) -> None:
    register = Answering(lambda *_: NotVerified(NotVerifiedReason.UNAVAILABLE))
    matches = await matched(store, register, *(child(number) for number in numbers(100)))
    assert set(matches.values()) == {NOT_ASKED}
    assert len(register.asked) < 3 * AT_ONCE


async def test_a_register_that_is_busy_is_waited_for_as_long_as_it_says(store: Store) -> None:
    answers: list[Traced] = [NotVerified(NotVerifiedReason.RATE_LIMITED, 0.01), Verified(ADA, compared=True)]
    register = Answering(lambda *_: answers.pop(0))
    assert await matched(store, register, child(ADA)) == {ADA: TRACED}


async def test_no_load_waits_longer_for_a_busy_register_than_it_has_time(store: Store) -> None:
    register = Answering(lambda *_: NotVerified(NotVerifiedReason.RATE_LIMITED, 300))
    assert await matched(store, register, child(ADA), patience=timedelta(seconds=0.05)) == {ADA: NOT_ASKED}


async def test_who_is_left_when_the_time_is_over_loads_unverified(store: Store) -> None:
    register = Answering(agree)
    assert await matched(store, register, child(ADA), patience=timedelta(0)) == {ADA: NOT_ASKED}
    assert register.asked == []


async def test_progress_counts_every_person(store: Store) -> None:
    told: list[int] = []
    with staged(*(child(number) for number in numbers(3))) as stage:
        asked = await match_stage(store.database, Answering(agree), "301", stage, told.append)
    assert (asked, told) == (3, [3])


async def test_each_question_is_audited_with_its_verdict_and_without_a_name(store: Store) -> None:
    await store.load(a_file(child(ADA), child(BEA)))
    await matched(
        store, Answering(lambda number, told: agree(number, told) if number == ADA else NotFound()), child(ADA), child(BEA)
    )
    rows = await store.rows("SELECT detail FROM audit_events WHERE action = 'person.match' ORDER BY detail ->> 'outcome'")
    assert rows == [({"outcome": "not-in-pds"},), ({"outcome": "traced"},)]


async def test_whoever_the_register_restricts_is_masked_although_the_plan_was_sent_openly(store: Store, pds: Trace) -> None:
    await store.load(a_file(child(DOT)))
    await matched(store, pds, child(DOT))
    assert await store.value("SELECT sensitive FROM persons")


async def test_of_whom_nobody_is_held_nothing_is_kept(store: Store, pds: Trace) -> None:
    await matched(store, pds, child(ADA), child(NOBODY))
    assert await store.value("SELECT count(*) FROM person_matches") == 0
    assert await store.value("SELECT count(*) FROM persons") == 0
