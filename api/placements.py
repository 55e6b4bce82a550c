"""Where our children in care live: the report of one authority for its own people, as a page, as CSV and as a workbook.

Only that authority's social workers and data officers see it. Nobody is named in it, and no postcode is whole.
Source: docs/facts.md, sections 4 and 6; docs/authority/where-children-live.md.
"""

import datetime

from fastapi import APIRouter, Request, Response

from api.placements_files import to_csv, to_xlsx
from api.services import Here, Services
from api.sessions import AuthorityStaff
from runtime.clock import england_day, now
from runtime.sessions import Session
from safeguarding.placements import Report, read_report

EARLIEST = datetime.date(2020, 1, 1)
SHOWN_IN_CHART = 15
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

router = APIRouter()


@router.get("/placements")
async def page(request: Request, services: Here, session: AuthorityStaff, date: str = "") -> Response:
    """The report of a day; without one, of today."""
    on = _day(date)
    if on is None:
        error = {"date": f"Enter a day from {EARLIEST.year} to today, such as {england_day(now()).isoformat()}"}
        return await services.pages.page(request, "placements.jinja", session, 422, error=error, typed=date)
    report = await _read(services, session, on, "page")
    return await services.pages.page(
        request, "placements.jinja", session, report=report, typed=on.isoformat(), in_chart=report.districts[:SHOWN_IN_CHART]
    )


@router.get("/placements.csv")
async def as_csv(services: Here, session: AuthorityStaff, date: str = "") -> Response:
    """The districts of the report, for a spreadsheet. A day that is none is today."""
    report = await _read(services, session, _day(date) or england_day(now()), "csv")
    return _file(to_csv(report), "text/csv; charset=utf-8", report, "csv")


@router.get("/placements.xlsx")
async def as_workbook(services: Here, session: AuthorityStaff, date: str = "") -> Response:
    """The whole report as a workbook with a chart."""
    report = await _read(services, session, _day(date) or england_day(now()), "xlsx")
    return _file(to_xlsx(report), _XLSX, report, "xlsx")


def _file(content: bytes, media_type: str, report: Report, ending: str) -> Response:
    name = f"where-our-children-live-{report.on.isoformat()}.{ending}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _read(services: Services, session: Session, on: datetime.date, form: str) -> Report:
    async with services.database.transaction() as transaction:
        return await read_report(transaction, session.actor, session.organisation, on, form)


def _day(text: str) -> datetime.date | None:
    today = england_day(now())
    if not text:
        return today
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= today else None
