"""The channel by which an authority's own system is told of an access: one message into its MESH mailbox.

`alerts.dispatcher` hands over a delivery; what it is about is read here, so that a Delivery carries nothing of a child.
Source: docs/facts.md, section 2; docs/authority/hl7-v3-and-mesh.md.
"""

from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from mesh_mailbox.access import MeshAccess
from mesh_mailbox.client import MeshAway, MeshRefused, Sent, open_mailbox
from mesh_mailbox.events import MeshEvent
from mesh_mailbox.notices import render_access
from runtime.clock import now
from runtime.database import Database
from safeguarding.mesh import read_access_notice

NOT_CONFIGURED = Attempted(AttemptOutcome.TEMPORARY, "not-configured")


class MeshChannel:
    """Tells authorities by MESH; without a mailbox of our own the notices wait."""

    name = ChannelName.MESH

    def __init__(self, database: Database, access: MeshAccess | None) -> None:
        self._database = database
        self._access = access

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send the notice. The delivery's id is its local id, so that the receiver can make repeats one."""
        if self._access is None:
            return NOT_CONFIGURED
        async with self._database.transaction() as transaction:
            notice = await read_access_notice(transaction, delivery.id)
        event = MeshEvent.SERVICE_NOTIFICATION.value
        sent = Sent(self._access.workflows.notification, str(delivery.id), event, f"{event}.xml")
        content = render_access(notice, delivery.id, now())
        try:
            async with open_mailbox(self._access) as mailbox:
                await mailbox.send(delivery.recipient, content, sent)
        except MeshAway:
            return Attempted(AttemptOutcome.TEMPORARY, "mesh-away")
        except MeshRefused as refused:
            return Attempted(AttemptOutcome.PERMANENT, refused.code)
        return Attempted(AttemptOutcome.SENT)
