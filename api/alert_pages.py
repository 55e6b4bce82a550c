"""One alert: what both sides wrote about it, the form that answers it, who deals with it, and its whole history.

For social workers of the authority that was told; another authority's alert is not there. What is written here is shown to the
hospital at once (`api.banner`).
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api import history_words, worklist_words
from api.answer_form import answer_errors
from api.security import field, read_form
from api.services import Here, Services
from api.sessions import SocialWorker
from api.worklist_filters import Asked, Filters, from_text
from domain.actor import Actor
from domain.alert import LONGEST_TEXT, NEWS, CodedAnswer
from domain.errors import Conflict, InvalidInput
from domain.flag import NewbornResolution
from runtime.clock import now
from runtime.database import Transaction
from runtime.nudge import screens_of
from runtime.sessions import Session
from safeguarding.answering import acknowledge_alert, resolve_newborn_of
from safeguarding.telling.conversation import read_conversation, without_site
from safeguarding.telling.history import history_of_alert
from safeguarding.telling.replies import release_alert, take_alert
from safeguarding.telling.worklist import rest_of_thread
from safeguarding.views import AlertRow, alert_of_authority

_NEWS_SINCE = "The hospital has said something since you opened this alert. Read it, then answer"

router = APIRouter()


@router.get("/alerts/{alert_id}")
async def one_alert(request: Request, services: Here, session: SocialWorker, alert_id: UUID, filters: Asked) -> Response:
    """One alert, with the form that answers it; it leads back to the worklist as it was chosen."""
    return await _alert(request, services, session, await _row(services, session, alert_id), filters)


@router.post("/alerts/{alert_id}")
async def answer(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """Acknowledge an alert with a coded answer and a short text, which the banner shows from now on."""
    row = await _row(services, session, alert_id)
    form = await read_form(request, services, session)
    coded, text = field(form, "answer"), field(form, "text").replace("\r\n", "\n").strip()
    errors, filters = answer_errors("answer", coded, set(CodedAnswer), text), from_text(field(form, "back"))
    if not errors:
        news = field(form, "news")
        read_news = int(news) if news.isascii() and news.isdecimal() and len(news) < 9 else 0
        try:
            async with services.database.transaction() as transaction:
                await acknowledge_alert(
                    transaction, session.actor, session.organisation, alert_id, CodedAnswer(coded), text, read_news
                )
        except Conflict:
            errors, row = {"answer": _NEWS_SINCE}, await _row(services, session, alert_id)
        except InvalidInput as error:
            errors = {"text": error.sentence}
        else:
            await services.nudges.send(screens_of(session.organisation))
            return RedirectResponse(filters.path, 303)
    return await _alert(request, services, session, row, filters, errors, coded, text)


@router.post("/alerts/{alert_id}/take")
async def take(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """The person deals with the alert from now on; that does not acknowledge it."""
    return await _deal(request, services, session, alert_id, take_alert)


@router.post("/alerts/{alert_id}/release")
async def release(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """The person lets the alert go, and it is everybody's again."""
    return await _deal(request, services, session, alert_id, release_alert)


Deal = Callable[[Transaction, Actor, str, UUID], Awaitable[None]]


async def _deal(request: Request, services: Services, session: Session, alert_id: UUID, deal: Deal) -> Response:
    form = await read_form(request, services, session)
    with suppress(Conflict):  # somebody else was quicker, or it is closed: the page that follows says how it stands
        async with services.database.transaction() as transaction:
            await deal(transaction, session.actor, session.organisation, alert_id)
        await services.nudges.send(screens_of(session.organisation))
    filters = from_text(field(form, "back"))
    return RedirectResponse(f"/alerts/{alert_id}{filters.suffix}" if field(form, "on") == "alert" else filters.path, 303)


@router.post("/alerts/{alert_id}/newborn")
async def newborn(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """Say what became of a newborn: its number no longer leads to the mother's unborn plan."""
    row = await _row(services, session, alert_id)
    form = await read_form(request, services, session)
    chosen = field(form, "resolution")
    if chosen not in set(NewbornResolution):
        return await _alert(request, services, session, row, Filters(), {"resolution": "Choose what became of the baby"})
    with suppress(InvalidInput):  # somebody else has just said so
        async with services.database.transaction() as transaction:
            await resolve_newborn_of(transaction, session.actor, session.organisation, alert_id, NewbornResolution(chosen))
    return RedirectResponse(f"/alerts/{alert_id}", 303)


@router.get("/alerts/{alert_id}/history")
async def history(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """All that became of one alert, oldest first: who was told by what, who looked, who answered, and what still waits."""
    directory = await services.directory.current()
    routing = directory.routing(session.organisation)
    async with services.database.transaction() as transaction:
        told = await history_of_alert(transaction, session.actor, session.organisation, alert_id)
    return await services.pages.page(
        request, "alert_history.jinja", session,
        alert_id=alert_id, seconds=history_words.seconds, lines=history_words.lines(told, routing, directory),
        waits=history_words.waits(told, routing, directory, now()),
    )  # fmt: skip


async def _row(services: Services, session: Session, alert_id: UUID) -> AlertRow:
    async with services.database.transaction() as transaction:
        return await alert_of_authority(transaction, session.actor, session.organisation, alert_id)


async def _alert(
    request: Request,
    services: Services,
    session: Session,
    row: AlertRow,
    filters: Filters,
    errors: dict[str, str] | None = None,
    coded: str = "",
    text: str = "",
) -> Response:
    routing = (await services.directory.current()).routing(session.organisation)
    async with services.database.transaction() as transaction:
        said = await read_conversation(transaction, row.id)
        others = await rest_of_thread(transaction, row)
    if "site" not in row.may_leave:
        said = without_site(said, row.organisation_name)
    return await services.pages.page(
        request, "alert.jinja", session, 422 if errors else 200,
        row=row, error=errors, coded=coded, text=text, longest=LONGEST_TEXT, said=[each for each in said if each.event != "raise"],
        others=others, routing=routing, filters=filters, w=worklist_words, news=sum(each.event in NEWS for each in said),
    )  # fmt: skip
