"""The department board: who is at a site now that staff must look at. Neutral at rest, live, for a wall as for a desk.

A row's details are the banner's: the same look through the desk, audited, hidden again after a minute. The board renews itself
as the worklist does, and turns amber while it cannot. Source: docs/department-board.md.
"""

from datetime import timedelta

from fastapi import APIRouter, Request, Response

from api.banner_words import SECONDS_SHOWN
from api.board_words import board_parts
from api.services import Here, Services
from api.sessions import SiteStaff
from api.streams import stream
from domain.actor import Role
from domain.errors import NotFound
from runtime.clock import england_day, now
from runtime.sessions import Session
from safeguarding.board import board_mark, board_marks, read_board, read_reach
from safeguarding.directory import Site

router = APIRouter()


@router.get("/boards")
async def boards(request: Request, services: Here, session: SiteStaff) -> Response:
    """The organisation's sites, each with its board, and its days for site safeguarding."""
    sites = (await services.directory.current()).sites_of(session.organisation)
    has_day, today = session.role is Role.SITE_SAFEGUARDING, england_day(now())
    return await services.pages.page(
        request, "boards.jinja", session, sites=sites, has_day=has_day, yesterday=today - timedelta(days=1)
    )


@router.get("/sites/{ods}/board")
async def whole_page(request: Request, services: Here, session: SiteStaff, ods: str) -> Response:
    """The board as a page."""
    return await _board(request, services, session, await site_of(services, session, ods), "board.jinja")


@router.get("/sites/{ods}/board/rows")
async def rows_alone(request: Request, services: Here, session: SiteStaff, ods: str, mark: str = "") -> Response:
    """The rows alone, for the page's script; 204 where they are still what `mark` stands for."""
    site = await site_of(services, session, ods)
    return await _board(request, services, session, site, "board_rows.jinja", mark)


@router.get("/sites/{ods}/board/events")
async def events(request: Request, services: Here, session: SiteStaff, ods: str) -> Response:
    """Tells an open board that it has changed, that it may be out of date, or that the sign-in has ended."""
    site = await site_of(services, session, ods)
    return stream(request, services, session, board_marks, site.ods_code)


async def site_of(services: Services, session: Session, ods: str) -> Site:
    """The site, if it is of the person's own organisation. Raises NotFound."""
    site = (await services.directory.current()).sites.get(ods)
    if site is None or site.organisation_code != session.organisation:
        raise NotFound("there is no such site")
    return site


async def _board(
    request: Request, services: Services, session: Session, site: Site, template: str, known: str | None = None
) -> Response:
    async with services.screens.turns, services.database.transaction() as transaction:
        # The mark first: a change in between is then seen as a change, never missed. What it says of coverage is what is shown.
        directory = await read_reach(transaction)
        mark = await board_mark(transaction, site.ods_code, directory)
        if mark == known:
            return Response(status_code=204)
        board = await read_board(transaction, session.actor, site.ods_code, directory)
    return await services.pages.page(
        request, template, session, site=site, board=board, parts=board_parts(board.rows), mark=mark, seconds=SECONDS_SHOWN,
        fully_checked=directory.coverage(now()).fully_checked,
    )  # fmt: skip
