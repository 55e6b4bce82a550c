"""What the webhooks of authorities are told of their alerts: the state of the alert, and of the encounter what may leave.

`nightlight.processes.dispatcher` hands `read_notices` to the channel. A person who is marked sensitive has no encounter there.
Source: docs/facts.md, section 5 (agreements decide which fields leave); docs/integration/webhooks.md.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import TupleRow

from alerts.channels.webhook import ENDPOINT_OFF
from alerts.channels.webhook_body import Notice, Visit
from alerts.channels.webhook_reading import ToSend
from runtime.clock import england_day, now
from runtime.database import Connection
from safeguarding.telling.fields import read_fields

NO_WEBHOOK = "no-webhook"
"""A contact names a webhook that is not there, or another authority's."""


async def read_notices(transaction: Connection, deliveries: Sequence[UUID]) -> dict[UUID, ToSend]:
    """What each of these deliveries tells, and where; one that is not there is left out."""
    rows = await (await transaction.execute(_NOTICES, (list(deliveries),))).fetchall()
    pairs = {(authority, organisation) for _, authority, organisation, *_ in rows}
    fields = await read_fields(transaction, pairs, england_day(now()))
    return {row[0]: _to_send(row, fields[row[1], row[2]]) for row in rows}


def _to_send(row: TupleRow, fields: frozenset[str]) -> ToSend:
    _, authority, _, alert_id, thread_id, happened, at, state, is_test, sensitive, *rest = row
    visit, (webhook_id, webhook_of, url, is_off, renewals, renewed_at) = rest[:7], rest[7:]
    notice = Notice(alert_id, thread_id, authority, happened, at, state, is_test, None if sensitive else Visit(*visit), fields)
    if webhook_id is None or webhook_of != authority:
        return ToSend(notice, None, "", 0, None, NO_WEBHOOK)
    return ToSend(notice, webhook_id, url, renewals, renewed_at, ENDPOINT_OFF if is_off else "")


_NOTICES = """
    SELECT d.id, a.authority_code, coalesce(s.organisation_code, ''), a.id, a.thread_id, d.notice, d.created_at, a.state,
           (SELECT kind <> 'production' FROM store), p.sensitive,
           e.arrived_at, e.departed_at, coalesce(s.name, ''), e.care_setting, e.arrival_mode, e.reference, e.local_number,
           w.id, w.authority_code, w.url, w.disabled_at IS NOT NULL, w.renewals, w.renewed_at
    FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN persons p ON p.id = a.person_id
    JOIN encounters e ON e.id = a.encounter_id LEFT JOIN sites s ON s.ods_code = e.site
    LEFT JOIN webhooks w ON w.id::text = d.recipient
    WHERE d.id = ANY(%s) AND d.channel = 'webhook'
"""
