"""Rejected records for an authority's data officer: what was refused and why, what would mend it, and a form to mend it in.

An authority sees its own and no others. A sensitive record opens with a reason; every look and every change is on record.
Source: docs/facts.md, section 4; docs/authority/rejected-records.md.
"""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.paging import page_asked, pages_of
from api.security import field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.errors import Conflict, InvalidInput, Temporary
from runtime.sessions import Session
from safeguarding.extracts.mend_words import what_would_mend
from safeguarding.extracts.mending import (
    COLUMNS,
    Dismissal,
    NeedsReason,
    Outcome,
    RejectedRecord,
    Shown,
    dismiss,
    list_rejected,
    mend,
    open_again,
    open_rejected,
)

ON_A_PAGE = 50
LABELS = {
    "nhs_number": "NHS number", "kind": "Kind", "start_date": "Start", "end_date": "End", "delete_date": "Found to be an error on",
    "expected_delivery_date": "Expected delivery date", "given_name": "Given name", "family_name": "Family name",
    "birth_date": "Date of birth", "local_id": "Your own number of the person",
}  # fmt: skip
_TOLD = {
    "accepted": "Accepted. The plan is held now, and hospitals see it. Correct the record in your own system, too.",
    "held": "It would take a plan away, and waits for a second person of your authority.",
    "dismissed": "Dismissed. The record is not loaded.",
    "opened": "It is work again.",
}

router = APIRouter()


@router.get("/rejects")
async def listed(
    request: Request, services: Here, session: DataOfficer, show: Shown = Shown.OPEN, code: str = "", told: str = "", page: int = 1
) -> Response:
    """The authority's rejected records, those that wait the longest first. `told`: what has just become of one."""
    page, code = page_asked(page), code.replace("\0", "")[:50]
    async with services.database.transaction() as transaction:
        work = await list_rejected(
            transaction, session.actor, session.organisation, show, code, limit=ON_A_PAGE, offset=(page - 1) * ON_A_PAGE
        )
    return await services.pages.page(
        request, "rejects.jinja", session, work=work, show=show.value, code=code, told=_TOLD.get(told, ""), number=page,
        pages=pages_of(work.total, ON_A_PAGE), advice=what_would_mend,
    )  # fmt: skip


@router.get("/rejects/{work_id}")
async def one(request: Request, services: Here, session: DataOfficer, work_id: UUID) -> Response:
    """One record with all that was sent; of a sensitive one only the question why."""
    return await _page(request, services, session, work_id, _Typed())


@router.post("/rejects/{work_id}")
async def one_with_reason(request: Request, services: Here, session: DataOfficer, work_id: UUID) -> Response:
    """One sensitive record, once a reason is given."""
    typed = _Typed.of(await read_form(request, services, session))
    return await _page(request, services, session, work_id, typed, asked=True)


@router.post("/rejects/{work_id}/mend")
async def mended(request: Request, services: Here, session: DataOfficer, work_id: UUID) -> Response:
    """Load the record as corrected. Accepted: it is gone from the list. Refused again: the form says why."""
    sent = await read_form(request, services, session)
    typed, fields = _Typed.of(sent), [field(sent, name) for name in COLUMNS]
    try:
        came = await mend(services.database, session.actor, session.organisation, work_id, fields)
    except Conflict as error:
        return await _page(request, services, session, work_id, typed, {"correction": error.sentence}, 409)
    except Temporary as error:
        return await _page(request, services, session, work_id, typed, {"correction": error.sentence}, 503)
    if came.outcome is Outcome.REJECTED:
        return await _page(request, services, session, work_id, typed, _what_is_wrong(came.row), 422)
    return RedirectResponse(f"/rejects?told={came.outcome}", 303)


@router.post("/rejects/{work_id}/dismiss")
async def dismissed(request: Request, services: Here, session: DataOfficer, work_id: UUID) -> Response:
    """Decide that the record must not be loaded."""
    typed = _Typed.of(await read_form(request, services, session))
    if typed.why not in set(Dismissal):
        error = {"why": "Choose why it must not be loaded"}
        return await _page(request, services, session, work_id, typed, error, 422)
    try:
        async with services.database.transaction() as transaction:
            await dismiss(transaction, session.actor, session.organisation, work_id, Dismissal(typed.why), typed.words)
    except InvalidInput as refused:
        return await _page(request, services, session, work_id, typed, {"words": refused.sentence}, 422)
    except Conflict as conflict:
        return await _page(request, services, session, work_id, typed, {"why": conflict.sentence}, 409)
    return RedirectResponse("/rejects?told=dismissed", 303)


@router.post("/rejects/{work_id}/open-again")
async def opened_again(request: Request, services: Here, session: DataOfficer, work_id: UUID) -> Response:
    """Make it work again."""
    typed = _Typed.of(await read_form(request, services, session))
    try:
        async with services.database.transaction() as transaction:
            await open_again(transaction, session.actor, session.organisation, work_id)
    except Conflict as error:
        return await _page(request, services, session, work_id, typed, {"correction": error.sentence}, 409)
    return RedirectResponse("/rejects?told=opened", 303)


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed: `reason` opens a sensitive record, and goes with every form of its page."""

    reason: str = ""
    why: str = ""
    words: str = ""

    @classmethod
    def of(cls, form: FormData) -> "_Typed":
        return cls(*(field(form, name).strip() for name in ("reason", "why", "words")))


def _what_is_wrong(row: RejectedRecord) -> dict[str, str]:
    """The refusal of the correction, beside the field that it is about."""
    place = row.tried_field if row.tried_field in COLUMNS else "correction"
    return {place or "correction": row.tried_reason or ""}


async def _page(
    request: Request,
    services: Services,
    session: Session,
    work_id: UUID,
    typed: _Typed,
    errors: dict[str, str] | None = None,
    status: int = 200,
    *,
    asked: bool = False,
) -> Response:
    try:
        async with services.database.transaction() as transaction:
            row = await open_rejected(transaction, session.actor, session.organisation, work_id, typed.reason)
    except NeedsReason:
        error = {"reason": "Enter why you open this record"} if asked else None
        return await services.pages.page(
            request, "reject_reason.jinja", session, 422 if asked else 200, work_id=work_id, error=error
        )
    return await services.pages.page(
        request, "reject.jinja", session, status, row=row, error=errors, typed=typed, labels=LABELS,
        advice=what_would_mend(row.code), dismissals=list(Dismissal),
    )  # fmt: skip
