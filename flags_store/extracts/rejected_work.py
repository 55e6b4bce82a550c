"""Rejected records as work: opened with the first extract that brings one, renewed by the next, closed when it is mended.

`rejects` calls it in the transaction of the load; `safeguarding.extracts.mending` shows the work and lets people do it.
Source: docs/facts.md, section 4 ("rejected records are work for a person, shown until mended, with an age").
"""

import json
from collections.abc import Sequence
from typing import Any

from domain.extract import Cause, Scope
from flags_store.extracts.loads import Load
from flags_store.extracts.record import ExtractRecord, RowError
from flags_store.extracts.rejected_keys import SEALED_CODES, child_of, content_of, key_of_another, key_of_error, key_of_fields
from runtime.database import Connection


async def renew_work(transaction: Connection, load: Load, errors: Sequence[RowError]) -> None:
    """One piece of work for each record, however many extracts bring it.

    What was mended here, or dismissed, stays so while the authority goes on sending the same; a record that says something new is
    work again. What a person has just sent again is told to the piece of work that it came from.
    """
    by_key = _each_once(load, errors)
    if not by_key:
        return
    if await _cause(transaction, load) == Cause.MENDED:
        by_key = await _tell_those_who_tried(transaction, load, by_key)
    rows = [_row(key, error) for key, error in sorted(by_key.items())]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        values = (load.authority_code, load.extract_id, load.sensitive, sorted(SEALED_CODES), *columns)
        await transaction.execute(_RENEW, values, prepare=False)


def _each_once(load: Load, errors: Sequence[RowError]) -> dict[bytes, RowError]:
    """By their keys; of one key the first stays, and what is about another child has one of its own."""
    by_key: dict[bytes, RowError] = {}
    for error in errors:
        key = key_of_error(load.authority_code, error)
        first = by_key.setdefault(key, error)
        if child_of(first) != child_of(error):
            by_key.setdefault(key_of_another(key, error), error)
    return by_key


async def close_accepted(transaction: Connection, load: Load, records: Sequence[ExtractRecord]) -> int:
    """Close the work on records that are good now, and say how many: mended at the source, or here by a person.

    What this very extract has refused as well stays work. Costs one look where the authority has no such work.
    """
    waiting = await _keys(transaction, load)
    if not waiting:
        return 0
    came = {key_of_fields(load.authority_code, each.fields) for each in records} & waiting
    if not came:
        return 0
    is_mended = await _cause(transaction, load) == Cause.MENDED
    cursor = await transaction.execute(
        _CLOSE_MENDED if is_mended else _CLOSE_ACCEPTED,
        {
            "authority": load.authority_code, "extract": load.extract_id, "keys": sorted(came), "by": load.actor.name,
        },
        prepare=False,
    )  # fmt: skip
    return cursor.rowcount


async def close_unsent(transaction: Connection, load: Load) -> int:
    """Close the work on records that a full extract no longer has, and say how many. A partial one closes nothing."""
    cursor = await transaction.execute(
        """
        UPDATE rejected_records AS item SET state = 'not-sent', closed_at = now(), closed_by = NULL, close_reason = NULL
        FROM extracts
        WHERE extracts.id = %s AND extracts.scope = %s AND extracts.cause = %s AND item.authority_code = extracts.authority_code
          AND item.state = 'open' AND item.flag_id IS NULL AND item.last_extract_id IS DISTINCT FROM extracts.id
        """,
        (load.extract_id, Scope.FULL, Cause.EXTRACT),
    )
    return cursor.rowcount


async def is_open(transaction: Connection, authority_code: str, key: bytes) -> bool:
    """Whether there is open work of this key."""
    cursor = await transaction.execute(
        "SELECT FROM rejected_records WHERE authority_code = %s AND record_key = %s AND state = 'open'", (authority_code, key)
    )
    return cursor.rowcount == 1


async def _cause(transaction: Connection, load: Load) -> str:
    cursor = await transaction.execute("SELECT cause FROM extracts WHERE id = %s", (load.extract_id,))
    row = await cursor.fetchone()
    return str(row[0]) if row else Cause.EXTRACT


async def _tell_those_who_tried(transaction: Connection, load: Load, by_key: dict[bytes, RowError]) -> dict[bytes, RowError]:
    """Write what is wrong with a correction beside what was sent, which it leaves alone. Returns what nobody had tried."""
    tried = {key: (error.field, error.code, error.reason) for key, error in by_key.items()}
    cursor = await transaction.execute(
        """
        UPDATE rejected_records AS item SET tried_field = came.field, tried_code = came.code, tried_reason = came.reason
        FROM unnest(%s::bytea[], %s::text[], %s::text[], %s::text[]) AS came (key, field, code, reason)
        WHERE item.authority_code = %s AND item.corrected_key = came.key AND item.state = 'open'
        RETURNING came.key
        """,
        (list(tried), *(list(column) for column in zip(*tried.values(), strict=True)), load.authority_code),
    )
    told = {bytes(key) for (key,) in await cursor.fetchall()}
    return {key: error for key, error in by_key.items() if key not in told}


def _row(key: bytes, error: RowError) -> tuple[Any, ...]:
    return (
        key, content_of(error), error.line, error.place, error.field, error.code, error.reason,
        json.dumps(error.record), json.dumps(error.fields).replace("\\u0000", "\\u2400"), error.plan_id, error.adopted,
    )  # fmt: skip


async def _keys(transaction: Connection, load: Load) -> set[bytes]:
    cursor = await transaction.execute(
        """
        SELECT record_key, corrected_key FROM rejected_records
        WHERE authority_code = %s AND state IN ('open', 'mended', 'not-sent')
        """,
        (load.authority_code,),
    )
    return {bytes(key) for row in await cursor.fetchall() for key in row if key is not None}


_RENEW = """
    INSERT INTO rejected_records AS item (authority_code, last_extract_id, sensitive, record_key, content_hash, line, place,
                                          field, code, reason, record, fields, plan_id, adopted)
    SELECT %s, %s, %s OR code = ANY(%s::text[]) OR EXISTS (
               SELECT FROM persons
               WHERE persons.nhs_number = regexp_replace(came.fields::jsonb ->> 0, '[^0-9]', '', 'g')
                 AND (persons.sensitive OR persons.sealed_at IS NOT NULL)
           ), key, content, line, place, field, code, reason, record::jsonb, fields::jsonb,
           plan_id, adopted
    FROM unnest(%s::bytea[], %s::bytea[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::text[], %s::boolean[])
        AS came (key, content, line, place, field, code, reason, record, fields, plan_id, adopted)
    ON CONFLICT (authority_code, record_key) DO UPDATE
    SET (state, closed_at, closed_by, close_reason) = (
            SELECT CASE WHEN stays THEN item.state ELSE 'open' END, CASE WHEN stays THEN item.closed_at END,
                   CASE WHEN stays THEN item.closed_by END, CASE WHEN stays THEN item.close_reason END
            FROM (SELECT item.state IN ('mended', 'dismissed') AND item.content_hash = excluded.content_hash) AS known (stays)
        ),
        first_rejected_at = CASE WHEN item.state = 'accepted' THEN now() ELSE item.first_rejected_at END,
        last_rejected_at = now(),
        times_seen = CASE WHEN item.state = 'accepted' THEN 1
                          ELSE item.times_seen + (item.last_extract_id IS DISTINCT FROM excluded.last_extract_id)::integer END,
        last_extract_id = excluded.last_extract_id,
        sensitive = item.sensitive OR excluded.sensitive,
        content_hash = excluded.content_hash, line = excluded.line, place = excluded.place,
        field = excluded.field, code = excluded.code, reason = excluded.reason,
        record = excluded.record, fields = excluded.fields, plan_id = excluded.plan_id, adopted = excluded.adopted,
        tried_field = NULL, tried_code = NULL, tried_reason = NULL
"""
_CLOSE_ACCEPTED = """
    UPDATE rejected_records SET state = 'accepted', closed_at = now(), closed_by = NULL, close_reason = NULL
    WHERE authority_code = %(authority)s AND state IN ('open', 'mended', 'not-sent') AND flag_id IS NULL
      AND (record_key = ANY(%(keys)s) OR corrected_key = ANY(%(keys)s)) AND last_extract_id IS DISTINCT FROM %(extract)s
"""
_CLOSE_MENDED = """
    UPDATE rejected_records SET state = 'mended', closed_at = now(), closed_by = %(by)s, close_reason = NULL,
                                tried_field = NULL, tried_code = NULL, tried_reason = NULL
    WHERE authority_code = %(authority)s AND state = 'open' AND (record_key = ANY(%(keys)s) OR corrected_key = ANY(%(keys)s))
"""
ERASE_DONE = """
    DELETE FROM rejected_records WHERE id IN (
        SELECT id FROM rejected_records
        WHERE state <> 'open' AND greatest(closed_at, last_rejected_at) < now() - %s::interval LIMIT %s
    )
"""
"""For housekeeping: what is done, and has not been sent again, for so long. What waits is never erased."""
