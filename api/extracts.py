"""The upload of an authority's extract by its data officer, the way it goes after that, and the reports.

The bytes are kept before the browser is answered; `nightlight loader` loads them, and `api.upload_progress` shows how far that is.
Source: docs/facts.md, section 4; docs/adr/0036-extracts-are-kept-then-loaded.md.
"""

from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from api.extract_form import Fields, declaration_of, errors_of
from api.paging import page_asked, pages_of
from api.security import TooLarge, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.errors import NightlightError, Temporary
from domain.extract import CameBy
from runtime.clock import now
from runtime.sessions import Session
from safeguarding.extracts.declaring import says_when_it_was_taken
from safeguarding.extracts.loading import list_reports, read_hidden, read_rejects, read_report
from safeguarding.extracts.uploads import Upload, keep_file, list_uploads, read_response
from safeguarding.extracts.work import read_work

REJECTS_ON_A_PAGE = 50
_BEGINNING = 256
_JSON = "application/json"

router = APIRouter()


@router.get("/extracts")
async def extracts(request: Request, services: Here, session: DataOfficer) -> Response:
    """The form, what waits to be loaded, and the authority's extracts so far."""
    return await _page(request, services, session, Fields.at(now()))


@router.post("/extracts")
async def upload(request: Request, services: Here, session: DataOfficer) -> Response:
    """Keep an extract, and lead to where one sees it being loaded. What is wrong with the form is said, and nothing is kept."""
    try:
        form = await read_form(request, services, session, services.settings.upload_max_bytes)
    except TooLarge:
        return await _refuse(request, services, session, Fields.at(now()), {"file": _too_large(services)}, 413)
    try:
        return await _keep(request, services, session, form)
    finally:
        await form.close()


async def _keep(request: Request, services: Services, session: Session, form: FormData) -> Response:
    fields, file = Fields.of(form), form.get("file")
    beginning = await _beginning(file) if isinstance(file, UploadFile) else b""
    says_when = says_when_it_was_taken(beginning)
    errors = errors_of(fields, says_when=says_when)
    if not isinstance(file, UploadFile) or not file.filename:
        errors = {"file": "Choose the extract: a CSV, zip or XML file", **errors}
    elif not beginning:
        errors = {"file": "The file is empty", **errors}
    if errors or not isinstance(file, UploadFile):
        return await _refuse(request, services, session, fields, errors, 422)
    declaration = declaration_of(fields, says_when=says_when)
    try:
        kept = await keep_file(services.database, session.actor, session.organisation, file.file, declaration, CameBy.PAGE)
    except Temporary:
        if not _wants_json(request):
            raise
        return _json({"errors": {"file": "Nightlight could not keep the file just now. Try again in a minute."}}, 503)
    except NightlightError as error:
        return await _refuse(request, services, session, fields, {"file": error.sentence}, 422)
    return _kept(request, kept)


async def _beginning(file: UploadFile) -> bytes:
    first = await file.read(_BEGINNING)
    await file.seek(0)
    return first


def _kept(request: Request, kept: Upload) -> Response:
    where = f"/extracts/uploads/{kept.id}"
    return _json({"upload": where}, 202) if _wants_json(request) else RedirectResponse(f"{where}?refresh=yes", 303)


async def _refuse(
    request: Request, services: Services, session: Session, fields: Fields, errors: dict[str, str], status: int
) -> Response:
    if _wants_json(request):
        return _json({"errors": errors}, status)
    return await _page(request, services, session, fields, errors, status)


def _wants_json(request: Request) -> bool:
    return _JSON in request.headers.get("accept", "")


def _json(content: object, status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type=_JSON)


@router.get("/extracts/{extract_id}")
async def report_page(request: Request, services: Here, session: DataOfficer, extract_id: UUID, page: int = 1) -> Response:
    """The report of one extract of the own authority, with its rejected records."""
    page = page_asked(page)
    async with services.database.transaction() as transaction:
        report = await read_report(transaction, session.organisation, extract_id)
        rejects = await read_rejects(
            transaction, session.actor, session.organisation, extract_id,
            limit=REJECTS_ON_A_PAGE, offset=(page - 1) * REJECTS_ON_A_PAGE,
        )  # fmt: skip
        hidden = await read_hidden(transaction, extract_id, rejects)
    pages = pages_of(report.rejected, REJECTS_ON_A_PAGE)
    return await services.pages.page(
        request, "extract.jinja", session, report=report, rejects=rejects, hidden=hidden, number=page, pages=pages
    )


@router.get("/extracts/{extract_id}/response")
async def response_file(services: Here, session: DataOfficer, extract_id: UUID) -> Response:
    """The national response file to an extract that came as HL7 V3: a code for each record. It names people."""
    async with services.database.transaction() as transaction:
        content = await read_response(transaction, session.actor, session.organisation, extract_id)
    headers = {"content-disposition": f'attachment; filename="response-{extract_id}.xml"'}
    return Response(content, headers=headers, media_type="application/xml")


def _too_large(services: Services) -> str:
    return f"The file is larger than {services.settings.upload_max_bytes // 1_000_000} MB"


async def _page(
    request: Request, services: Services, session: Session, fields: Fields, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    authority = (await services.directory.current()).authorities[session.organisation]
    async with services.database.transaction() as transaction:
        reports = await list_reports(transaction, session.organisation, limit=20)
        uploads = await list_uploads(transaction, session.organisation, limit=10)
        work = await read_work(transaction, authority)
    return await services.pages.page(
        request, "extracts.jinja", session, status, fields=fields, error=errors, reports=reports, uploads=uploads,
        authority=authority, work=work, largest=services.settings.upload_max_bytes,
    )  # fmt: skip
