"""The upload of an authority's extract by its data officer, with the report that is its reply, and the past ones.

A browser with JavaScript is told how far the load is, as lines of JSON; one without waits for the report.
Source: docs/facts.md, section 4.
"""

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.datastructures import FormData, UploadFile

from api.loading import Loading
from api.security import TooLarge, field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.errors import NightlightError
from runtime.clock import ENGLAND, now
from runtime.sessions import Session
from safeguarding.extracts import list_reports, load_extract, read_rejects, read_report

REJECTS_ON_A_PAGE = 50
_LINES = "application/x-ndjson"
_GO_ON = "Something went wrong here. Load the same file again: it goes on from where it stopped."

router = APIRouter()


@router.get("/extracts")
async def extracts(request: Request, services: Here, session: DataOfficer) -> Response:
    """The form, and the authority's extracts so far."""
    return await _page(request, services, session, _Fields.at(now()))


@router.post("/extracts")
async def upload(request: Request, services: Here, session: DataOfficer) -> Response:
    """Load an extract. The report is the reply; a refused file says why, and nothing of it was loaded."""
    try:
        form = await read_form(request, services, session, services.settings.upload_max_bytes)
    except TooLarge:
        return await _refuse(request, services, session, _Fields.at(now()), {"file": _too_large(services)}, 413)
    fields, file = _Fields.of(form), form.get("file")
    errors, extracted_at = _errors(fields, file)
    if errors or extracted_at is None or not isinstance(file, UploadFile):
        await form.close()
        return await _refuse(request, services, session, fields, errors, 422)
    loading = _start(services, session, form, file, extracted_at, sensitive=bool(fields.sensitive))
    if _wants_lines(request):
        return StreamingResponse(_progress(loading), media_type=_LINES)
    try:
        report = await loading.report()
    except NightlightError as error:
        return await _refuse(request, services, session, fields, {"file": _sentence(error)}, 422)
    return RedirectResponse(f"/extracts/{report.id}", 303)


async def _refuse(
    request: Request, services: Services, session: Session, fields: "_Fields", errors: dict[str, str], status: int
) -> Response:
    if _wants_lines(request):
        return Response(orjson.dumps({"errors": errors}) + b"\n", status, media_type=_LINES)
    return await _page(request, services, session, fields, errors, status)


def _wants_lines(request: Request) -> bool:
    return _LINES in request.headers.get("accept", "")


@router.get("/extracts/{extract_id}")
async def report_page(request: Request, services: Here, session: DataOfficer, extract_id: UUID, page: int = 1) -> Response:
    """The report of one extract of the own authority, with its rejected records."""
    page = min(max(page, 1), 1_000_000)
    async with services.database.transaction() as transaction:
        report = await read_report(transaction, session.organisation, extract_id)
        rejects = await read_rejects(
            transaction, session.actor, session.organisation, extract_id,
            limit=REJECTS_ON_A_PAGE, offset=(page - 1) * REJECTS_ON_A_PAGE,
        )  # fmt: skip
    pages = max(1, math.ceil(report.rejected / REJECTS_ON_A_PAGE))
    return await services.pages.page(request, "extract.jinja", session, report=report, rejects=rejects, number=page, pages=pages)


def _start(
    services: Services, session: Session, form: FormData, file: UploadFile, extracted_at: datetime, *, sensitive: bool
) -> Loading:
    async def load(on_progress: Any) -> Any:
        try:
            return await load_extract(
                services.database, session.actor, session.organisation, file.file,
                extracted_at=extracted_at, sensitive=sensitive, on_progress=on_progress,
            )  # fmt: skip
        finally:
            await form.close()

    return services.loads.start(load)


async def _progress(loading: Loading) -> AsyncIterator[bytes]:
    async for step in loading.progress():
        yield orjson.dumps({"step": step.step, "done": step.done, "total": step.total}) + b"\n"
    try:
        report = await loading.report()
    except NightlightError as error:
        yield orjson.dumps({"errors": {"file": _sentence(error)}}) + b"\n"
    except Exception:
        yield (
            orjson.dumps({"error": "Something went wrong here. Load the same file again: it goes on from where it stopped."})
            + b"\n"
        )
        raise
    else:
        yield orjson.dumps({"report": f"/extracts/{report.id}"}) + b"\n"


@dataclass(frozen=True, slots=True)
class _Fields:
    """What stands in the form: when the extract was taken, England's time, and whether everybody in it is sensitive."""

    day: str
    month: str
    year: str
    time: str
    sensitive: str = ""

    @classmethod
    def at(cls, instant: datetime) -> "_Fields":
        local = instant.astimezone(ENGLAND)
        return cls(str(local.day), str(local.month), str(local.year), f"{local:%H:%M}")

    @classmethod
    def of(cls, form: FormData) -> "_Fields":
        return cls(*(field(form, name).strip() for name in ("day", "month", "year", "time", "sensitive")))

    @property
    def instant(self) -> datetime | None:
        """The instant that is meant, or None where it is none."""
        try:
            hours, minutes = self.time.replace(".", ":").split(":")
            local = datetime(int(self.year), int(self.month), int(self.day), int(hours), int(minutes), tzinfo=ENGLAND)
        except ValueError:
            return None
        return local.astimezone(UTC)


def _errors(fields: _Fields, file: object) -> tuple[dict[str, str], datetime | None]:
    errors, extracted_at = {}, fields.instant
    if not isinstance(file, UploadFile) or not file.filename:
        errors["file"] = "Choose the extract, a CSV file"
    if extracted_at is None:
        errors["taken-day"] = "Enter the day and the time at which the extract was taken, such as 27 3 2026 and 06:30"
    elif extracted_at > now():
        errors["taken-day"] = "The extract cannot have been taken in the future"
    return errors, extracted_at


def _sentence(error: NightlightError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


def _too_large(services: Services) -> str:
    return f"The file is larger than {services.settings.upload_max_bytes // 1_000_000} MB"


async def _page(
    request: Request, services: Services, session: Session, fields: _Fields, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    async with services.database.transaction() as transaction:
        reports = await list_reports(transaction, session.organisation, limit=20)
    authority = (await services.directory.current()).authorities[session.organisation]
    return await services.pages.page(
        request, "extracts.jinja", session, status, fields=fields, error=errors, reports=reports, authority=authority,
        largest=services.settings.upload_max_bytes,
    )  # fmt: skip
