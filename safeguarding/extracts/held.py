"""A second person decides: held endings are released or refused, a surge of openings is confirmed or taken back.

`api.held` and `nightlight extract held` call it. What is released, and what is taken back, goes through the pipeline like any other
record, so it is reconciled with what is held by then. Source: docs/facts.md, section 4 ("shrink guard"); docs/adr/0032.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput
from domain.extract import Cause
from flags_store.extracts.held_decisions import (
    begin_release,
    check_releasing,
    decide_surge,
    end_release,
    give_release_up,
    lock_surge,
    refuse_held,
    rows_to_take_back,
)
from flags_store.extracts.held_views import (
    HeldExtract,
    HeldRow,
    OpenedRow,
    Sender,
    SurgeOfOpenings,
    list_held,
    list_surges,
    read_held,
    read_openings,
)
from runtime.audit import record_audit
from runtime.clock import england_day, now
from runtime.database import Database, Transaction
from safeguarding.extracts.loading import load_rows
from safeguarding.extracts.mending import LoadRows
from safeguarding.extracts.second_person import SamePerson, check_second_person

__all__ = [
    "HeldExtract", "HeldRow", "OpenedRow", "Released", "SamePerson", "Sender", "SurgeOfOpenings", "Waiting", "confirm_surge",
    "open_held", "open_surge", "read_waiting", "refuse", "release", "take_back_surge",
]  # fmt: skip

SHORTEST_REASON = 5
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a second person, by extract, longest waiting first. It names nobody but the senders."""

    held: Sequence[HeldExtract]
    surges: Sequence[SurgeOfOpenings]

    def held_of(self, extract_id: UUID) -> HeldExtract | None:
        """What is held of one extract, or None."""
        return next((each for each in self.held if each.extract_id == extract_id), None)

    def surge_of(self, extract_id: UUID) -> SurgeOfOpenings | None:
        """The surge of one extract, or None."""
        return next((each for each in self.surges if each.extract_id == extract_id), None)


@dataclass(frozen=True, slots=True)
class Released:
    """What came of a release: records that are applied, and records that did not fit what is held any more."""

    applied: int
    rejected: int


async def read_waiting(transaction: Transaction, authority_code: str) -> Waiting:
    """What waits of one authority."""
    return Waiting(await list_held(transaction, authority_code), await list_surges(transaction, authority_code))


async def open_held(
    transaction: Transaction, actor: Actor, authority_code: str, extract_id: UUID, *, limit: int, offset: int = 0
) -> Sequence[HeldRow]:
    """Whom the held records of one extract are about; that they were looked at is on record. Empty where nothing waits."""
    rows = await read_held(transaction, authority_code, extract_id, limit=limit, offset=offset)
    if rows:
        await record_audit(transaction, actor, "held.open", "extract", str(extract_id), shown=len(rows))
    return rows


async def open_surge(
    transaction: Transaction, actor: Actor, authority_code: str, extract_id: UUID, *, limit: int, offset: int = 0
) -> Sequence[OpenedRow]:
    """Whom the openings of a surge are about; that they were looked at is on record."""
    rows = await read_openings(transaction, authority_code, extract_id, limit=limit, offset=offset)
    if rows:
        await record_audit(transaction, actor, "surge.open", "extract", str(extract_id), shown=len(rows))
    return rows


async def release(
    database: Database, actor: Actor, authority_code: str, extract_id: UUID, *, named: str = "", load: LoadRows = load_rows
) -> Released:
    """Apply all that is held of the extract. `named`: the data officer for whom an operator acts.

    Raises NotFound (nothing waits), Conflict (somebody else is at it, or a newer extract was quicker), NotAllowed
    (`check_second_person`), and what `load_rows` raises: then nothing was applied, and it waits as before.
    """
    async with database.transaction() as transaction:
        begun = await begin_release(transaction, authority_code, extract_id)
        by = await check_second_person(transaction, actor, begun.sender, named)
        await record_audit(
            transaction, actor, "held.release", "extract", str(extract_id),
            records=len(begun.ids), by=by, sent_by=begun.sender.name,
        )  # fmt: skip
    try:
        still = partial(check_releasing, ids=begun.ids)
        await load(database, actor, authority_code, begun.rows, cause=Cause.RELEASED, at=begun.extracted_at, first=still)
    except BaseException:
        async with database.transaction() as transaction:
            await give_release_up(transaction, begun.ids)
        raise
    async with database.transaction() as transaction:
        rejected = await end_release(transaction, begun.ids, by)
    return Released(len(begun.ids) - rejected, rejected)


async def refuse(
    transaction: Transaction, actor: Actor, authority_code: str, extract_id: UUID, reason: str, *, named: str = ""
) -> None:
    """Apply nothing that is held of the extract, ever; every plan of it stays as it is. Should a later extract say the same, that
    is judged anew.

    Raises as `release`, and InvalidInput without a reason.
    """
    reason = checked_reason(reason)
    begun = await begin_release(transaction, authority_code, extract_id)
    by = await check_second_person(transaction, actor, begun.sender, named)
    await refuse_held(transaction, begun.ids, by, reason)
    await record_audit(
        transaction, actor, "held.refuse", "extract", str(extract_id),
        records=len(begun.ids), by=by, sent_by=begun.sender.name,
    )  # fmt: skip


async def confirm_surge(transaction: Transaction, actor: Actor, authority_code: str, extract_id: UUID, *, named: str = "") -> None:
    """The openings are right. Raises NotFound, NotAllowed."""
    sender = await lock_surge(transaction, authority_code, extract_id)
    by = await check_second_person(transaction, actor, sender, named)
    await decide_surge(transaction, extract_id, "confirmed", by, "")
    await record_audit(transaction, actor, "surge.confirm", "extract", str(extract_id), by=by, sent_by=sender.name)


async def take_back_surge(
    database: Database,
    actor: Actor,
    authority_code: str,
    extract_id: UUID,
    reason: str,
    *,
    named: str = "",
    load: LoadRows = load_rows,
) -> int:
    """The openings were a mistake: each that still stands is recorded in error from today. How many were taken back.

    Raises NotFound, NotAllowed, InvalidInput without a reason, what `load_rows` raises (then the surge waits as before), and
    Conflict where the pipeline refused some of them.
    """
    reason = checked_reason(reason)
    async with database.transaction() as transaction:
        sender = await lock_surge(transaction, authority_code, extract_id)
        by = await check_second_person(transaction, actor, sender, named)
        rows = await rows_to_take_back(transaction, extract_id, england_day(now()))
        await record_audit(
            transaction, actor, "surge.take-back", "extract", str(extract_id), records=len(rows), by=by, sent_by=sender.name
        )
    report = await load(database, actor, authority_code, rows, cause=Cause.RELEASED) if rows else None
    if report is not None and report.rejected:
        raise Conflict(f"{report.rejected} of these plans could not be taken back: they stand among the rejected records")
    async with database.transaction() as transaction:
        await decide_surge(transaction, extract_id, "taken-back", by, reason)
    return len(rows)


def checked_reason(reason: str) -> str:
    """The reason without spaces around it. Raises InvalidInput where it is too short or too long."""
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise InvalidInput(f"say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
    return reason
