"""Intake: the plan of an extract is written, all of it in one transaction, with an audit event for each change.

`safeguarding.extracts.loading` calls it. Persons are touched in the order of their numbers and never by their keys, so that neither
the desk nor another authority's load waits long, or in a circle. Source: docs/facts.md, section 4; docs/adr/0031.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from domain.errors import Conflict
from domain.extract import Cause, FileFormat, Scope
from domain.nhs_number import NhsNumber
from flags_store.extracts.codes import NoteCode
from flags_store.extracts.flags_version import advance_flags_version, read_flags_version
from flags_store.extracts.guard import Judgement
from flags_store.extracts.held import hold, note_surge, settle_waiting
from flags_store.extracts.in_thread import each_in_thread, in_thread
from flags_store.extracts.intake_flags import close_unborn, doubt_flags, reopen_unborn, write_flags
from flags_store.extracts.intake_persons import Held, read_held, write_persons
from flags_store.extracts.loads import Load, finish
from flags_store.extracts.missing import Named, mark_missing, mark_named, named_by
from flags_store.extracts.notes import Counted, differing_counts, record_notes
from flags_store.extracts.plan import Part, Plan
from flags_store.extracts.reconcile import Change
from flags_store.extracts.record import Note, RowError
from flags_store.extracts.rejects import record_accepted, record_rejects, record_unsent
from flags_store.extracts.responses import keep_response
from flags_store.extracts.stage import Stage
from flags_store.identity import record_successor, seal_person
from flags_store.placements import replace_placements
from runtime.clock import now
from runtime.database import Connection

APPLY_AT_ONCE = 2_000
LONGEST, LOCK_TIMEOUT = "15min", "3s"
PDS = "PDS"


class FlagsChanged(Conflict):
    """Somebody else has changed flags of this authority since the extract was planned: it has to be planned anew."""


@dataclass(frozen=True, slots=True)
class Intake:
    """A load and what is to become of it: its stage and plan, as of which version of the flags, and how the guard judged it."""

    load: Load
    stage: Stage
    plan: Plan
    today: date
    flags_version: int
    judgement: Judgement
    open_plans: int


async def apply(transaction: Connection, intake: Intake, on_applied: Callable[[int], None]) -> None:
    """Write everything that the load brings, and finish it. `on_applied` is told how many records are behind it.

    Raises FlagsChanged and LoadTakenOver, after which nothing of this transaction may stay. psycopg's DeadlockDetected and
    LockNotAvailable mean that the same again will pass.
    """
    load = intake.load
    await transaction.execute(_TAKE_TIME, (LONGEST, LOCK_TIMEOUT))
    if await read_flags_version(transaction, load.authority_code) != intake.flags_version:
        raise FlagsChanged("the flags of this authority have changed meanwhile")
    notes = Counted()
    done, named = await _reject(transaction, intake, on_applied)
    successors: dict[NhsNumber, NhsNumber] = {}
    async for part in each_in_thread(intake.plan.parts(APPLY_AT_ONCE)):
        await _apply_part(transaction, intake, part, notes)
        successors |= {number: match.successor for number, match in part.matches.items() if match.successor}
        done += len(part.actions)
        on_applied(done)
    await reopen_unborn(transaction, load)
    closed = await close_unborn(transaction, load)
    notes.add(Note(NoteCode.UNBORN_CLOSED) for _ in closed)
    await settle_waiting(transaction, load)
    await _hold(transaction, intake)
    missing = await _mark_missing(transaction, intake, named)
    await _bring_along(transaction, intake)
    await _note(transaction, intake, notes)
    for number, successor in sorted(successors.items()):  # last: a merge at a hospital waits for these rows
        await record_successor(transaction, load.actor, number, successor, PDS, now())
    changes, rejected, held = await in_thread(intake.plan.counts)
    await finish(transaction, load, changes, rejected=rejected, held=held, missing=missing)
    if not await advance_flags_version(transaction, load.authority_code, intake.flags_version):
        raise FlagsChanged("the flags of this authority have changed meanwhile")


# A whole extract takes longer than a desk's transaction ever may; it waits for a lock no longer than people would notice. A
# timeout that runs already is not lengthened: it has to be switched off first.
_TAKE_TIME: LiteralString = """
    SELECT set_config('transaction_timeout', '0', true), set_config('transaction_timeout', %s, true),
           set_config('idle_in_transaction_session_timeout', '2min', true), set_config('lock_timeout', %s, true)
"""


async def _reject(transaction: Connection, intake: Intake, on_applied: Callable[[int], None]) -> tuple[int, Named]:
    """Keep what is refused; how many records that is, and whom they name."""
    done, named = 0, Named()
    async for errors in each_in_thread(intake.stage.row_errors(APPLY_AT_ONCE)):
        await record_rejects(transaction, intake.load, errors)
        named = _together(named, errors) if intake.load.scope is Scope.FULL else named
        done += len(errors)
        on_applied(done)
    return done, named


def _together(named: Named, errors: list[RowError]) -> Named:
    more = named_by(errors)
    return Named(named.numbers | more.numbers, named.local_ids | more.local_ids, named.plan_ids | more.plan_ids)


async def _apply_part(transaction: Connection, intake: Intake, part: Part, notes: Counted) -> None:
    load = intake.load
    await doubt_flags(transaction, part.doubted)
    if part.actions:
        numbers = list(dict.fromkeys(action.record.nhs_number for action in part.actions))
        held = await read_held(transaction, load.authority_code, numbers)
        masked = {number for number, match in part.matches.items() if match.sensitive}
        _check_unsealed(held, part)
        person_ids = await write_persons(transaction, load, held, part.actions, masked)
        if not person_ids.keys() >= set(numbers):
            raise FlagsChanged("somebody was sealed meanwhile")
        bases = {number: match.basis for number, match in part.matches.items()}
        opened = await write_flags(transaction, load, person_ids, part.actions, bases)
        if intake.judgement.is_surge and opened:
            await note_surge(transaction, load, opened, intake.open_plans)
        await record_accepted(transaction, load, [action.record for action in part.actions])
    for number, reason in part.seals.items():
        if reason:
            await seal_person(transaction, load.actor, number, reason, now())
    notes.add(Note(match.note) for match in part.matches.values() if match.note)


def _check_unsealed(held: Held, part: Part) -> None:
    """Raises FlagsChanged where a person was sealed since the plan was made: no plan is opened or amended there any more."""
    for action in part.actions:
        known = held.get(action.record.nhs_number)
        if known and known.is_sealed and action.change in {Change.OPEN, Change.AMEND}:
            raise FlagsChanged("somebody was sealed meanwhile")


async def _hold(transaction: Connection, intake: Intake) -> None:
    async for actions in each_in_thread(intake.plan.held(APPLY_AT_ONCE)):
        await hold(transaction, intake.load, actions, intake.open_plans)


async def _mark_missing(transaction: Connection, intake: Intake, named: Named) -> int:
    """How many open plans a full snapshot did not name."""
    load = intake.load
    if load.cause is Cause.EXTRACT and load.scope is Scope.FULL and await _is_of_use(intake):
        return await mark_missing(transaction, load, named, intake.today)
    await mark_named(transaction, load)
    return 0


async def _is_of_use(intake: Intake) -> bool:
    """Whether any record of it is good: one of which none is says nothing about what it leaves out."""
    _, rejected, _ = await in_thread(intake.plan.counts)
    return intake.stage.records > rejected


async def _bring_along(transaction: Connection, intake: Intake) -> None:
    """What an extract has beside its plans: where children live, and the answer that its format asks for."""
    load, envelope = intake.load, intake.stage.envelope
    if load.cause is not Cause.EXTRACT or envelope is None:
        return
    is_of_use = await _is_of_use(intake)
    is_full = load.scope is Scope.FULL and is_of_use
    await replace_placements(transaction, load.authority_code, load.extract_id, intake.stage.placements(), all_of_them=is_full)
    if envelope.file_format is FileFormat.V3:
        await keep_response(transaction, load, envelope, intake.plan.outcomes())
    if is_of_use:
        await record_unsent(transaction, load)


async def _note(transaction: Connection, intake: Intake, notes: Counted) -> None:
    """Everything that is worth saying of it as a whole."""
    await in_thread(notes.add, intake.stage.notes())
    sequence = intake.stage.envelope.sequence_number if intake.stage.envelope else None
    if intake.load.expected_sequence is not None and sequence is not None:
        notes.add([Note(NoteCode.SEQUENCE_GAP, detail={"found": sequence, "expected": intake.load.expected_sequence})])
    notes.add(await differing_counts(transaction, intake.load))
    await record_notes(transaction, intake.load, notes)
