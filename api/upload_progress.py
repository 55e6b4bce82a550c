"""Where a data officer sees what becomes of an upload: a page that looks again by itself, and the small JSON that its script asks.

Once it is loaded the page leads on to the report; where it was refused it says why, and what to do.
Source: docs/adr/0036-extracts-are-kept-then-loaded.md.
"""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from api.services import Here, Services
from api.sessions import DataOfficer
from api.upload_views import progress_view
from runtime.sessions import Session
from safeguarding.extracts.uploads import Upload, UploadState, read_upload

REFRESH_SECONDS = "3"

router = APIRouter()


@router.get("/extracts/uploads/{upload_id}")
async def upload_page(request: Request, services: Here, session: DataOfficer, upload_id: UUID, refresh: str = "") -> Response:
    """How far an upload of the own authority is. `refresh`: for a browser without scripts, which comes again by itself."""
    upload = await _read(services, session, upload_id)
    if upload.extract_id is not None:
        return RedirectResponse(f"/extracts/{upload.extract_id}", 303)
    refreshes = bool(refresh) and not upload.has_ended
    response = await services.pages.page(
        request, "upload.jinja", session, upload=upload, words=progress_words(upload), refreshes=refreshes,
        error={"again": upload.refusal} if upload.state is UploadState.REFUSED else None,
    )  # fmt: skip
    if refreshes:
        response.headers["Refresh"] = REFRESH_SECONDS
    return response


@router.get("/extracts/uploads/{upload_id}/status")
async def upload_status(services: Here, session: DataOfficer, upload_id: UUID) -> Response:
    """The same for a script. `has_ended`: then the page itself says what became of it."""
    upload = await _read(services, session, upload_id)
    return JSONResponse({**progress_view(upload), "words": progress_words(upload), "has_ended": upload.has_ended})


async def _read(services: Services, session: Session, upload_id: UUID) -> Upload:
    async with services.database.transaction() as transaction:
        return await read_upload(transaction, session.organisation, upload_id)


def progress_words(upload: Upload) -> str:
    """How far it is, in a sentence."""
    if upload.state is UploadState.WAITING:
        return "It waits to be tried again." if upload.attempts else "It is on disk, and waits for its turn."
    if upload.state is UploadState.LOADED:
        return "It is loaded."
    if upload.state is UploadState.REFUSED:
        return "Nothing of it was loaded."
    of = f" of {upload.total:,}" if upload.total is not None else ""
    return f"{(upload.step or 'opening').capitalize()}: {upload.done:,}{of} records."
