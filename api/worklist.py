"""The worklist of one authority's social workers: live, in threads, and as each of them chose to see it.

The list renews itself by server-sent events, by polling where those fail, and by reloading without JavaScript. Events
carry no patient: they say that something changed, and the rows are fetched with the session that may see them.
"""

from contextlib import suppress
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from api import worklist_words
from api.security import check_sender, check_token, field, read_form
from api.services import Here, Services
from api.sessions import SocialWorker
from api.streams import stream
from api.worklist_filters import Asked, Filters, from_text
from domain.errors import InvalidInput
from runtime.clock import now
from runtime.sessions import Session
from safeguarding.answering import confirm_shown
from safeguarding.open_screens import worklist_marks
from safeguarding.telling.membership import choose_team, my_team
from safeguarding.telling.urgency import in_threads
from safeguarding.telling.worklist import MOST_READ, not_getting_through, waiting_at, worklist
from safeguarding.views import MOST_ROWS

_MOST_SHOWN = 500

router = APIRouter()


@router.get("/worklist")
async def whole_page(request: Request, services: Here, session: SocialWorker, filters: Asked) -> Response:
    """The list as a page."""
    return await _list(request, services, session, filters, "worklist.jinja")


@router.get("/worklist/rows")
async def rows_alone(request: Request, services: Here, session: SocialWorker, filters: Asked, mark: str = "") -> Response:
    """The list alone, for the page's script; 204 where it is still what `mark` stands for."""
    return await _list(request, services, session, filters, "worklist_rows.jinja", mark)


async def _list(
    request: Request, services: Services, session: Session, filters: Filters, template: str, known: str | None = None
) -> Response:
    code, at = session.organisation, now()
    directory = await services.directory.current()
    routing = directory.routing(code)
    async with services.screens.turns, services.database.transaction() as transaction:
        # The mark first: a change in between is then seen as a change, never missed.
        mark = (await worklist_marks(transaction, [code]))[code]
        if mark == known:
            return Response(status_code=204)
        team = await my_team(transaction, routing, session.actor)
        rows = await worklist(transaction, session.actor, code, filters.chosen(team.code))
        everywhere = await waiting_at(transaction, session.actor, code)
        stuck = await not_getting_through(transaction, code, at)
    waiting, read = in_threads(rows, filters.sort)
    count = sum(row.is_waiting for row in rows)
    return await services.pages.page(
        request, template, session,
        authority=directory.authorities[code], routing=routing, team=team, filters=filters, plain=Filters(), w=worklist_words,
        mark=mark, waiting=waiting, count=count, answered=[row for thread in read for row in thread.rows],
        everywhere=everywhere, counts=worklist_words.counts(everywhere, team.code), stuck=stuck,
        is_full=count == MOST_ROWS, most_read=MOST_READ,
    )  # fmt: skip


@router.get("/worklist/events")
async def events(request: Request, services: Here, session: SocialWorker) -> Response:
    """Tells an open list that it has changed, that it may be out of date, or that the sign-in has ended."""
    return stream(request, services, session, worklist_marks, session.organisation)


@router.post("/worklist/team")
async def team(request: Request, services: Here, session: SocialWorker) -> Response:
    """Somebody says in which team they work; a team that is none of theirs changes nothing."""
    form = await read_form(request, services, session)
    routing = (await services.directory.current()).routing(session.organisation)
    with suppress(InvalidInput):  # it was removed meanwhile: the page offers those that are there
        async with services.database.transaction() as transaction:
            await choose_team(transaction, routing, session.actor, field(form, "team"))
    return RedirectResponse(from_text(field(form, "back")).path, 303)


class Shown(BaseModel):
    """What the page's script says that a person's screen now shows: alerts, each as it stood (its last change)."""

    alerts: dict[UUID, AwareDatetime] = Field(max_length=_MOST_SHOWN)


@router.post("/worklist/shown")
async def shown(request: Request, services: Here, session: SocialWorker) -> Response:
    """A screen shows these alerts: their screen deliveries have arrived."""
    check_sender(request, services.settings)
    check_token(session, request.headers.get("x-csrf-token", ""))
    try:
        body = Shown.model_validate_json(await request.body())
    except ValidationError:
        return Response(status_code=422)
    async with services.database.transaction() as transaction:
        await confirm_shown(transaction, session.actor, session.organisation, body.alerts)
    return Response(status_code=204)
