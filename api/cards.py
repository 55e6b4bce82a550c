"""What became of the cards that EHRs showed: by site and week, with the reasons for which they were put aside.

For site safeguarding of the sites' own organisation, and for information governance. Nobody who was looked at is in it, and nobody
who dismissed a card. Viewing is audited. Source: docs/facts.md, section 5 (alert fatigue is measured).
"""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.services import Here
from api.sessions import signed_in
from domain.actor import Role
from runtime.clock import now
from runtime.sessions import Session
from safeguarding.cards import CardCount, OverrideReason, cards_viewed

WEEKS = 8

router = APIRouter()

Counting = Annotated[Session, Depends(signed_in(Role.SITE_SAFEGUARDING, Role.INFORMATION_GOVERNANCE))]


@router.get("/cards")
async def cards(request: Request, services: Here, session: Counting) -> Response:
    """The last eight weeks, the newest first."""
    organisation = session.organisation if session.role is Role.SITE_SAFEGUARDING else None
    async with services.database.transaction() as transaction:
        rows = await cards_viewed(transaction, session.actor, _since(now()), organisation)
    return await services.pages.page(request, "cards.jinja", session, rows=rows, weeks=WEEKS, reasons_of=reasons_of)


def reasons_of(row: CardCount) -> list[str]:
    """Why cards were overridden, the most frequent first: "4: I have acted on this already"."""
    words = {reason.value: reason.words for reason in OverrideReason} | {"": "No reason given"}
    given = sorted(row.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return [f"{count}: {words[reason]}" for reason, count in given]


def _since(at: datetime) -> datetime:
    return at - timedelta(weeks=WEEKS)
