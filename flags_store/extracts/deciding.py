"""Deciding about one person: what the records, the register and a sealed record together allow. Pure.

`planning` passes in what is held, what came and what asking PDS came to; the stage keeps what comes out until it is applied.
Source: docs/facts.md, sections 3 and 4 ("Matching", "Adoption"); docs/adr/0031.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from domain.nhs_number import NhsNumber
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.guard import is_replaced, losses
from flags_store.extracts.intake_persons import HeldPerson
from flags_store.extracts.matched import Match, to_refusal
from flags_store.extracts.reconcile import Action, Change, HeldPlan, reconcile
from flags_store.extracts.record import ExtractRecord, RowError, to_row_error

SealReason = Literal["", "invalidated", "adopted"]


@dataclass(slots=True)
class Decided:
    """What becomes of one person's records: each is in one action or one refusal.

    `lost`: the lines of actions that take a plan away, or need the days of one; they wait where the shrink guard says so.
    `doubted`: plans that go on showing with the basis of the match. `seal`: why the person's record is to be sealed.
    """

    number: NhsNumber
    actions: list[Action]
    refusals: list[RowError]
    lost: frozenset[int] = frozenset()
    doubted: list[HeldPlan] = field(default_factory=list)
    seal: SealReason = ""


def decide(known: HeldPerson | None, records: Sequence[ExtractRecord], match: Match, today: date) -> Decided:
    """Decide on all records of one person in one extract, together."""
    number = records[0].nhs_number
    if match.invalidated and match.refusal:
        return Decided(number, [], [to_refusal(each, match) for each in records], seal="invalidated")
    plans = known.plans if known else []
    result = reconcile(plans, records, today)
    decided = Decided(number, result.actions, result.refusals)
    if match.refusal:
        _doubt(decided, match, today)
    if known and known.is_sealed:
        _keep_sealed(decided)
    elif any(action.record.extras.adopted and action.record.end_date for action in decided.actions):
        decided.seal = "adopted"
    decided.lost = _lost(known, plans, decided, today)
    return decided


def _doubt(decided: Decided, match: Match, today: date) -> None:
    """Nothing is opened for a person whom the register contradicts; what is held may end, and shows its doubtful basis.

    A plan in whose place another would have opened stays too: else the child would be known by neither.
    """
    taken = [
        action
        for action in decided.actions
        if action.change in {Change.END, Change.DELETE}
        and (action.record.extras.adopted or not is_replaced(action, decided.actions, today))
    ]
    for action in decided.actions:
        if action in taken:
            continue
        decided.refusals.append(to_refusal(action.record, match))
        if action.held and action.held.deleted_on is None:
            decided.doubted.append(action.held)
    decided.actions = taken


def _keep_sealed(decided: Decided) -> None:
    """A sealed record takes no news but that a plan is over: who sends one that stands open hears that nobody is shown it."""
    kept = []
    for action in decided.actions:
        is_over = action.record.end_date or action.record.delete_date
        if action.change in {Change.OPEN, Change.AMEND} or not is_over:
            decided.refusals.append(to_row_error(action.record, "nhs_number", RecordCode.SEALED))
        else:
            kept.append(action)
    decided.actions = kept


def _lost(known: HeldPerson | None, plans: Sequence[HeldPlan], decided: Decided, today: date) -> frozenset[int]:
    """The lines that are held together, should the guard hold: without them, what is left fits by itself."""
    born = known.birth_date if known else None
    if not plans or all(_takes_nothing(action, born) for action in decided.actions):
        return frozenset()
    lost = {action.record.line for action in losses(decided.actions, born, today)}
    while lost and (in_the_way := _without(lost, plans, decided.actions, today)):
        lost |= in_the_way
    return frozenset(lost)


def _takes_nothing(action: Action, born: date | None) -> bool:
    """What most records are. Another birth date could make an adult of a child, whatever else it leaves as it is."""
    return action.change in {Change.OPEN, Change.UNCHANGED} and action.record.birth_date == born


def _without(lost: Iterable[int], plans: Sequence[HeldPlan], actions: Sequence[Action], today: date) -> set[int]:
    """Which of the other records could not be applied while these wait."""
    rest = [action.record for action in actions if action.record.line not in lost]
    return {refusal.line for refusal in reconcile(plans, rest, today).refusals}
