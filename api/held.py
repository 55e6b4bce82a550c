"""What waits for a second person, for an authority's data officer: held endings to release or refuse, a surge to confirm or undo.

An authority sees its own and no others. The list names nobody; opening one extract's changes is on record.
Source: docs/facts.md, section 4 ("shrink guard"); docs/adr/0032.
"""

from collections.abc import Awaitable
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.paging import page_asked, pages_of
from api.security import field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.actor import ActorKind
from domain.errors import Conflict, InvalidInput, NightlightError, NotAllowed, NotFound
from runtime.sessions import Session
from safeguarding.extracts.held import (
    LONGEST_REASON,
    Sender,
    confirm_surge,
    open_held,
    open_surge,
    read_waiting,
    refuse,
    release,
    take_back_surge,
)

ON_A_PAGE = 50
LIST = "/extracts/held"

router = APIRouter()


@router.get(LIST)
async def listed(request: Request, services: Here, session: DataOfficer, done: str = "") -> Response:
    """What waits of the own authority, by extract."""
    async with services.database.transaction() as transaction:
        waiting = await read_waiting(transaction, session.organisation)
    return await services.pages.page(request, "held.jinja", session, waiting=waiting, told=_DONE.get(done, ""))


_DONE = {
    "released": "Released. The endings are in force.",
    "rejected": "Released. Some of the changes did not fit what is held any more: they are among the rejected records.",
    "refused": "Refused. Every plan stays as it is.",
    "confirmed": "Confirmed. The new plans stand.",
    "taken-back": "Taken back. The new plans are shown to nobody any more.",
}


@router.get(LIST + "/{extract_id}")
async def one(request: Request, services: Here, session: DataOfficer, extract_id: UUID, page: int = 1) -> Response:
    """The held changes of one extract, by name."""
    return await _held_page(request, services, session, extract_id, page)


@router.post(LIST + "/{extract_id}/release")
async def released(request: Request, services: Here, session: DataOfficer, extract_id: UUID) -> Response:
    """Apply them."""
    await read_form(request, services, session)
    done = "released"

    async def deciding() -> None:
        nonlocal done
        came = await release(services.database, session.actor, session.organisation, extract_id)
        done = "rejected" if came.rejected else done

    if problem := await _problem(deciding()):
        return await _held_page(request, services, session, extract_id, 1, *_told(problem))
    return RedirectResponse(f"{LIST}?done={done}", 303)


@router.post(LIST + "/{extract_id}/refuse")
async def refused(request: Request, services: Here, session: DataOfficer, extract_id: UUID) -> Response:
    """Apply none of them, ever."""
    reason = field(await read_form(request, services, session), "reason")

    async def deciding() -> None:
        async with services.database.transaction() as transaction:
            await refuse(transaction, session.actor, session.organisation, extract_id, reason)

    if problem := await _problem(deciding()):
        return await _held_page(request, services, session, extract_id, 1, *_told(problem), reason)
    return RedirectResponse(f"{LIST}?done=refused", 303)


@router.get(LIST + "/{extract_id}/openings")
async def surge(request: Request, services: Here, session: DataOfficer, extract_id: UUID, page: int = 1) -> Response:
    """The plans that a surge opened, by name."""
    return await _surge_page(request, services, session, extract_id, page)


@router.post(LIST + "/{extract_id}/openings/confirm")
async def confirmed(request: Request, services: Here, session: DataOfficer, extract_id: UUID) -> Response:
    """They are right."""
    await read_form(request, services, session)

    async def deciding() -> None:
        async with services.database.transaction() as transaction:
            await confirm_surge(transaction, session.actor, session.organisation, extract_id)

    if problem := await _problem(deciding()):
        return await _surge_page(request, services, session, extract_id, 1, *_told(problem))
    return RedirectResponse(f"{LIST}?done=confirmed", 303)


@router.post(LIST + "/{extract_id}/openings/take-back")
async def taken_back(request: Request, services: Here, session: DataOfficer, extract_id: UUID) -> Response:
    """They are a mistake: each is recorded in error."""
    reason = field(await read_form(request, services, session), "reason")
    deciding = take_back_surge(services.database, session.actor, session.organisation, extract_id, reason)
    if problem := await _problem(deciding):
        return await _surge_page(request, services, session, extract_id, 1, *_told(problem), reason)
    return RedirectResponse(f"{LIST}?done=taken-back", 303)


async def _problem(deciding: Awaitable[object]) -> NightlightError | None:
    """What stood in the way, for the page to say. Raises NotFound."""
    try:
        await deciding
    except NotFound:
        raise
    except NightlightError as error:
        return error
    return None


async def _held_page(
    request: Request,
    services: Services,
    session: Session,
    extract_id: UUID,
    page: int,
    errors: dict[str, str] | None = None,
    status: int = 200,
    reason: str = "",
) -> Response:
    page = page_asked(page)
    async with services.database.transaction() as transaction:
        held = (await read_waiting(transaction, session.organisation)).held_of(extract_id)
        if held is None:
            raise NotFound("nothing of this extract is held")
        rows = await open_held(
            transaction, session.actor, session.organisation, extract_id, limit=ON_A_PAGE, offset=(page - 1) * ON_A_PAGE
        )
    return await services.pages.page(
        request, "held_extract.jinja", session, status, held=held, rows=rows, error=errors, reason=reason, number=page,
        pages=pages_of(held.records, ON_A_PAGE), longest=LONGEST_REASON, is_sender=_is_sender(session, held.sender),
    )  # fmt: skip


async def _surge_page(
    request: Request,
    services: Services,
    session: Session,
    extract_id: UUID,
    page: int,
    errors: dict[str, str] | None = None,
    status: int = 200,
    reason: str = "",
) -> Response:
    page = page_asked(page)
    async with services.database.transaction() as transaction:
        found = (await read_waiting(transaction, session.organisation)).surge_of(extract_id)
        if found is None:
            raise NotFound("no surge of this extract waits for anybody")
        rows = await open_surge(
            transaction, session.actor, session.organisation, extract_id, limit=ON_A_PAGE, offset=(page - 1) * ON_A_PAGE
        )
    return await services.pages.page(
        request, "surge.jinja", session, status, surge=found, rows=rows, error=errors, reason=reason, number=page,
        pages=pages_of(found.openings, ON_A_PAGE), longest=LONGEST_REASON, is_sender=_is_sender(session, found.sender),
    )  # fmt: skip


def _is_sender(session: Session, sender: Sender) -> bool:
    """For the page alone, which then says why there are no buttons; the rule itself is `safeguarding.extracts.second_person`."""
    return sender.kind is ActorKind.PERSON and sender.id == session.actor.id


def _told(problem: NightlightError) -> tuple[dict[str, str], int]:
    """The sentence, beside what it is about, and the status."""
    if isinstance(problem, InvalidInput):
        return {"reason": problem.sentence}, 422
    return {"decision": problem.sentence}, 403 if isinstance(problem, NotAllowed) else 409 if isinstance(problem, Conflict) else 503
