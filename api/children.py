"""Find a child: one search box for an authority's own staff, and the record of a child that they open.

A search comes by POST, since a name may stand in it. Everything that is asked and opened is audited.
Source: docs/facts.md, sections 3 and 6; docs/authority/finding-a-child.md.
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import AuthorityStaff
from domain.errors import InvalidInput
from runtime.sessions import Session
from safeguarding.finding import MOST_FOUND, NeedsReason, find, open_child

router = APIRouter()


@router.get("/children")
async def form(request: Request, services: Here, session: AuthorityStaff) -> Response:
    """The search box."""
    return await services.pages.page(request, "children.jinja", session, typed="", most=MOST_FOUND)


@router.post("/children")
async def search(request: Request, services: Here, session: AuthorityStaff) -> Response:
    """Who fits, the likeliest first."""
    sent = await read_form(request, services, session)
    typed = field(sent, "sought").strip()
    try:
        async with services.database.transaction() as transaction:
            found = await find(transaction, session.actor, session.organisation, typed)
    except InvalidInput:
        error = {"sought": "Enter a name, a date of birth, an NHS number or your own number of the child"}
        return await services.pages.page(request, "children.jinja", session, 422, typed=typed, error=error, most=MOST_FOUND)
    return await services.pages.page(request, "children.jinja", session, typed=typed, found=found, most=MOST_FOUND)


@router.get("/children/{person_id}")
async def child(request: Request, services: Here, session: AuthorityStaff, person_id: UUID) -> Response:
    """The record of one child; of a sensitive one only the question why."""
    return await _open(request, services, session, person_id, "", asked=False)


@router.post("/children/{person_id}")
async def child_with_reason(request: Request, services: Here, session: AuthorityStaff, person_id: UUID) -> Response:
    """The record of a child that is sensitive, once a reason is given."""
    sent = await read_form(request, services, session)
    return await _open(request, services, session, person_id, field(sent, "reason"), asked=True)


async def _open(request: Request, services: Services, session: Session, person_id: UUID, reason: str, *, asked: bool) -> Response:
    try:
        async with services.database.transaction() as transaction:
            person, plans = await open_child(transaction, session.actor, session.organisation, person_id, reason)
    except NeedsReason:
        error = {"reason": "Enter why you open this record"} if asked else None
        return await services.pages.page(
            request, "child_reason.jinja", session, 422 if asked else 200, person_id=person_id, error=error
        )
    return await services.pages.page(request, "child.jinja", session, child=person, plans=plans)
