"""The flags of an extract: opened, amended, ended, deleted, or confirmed as they stand, in sets.

`intake` calls it with what `reconcile` decided. What frees days goes first, since the database lets no two plans overlap even
for a moment. Source: docs/facts.md, section 4.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.nhs_number import NhsNumber
from flags_store.change_audit import Changed, record_changes
from flags_store.extract_loads import Load
from flags_store.reconcile import Action, Change
from runtime.database import Connection
from runtime.ids import uuid7


async def write_flags(transaction: Connection, load: Load, person_ids: Mapping[NhsNumber, UUID], actions: Sequence[Action]) -> None:
    """Write every action and its audit event."""
    opened = [(uuid7(), action) for action in actions if action.change is Change.OPEN]
    changed = [action for action in actions if action.change in {Change.AMEND, Change.END, Change.DELETE}]
    await _update(transaction, load, [action for action in changed if action.frees])
    await _update(transaction, load, [action for action in changed if not action.frees])
    await _insert(transaction, load, person_ids, opened)
    await _confirm(transaction, load, [each.held.flag_id for each in actions if each.change is Change.UNCHANGED and each.held])
    await record_changes(
        transaction,
        load,
        [Changed("flag.open", "flag", flag_id) for flag_id, _ in opened]
        + [Changed(f"flag.{each.change}", "flag", each.held.flag_id) for each in changed if each.held],
    )


async def _update(transaction: Connection, load: Load, actions: Sequence[Action]) -> None:
    if actions:
        columns = [list(column) for column in zip(*map(_row_after, actions), strict=True)]
        await transaction.execute(_UPDATE, (load.extract_id, load.extracted_at, *columns), prepare=False)


_UPDATE = """
    UPDATE flags AS held
    SET end_date = came.end_date, deleted_on = came.deleted_on, expected_delivery_date = came.due, local_id = came.local_id,
        last_extract_id = %s, last_confirmed_at = %s
    FROM unnest(%s::uuid[], %s::date[], %s::date[], %s::date[], %s::text[]) AS came (id, end_date, deleted_on, due, local_id)
    WHERE held.id = came.id
"""


def _row_after(action: Action) -> tuple[object, ...]:
    """What was recorded in error keeps its dates, for the history of what was once shown."""
    record, held = action.record, action.held
    assert held is not None
    if action.change is Change.DELETE:
        return held.flag_id, held.end_date, record.delete_date, held.expected_delivery_date, held.local_id
    return held.flag_id, record.end_date, None, record.expected_delivery_date, record.local_id


async def _insert(
    transaction: Connection, load: Load, person_ids: Mapping[NhsNumber, UUID], opened: Sequence[tuple[UUID, Action]]
) -> None:
    if not opened:
        return
    records = [(flag_id, action.record) for flag_id, action in opened]
    rows = [
        (
            flag_id, person_ids[each.nhs_number], each.kind.value, each.start_date, each.end_date, each.expected_delivery_date,
            each.local_id,
        )
        for flag_id, each in records
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    await transaction.execute(_INSERT, (load.authority_code, load.extract_id, load.extracted_at, *columns))


_INSERT = """
    INSERT INTO flags (authority_code, last_extract_id, last_confirmed_at, id, person_id, kind, start_date, end_date,
                       expected_delivery_date, local_id)
    SELECT %s, %s, %s, came.*
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::date[], %s::date[], %s::date[], %s::text[]) AS came
"""


async def _confirm(transaction: Connection, load: Load, flag_ids: Sequence[UUID]) -> None:
    if flag_ids:
        await transaction.execute(
            """
            UPDATE flags SET last_extract_id = %s, last_confirmed_at = %s
            WHERE id = ANY(%s::uuid[]) AND last_confirmed_at < %s AND deleted_on IS NULL
            """,
            (load.extract_id, load.extracted_at, list(flag_ids), load.extracted_at),
            prepare=False,
        )
