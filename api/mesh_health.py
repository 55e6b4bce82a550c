"""What lies in the MESH inbox and could not be taken in, or was lost by waiting there, for `/ready`: an extract may be in it.

`api.health` adds it to what else is wrong. No sender is named: `nightlight mesh` shows the operator each.
"""

from datetime import datetime, timedelta

from api.services import Services
from safeguarding.mesh import outbox_waiting, read_untaken

TOLD_OF_LOSS = timedelta(days=7)
WAITS_TOO_LONG_SECONDS = 3600.0


async def mesh_reasons(services: Services, at: datetime) -> list[str]:
    """Why the service is degraded: a message that nobody can take in, one that is lost, or answers that do not go out."""
    async with services.database.transaction() as transaction:
        untaken = await read_untaken(transaction)
        waiting, oldest = await outbox_waiting(transaction)
    lies = sum(each.state == "waiting" for each in untaken)
    lost = sum(each.state == "gone" and at - each.last_seen_at < TOLD_OF_LOSS for each in untaken)
    reasons = [f"messages in the MESH inbox that nobody can take in: {lies} (see nightlight mesh)"] if lies else []
    reasons += [f"messages lost from the MESH inbox before anybody took them in: {lost} (see nightlight mesh)"] if lost else []
    if oldest > WAITS_TOO_LONG_SECONDS:
        reasons.append(f"messages that wait to be sent by MESH: {waiting}, the oldest for {oldest:.0f} s")
    return reasons
