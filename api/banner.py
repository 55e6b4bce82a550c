"""The banner of one encounter, for the staff of the organisation where the child is: neutral at rest, details on request.

Every showing of details is a look through the desk, which audits it; they hide again after a minute, with or without
JavaScript. A hospital system may show the banner in a frame where its site says so.
Source: docs/facts.md, sections 1, 3 and 5.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.banner_words import SECONDS_SHOWN, Told, banner_view
from api.security import allow_frames, field, read_form
from api.services import Here, Services
from api.sessions import SiteStaff
from domain.actor import Purpose
from domain.answer import Answer, CouldNotCheckReason, Recorded
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from domain.errors import CouldNotReachStore, InvalidInput
from runtime.clock import now
from runtime.database import Connection
from runtime.sessions import Session
from safeguarding.access_history import is_withheld, shared_history
from safeguarding.answering import break_glass
from safeguarding.check import Check
from safeguarding.open_screens import told_marks
from safeguarding.telling.conversation import read_conversations
from safeguarding.telling.incidents import is_disputed, persons_of
from safeguarding.telling.replies import masked_alerts
from safeguarding.telling.standing import read_lines
from safeguarding.views import (
    MOST_ROWS,
    AlertRow,
    EncounterRow,
    alerts_of_encounter,
    encounter_of_organisation,
    open_encounters,
)  # fmt: skip

router = APIRouter()


@router.get("/encounters")
async def encounters(request: Request, services: Here, session: SiteStaff) -> Response:
    """The organisation's encounters that need an eye, in neutral words.

    Not those of private services: that somebody is there is nothing for the staff of other wards.
    """
    async with services.database.transaction() as transaction:
        found = await open_encounters(transaction, session.actor, session.organisation)
    rows = [row for row in found if not CareSetting(row.care_setting).is_private]
    return await services.pages.page(request, "encounters.jinja", session, rows=rows, is_full=len(found) == MOST_ROWS)


@router.get("/encounters/{encounter_id}")
async def at_rest(request: Request, services: Here, session: SiteStaff, encounter_id: UUID, sent: str = "") -> Response:
    """The banner at rest. Where something is held it says only that there are details to open."""
    encounter = await encounter_here(request, services, session, encounter_id)
    if encounter.flagged:
        return await _neutral(request, services, session, encounter, sent=bool(sent))
    at = now()
    answer = await _look(services, session, encounter, at)
    directory = await services.directory.current()
    view = banner_view(answer, directory, directory.sites.get(encounter.site), [], at)
    if view.kind == "flagged":  # a flag has arrived since the child did
        return await _neutral(request, services, session, encounter)
    return await services.pages.page(request, "banner_open.jinja", session, encounter=encounter, view=view)


@router.post("/encounters/{encounter_id}/details")
async def details(request: Request, services: Here, session: SiteStaff, encounter_id: UUID) -> Response:
    """Show the details for a minute; whoever comes from the board goes back to it."""
    encounter = await encounter_here(request, services, session, encounter_id)
    form = await read_form(request, services, session)
    return await _show(request, services, session, encounter, back=field(form, "back"))


@router.post("/encounters/{encounter_id}/break-glass")
async def broken_glass(request: Request, services: Here, session: SiteStaff, encounter_id: UUID) -> Response:
    """Show what a sensitive flag hides, for a minute, with the reason on record."""
    encounter = await encounter_here(request, services, session, encounter_id)
    form = await read_form(request, services, session)
    reason, back = field(form, "reason").strip(), field(form, "back")
    try:
        async with services.database.transaction() as transaction:
            await break_glass(transaction, session.actor, encounter.id, reason)
    except InvalidInput as error:
        return await _show(request, services, session, encounter, error=str(error).capitalize(), back=back)
    return await _show(request, services, session, encounter, reason=reason, back=back)


async def encounter_here(request: Request, services: Services, session: Session, encounter_id: UUID) -> EncounterRow:
    """The encounter, if it is of the person's own organisation; its page may stand in the site's own frames. Raises NotFound."""
    async with services.database.transaction() as transaction:
        encounter = await encounter_of_organisation(transaction, session.organisation, encounter_id)
    site = (await services.directory.current()).sites.get(encounter.site)
    allow_frames(request, site.frame_ancestors if site else ())
    return encounter


async def _neutral(
    request: Request, services: Services, session: Session, encounter: EncounterRow, *, sent: bool = False
) -> Response:
    return await services.pages.page(request, "banner_neutral.jinja", session, encounter=encounter, sent=sent)


async def _show(
    request: Request,
    services: Services,
    session: Session,
    encounter: EncounterRow,
    *,
    reason: str = "",
    error: str = "",
    back: str = "",
) -> Response:
    at = now()
    answer = await _look(services, session, encounter, at)
    async with services.database.transaction() as transaction:
        mark = (await told_marks(transaction, [str(encounter.id)]))[str(encounter.id)]
        alerts = await alerts_of_encounter(transaction, encounter.id)
        told = await read_told(transaction, encounter.id, alerts, at)
        history = await shared_history(transaction, answer)
    directory = await services.directory.current()
    view = banner_view(answer, directory, directory.sites.get(encounter.site), alerts, at, told=told, glass_broken=bool(reason))
    withheld = is_withheld(answer) and not reason
    from_board = back == "board"
    rest = f"/sites/{encounter.site}/board" if from_board else f"/encounters/{encounter.id}"
    response = await services.pages.page(
        request, "banner_details.jinja" if view.kind == "flagged" else "banner_open.jinja", session, 422 if error else 200,
        encounter=encounter, view=view, reason=reason, error=error, seconds=SECONDS_SHOWN, rest=rest, from_board=from_board,
        history=() if withheld else history, history_withheld=withheld, mark=mark, told=view.told,
    )  # fmt: skip
    # The browser itself goes back to rest after a minute, whether or not our script runs.
    response.headers["Refresh"] = f"{SECONDS_SHOWN}; url={rest}"
    return response


async def read_told(transaction: Connection, encounter_id: UUID, alerts: Sequence[AlertRow], at: datetime) -> Told:
    """What became of the encounter's alerts, for who has opened its details."""
    return Told(
        await read_lines(transaction, [encounter_id], at),
        await read_conversations(transaction, [row.id for row in alerts]),
        await is_disputed(transaction, encounter_id, await persons_of(transaction, encounter_id)),
        await masked_alerts(transaction, encounter_id),
    )


async def _look(services: Services, session: Session, encounter: EncounterRow, at: datetime) -> Answer:
    """One audited look. Raises CouldNotReachStore or DeskFull, which become the page "we could not check"."""
    reason = CouldNotCheckReason(encounter.could_not_check) if encounter.could_not_check else CouldNotCheckReason.NO_NUMBER
    check = Check(
        actor=session.actor,
        purpose=Purpose.DIRECT_CARE,
        trigger=TriggerEvent.BANNER,
        identity=Identity(encounter.nhs_number, no_number=None if encounter.nhs_number else reason),
        site=encounter.site,
        care_setting=CareSetting(encounter.care_setting),
        at=at,
        silent=True,
        encounter_id=encounter.id,
    )
    outcome = (await services.desk.ask(check)).outcome
    if isinstance(outcome, Recorded):
        raise CouldNotReachStore("the desk recorded the look without an answer")
    return outcome
