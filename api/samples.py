"""The monthly sample for an authority's data officer: drawn, compared record by record with the own case system, and its result.

Names of the own authority alone are on the page; each look is audited for each person (`flags_store.samples`).
Source: docs/onboarding.md, "The monthly sample".
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.clock import england_day, now
from runtime.sessions import Session
from safeguarding.samples import (
    MOST_NOTE,
    SAMPLE_SIZE,
    WRONG,
    Result,
    draw_sample,
    list_samples,
    mark_record,
    overdue_samples,
    read_sample,
)

router = APIRouter()


@router.get("/samples")
async def listed(request: Request, services: Here, session: DataOfficer) -> Response:
    """The authority's samples with their results; nobody's name."""
    return await _list(request, services, session)


@router.post("/samples")
async def draw(request: Request, services: Here, session: DataOfficer) -> Response:
    """Draw this month's."""
    await read_form(request, services, session)
    try:
        async with services.database.transaction() as transaction:
            sample = await draw_sample(transaction, session.actor, session.organisation)
    except Conflict as error:
        return await _list(request, services, session, {"draw": error.sentence})
    return RedirectResponse(f"/samples/{sample.id}", 303)


@router.get("/samples/{sample_id}")
async def one(request: Request, services: Here, session: DataOfficer, sample_id: UUID) -> Response:
    """One sample with its people."""
    return await _one(request, services, session, sample_id)


@router.post("/samples/{sample_id}")
async def mark(request: Request, services: Here, session: DataOfficer, sample_id: UUID) -> Response:
    """Write down what was found for one record, and go on to the next."""
    form = await read_form(request, services, session)
    position, result = field(form, "position"), field(form, "result")
    if not position.isascii() or not position.isdigit() or int(position[:3]) > SAMPLE_SIZE:
        raise NotFound("there is no such record")
    if result not in set(Result):
        return await _one(request, services, session, sample_id, form, {f"result-{position}": "Choose what you found"})
    try:
        async with services.database.transaction() as transaction:
            await mark_record(
                transaction, session.actor, session.organisation, sample_id, int(position), Result(result), field(form, "wrong"),
                field(form, "note"),
            )  # fmt: skip
    except InvalidInput as error:
        place = "note" if len(field(form, "note")) > MOST_NOTE else "wrong"
        return await _one(request, services, session, sample_id, form, {f"{place}-{position}": error.sentence})
    return RedirectResponse(f"/samples/{sample_id}#record-{position}", 303)


async def _list(request: Request, services: Services, session: Session, error: dict[str, str] | None = None) -> Response:
    async with services.database.transaction() as transaction:
        samples = await list_samples(transaction, session.organisation)
        overdue = [each for each in await overdue_samples(transaction, now()) if each.authority_code == session.organisation]
    month = england_day(now()).replace(day=1)
    return await services.pages.page(
        request, "samples.jinja", session, 422 if error else 200, samples=samples, overdue=overdue, month=month, size=SAMPLE_SIZE,
        is_drawn=any(each.month == month for each in samples), error=error,
    )  # fmt: skip


async def _one(
    request: Request,
    services: Services,
    session: Session,
    sample_id: UUID,
    form: FormData | None = None,
    error: dict[str, str] | None = None,
) -> Response:
    async with services.database.transaction() as transaction:
        sample, records = await read_sample(transaction, session.actor, session.organisation, sample_id)
    given = {name: field(form, name) for name in ("position", "result", "wrong", "note")} if form else {}
    return await services.pages.page(
        request, "sample.jinja", session, 422 if error else 200, sample=sample, records=records, results=list(Result), wrongs=WRONG,
        given=given, error=error, most=MOST_NOTE,
    )  # fmt: skip
