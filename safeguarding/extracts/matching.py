"""Matching, in a load: who is new in an extract, or told of otherwise than before, is asked of the national register (PDS).

`safeguarding.extracts.loading` calls `match_stage` before anything is reconciled, and `keep_matches` once all is applied. Who
is not asked about in time loads as "check digit only", and `rematching` asks later: a register that is away never keeps a child
from being known. Source: docs/facts.md, section 4 ("Matching"); docs/adr/0035.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from domain.actor import Actor
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from domain.trace import Demographics, NoTrace, NotVerified, NotVerifiedReason, Trace, Traced
from flags_store.extracts.in_thread import in_thread
from flags_store.extracts.matched import Match
from flags_store.extracts.record import ExtractRecord
from flags_store.extracts.stage import Stage
from flags_store.person_matches import Known, Learned, read_known, record_matches, tell_inactive, was_ever_matched
from runtime.database import Database
from safeguarding.extracts.match_verdicts import outcome_of, to_match

PATIENCE = timedelta(minutes=10)
AGAIN = timedelta(days=7)
AT_ONCE = 8
BATCH = 500
_MOST_FAILURES = AT_ONCE
"""So many questions without an answer in a row mean that nobody answers now."""

_SETTLED = frozenset({MatchBasis.TRACED, MatchBasis.CHECK_DIGIT})
"""What need not be asked again where the same is told. What is doubtful may have been mended there; of a number that changed, the
new one is to be told with each extract."""


@dataclass(slots=True)
class _Asking:
    """How the questions of one load go. `until`: monotonic seconds."""

    traces: Trace
    until: float
    failures: int = 0
    is_over: bool = False
    asked: int = 0
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def may_ask(self) -> bool:
        return not self.is_over and time.monotonic() < self.until


async def match_stage(
    database: Database,
    traces: Trace,
    authority_code: str,
    stage: Stage,
    on_progress: Callable[[int], None] = lambda _: None,
    *,
    patience: timedelta = PATIENCE,
) -> int:
    """Put into the stage what asking about its people comes to; how many were asked about. `on_progress`: people behind it.

    Asks about those who are new, told of otherwise than before, or doubtful, for `patience` at most, and ends sooner where nobody
    answers. What was known before of the same details stays. Raises CouldNotReachStore.
    """
    if isinstance(traces, NoTrace) and not await _was_ever_matched(database, authority_code):
        on_progress(0)
        return 0
    asking = _Asking(traces, time.monotonic() + patience.total_seconds())
    people = stage.people()
    done = 0
    while batch := await in_thread(_next, people):
        known = await _known(database, authority_code, batch)
        if asking.may_ask or known:
            await in_thread(stage.put_matches, await _match(asking, batch, known))
        done += len(batch)
        on_progress(done)
    return asking.asked


async def keep_matches(database: Database, actor: Actor, authority_code: str, stage: Stage, *, again: timedelta = AGAIN) -> None:
    """Remember what was told of whom and what the register said, with an audit event for each, once all is applied.

    The authority is told of numbers that are inactive.

    Should it not come to this, those people are asked about again.
    """
    people = stage.people()
    while batch := await in_thread(_next, people):
        learned = await in_thread(_learned, stage, batch)
        if learned:
            async with database.transaction() as transaction:
                await record_matches(transaction, actor, authority_code, learned, again)
                await tell_inactive(transaction, authority_code, learned)


def _next(people: Iterator[ExtractRecord]) -> list[ExtractRecord]:
    return list(islice(people, BATCH))


def _learned(stage: Stage, people: Sequence[ExtractRecord]) -> dict[NhsNumber, Learned]:
    found = ((record, stage.match_of(record.nhs_number)) for record in people)
    return {
        record.nhs_number: Learned(to_told(record), match, outcome_of(match), record.local_id)
        for record, match in found
        if match.asked or match.lapsed
    }


def to_told(record: ExtractRecord) -> Demographics:
    """What a record tells of its person."""
    return Demographics(record.family_name, record.birth_date, record.given_name)


async def _was_ever_matched(database: Database, authority_code: str) -> bool:
    async with database.transaction() as transaction:
        return await was_ever_matched(transaction, authority_code)


async def _known(database: Database, authority_code: str, people: Sequence[ExtractRecord]) -> dict[NhsNumber, Known]:
    async with database.transaction() as transaction:
        return await read_known(transaction, authority_code, [record.nhs_number for record in people])


async def _match(asking: _Asking, people: Sequence[ExtractRecord], known: Mapping[NhsNumber, Known]) -> dict[NhsNumber, Match]:
    matches: dict[NhsNumber, Match] = {}

    async def match_one(record: ExtractRecord, before: Known | None) -> None:
        traced = await _ask(asking, record)
        if traced is not None:
            match = to_match(traced, to_told(record))
            if match.asked:
                matches[record.nhs_number] = match
                return
        if before is not None:
            matches[record.nhs_number] = _as_before(before, record)

    async with asyncio.TaskGroup() as group:
        for record in people:
            before = known.get(record.nhs_number)
            if before and is_settled(before, record):
                matches[record.nhs_number] = Match(before.basis)
            else:
                group.create_task(match_one(record, before))
    return matches


def is_settled(known: Known, record: ExtractRecord) -> bool:
    """Whether nothing new is told of a person of whom the register has said all there is to say."""
    return known.matched_at is not None and known.basis in _SETTLED and known.told == to_told(record)


def _as_before(known: Known, record: ExtractRecord) -> Match:
    """Where nobody could say: what was known stays for the same details, and has lapsed for others."""
    return Match(known.basis) if known.told == to_told(record) else Match(lapsed=True)


async def _ask(asking: _Asking, record: ExtractRecord) -> Traced | None:
    """The register's answer, at its own pace; None where nobody is asked any more."""
    async with asking.room:
        while asking.may_ask:
            traced = await asking.traces.verify(record.nhs_number, to_told(record))
            if not isinstance(traced, NotVerified):
                asking.failures, asking.asked = 0, asking.asked + 1
                return traced
            if traced.reason is not NotVerifiedReason.RATE_LIMITED:
                _fail(asking, traced.reason)
                return traced
            left = asking.until - time.monotonic()
            await asyncio.sleep(max(0.0, min(traced.retry_after or 1.0, left)))
    return None


def _fail(asking: _Asking, reason: NotVerifiedReason) -> None:
    if reason is NotVerifiedReason.NOT_CONFIGURED:
        asking.is_over = True
    elif reason.is_temporary:
        asking.failures += 1
        asking.is_over = asking.failures >= _MOST_FAILURES
