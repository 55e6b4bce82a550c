"""The access review, for information governance: who looked, where and why, and what else was done; on a page and as a file.

A search comes by POST, since an NHS number may stand in it; no patient is named in what comes back. Every search is audited.
Source: docs/pages.md, "The access review"; DCB0129 hazard log H-10.
"""

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Request, Response

from api.access_form import FIELDS, SHOWN, Typed, read_typed
from api.access_words import TrailLine, to_csv, trail_lines
from api.security import field, read_form
from api.services import Here, Services
from api.sessions import InformationGovernance
from runtime.clock import now
from runtime.secret import secret_key
from runtime.sessions import Session
from safeguarding.access_history import Access
from safeguarding.time_words import moment
from safeguarding.trail import TrailPage, patient_of, search_trail
from safeguarding.trail_signs import signs_of

ROWS = 100
"""Of a page."""
MOST_IN_FILE = 5000

router = APIRouter()


@router.get("/access-review")
async def review(request: Request, services: Here, session: InformationGovernance) -> Response:
    """The newest looks of everybody, and the form to search by."""
    return await _page(request, services, session, read_typed({}), searched=False)


@router.post("/access-review")
async def search(request: Request, services: Here, session: InformationGovernance) -> Response:
    """What a search finds, a page at a time."""
    return await _page(request, services, session, await _typed(request, services, session), searched=True)


@router.post("/access-review.csv")
async def export(request: Request, services: Here, session: InformationGovernance) -> Response:
    """The same as a file, from the newest on; the page with what is wrong where the form makes no sense."""
    typed = await _typed(request, services, session)
    if typed.errors:
        return await _page(request, services, session, typed, searched=True)
    typed = replace(typed, search=replace(typed.search, before=None))
    page, lines = await _find(services, session, typed, MOST_IN_FILE)
    headers = {"Content-Disposition": 'attachment; filename="nightlight-access-review.csv"', "Cache-Control": "no-store"}
    content = to_csv(lines, _closing(page, now()))
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _closing(page: TrailPage, at: datetime) -> str:
    full = f"Not all rows are here: these are the newest {MOST_IN_FILE}. " if page.next_before else ""
    return f"{full}Access review, made {moment(at)}"


async def _typed(request: Request, services: Services, session: Session) -> Typed:
    form = await read_form(request, services, session)
    return read_typed({name: field(form, name) for name in FIELDS}, field(form, "before"))


async def _find(services: Services, session: Session, typed: Typed, limit: int) -> tuple[TrailPage, list[TrailLine]]:
    async with services.database.transaction() as transaction:
        asked = typed.search
        if typed.number:
            patient = await patient_of(transaction, secret_key(services.settings), typed.number)
            asked = replace(asked, patient=patient)
        page = await search_trail(transaction, session.actor, asked, limit)
        signs = await signs_of(transaction, [row for row in page.rows if isinstance(row, Access)])
    return page, trail_lines(page.rows, signs)


async def _page(request: Request, services: Services, session: Session, typed: Typed, *, searched: bool) -> Response:
    directory = await services.directory.current()
    organisations = {site.organisation_code: site.organisation_name for site in directory.sites.values()}
    organisations |= {authority.code: authority.name for authority in directory.authorities.values()}
    choices = sorted(organisations.items(), key=lambda each: each[1].casefold())
    page, lines = (TrailPage((), None), []) if typed.errors else await _find(services, session, typed, ROWS)
    return await services.pages.page(
        request, "access_review.jinja", session, 422 if typed.errors else 200, typed=typed.values, error=typed.errors,
        lines=lines, next_before=page.next_before, later=typed.search.before is not None, searched=searched,
        organisations=[*choices, ("nightlight", "Nightlight")], shown=SHOWN,
    )  # fmt: skip
