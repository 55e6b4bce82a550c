"""Who looked, where and why: the newest accesses, for information governance. No patient is in them; reviewing is audited."""

from fastapi import APIRouter, Request, Response

from api.services import Here
from api.sessions import InformationGovernance
from safeguarding.views import newest_accesses

router = APIRouter()


@router.get("/access-review")
async def review(request: Request, services: Here, session: InformationGovernance) -> Response:
    """The newest accesses of everybody."""
    async with services.database.transaction() as transaction:
        rows = await newest_accesses(transaction, session.actor)
    return await services.pages.page(request, "access_review.jinja", session, rows=rows)
