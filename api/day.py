"""The site safeguarding nurse's day: one site, one day in England, everything that somebody must follow up; and the same as CSV.

For site safeguarding of the site's organisation alone. Opening it and exporting it are audited; details of a child are on the
banner, behind the link of each row. Source: docs/department-board.md.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.board import site_of
from api.day_csv import to_csv
from api.services import Here, Services
from api.sessions import signed_in
from domain.actor import Role
from domain.answer import Feed
from domain.errors import NotFound
from runtime.clock import england_day, now
from runtime.sessions import Session
from safeguarding.day import Day, bounds, read_day
from safeguarding.day_feed import SiteFeed, read_feed
from safeguarding.directory import Site
from safeguarding.quarantine_views import QuarantineList, quarantine_of_organisation
from safeguarding.retention import ENCOUNTER_LIFE

EARLIEST = date(2020, 1, 1)

router = APIRouter()

Nurse = Annotated[Session, Depends(signed_in(Role.SITE_SAFEGUARDING))]


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything that the page and the file say, at one moment."""

    day: Day
    feed: SiteFeed
    late: tuple[Feed, ...]
    held: QuarantineList
    at: datetime


@router.get("/sites/{ods}/day")
async def page(request: Request, services: Here, session: Nurse, ods: str, date: str = "") -> Response:
    """The day as a page; without a date, today. A date that is none is said to be, and nothing is listed."""
    site, today = await site_of(services, session, ods), england_day(now())
    day = read_date(date, today) if date else today
    if day is None:
        error = {"date": f"Enter a day from {EARLIEST.year} to today, such as {today.isoformat()}"}
        return await services.pages.page(
            request, "day.jinja", session, 422, site=site, error=error, typed=date, today=today, earliest=EARLIEST
        )
    found = await _read(services, session, site, day, "day.view")
    return await services.pages.page(
        request, "day.jinja", session, site=site, found=found, typed=day.isoformat(), today=today, earliest=EARLIEST,
        before=day - timedelta(days=1) if day > EARLIEST else None, after=day + timedelta(days=1) if day < today else None,
        is_past_keeping=found.at - bounds(day)[0] > ENCOUNTER_LIFE,
    )  # fmt: skip


@router.get("/sites/{ods}/day.csv")
async def export(services: Here, session: Nurse, ods: str, date: str = "") -> Response:
    """The same as a file. Raises NotFound for a date that is none."""
    site, today = await site_of(services, session, ods), england_day(now())
    day = read_date(date, today) if date else today
    if day is None:
        raise NotFound("there is no such day")
    found = await _read(services, session, site, day, "day.export")
    content = to_csv(site.name, found.day, found.feed, found.late, found.held, found.at)
    name = f"nightlight-day-{site.ods_code}-{day.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def read_date(text: str, today: date) -> date | None:
    """A day as YYYY-MM-DD, neither before `EARLIEST` nor to come; else None."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 (a calendar day)
    except ValueError:
        return None
    return day if EARLIEST <= day <= today else None


async def _read(services: Services, session: Session, site: Site, day: date, action: str) -> _Found:
    directory, at = await services.directory.current(), now()
    begin, end = bounds(day)
    async with services.database.transaction() as transaction:
        found = await read_day(transaction, session.actor, site.ods_code, day, action=action)
        feed = await read_feed(transaction, site.ods_code, begin, end, at, services.settings.control_id_days)
        held = await quarantine_of_organisation(transaction, directory, session.organisation, site=site.ods_code)
    return _Found(found, feed, directory.coverage(at).late, held, at)
