"""Identity incidents: somebody said "wrong child"; a list, and a page to settle one. The flag is shown meanwhile, with a caution.

The authority's data officer sees its own, site safeguarding the organisation's, information governance all; every look and every
change is on record. Source: docs/facts.md, section 3; docs/conversation.md.
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import IncidentStaff
from domain.errors import Conflict, InvalidInput
from runtime.nudge import screens_of
from runtime.sessions import Session
from safeguarding.telling.incidents import (
    LONGEST_WORDS,
    MOST_INCIDENTS,
    Outcome,
    read_incident,
    read_incidents,
    seen_by,
    settle_incident,
)

router = APIRouter()


@router.get("/incidents")
async def listed(request: Request, services: Here, session: IncidentStaff, done: str = "") -> Response:
    """Open ones first; settled ones stay on record."""
    async with services.database.transaction() as transaction:
        found = await read_incidents(transaction, session.actor)
    return await services.pages.page(
        request, "incidents.jinja", session, waiting=[each for each in found if each.is_open],
        settled=[each for each in found if not each.is_open], done=bool(done), is_full=len(found) == MOST_INCIDENTS,
    )  # fmt: skip


@router.get("/incidents/{incident_id}")
async def one(request: Request, services: Here, session: IncidentStaff, incident_id: UUID) -> Response:
    """Who said it, who saw the child, and what was found."""
    return await _page(request, services, session, incident_id)


@router.post("/incidents/{incident_id}")
async def settle(request: Request, services: Here, session: IncidentStaff, incident_id: UUID) -> Response:
    """Write down what was found. The caution goes, the incident stays."""
    form = await read_form(request, services, session)
    outcome, words = field(form, "outcome"), field(form, "words").replace("\r\n", "\n").strip()
    errors = {} if outcome in set(Outcome) else {"outcome": "Choose what was found"}
    if not errors:
        try:
            async with services.database.transaction() as transaction:
                code = await settle_incident(transaction, session.actor, incident_id, Outcome(outcome), words)
            await services.nudges.send(screens_of(code))
            return RedirectResponse("/incidents?done=yes", 303)
        except InvalidInput as error:
            errors = {"words": error.sentence}
        except Conflict as error:
            errors = {"outcome": error.sentence}
    return await _page(request, services, session, incident_id, errors, outcome, words)


async def _page(
    request: Request,
    services: Services,
    session: Session,
    incident_id: UUID,
    errors: dict[str, str] | None = None,
    outcome: str = "",
    words: str = "",
) -> Response:
    async with services.database.transaction() as transaction:
        incident = await read_incident(transaction, session.actor, incident_id)
        seen = await seen_by(transaction, session.actor, incident)
    return await services.pages.page(
        request, "incident.jinja", session, 422 if errors else 200, incident=incident, seen=seen, error=errors,
        outcome=outcome, words=words, longest=LONGEST_WORDS,
        outcomes=[{"value": each.value, "text": each.words} for each in Outcome],
    )  # fmt: skip
