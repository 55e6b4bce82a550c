"""The shrink guard: whether so many endings, or so many openings, are likely to be a mistake of the export. Pure.

`intake` sums up what an extract would take away (`losses`) and asks `judge` before anything is written; what is held goes to
`held`, and a surge is noted there. Source: docs/facts.md, section 4 ("shrink guard"); docs/adr/0032.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from domain.flag import Flag, FlagKind, Standing
from domain.nhs_number import NhsNumber
from flags_store.extracts.reconcile import Action, Change
from flags_store.extracts.record import ExtractRecord

ALWAYS_MAY_END = 2
"""So many plans may end at once in every authority, however small."""
FEW_ENDINGS = 5
"""So many may end wherever they are no more than half of the open plans: a family of five is no mistake of an export."""
FEW_OPENINGS = 10
"""So many new plans are never a surge."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The shares of an authority's open plans above which one extract is doubted (`authorities.shrink_share`, `surge_share`)."""

    shrink_share: float = 0.10
    surge_share: float = 0.50


@dataclass(frozen=True, slots=True)
class Judgement:
    """`hold_endings`: no loss is applied; a second person decides. `is_surge`: all is applied, and a second person confirms."""

    hold_endings: bool
    is_surge: bool


def judge(open_plans: int, openings: int, endings: int, limits: Limits) -> Judgement:
    """Judge one extract by counts: plans of the authority that stood open before it, plans that it opens, and its losses.

    Exactly the share still passes. Where no plan stood open before, it is a first extract, and no surge.
    """
    may_end = max(ALWAYS_MAY_END, min(FEW_ENDINGS, open_plans // 2), limits.shrink_share * open_plans)
    may_open = max(FEW_OPENINGS, limits.surge_share * open_plans)
    return Judgement(hold_endings=endings > may_end, is_surge=open_plans > 0 and openings > may_open)


def losses(actions: Sequence[Action], born: date | None, today: date) -> list[Action]:
    """Of all that one extract does to ONE person, what takes a plan away from those who are shown it: to be counted, and held.

    `born`: the person's birth date as held. A plan in whose place another of its kind stands open is no loss: the child stays
    known. Nor is care that ended by adoption, which never waits. With a loss goes whatever needs the days that it would free.
    """
    if any(_is_loss(action, born, today) and not _is_loss(action, born, today, action_born=born) for action in actions):
        return list(actions)  # another birth date would make an adult of the child: nothing that says so is applied
    lost = [action for action in actions if _is_loss(action, born, today) and not is_replaced(action, actions, today)]
    return lost + [action for action in actions if action not in lost and any(_needs_room_of(action, loss) for loss in lost)]


def _is_loss(action: Action, born: date | None, today: date, *, action_born: date | None = None) -> bool:
    held, record = action.held, action.record
    if held is None or held.deleted_on or record.extras.adopted:
        return False
    before = _flag(held.kind, held.start_date, held.end_date, held.expected_delivery_date, born)
    if action.change is Change.DELETE:
        return before.standing(today) is not Standing.HIDDEN
    if before.standing(today) is not Standing.OPEN:
        return False
    return _as_said(record, action_born).standing(today) is not Standing.OPEN or _is_cut_short(before, record.end_date)


def _is_cut_short(before: Flag, end: date | None) -> bool:
    """Whether an end date, even one that is still to come, ends the plan sooner than it would have ended."""
    last_open = before.last_open_day()
    is_news = end is not None and (before.end_date is None or end < before.end_date)
    return is_news and end is not None and (last_open is None or end < last_open)


def is_replaced(loss: Action, actions: Sequence[Action], today: date) -> bool:
    """Whether one of the other actions has a plan of the same kind stand open."""
    return any(
        other is not loss
        and other.record.kind is loss.record.kind
        and other.change in {Change.OPEN, Change.AMEND}
        and _as_said(other.record).standing(today) is Standing.OPEN
        for other in actions
    )


def _needs_room_of(action: Action, loss: Action) -> bool:
    """Whether a plan of the same kind would lie on days that the plan covers as long as its loss is held."""
    held, record = loss.held, action.record
    is_put = action.change in {Change.OPEN, Change.AMEND, Change.END} and record.kind is loss.record.kind
    if held is None or not is_put or record.start_date == held.start_date:
        return False
    return (held.end_date is None or record.start_date < held.end_date) and (
        record.end_date is None or held.start_date < record.end_date
    )


def _as_said(record: ExtractRecord, born: date | None = None) -> Flag:
    return _flag(record.kind, record.start_date, record.end_date, record.expected_delivery_date, born or record.birth_date)


def _flag(kind: FlagKind, start: date, end: date | None, due: date | None, born: date | None) -> Flag:
    """As much of a flag as its standing rests on."""
    nobody = UUID(int=0)
    at = datetime.min.replace(tzinfo=UTC)
    return Flag(nobody, nobody, NhsNumber(""), kind, "", start, end, due, born, "", "", False, at)
