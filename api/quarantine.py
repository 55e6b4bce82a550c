"""The quarantine for a trust's site safeguarding team: what could not be taken from their sites, and what they decide about it.

The list shows no patient; a held message's page shows everything, and opening it is audited. The door through which a message
goes again stands in `app.state.held` (`domain.replaying`). Source: docs/hl7.md, "Quarantine".
"""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import signed_in
from domain.actor import Role
from domain.errors import Conflict
from domain.replaying import HeldMessages, SegmentText
from runtime.sessions import Session
from safeguarding.quarantine_decisions import LONGEST_REASON, SHORTEST_REASON, discard, replay
from safeguarding.quarantine_views import (
    QuarantineRow,
    QuarantineState,
    open_quarantined,
    quarantine_of_organisation,
    quarantined_of_organisation,
)
from safeguarding.quarantine_words import what_would_mend

MOST_FIELDS = 1000

router = APIRouter()


async def _door(request: Request) -> HeldMessages:
    return cast(HeldMessages, request.app.state.held)


Team = Annotated[Session, Depends(signed_in(Role.SITE_SAFEGUARDING))]
Door = Annotated[HeldMessages, Depends(_door)]


@router.get("/quarantine")
async def listed(request: Request, services: Here, session: Team, state: QuarantineState = QuarantineState.HELD) -> Response:
    """The messages of the team's sites: held ones oldest first, decided ones newest first. No patient is in the list."""
    directory = await services.directory.current()
    async with services.database.transaction() as transaction:
        found = await quarantine_of_organisation(
            transaction, directory, session.organisation, state, newest_first=state is not QuarantineState.HELD
        )
    return await services.pages.page(
        request, "quarantine.jinja", session, found=found, state=state.value, states=[each.value for each in QuarantineState]
    )


@router.get("/quarantine/{message_id}")
async def one(request: Request, services: Here, session: Team, door: Door, message_id: UUID) -> Response:
    """One message: while it is held with everything in it, afterwards only what became of it."""
    return await _page(request, services, session, door, await _theirs(services, session, message_id))


@router.post("/quarantine/{message_id}/replay")
async def replayed(request: Request, services: Here, session: Team, door: Door, message_id: UUID) -> Response:
    """Let the message go again; its page then says what came of it."""
    row = await _theirs(services, session, message_id)
    await read_form(request, services, session)
    try:
        async with services.database.transaction() as transaction:
            await replay(transaction, session.actor, message_id, door.take_again)
    except Conflict as error:
        return await _page(request, services, session, door, row, {"replay": error.sentence}, status=409)
    return RedirectResponse(f"/quarantine/{message_id}", 303)


@router.post("/quarantine/{message_id}/discard")
async def discarded(request: Request, services: Here, session: Team, door: Door, message_id: UUID) -> Response:
    """Decide that nobody needs the message."""
    row = await _theirs(services, session, message_id)
    reason = field(await read_form(request, services, session), "reason").strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        errors = {"reason": f"Say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters"}
        return await _page(request, services, session, door, row, errors, reason, status=422)
    try:
        async with services.database.transaction() as transaction:
            await discard(transaction, session.actor, message_id, reason)
    except Conflict as error:
        return await _page(request, services, session, door, row, {"replay": error.sentence}, status=409)
    return RedirectResponse(f"/quarantine/{message_id}", 303)


async def _theirs(services: Services, session: Session, message_id: UUID) -> QuarantineRow:
    """The message, if it is of the team's own organisation. Raises NotFound."""
    directory = await services.directory.current()
    async with services.database.transaction() as transaction:
        return await quarantined_of_organisation(transaction, directory, session.organisation, message_id)


async def _page(
    request: Request,
    services: Services,
    session: Session,
    door: HeldMessages,
    row: QuarantineRow,
    errors: dict[str, str] | None = None,
    reason: str = "",
    status: int = 200,
) -> Response:
    segments: tuple[SegmentText, ...] = ()
    if row.is_held:
        async with services.database.transaction() as transaction:
            segments = door.read(await open_quarantined(transaction, session.actor, row))
    lines = [(segment.name, number, value) for segment in segments for number, value in segment.fields or ((0, ""),)]
    return await services.pages.page(
        request, "quarantined.jinja", session, status, row=row, error=errors, reason=reason, longest=LONGEST_REASON,
        lines=lines[:MOST_FIELDS], is_full=len(lines) > MOST_FIELDS, mend=what_would_mend(row.error_code),
    )  # fmt: skip
