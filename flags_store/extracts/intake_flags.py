"""The flags of an extract: opened, amended, ended, deleted, or confirmed as they stand, in sets.

`intake` calls it with what `reconcile` decided. What frees days goes first, since the database lets no two plans overlap even
for a moment. Source: docs/facts.md, section 4.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from flags_store.extracts.change_audit import Changed, record_changes
from flags_store.extracts.loads import Load
from flags_store.extracts.reconcile import Action, Change
from runtime.database import Connection
from runtime.ids import uuid7


async def write_flags(
    transaction: Connection,
    load: Load,
    person_ids: Mapping[NhsNumber, UUID],
    actions: Sequence[Action],
    bases: Mapping[NhsNumber, MatchBasis] = MappingProxyType({}),
) -> list[UUID]:
    """Write every action and its audit event; the ids of the plans that were opened.

    `bases`: what was found out now that the numbers rest on; a plan keeps its basis where nobody was asked.
    """
    opened = [(uuid7(), action) for action in actions if action.change is Change.OPEN]
    changed = [action for action in actions if action.change in {Change.AMEND, Change.END, Change.DELETE}]
    await _update(transaction, load, [action for action in changed if action.frees], bases)
    await _update(transaction, load, [action for action in changed if not action.frees], bases)
    await _insert(transaction, load, person_ids, opened, bases)
    await _confirm(transaction, load, [each for each in actions if each.change is Change.UNCHANGED], bases)
    await record_changes(
        transaction,
        load,
        [Changed("flag.open", "flag", flag_id) for flag_id, _ in opened]
        + [Changed(f"flag.{each.change}", "flag", each.held.flag_id) for each in changed if each.held],
    )
    return [flag_id for flag_id, _ in opened]


async def _update(transaction: Connection, load: Load, actions: Sequence[Action], bases: Mapping[NhsNumber, MatchBasis]) -> None:
    if actions:
        rows = [(*_row_after(action), bases.get(action.record.nhs_number)) for action in actions]
        columns = [list(column) for column in zip(*rows, strict=True)]
        await transaction.execute(_UPDATE, (load.extract_id, load.extracted_at, *columns), prepare=False)


_UPDATE = """
    UPDATE flags AS held
    SET end_date = came.end_date, deleted_on = came.deleted_on, expected_delivery_date = came.due, local_id = came.local_id,
        plan_id = came.plan_id, match_basis = coalesce(came.basis, held.match_basis), last_extract_id = %s,
        last_confirmed_at = greatest(held.last_confirmed_at, %s)
    FROM unnest(%s::uuid[], %s::date[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[])
        AS came (id, end_date, deleted_on, due, local_id, plan_id, basis)
    WHERE held.id = came.id
"""


def _row_after(action: Action) -> tuple[object, ...]:
    """What was recorded in error keeps its dates, for the history of what was once shown."""
    record, held = action.record, action.held
    assert held is not None
    if action.change is Change.DELETE:
        return held.flag_id, held.end_date, record.delete_date, held.expected_delivery_date, held.local_id, held.plan_id
    plan_id = record.extras.plan_id or held.plan_id
    return held.flag_id, record.end_date, None, record.expected_delivery_date, record.local_id, plan_id


async def _insert(
    transaction: Connection,
    load: Load,
    person_ids: Mapping[NhsNumber, UUID],
    opened: Sequence[tuple[UUID, Action]],
    bases: Mapping[NhsNumber, MatchBasis],
) -> None:
    if not opened:
        return
    records = [(flag_id, action.record) for flag_id, action in opened]
    rows = [
        (
            flag_id, person_ids[each.nhs_number], each.kind.value, each.start_date, each.end_date, each.expected_delivery_date,
            each.local_id, each.extras.plan_id, bases.get(each.nhs_number, MatchBasis.CHECK_DIGIT).value,
        )
        for flag_id, each in records
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    await transaction.execute(_INSERT, (load.authority_code, load.extract_id, load.extracted_at, *columns))


_INSERT = """
    INSERT INTO flags (authority_code, last_extract_id, last_confirmed_at, id, person_id, kind, start_date, end_date,
                       expected_delivery_date, local_id, plan_id, match_basis)
    SELECT %s, %s, %s, came.*
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::date[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[]) AS came
"""


async def _confirm(transaction: Connection, load: Load, actions: Sequence[Action], bases: Mapping[NhsNumber, MatchBasis]) -> None:
    confirmed = {action.held.flag_id: bases.get(action.record.nhs_number) for action in actions if action.held}
    if confirmed:
        await transaction.execute(
            """
            UPDATE flags AS held SET last_extract_id = %s, last_confirmed_at = greatest(held.last_confirmed_at, %s),
                                     match_basis = coalesce(came.basis, held.match_basis)
            FROM unnest(%s::uuid[], %s::text[]) AS came (id, basis)
            WHERE held.id = came.id AND held.deleted_on IS NULL
              AND (held.last_confirmed_at < %s OR held.match_basis <> came.basis)
            """,
            (load.extract_id, load.extracted_at, list(confirmed), list(confirmed.values()), load.extracted_at),
            prepare=False,
        )


async def doubt_flags(transaction: Connection, doubted: Mapping[UUID, MatchBasis]) -> None:
    """Have plans that are held show that the register contradicts them. They go on showing."""
    if doubted:
        await transaction.execute(
            """
            UPDATE flags AS held SET match_basis = came.basis FROM unnest(%s::uuid[], %s::text[]) AS came (id, basis)
            WHERE held.id = came.id AND held.match_basis <> came.basis
            """,
            (list(doubted), list(doubted.values())),
            prepare=False,
        )


async def close_unborn(transaction: Connection, load: Load) -> list[UUID]:
    """End each unborn plan whose plan id now stands on a child's own plan, on the day that one starts; which plans these were.

    The mother's plan is held on her number, the child's on its own: the id is all that joins them. What this very extract says of
    the unborn plan counts for more. Source: docs/facts.md, section 4 ("Unborn").
    """
    cursor = await transaction.execute(
        """
        UPDATE flags AS unborn SET end_date = greatest(child.start_date, unborn.start_date), last_extract_id = %(extract)s,
                                   last_confirmed_at = greatest(unborn.last_confirmed_at, %(at)s)
        FROM flags AS child
        WHERE child.last_extract_id = %(extract)s AND child.authority_code = %(authority)s AND child.plan_id <> ''
          AND child.kind = 'CPP' AND child.deleted_on IS NULL
          AND unborn.authority_code = child.authority_code AND unborn.plan_id = child.plan_id AND unborn.kind = 'UCPP'
          AND unborn.deleted_on IS NULL AND unborn.withdrawn_at IS NULL AND unborn.last_extract_id <> %(extract)s
          AND (unborn.end_date IS NULL OR unborn.end_date > greatest(child.start_date, unborn.start_date))
        RETURNING unborn.id
        """,
        {"extract": load.extract_id, "authority": load.authority_code, "at": load.extracted_at},
        prepare=False,
    )
    closed = [flag_id for (flag_id,) in await cursor.fetchall()]
    await record_changes(transaction, load, [Changed("flag.end", "flag", flag_id, {"own_plan": True}) for flag_id in closed])
    return closed


async def reopen_unborn(transaction: Connection, load: Load) -> list[UUID]:
    """Open each unborn plan again that a child's own plan closed, where that was recorded in error; which plans these were.

    Nothing else would tell of the child before it is born, or has a plan on the right number. Where another plan of the child or of
    the mother stands in its place, that is left alone.
    """
    cursor = await transaction.execute(
        """
        UPDATE flags AS unborn SET end_date = NULL, last_extract_id = %(extract)s
        FROM flags AS child
        WHERE child.last_extract_id = %(extract)s AND child.authority_code = %(authority)s AND child.plan_id <> ''
          AND child.kind = 'CPP' AND child.deleted_on IS NOT NULL
          AND unborn.authority_code = child.authority_code AND unborn.plan_id = child.plan_id AND unborn.kind = 'UCPP'
          AND unborn.deleted_on IS NULL AND unborn.withdrawn_at IS NULL AND unborn.last_extract_id <> %(extract)s
          AND unborn.end_date = greatest(child.start_date, unborn.start_date)
          AND NOT EXISTS (SELECT FROM flags other WHERE other.authority_code = child.authority_code AND other.deleted_on IS NULL
                            AND other.plan_id = child.plan_id AND other.kind = 'CPP')
          AND NOT EXISTS (SELECT FROM flags later WHERE later.person_id = unborn.person_id AND later.kind = 'UCPP'
                            AND later.authority_code = unborn.authority_code AND later.id <> unborn.id AND later.deleted_on IS NULL
                            AND (later.end_date IS NULL OR later.end_date > unborn.start_date))
        RETURNING unborn.id
        """,
        {"extract": load.extract_id, "authority": load.authority_code},
        prepare=False,
    )
    opened = [flag_id for (flag_id,) in await cursor.fetchall()]
    await record_changes(transaction, load, [Changed("flag.amend", "flag", flag_id, {"own_plan": False}) for flag_id in opened])
    return opened
