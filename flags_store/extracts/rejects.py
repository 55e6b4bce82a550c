"""Rejected records: kept as they were sent, for the report of their extract, and as work that stays until it is done.

`intake` calls it in the transaction of the load; whoever finds that PDS contradicts a plan that is held calls `record_doubt`.
Source: docs/facts.md, section 4 ("rejected records are work for a person").
"""

import json
from collections.abc import Sequence
from uuid import UUID

from flags_store.extracts.codes import RECORD_WORDS, RecordCode
from flags_store.extracts.loads import Load
from flags_store.extracts.record import ExtractRecord, RowError
from flags_store.extracts.rejected_keys import content_of_fields, key_of_fields, key_of_flag
from flags_store.extracts.rejected_work import close_accepted, close_unsent, is_open, renew_work
from runtime.database import Connection

__all__ = ["record_accepted", "record_doubt", "record_rejects", "record_unsent", "settle_doubts"]


async def record_rejects(transaction: Connection, load: Load, errors: Sequence[RowError]) -> int:
    """Keep each record as it was sent, once for this extract, and as one piece of work across extracts.

    Says how many this extract has that it had not kept yet.
    """
    if not errors:
        return 0
    rows = [(each.line, each.field, each.code, each.reason, json.dumps(each.record), each.place) for each in errors]
    cursor = await transaction.execute(
        """
        INSERT INTO extract_rejects (extract_id, line, field, code, reason, record, place)
        SELECT %s, line, field, code, reason, record::jsonb, place
        FROM unnest(%s::integer[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
            AS came (line, field, code, reason, record, place)
        ON CONFLICT DO NOTHING
        """,
        (load.extract_id, *(list(column) for column in zip(*rows, strict=True))),
    )
    await renew_work(transaction, load, errors)
    return cursor.rowcount


async def record_accepted(transaction: Connection, load: Load, records: Sequence[ExtractRecord]) -> int:
    """Close the work on records that are good now; say how many pieces of work that was. Call it after `record_rejects`."""
    return await close_accepted(transaction, load, records)


async def record_unsent(transaction: Connection, load: Load) -> int:
    """Close the work on records that a full extract no longer has. Call it once, last, where a record of it was accepted."""
    return await close_unsent(transaction, load)


async def record_doubt(
    transaction: Connection, authority_code: str, flag_id: UUID, code: RecordCode, field: str = "nhs_number", /, **words: object
) -> None:
    """A plan that is held, and that PDS contradicts, is work like a rejected record; it goes on showing meanwhile.

    Where an extract's own record of the plan was refused and waits, that is the work already.
    """
    row = await (await transaction.execute(_HELD, (flag_id, authority_code))).fetchone()
    if row is None:
        return
    sensitive, extract_id, sent = row
    if await is_open(transaction, authority_code, key_of_fields(authority_code, list(sent.values()))):
        return
    await transaction.execute(
        _DOUBT,
        {
            "authority": authority_code, "flag": flag_id, "key": key_of_flag(authority_code, flag_id),
            "content": content_of_fields([*sent.values(), code]), "sensitive": sensitive, "extract": extract_id,
            "field": field, "code": code, "reason": RECORD_WORDS[code].format(**words),
            "record": json.dumps(sent), "fields": json.dumps(list(sent.values())),
        },
    )  # fmt: skip


async def settle_doubts(transaction: Connection, flag_ids: Sequence[UUID]) -> int:
    """PDS agrees with these plans now, or they are gone: the work on them is done. Says how much work that was."""
    cursor = await transaction.execute(
        """
        UPDATE rejected_records SET state = 'accepted', closed_at = now(), closed_by = NULL, close_reason = NULL
        WHERE flag_id = ANY(%s::uuid[]) AND state <> 'accepted'
        """,
        (list(flag_ids),),
    )
    return cursor.rowcount


_HELD = """
    SELECT person.sensitive, flag.last_extract_id,
           json_build_object(
               'nhs_number', person.nhs_number, 'kind', flag.kind, 'start_date', flag.start_date::text,
               'end_date', coalesce(flag.end_date::text, ''), 'delete_date', '',
               'expected_delivery_date', coalesce(flag.expected_delivery_date::text, ''),
               'given_name', person.given_name, 'family_name', person.family_name,
               'birth_date', coalesce(person.birth_date::text, ''), 'local_id', flag.local_id)
    FROM flags AS flag JOIN persons AS person ON person.id = flag.person_id
    WHERE flag.id = %s AND flag.authority_code = %s
"""
_DOUBT = """
    INSERT INTO rejected_records AS item (authority_code, flag_id, record_key, content_hash, sensitive, last_extract_id,
                                          field, code, reason, record, fields)
    VALUES (%(authority)s, %(flag)s, %(key)s, %(content)s, %(sensitive)s, %(extract)s,
            %(field)s, %(code)s, %(reason)s, %(record)s, %(fields)s)
    ON CONFLICT (authority_code, record_key) DO UPDATE
    SET (state, closed_at, closed_by, close_reason) = (
            SELECT CASE WHEN stays THEN item.state ELSE 'open' END, CASE WHEN stays THEN item.closed_at END,
                   CASE WHEN stays THEN item.closed_by END, CASE WHEN stays THEN item.close_reason END
            FROM (SELECT item.state IN ('mended', 'dismissed') AND item.content_hash = excluded.content_hash) AS known (stays)
        ),
        first_rejected_at = CASE WHEN item.state = 'accepted' THEN now() ELSE item.first_rejected_at END,
        last_rejected_at = now(), times_seen = CASE WHEN item.state = 'accepted' THEN 1 ELSE item.times_seen + 1 END,
        last_extract_id = excluded.last_extract_id, sensitive = item.sensitive OR excluded.sensitive,
        content_hash = excluded.content_hash, field = excluded.field, code = excluded.code, reason = excluded.reason,
        record = excluded.record, fields = excluded.fields
"""
