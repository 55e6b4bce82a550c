"""Tracing: who came without an NHS number is asked of PDS after the desk has answered, and checked once there is one.

`nightlight.processes.tracing` calls `trace_due` for ever, in the dispatcher's process; `nightlight trace` calls `trace_by_hand`.
The desk itself never waits for PDS (docs/architecture.md, "Who owns the commit"). Source: docs/facts.md, section 3.
"""

import asyncio
import random
from datetime import timedelta

from alerts.retry import jittered
from domain.actor import Actor, ActorKind, Purpose
from domain.encounter import Identity, TriggerEvent
from domain.errors import InvalidInput, NightlightError
from domain.nhs_number import NhsNumber
from domain.trace import (
    Demographics,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    Superseded,
    Trace,
    Traced,
    Verified,
)
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Database
from runtime.logs import get_logger
from runtime.secret import number_hash
from safeguarding.check import Check
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from safeguarding.trace_wants import Claimed, claim_wants, end_needless, end_want, is_still_wanted, postpone_want

BATCH = 8
_JUST_BEFORE = timedelta(microseconds=1)

log = get_logger()


async def trace_due(database: Database, directory: DirectoryReader, desk: Desk, trace: Trace) -> int:
    """One round: ask PDS for those that are due, and the desk for whoever was found. Returns how many were asked for.

    Several processes may do it at once. Raises CouldNotReachStore and psycopg errors; what was claimed then is asked again once
    its lease has run out.
    """
    async with database.transaction() as transaction:
        await end_needless(transaction)
        claimed = await claim_wants(transaction, BATCH)
    ended = await asyncio.gather(*(_trace(database, directory, desk, trace, each) for each in claimed), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return len(claimed)


async def _trace(database: Database, directory: DirectoryReader, desk: Desk, trace: Trace, claimed: Claimed) -> None:
    traced = await trace.find(claimed.want.told)
    if isinstance(traced, NotVerified) and traced.reason.is_temporary:
        return await _postpone(database, claimed, traced.retry_after or 0.0)
    number = number_to_use(traced)
    if number is not None:
        async with database.transaction() as transaction:
            if not await is_still_wanted(transaction, claimed):
                return None
        try:
            await desk.ask(await _check(directory, claimed, number))
        except NightlightError:
            return await _postpone(database, claimed, 0.0)
    await _end(database, claimed, outcome_word(traced))
    return None


async def _check(directory: DirectoryReader, claimed: Claimed, number: NhsNumber) -> Check:
    """What the desk is asked: an update of the person, as the hospital itself might send it (ADT^A31).

    It is older than what the encounter had last, so that it only fills the gap and outruns no message of the hospital's.
    """
    want, site = claimed.want, (await directory.current()).sites.get(claimed.site)
    told = want.told
    return Check(
        actor=Actor(ActorKind.SERVICE, "nightlight", "Nightlight, by a trace", site.organisation_code if site else claimed.site),
        purpose=Purpose.DIRECT_CARE,
        trigger=TriggerEvent.UPDATE_PERSON,
        identity=Identity(number, family_name=told.family_name, given_name=told.given_name, birth_date=told.birth_date),
        site=claimed.site,
        care_setting=claimed.care_setting,
        at=now(),
        event_at=want.event_at - _JUST_BEFORE,
        encounter_id=want.encounter_id,
    )


async def _postpone(database: Database, claimed: Claimed, at_least: float) -> None:
    seconds = max(at_least, jittered(claimed.attempts, random.random()))  # noqa: S311 (it spreads attempts, and is no secret)
    async with database.transaction() as transaction:
        await postpone_want(transaction, claimed, seconds)
    log.info("trace postponed", encounter=str(claimed.want.encounter_id), attempt=claimed.attempts, seconds=round(seconds, 1))


async def _end(database: Database, claimed: Claimed, outcome: str) -> None:
    """What was said is forgotten, and that PDS was asked is written down, in one."""
    async with database.transaction() as transaction:
        if await end_want(transaction, claimed, outcome):
            actor = Actor(ActorKind.SERVICE, "nightlight", "Nightlight", "nightlight")
            encounter = str(claimed.want.encounter_id)
            purpose = Purpose.DIRECT_CARE.value
            await record_audit(transaction, actor, "trace.find", "encounter", encounter, outcome=outcome, purpose=purpose)
    log.info("trace ended", encounter=str(claimed.want.encounter_id), outcome=outcome)


def number_to_use(traced: Traced) -> NhsNumber | None:
    """The number that an encounter may be given: of a unique match whose details agree, and who is not known to have died."""
    if isinstance(traced, Verified | Superseded) and traced.compared and not traced.deceased:
        return traced.number if isinstance(traced, Verified) else traced.by
    return None


def outcome_word(traced: Traced) -> str:
    """What came of a trace, as it is written down: never a number or a name."""
    if isinstance(traced, NotVerified):
        return traced.reason.value
    if isinstance(traced, Verified | Superseded) and traced.deceased:
        return "deceased"
    return WORDS[type(traced)]


WORDS: dict[type[Traced], str] = {
    Verified: "verified",
    Superseded: "superseded",
    Invalidated: "invalidated",
    NotFound: "not-found",
    NotUnique: "not-unique",
    DetailsDiffer: "details-differ",
}


async def trace_by_hand(
    database: Database,
    key: bytes,
    trace: Trace,
    actor: Actor,
    purpose: Purpose,
    number: NhsNumber | None = None,
    told: Demographics | None = None,
) -> Traced:
    """Verify a number, or find one. That it was asked is on disk before anybody sees the answer, of the number only a keyed hash.

    Raises InvalidInput where neither a number nor details were given, and CouldNotReachStore where it cannot be written down.
    """
    if number is not None:
        traced, action = await trace.verify(number, told), "trace.verify"
    elif told is not None:
        traced, action = await trace.find(told), "trace.find"
    else:
        raise InvalidInput("give an NHS number, or a family name and a date of birth")
    asked = number or (traced.number if isinstance(traced, Verified) else None)
    subject = number_hash(key, asked).hex() if asked else ""
    async with database.transaction() as transaction:
        await record_audit(transaction, actor, action, "trace", subject, outcome=outcome_word(traced), purpose=purpose.value)
    return traced
