"""Housekeeping: what expires, what is erased (and counted as it is), and the partitions of the months to come.

The dispatcher's process calls `keep_house` every few minutes, in small transactions; several may run side by side.
"""

from flags_store.extracts.rejected_work import ERASE_DONE
from runtime.database import Database
from runtime.logs import get_logger
from runtime.used_tokens import ERASE_EXPIRED
from safeguarding.cards import ERASE_OLD_CARDS
from safeguarding.retention import (
    ARRIVALS_LIFE,
    CARD_LIFE,
    ENCOUNTER_LIFE,
    LOOK_LIFE,
    MESH_LIFE,
    NEVER_CLOSED_LIFE,
    QUARANTINE_LIFE,
    REJECTED_LIFE,
    REPORT_LIFE,
    RESPONSE_LIFE,
    SESSION_LIFE,
    TRACE_LIFE,
)
from safeguarding.trace_wants import GIVE_UP

MONTHS_AHEAD = 12
BATCH = 5_000

log = get_logger()


async def keep_house(database: Database, control_id_days: int) -> None:
    """One round. Raises psycopg errors and CouldNotReachStore; the next round takes up where this one stopped."""
    async with database.transaction() as transaction:
        await transaction.execute("SELECT ensure_partitions(%s)", (MONTHS_AHEAD,))
    for name, statement, parameters in (
        ("encounters expired", _EXPIRE, (LOOK_LIFE, NEVER_CLOSED_LIFE, BATCH)),
        ("encounters erased", _ERASE_ENCOUNTERS, (ENCOUNTER_LIFE, BATCH)),
        ("days of arrivals forgotten", _FORGET_ARRIVALS, (ARRIVALS_LIFE,)),
        ("control IDs forgotten", _FORGET_MESSAGES, (control_id_days, BATCH)),
        ("quarantined messages erased", _ERASE_QUARANTINE, (QUARANTINE_LIFE,)),
        ("rejected records erased", ERASE_DONE, (REJECTED_LIFE, BATCH)),
        ("reports' rejected records erased", _ERASE_REPORTED, (REPORT_LIFE, BATCH)),
        ("answers to national uploads erased", _ERASE_RESPONSES, (RESPONSE_LIFE, BATCH)),
        ("lines about MESH messages erased", _ERASE_MESH_IN, (MESH_LIFE, BATCH)),
        ("lines about sent MESH messages erased", _ERASE_MESH_OUT, (MESH_LIFE, BATCH)),
        ("sessions erased", _ERASE_SESSIONS, (SESSION_LIFE,)),
        ("wanted traces given up", GIVE_UP, (TRACE_LIFE,)),
        ("cards erased", ERASE_OLD_CARDS, (CARD_LIFE, BATCH)),
        ("used tokens erased", ERASE_EXPIRED, (BATCH,)),
    ):
        await _repeat(database, name, statement, parameters)


async def _repeat(database: Database, name: str, statement: str, parameters: tuple[object, ...]) -> None:
    total = 0
    while True:
        async with database.transaction() as transaction:
            count = (await transaction.execute(statement.encode(), parameters)).rowcount
        total += count
        if count < BATCH:
            break
    if total:
        log.info(name, count=total)


_EXPIRE = """
    UPDATE encounters SET state = 'expired', departed_at = now(), version = version + 1
    WHERE id IN (
        SELECT id FROM encounters
        WHERE state = 'open'
          AND greatest(last_event_at, recorded_at)  -- whatever the sender's clock says
              < now() - CASE WHEN encounter_key LIKE 'look %%' THEN %s::interval ELSE %s::interval END
        ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    )
"""
_ERASE_ENCOUNTERS = """
    WITH erased AS (
        DELETE FROM encounters
        WHERE id IN (
            SELECT id FROM encounters e
            WHERE NOT flagged AND state <> 'open' AND departed_at < now() - %s::interval
              AND NOT EXISTS (SELECT FROM alerts a WHERE a.encounter_id = e.id)
            ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
        )
        RETURNING site, (recorded_at AT TIME ZONE 'Europe/London')::date AS day, care_setting, test, encounter_key
    ), counted AS (
        INSERT INTO site_arrivals AS kept (site, day, arrivals, unclassified)
        SELECT site, day, count(*), count(*) FILTER (WHERE care_setting = 'unclassified') FROM erased
        WHERE NOT test AND encounter_key NOT LIKE 'look %%'
        GROUP BY site, day ORDER BY site, day  -- in one order: two who keep house side by side wait for each other in no circle
        ON CONFLICT (site, day) DO UPDATE
        SET arrivals = kept.arrivals + excluded.arrivals, unclassified = kept.unclassified + excluded.unclassified
    )
    SELECT FROM erased
"""
_FORGET_ARRIVALS = "DELETE FROM site_arrivals WHERE day < (now() AT TIME ZONE 'Europe/London')::date - %s::interval"
_FORGET_MESSAGES = """
    DELETE FROM inbox
    WHERE ctid IN (SELECT ctid FROM inbox WHERE received_at < now() - make_interval(days => %s) LIMIT %s)
"""
_ERASE_QUARANTINE = "DELETE FROM quarantine WHERE state <> 'held' AND decided_at < now() - %s::interval"
_ERASE_REPORTED = """
    DELETE FROM extract_rejects
    WHERE id IN (SELECT r.id FROM extract_rejects r JOIN extracts e ON e.id = r.extract_id
                 WHERE e.received_at < now() - %s::interval LIMIT %s)
"""
_ERASE_RESPONSES = """
    DELETE FROM extract_response_parts
    WHERE (extract_id, number) IN (SELECT p.extract_id, p.number
                                   FROM extract_response_parts p JOIN extract_responses r USING (extract_id)
                                   WHERE r.created_at < now() - %s::interval LIMIT %s)
"""
_ERASE_MESH_IN = """
    DELETE FROM mesh_inbox
    WHERE message_id IN (SELECT message_id FROM mesh_inbox WHERE settled_at < now() - %s::interval LIMIT %s)
"""
_ERASE_MESH_OUT = """
    DELETE FROM mesh_outbox WHERE id IN (SELECT id FROM mesh_outbox WHERE sent_at < now() - %s::interval LIMIT %s)
"""
_ERASE_SESSIONS = "DELETE FROM sessions WHERE coalesce(ended_at, expires_at) < now() - %s::interval"
