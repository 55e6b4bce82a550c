"""Reconciling: what is held of one person, and what an extract says of them, become actions and refusals. Pure.

`deciding` passes in the plans that this authority holds about the person and the extract's records; `intake` writes what comes out.
A plan is known by authority, person, kind and start date. A record that is missing never ends anything.
Source: docs/facts.md, section 4 ("each record is an upsert with an explicit end and an explicit delete").
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from domain.flag import FlagKind
from domain.names import same_name
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.record import ExtractRecord, RowError, to_row_error

Plan = tuple[FlagKind, date]


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """One plan as this authority's extracts have left it; `deleted_on` says that it was recorded in error."""

    flag_id: UUID
    kind: FlagKind
    start_date: date
    end_date: date | None = None
    deleted_on: date | None = None
    expected_delivery_date: date | None = None
    local_id: str = ""
    plan_id: str = ""


class Change(StrEnum):
    """What a record does to what is held."""

    OPEN = "open"
    AMEND = "amend"
    END = "end"
    DELETE = "delete"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Action:
    """One accepted record and what it does. `held` is None where the plan is new."""

    change: Change
    record: ExtractRecord
    held: HeldPlan | None = None

    @property
    def frees(self) -> bool:
        """Whether the plan covers fewer days afterwards: such actions go first."""
        return self.change is Change.DELETE or (self.held is not None and _is_shorter(self.record, self.held))


@dataclass(slots=True)
class Reconciled:
    """What becomes of one person's records: each is either in an action or in a refusal."""

    actions: list[Action] = field(default_factory=list)
    refusals: list[RowError] = field(default_factory=list)

    def add(self, outcome: Action | RowError) -> None:
        if isinstance(outcome, Action):
            self.actions.append(outcome)
        else:
            self.refusals.append(outcome)


def reconcile(held: Iterable[HeldPlan], records: Sequence[ExtractRecord], today: date) -> Reconciled:
    """Decide on all records of one person in one extract, together.

    Deletes and shortened plans are applied first, so that one file can correct what stands in its own way; then the others
    in the order of their start dates. Applied twice, the second time changes nothing.
    """
    result = Reconciled()
    standing = _Standing(held)
    for said in sorted(_by_plan(_plausible(records, today, result), result), key=lambda said: standing.turn(said[-1])):
        *repeats, record = said
        outcome = standing.take(record)
        result.add(outcome)
        for repeat in repeats:
            result.add(Action(Change.UNCHANGED, repeat) if isinstance(outcome, Action) else standing.take(repeat))
    return result


def _plausible(records: Sequence[ExtractRecord], today: date, result: Reconciled) -> list[ExtractRecord]:
    if len({record.birth_date for record in records}) > 1:
        result.refusals += [to_row_error(record, "birth_date", RecordCode.TWO_PEOPLE) for record in records]
        return []
    if _are_two_children(records):
        result.refusals += [to_row_error(record, "nhs_number", RecordCode.TWO_PEOPLE) for record in records]
        return []
    plausible = []
    for record in records:
        refusal = _refusal_of_today(record, today)
        if refusal is None:
            plausible.append(record)
        else:
            result.refusals.append(refusal)
    return plausible


def _are_two_children(records: Sequence[ExtractRecord]) -> bool:
    """Twins have one birth date and often one plan: who has another id and another given name is another child."""
    said = {(each.local_id, each.given_name) for each in records if each.delete_date is None and each.kind is not FlagKind.UCPP}
    whole = [(local_id, name) for local_id, name in said if local_id and name]
    return any(one != other and not same_name(name, another) for one, name in whole for other, another in whole)


def _refusal_of_today(record: ExtractRecord, today: date) -> RowError | None:
    if record.delete_date:
        is_future = record.delete_date > today
        return to_row_error(record, "delete_date", RecordCode.DELETE_IN_FUTURE) if is_future else None
    if record.birth_date > today:
        return to_row_error(record, "birth_date", RecordCode.BIRTH_IN_FUTURE)
    if record.start_date > today:
        return to_row_error(record, "start_date", RecordCode.START_IN_FUTURE)
    return None


def _by_plan(records: list[ExtractRecord], result: Reconciled) -> list[list[ExtractRecord]]:
    """The records of each plan, of which the last one counts; those that contradict each other are refused."""
    by_plan: dict[Plan, list[ExtractRecord]] = defaultdict(list)
    for record in records:
        by_plan[_plan_of(record)].append(record)
    agreeing = []
    for same in by_plan.values():
        if len({(each.end_date, each.delete_date, each.expected_delivery_date) for each in same}) == 1:
            agreeing.append(same)
        else:
            result.refusals += [_contradiction(each, same) for each in same]
    return agreeing


def _contradiction(record: ExtractRecord, same: list[ExtractRecord]) -> RowError:
    said = (record.end_date, record.delete_date, record.expected_delivery_date)
    other = next(o for o in same if (o.end_date, o.delete_date, o.expected_delivery_date) != said)
    return to_row_error(record, "start_date", RecordCode.CONTRADICTION, other=other.line)


class _Standing:
    """The person's plans as they stand while the records are taken, one after the other."""

    def __init__(self, held: Iterable[HeldPlan]) -> None:
        self._held = {(plan.kind, plan.start_date): plan for plan in held}
        self._ends = {plan: each.end_date for plan, each in self._held.items() if each.deleted_on is None}

    def turn(self, record: ExtractRecord) -> tuple[int, date, FlagKind]:
        """Deletes first, then what becomes shorter, then the others; each by start date."""
        held = self._held.get(_plan_of(record))
        rank = 0 if record.delete_date else 1 if held and _is_shorter(record, held) else 2
        return rank, record.start_date, record.kind

    def take(self, record: ExtractRecord) -> Action | RowError:
        """What the record does, done; or why it cannot."""
        return self._delete(record) if record.delete_date else self._put(record)

    def _delete(self, record: ExtractRecord) -> Action | RowError:
        held = self._held.get(_plan_of(record))
        if held is None:
            return to_row_error(record, "delete_date", RecordCode.NOT_HELD, kind=record.kind)
        self._ends.pop(_plan_of(record), None)
        return Action(Change.UNCHANGED if held.deleted_on else Change.DELETE, record, held)

    def _put(self, record: ExtractRecord) -> Action | RowError:
        in_the_way = self._in_the_way(record)
        if in_the_way:
            return to_row_error(record, "start_date", RecordCode.OVERLAP, kind=record.kind, start=in_the_way)
        self._ends[_plan_of(record)] = record.end_date
        held = self._held.get(_plan_of(record))
        return Action(_change_of(record, held), record, held)

    def _in_the_way(self, record: ExtractRecord) -> date | None:
        """The start of another plan of the same kind that covers a day of this one. A plan may begin as another ends."""
        for (kind, start), end in self._ends.items():
            is_other = kind is record.kind and start != record.start_date
            if is_other and _overlap(record.start_date, record.end_date, start, end):
                return start
        return None


def _change_of(record: ExtractRecord, held: HeldPlan | None) -> Change:
    if held is None:
        return Change.OPEN
    if held.deleted_on is None and held.end_date is None and record.end_date:
        return Change.END
    said = (record.end_date, None, record.expected_delivery_date, record.local_id, record.extras.plan_id or held.plan_id)
    known = (held.end_date, held.deleted_on, held.expected_delivery_date, held.local_id, held.plan_id)
    return Change.UNCHANGED if said == known else Change.AMEND


def _overlap(one_start: date, one_end: date | None, other_start: date, other_end: date | None) -> bool:
    """As PostgreSQL's daterange(start, end) && daterange(start, end), which the exclusion constraint on flags uses."""
    if one_start == one_end or other_start == other_end:
        return False
    return (one_end is None or other_start < one_end) and (other_end is None or one_start < other_end)


def _is_shorter(record: ExtractRecord, held: HeldPlan) -> bool:
    if held.deleted_on or record.end_date is None:
        return False
    return held.end_date is None or record.end_date < held.end_date


def _plan_of(record: ExtractRecord) -> Plan:
    return record.kind, record.start_date
