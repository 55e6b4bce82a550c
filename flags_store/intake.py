"""Intake: one part of an extract is reconciled and written, with an audit event for each change.

`safeguarding.extracts` calls it in a brief transaction for each part. Persons are touched in the order of their numbers and
never by their keys, so that neither the desk nor another authority's load waits long, or in a circle.
Source: docs/facts.md, section 4; docs/architecture.md, "The desk's law".
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date

from flags_store.extract_loads import Load, record_progress
from flags_store.extract_record import ExtractRecord, RowError
from flags_store.intake_flags import write_flags
from flags_store.intake_persons import read_held, write_persons
from flags_store.reconcile import Action, reconcile
from runtime.database import Connection


async def apply_persons(transaction: Connection, load: Load, persons: Sequence[Sequence[ExtractRecord]], today: date) -> None:
    """Reconcile each person's records with what is held, and write what comes of it.

    Raises LoadTakenOver. psycopg's DeadlockDetected and LockNotAvailable mean that the same again will pass.
    """
    held = await read_held(transaction, load.authority_code, [records[0].nhs_number for records in persons])
    actions: list[Action] = []
    refusals: list[RowError] = []
    for records in persons:
        known = held.get(records[0].nhs_number)
        result = reconcile(known.plans if known else (), records, today)
        actions += result.actions
        refusals += result.refusals
    person_ids = await write_persons(transaction, load, held, actions)
    await write_flags(transaction, load, person_ids, actions)
    rejected = await _write_rejects(transaction, load, refusals)
    counts = Counter(action.change for action in actions)
    await record_progress(transaction, load, counts, persons=len(persons), rejected=rejected)


async def apply_row_errors(transaction: Connection, load: Load, errors: Sequence[RowError]) -> None:
    """Keep records that are no good by themselves. Raises LoadTakenOver."""
    rejected = await _write_rejects(transaction, load, errors)
    await record_progress(transaction, load, Counter(), persons=0, rejected=rejected)


async def _write_rejects(transaction: Connection, load: Load, errors: Sequence[RowError]) -> int:
    """Keep each record as it was sent, once, and say how many are new: an interrupted load has kept some already."""
    if not errors:
        return 0
    rows = [(each.line, each.field, each.code, each.reason, json.dumps(each.record)) for each in errors]
    cursor = await transaction.execute(
        """
        INSERT INTO extract_rejects (extract_id, line, field, code, reason, record)
        SELECT %s, line, field, code, reason, record::jsonb
        FROM unnest(%s::integer[], %s::text[], %s::text[], %s::text[], %s::text[]) AS came (line, field, code, reason, record)
        ON CONFLICT DO NOTHING
        """,
        (load.extract_id, *(list(column) for column in zip(*rows, strict=True))),
    )
    return cursor.rowcount
