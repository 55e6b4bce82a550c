"""An alert as a subscribed system may read it: that it is there and how it stands, and nothing of the child or of the answer.

`fhir_adapter.subscriptions` calls it when a subscriber follows the id of a notification; every look is audited.
Source: docs/integration/subscriptions.md, "What an id leads to".
"""

from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound
from domain.subscription import AlertForSystem
from runtime.audit import record_audit
from runtime.clients import Client
from runtime.database import Transaction


async def read_alert_for(transaction: Transaction, actor: Actor, client: Client, alert_id: UUID) -> AlertForSystem:
    """An alert of which one of the client's subscriptions was told, or is to be. Raises NotFound for every other.

    An authority reads that it is its own; a hospital reads which of its encounters it is about, and not whose alert it is.
    """
    cursor = await transaction.execute(
        """
        SELECT a.state, a.raised_at, a.acknowledged_at, a.changed_at, (SELECT kind = 'production' FROM store),
               t.code || ' - ' || t.name, e.id, e.reference
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id JOIN authorities t ON t.code = a.authority_code
        WHERE a.id = %(alert)s AND EXISTS (
            SELECT FROM deliveries d JOIN subscriptions s ON s.id = d.recipient::uuid
            WHERE d.alert_id = a.id AND d.channel = 'subscription' AND s.client_id = %(client)s AND s.deleted_at IS NULL
              AND (s.authority_code = %(authority)s OR s.organisation_code = %(organisation)s)
        )
        """,
        {
            "alert": alert_id,
            "client": client.id,
            "authority": client.authority_code,
            "organisation": client.organisation_code,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such alert")
    state, raised_at, acknowledged_at, changed_at, is_production, authority, encounter_id, visit_number = row
    await record_audit(transaction, actor, "alert.read", "alert", str(alert_id))
    if client.authority_code:
        encounter_id, visit_number = None, ""
    else:
        authority = None
    return AlertForSystem(
        alert_id, state, raised_at, acknowledged_at, changed_at, bool(is_production), authority, encounter_id, visit_number
    )
