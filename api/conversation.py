"""The clinician's side of an alert's conversation: what an open banner says of it, and the form that answers back.

The form stands on a page of its own that says nothing of the child, so that nobody must write while details are shown, and can be
reached only by who has opened the details lately. Source: docs/conversation.md; docs/facts.md, section 5.
"""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.alert_words import told_line
from api.answer_form import answer_errors
from api.banner import encounter_here, read_told
from api.banner_words import SECONDS_SHOWN, ToldView
from api.security import field, read_form
from api.services import Here, Services
from api.sessions import Clinician, SiteStaff
from api.streams import stream
from domain.alert import LONGEST_TEXT, Reply
from domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from runtime.audit import record_audit
from runtime.clock import now
from runtime.nudge import DELIVERIES, screens_of
from runtime.sessions import Session
from safeguarding.open_screens import told_marks
from safeguarding.telling.incidents import DISPUTED_WORDS
from safeguarding.telling.replies import ToAnswer, answer_back, has_broken_glass, has_opened, masked_alerts, to_answer
from safeguarding.views import EncounterRow, alerts_of_encounter

STILL_SHOWN = timedelta(seconds=2 * SECONDS_SHOWN)

_NEUTRAL = {Reply.WRONG_CHILD: "This is not the right patient: check identity"}
"""On a page that does not hide again."""

router = APIRouter()


@router.get("/encounters/{encounter_id}/told/{shown}/rows")
async def told_alone(
    request: Request, services: Here, session: SiteStaff, encounter_id: UUID, shown: str, mark: str = ""
) -> Response:
    """What became of the alerts, for the script of a page whose details are open; 204 where it is still what `mark` stands for.

    Only for who has just opened the details, and unmasked only for who has just broken the glass.
    """
    encounter = await encounter_here(request, services, session, encounter_id)
    at = now()
    async with services.database.transaction() as transaction:
        if not await has_opened(transaction, session.actor, encounter_id, at - STILL_SHOWN):
            raise NotFound("there are no open details")
        current = (await told_marks(transaction, [str(encounter_id)]))[str(encounter_id)]
        if mark == current:
            return Response(status_code=204)
        alerts = await alerts_of_encounter(transaction, encounter_id)
        told = await read_told(transaction, encounter_id, alerts, at)
        masked = await masked_alerts(transaction, encounter_id)
        if shown == "open" and await has_broken_glass(transaction, session.actor, encounter_id, at - STILL_SHOWN):
            masked = frozenset()
        await record_audit(transaction, session.actor, "banner.renew", "encounter", str(encounter_id), alerts=len(alerts))
    directory = await services.directory.current()
    lines = tuple(
        told_line(directory, row, told.lines.get(row.id), told.said.get(row.id, ()), at, masked=row.id in masked) for row in alerts
    )
    view = ToldView(lines, DISPUTED_WORDS if told.is_disputed else "")
    return await services.pages.page(request, "banner_told.jinja", session, encounter=encounter, told=view, mark=current)


@router.get("/encounters/{encounter_id}/told/{shown}/events")
async def events(request: Request, services: Here, session: SiteStaff, encounter_id: UUID, shown: str) -> Response:
    """Tells an open banner that its alerts have changed, that it may be out of date, or that the sign-in has ended."""
    await encounter_here(request, services, session, encounter_id)
    return stream(request, services, session, told_marks, str(encounter_id))


@router.get("/encounters/{encounter_id}/answers/{alert_id}")
async def form(request: Request, services: Here, session: Clinician, encounter_id: UUID, alert_id: UUID) -> Response:
    """The form that answers an alert, in neutral words; who has not opened the details is sent there first."""
    encounter = await encounter_here(request, services, session, encounter_id)
    try:
        async with services.database.transaction() as transaction:
            found = await to_answer(transaction, session.actor, encounter_id, alert_id)
    except (NotAllowed, Conflict):
        return RedirectResponse(f"/encounters/{encounter_id}", 303)
    return await _form(request, services, session, encounter, alert_id, read=found.lines)


@router.post("/encounters/{encounter_id}/answers/{alert_id}")
async def answer(request: Request, services: Here, session: Clinician, encounter_id: UUID, alert_id: UUID) -> Response:
    """Answer back: into the conversation of this alert, which the authority's worklist shows at once."""
    encounter = await encounter_here(request, services, session, encounter_id)
    sent = await read_form(request, services, session)
    said, text = field(sent, "reply"), field(sent, "text").replace("\r\n", "\n").strip()
    read = field(sent, "read")
    errors = answer_errors("reply", said, set(Reply), text)
    if not errors:
        try:
            directory = await services.directory.current()
            async with services.database.transaction() as transaction:
                code = await answer_back(
                    transaction, directory, session.actor, encounter_id, alert_id, Reply(said), text,
                    int(read) if read.isdecimal() and len(read) < 6 else -1,
                )  # fmt: skip
            await services.nudges.send(DELIVERIES)
            await services.nudges.send(screens_of(code))
            return RedirectResponse(f"/encounters/{encounter_id}?sent=yes", 303)
        except (Conflict, NotAllowed) as error:
            errors = {"reply": error.sentence}
        except InvalidInput as error:
            errors = {"text": error.sentence}
    return await _form(request, services, session, encounter, alert_id, errors, said, text)


async def _form(
    request: Request,
    services: Services,
    session: Session,
    encounter: EncounterRow,
    alert_id: UUID,
    errors: dict[str, str] | None = None,
    said: str = "",
    text: str = "",
    *,
    read: int | None = None,
) -> Response:
    if read is None:
        read = await _lines(services, session, encounter, alert_id)
    return await services.pages.page(
        request, "answer_back.jinja", session, 422 if errors else 200, encounter=encounter, alert_id=alert_id, error=errors,
        said=said, text=text, read=read, longest=LONGEST_TEXT,
        replies=[{"value": each.value, "text": _NEUTRAL.get(each, each.words)} for each in Reply],
    )  # fmt: skip


async def _lines(services: Services, session: Session, encounter: EncounterRow, alert_id: UUID) -> int:
    """How much of the conversation stands there now; -1 where there is nothing to answer any more."""
    try:
        async with services.database.transaction() as transaction:
            found: ToAnswer = await to_answer(transaction, session.actor, encounter.id, alert_id)
    except (Conflict, NotAllowed):
        return -1
    return found.lines
