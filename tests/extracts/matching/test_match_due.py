"""After the loads: everybody with a plan is asked about once, and again from time to time; what the register says is followed."""

import asyncio
from datetime import timedelta

import pytest

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from domain.trace import (
    Confidentiality,
    Demographics,
    Detail,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NoTrace,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Trace,
    Traced,
    Verified,
)
from nightlight.processes.matching import keep_matching
from runtime.clock import england_day, now
from runtime.settings import Settings
from safeguarding.extracts.rematching import match_due
from tests.extracts.files import a_file
from tests.extracts.matching.people import ADA, BEA, CAL, DOT, EVE, GUS, NEWER, NOBODY, Answering, child
from tests.extracts.store import TUESDAY, Store

WEEK = timedelta(days=7)
BASIS = "SELECT match_basis FROM flags"


async def loaded(store: Store, *numbers: NhsNumber, authority: str = "301") -> None:
    """Loaded without PDS."""
    await store.load(a_file(*(child(number) for number in numbers)), authority=authority)


async def again(store: Store, traces: Trace | Traced, *, days: int = 8) -> int:
    """So many days later."""
    await store.rows("UPDATE person_matches SET due_at = due_at - make_interval(days => %s) RETURNING 1", days)
    return await match_due(store.database, Answering(lambda *_: traces) if isinstance(traces, Traced) else traces, again=WEEK)


async def bases(store: Store) -> dict[str, str]:
    return dict(await store.rows("SELECT nhs_number, match_basis FROM flags JOIN persons ON persons.id = person_id"))


async def test_who_was_loaded_without_being_asked_about_is_asked_about_afterwards(store: Store, pds: Trace) -> None:
    await loaded(store, ADA, BEA, CAL, GUS, NOBODY)
    assert set((await bases(store)).values()) == {"check-digit"}
    assert await match_due(store.database, pds, again=WEEK) == 5
    assert await bases(store) == {ADA: "traced", BEA: "differs", CAL: "superseded", GUS: "traced", NOBODY: "not-found"}
    assert await match_due(store.database, pds, again=WEEK) == 0, "once"


async def test_everybody_is_asked_about_again_after_a_week_and_not_before(store: Store) -> None:
    await loaded(store, ADA)
    register = Answering(lambda *_: Verified(ADA, compared=True))
    await match_due(store.database, register, again=WEEK)
    assert await again(store, register, days=6) == 0
    assert await again(store, register, days=1) == 1
    assert len(register.asked) == 2


@pytest.mark.parametrize(
    "traced,basis",
    [
        (NotFound(), MatchBasis.NOT_FOUND),
        (DetailsDiffer((Detail.FAMILY_NAME,)), MatchBasis.DIFFERS),
        (Superseded(NEWER, compared=True), MatchBasis.SUPERSEDED),
        (Verified(ADA, compared=True), MatchBasis.TRACED),
    ],
    ids=str,
)
async def test_what_the_register_says_now_stands_with_the_plan(store: Store, traced: Traced, basis: MatchBasis) -> None:
    await loaded(store, ADA)
    await again(store, Verified(ADA, compared=True))
    await again(store, traced)
    assert await store.value(BASIS) == basis
    assert await store.value("SELECT count(*) FROM flags WHERE withdrawn_at IS NULL AND deleted_on IS NULL") == 1, (
        "it goes on showing"
    )


@pytest.mark.parametrize("reason", NotVerifiedReason)
async def test_where_nobody_can_say_what_was_known_stays_and_it_is_asked_again(store: Store, reason: NotVerifiedReason) -> None:
    await loaded(store, ADA)
    await again(store, DetailsDiffer((Detail.FAMILY_NAME,)))
    await again(store, NotVerified(reason, 60))
    assert await store.value(BASIS) == "differs"
    assert await again(store, Verified(ADA, compared=True)) == 1
    assert await store.value(BASIS) == "traced"


async def test_a_doubt_about_a_plan_that_is_held_is_work_until_the_register_agrees(store: Store) -> None:
    await loaded(store, ADA)
    await again(store, DetailsDiffer((Detail.BIRTH_DATE,)))
    rows = await store.rows("SELECT state, code, field, reason FROM rejected_records")
    words = "PDS, the national register, holds another date of birth under this NHS number. Check the number, too."
    assert rows == [("open", "pds-differs", "birth_date", words)]
    await again(store, Verified(ADA, compared=True))
    assert await store.value("SELECT state FROM rejected_records") == "accepted"


async def test_a_number_that_was_superseded_gets_its_alias_and_its_authority_a_notice(store: Store) -> None:
    await store.rows("UPDATE authorities SET mesh_mailbox = 'AMBER001' WHERE code = '301' RETURNING code")
    await loaded(store, CAL)
    await again(store, Superseded(NEWER, compared=True))
    await again(store, Superseded(NEWER, compared=True))
    rows = await store.rows("SELECT value, relation, direction, source, ended_at FROM person_aliases")
    assert rows == [(NEWER, "superseded", "successor", "PDS", None)]
    assert await store.rows("SELECT authority_code, kind, detail ->> 'reason' FROM mesh_outbox") == [
        ("301", "inactive-nhs-number", "superseded")
    ]


async def test_a_number_that_became_invalid_is_withdrawn_and_sealed_for_all_and_never_asked_about_again(store: Store) -> None:
    await store.rows("UPDATE authorities SET mesh_mailbox = 'AMBER' || code RETURNING code")
    for authority in ("301", "302"):
        await loaded(store, EVE, authority=authority)
    before = await store.rows("SELECT code, flags_version FROM authorities ORDER BY code")
    assert await again(store, Invalidated()) == 2
    assert await store.value("SELECT count(*) FROM flags WHERE withdrawn_at IS NULL") == 0
    assert await store.rows("SELECT sealed_reason FROM persons") == [("invalidated",)]
    assert await again(store, Verified(EVE, compared=True)) == 0
    told = await store.rows("SELECT authority_code, detail ->> 'reason' FROM mesh_outbox ORDER BY 1")
    assert told == [("301", "invalidated"), ("302", "invalidated")]
    after = await store.rows("SELECT code, flags_version FROM authorities ORDER BY code")
    assert all(one > other for (_, one), (_, other) in zip(after, before, strict=True)), "a load that was planned before plans anew"


@pytest.mark.parametrize(
    "traced", [Verified(DOT, True, Confidentiality.RESTRICTED), DetailsDiffer((), Confidentiality.VERY_RESTRICTED)]
)
async def test_who_is_restricted_since_is_masked_and_never_unmasked(store: Store, traced: Traced) -> None:
    await loaded(store, DOT)
    await again(store, traced)
    assert await store.value("SELECT sensitive FROM persons")
    await again(store, Verified(DOT, compared=True))
    assert await store.value("SELECT sensitive FROM persons")
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'person.mask'") == 1


async def test_whose_plans_are_shown_no_longer_is_not_asked_about(store: Store) -> None:
    await store.load(a_file(child(ADA, end_date="2025-01-08"), child(BEA, delete_date="2025-02-01", start_date="2025-01-07")))
    await store.rows("UPDATE flags SET end_date = %s RETURNING id", england_day(now()) - timedelta(days=400))
    register = Answering()
    assert await match_due(store.database, register) == 0
    assert register.asked == []


async def test_what_is_told_meanwhile_counts_and_not_what_was_asked_with(store: Store) -> None:
    await loaded(store, ADA)

    def answer(*_: object) -> Traced:
        return DetailsDiffer((Detail.FAMILY_NAME,))

    class Slow(Answering):
        async def verify(self, number: NhsNumber, told: Demographics | None = None) -> Traced:
            await store.rows("UPDATE person_matches SET family_name = 'Mended' RETURNING 1")
            return await super().verify(number, told)

    await match_due(store.database, Slow(answer))
    assert await store.value(BASIS) == "check-digit"
    assert await store.value("SELECT matched_at FROM person_matches") is None


async def test_two_loaders_ask_about_nobody_twice(store: Store) -> None:
    await loaded(store, *(ADA, BEA, CAL, DOT))
    await match_due(store.database, Answering(lambda *_: NotVerified(NotVerifiedReason.UNAVAILABLE)))
    await store.rows("UPDATE person_matches SET due_at = now() - interval '1 minute' RETURNING 1")
    registers = [Answering(lambda *_: Verified(ADA, compared=True)) for _ in range(2)]
    await asyncio.gather(*(match_due(store.database, each, again=WEEK) for each in registers))
    assert sorted(number for each in registers for number, _ in each.asked) == sorted((ADA, BEA, CAL, DOT))


async def test_each_question_and_its_verdict_is_audited_without_a_name(store: Store) -> None:
    await loaded(store, ADA)
    await again(store, Verified(ADA, compared=True))
    await again(store, NotFound())
    rows = await store.rows("SELECT detail ->> 'outcome', actor_id FROM audit_events WHERE action = 'person.match' ORDER BY id")
    assert rows == [("traced", "nightlight"), ("not-in-pds", "nightlight")]
    [(text,)] = await store.rows("SELECT string_agg(detail::text, '') FROM audit_events WHERE action LIKE '%%match%%'")
    assert ADA not in text
    assert "Ada" not in text


async def test_what_a_load_opens_on_a_number_that_was_sealed_meanwhile_is_withdrawn(store: Store) -> None:
    await loaded(store, EVE)
    await store.rows("UPDATE persons SET sealed_at = now(), sealed_reason = 'adopted' RETURNING id")
    await match_due(store.database, Answering())
    assert await store.value("SELECT withdrawn_at IS NOT NULL FROM flags")


async def test_the_loader_goes_on_asking_by_itself(store: Store) -> None:
    await loaded(store, ADA)
    task = asyncio.create_task(keep_matching(store.database, Settings(), Answering(lambda *_: Verified(ADA, compared=True))))
    while await store.value(BASIS) == "check-digit":  # noqa: ASYNC110 (the loop tells nobody)
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.value(BASIS) == "traced"


async def test_where_no_pds_is_configured_nobody_is_claimed(store: Store) -> None:
    await loaded(store, ADA)
    task = asyncio.create_task(keep_matching(store.database, Settings(), NoTrace()))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.value("SELECT count(*) FROM person_matches") == 0


async def test_a_newer_extract_that_says_the_same_does_not_hide_a_doubt(store: Store) -> None:
    await loaded(store, ADA)
    await again(store, NotFound())
    await store.load(a_file(child(ADA)), TUESDAY)
    assert await store.value(BASIS) == "not-found"
