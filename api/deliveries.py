"""What waits to be told, by channel, for whoever keeps the service running: nobody who was seen is in it.

For operators alone. Viewing is audited. Source: docs/facts.md, section 7 (the operator sees no patient data).
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.services import Here
from api.sessions import signed_in
from domain.actor import Role
from runtime.clock import now
from runtime.sessions import Session
from safeguarding.telling.waiting import deliveries_viewed

router = APIRouter()

Operator = Annotated[Session, Depends(signed_in(Role.OPERATOR))]


@router.get("/deliveries")
async def deliveries(request: Request, services: Here, session: Operator) -> Response:
    """Every channel: what waits, for how long, what needs a person, and which hosts do not answer."""
    async with services.database.transaction() as transaction:
        rows = await deliveries_viewed(transaction, session.actor)
    waiting = sum(row.waiting for row in rows)
    needing = sum(row.needing_a_person for row in rows)
    return await services.pages.page(request, "deliveries.jinja", session, rows=rows, at=now(), waiting=waiting, needing=needing)
