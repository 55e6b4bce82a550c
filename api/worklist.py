"""The worklist of one authority's social workers: live, with the form that answers an alert.

The list renews itself by server-sent events, by polling where those fail, and by reloading without JavaScript. Events
carry no patient: they say that something changed, and the rows are fetched with the session that may see them.
"""

from contextlib import suppress
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from api.security import check_sender, check_token, field, read_form
from api.services import Here, Services
from api.sessions import SocialWorker
from api.streams import stream
from domain.alert import CodedAnswer
from domain.errors import InvalidInput
from domain.flag import NewbornResolution
from runtime.nudge import screens_of
from runtime.sessions import Session
from safeguarding.answering import acknowledge_alert, confirm_shown, resolve_newborn_of
from safeguarding.open_screens import worklist_marks
from safeguarding.views import MOST_ROWS, AlertRow, alert_of_authority, worklist

LONGEST_TEXT = 500
_MOST_SHOWN = 500

router = APIRouter()


@router.get("/worklist")
async def whole_page(request: Request, services: Here, session: SocialWorker) -> Response:
    """The list as a page."""
    return await _list(request, services, session, "worklist.jinja")


@router.get("/worklist/rows")
async def rows_alone(request: Request, services: Here, session: SocialWorker, mark: str = "") -> Response:
    """The list alone, for the page's script; 204 where it is still what `mark` stands for."""
    async with services.database.transaction() as transaction:
        current = (await worklist_marks(transaction, [session.organisation]))[session.organisation]
    if mark == current:
        return Response(status_code=204)
    return await _list(request, services, session, "worklist_rows.jinja")


async def _list(request: Request, services: Services, session: Session, template: str) -> Response:
    async with services.database.transaction() as transaction:
        # The mark first: a change in between is then seen as a change, never missed.
        mark = (await worklist_marks(transaction, [session.organisation]))[session.organisation]
        rows = await worklist(transaction, session.actor, session.organisation)
    authority = (await services.directory.current()).authorities[session.organisation]
    waiting = [row for row in rows if row.is_waiting]
    answered = [row for row in rows if not row.is_waiting]
    return await services.pages.page(
        request,
        template,
        session,
        authority=authority,
        waiting=waiting,
        answered=answered,
        mark=mark,
        is_full=len(rows) == MOST_ROWS,
    )


@router.get("/worklist/events")
async def events(request: Request, services: Here, session: SocialWorker) -> Response:
    """Tells an open list that it has changed, that it may be out of date, or that the sign-in has ended."""
    return stream(request, services, session, worklist_marks, session.organisation)


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


@router.get("/alerts/{alert_id}")
async def one_alert(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """One alert, with the form that answers it."""
    async with services.database.transaction() as transaction:
        row = await alert_of_authority(transaction, session.actor, session.organisation, alert_id)
    return await _alert(request, services, session, row)


@router.post("/alerts/{alert_id}")
async def answer(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """Acknowledge an alert with a coded answer and a short text, which the banner shows from now on."""
    async with services.database.transaction() as transaction:
        row = await alert_of_authority(transaction, session.actor, session.organisation, alert_id)
    form = await read_form(request, services, session)
    coded, text = field(form, "answer"), field(form, "text").replace("\r\n", "\n").strip()
    errors = _errors(coded, text)
    if not errors:
        with suppress(InvalidInput):
            async with services.database.transaction() as transaction:
                await acknowledge_alert(transaction, session.actor, session.organisation, alert_id, CodedAnswer(coded), text)
            await services.nudges.send(screens_of(session.organisation))
            return RedirectResponse("/worklist", 303)
    return await _alert(request, services, session, row, errors, coded, text)


@router.post("/alerts/{alert_id}/newborn")
async def newborn(request: Request, services: Here, session: SocialWorker, alert_id: UUID) -> Response:
    """Say what became of a newborn: its number no longer leads to the mother's unborn plan."""
    async with services.database.transaction() as transaction:
        row = await alert_of_authority(transaction, session.actor, session.organisation, alert_id)
    form = await read_form(request, services, session)
    chosen = field(form, "resolution")
    if chosen not in set(NewbornResolution):
        return await _alert(request, services, session, row, {"resolution": "Choose what became of the baby"})
    with suppress(InvalidInput):  # somebody else has just said so
        async with services.database.transaction() as transaction:
            await resolve_newborn_of(transaction, session.actor, session.organisation, alert_id, NewbornResolution(chosen))
    return RedirectResponse(f"/alerts/{alert_id}", 303)


def _errors(coded: str, text: str) -> dict[str, str]:
    errors = {}
    if coded not in set(CodedAnswer):
        errors["answer"] = "Choose what you answer"
    if len(text) > LONGEST_TEXT:
        errors["text"] = f"The message can have {LONGEST_TEXT} characters at most"
    return errors


async def _alert(
    request: Request,
    services: Services,
    session: Session,
    row: AlertRow,
    errors: dict[str, str] | None = None,
    coded: str = "",
    text: str = "",
) -> Response:
    return await services.pages.page(
        request, "alert.jinja", session, 422 if errors else 200,
        row=row, error=errors, coded=coded, text=text, longest=LONGEST_TEXT,
    )  # fmt: skip
