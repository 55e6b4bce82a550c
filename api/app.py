"""The HTTP application: the pages, health, metrics, and the doors for systems mounted before them.

`nightlight api` makes it and serves it by uvicorn; every page handler is in a module of its own beside this one.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from api import (
    access_review,
    agreements,
    alert_pages,
    banner,
    board,
    cards,
    children,
    conversation,
    day,
    deliveries,
    extracts,
    health,
    incidents,
    missing,
    onboarding,
    placements,
    quarantine,
    rejects,
    rules,
    samples,
    sign_in,
    telling,
    telling_teams,
    upload_progress,
    webhooks,
    worklist,
)
from api import held as held_endings
from api.doors import DoorsFirst
from api.errors import CatchAll, add_error_pages
from api.live import Screens
from api.metrics import Measured
from api.pages import Pages, static_folder
from api.security import SecurityHeaders
from api.services import Services
from domain.replaying import HeldMessages
from runtime.database import Database
from runtime.nudge import Nudges
from runtime.settings import Settings
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader


def create_app(
    settings: Settings,
    database: Database,
    desk: Desk,
    directory: DirectoryReader,
    nudges: Nudges,
    doors: Mapping[str, ASGIApp] | None = None,
    held: HeldMessages | None = None,
    try_message: rules.TryMessage | None = None,
) -> FastAPI:
    """The application. Whoever calls opens and closes what is passed in; the applications of the doors too.

    `held` is the door through which quarantined messages go again; without it there are no pages about them. `try_message`
    says what the HL7 door would make of a message; without it there are no pages of sites' rules.
    """
    app = FastAPI(title="Nightlight", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_lifespan)
    app.state.services = Services(
        settings=settings,
        database=database,
        desk=desk,
        directory=directory,
        nudges=nudges,
        screens=Screens(database, directory, nudges, at_once=settings.database_connections // 2),
        pages=Pages(directory),
    )
    services: Services = app.state.services
    app.router.routes.append(Mount(f"/static/{services.pages.static_version}", KeptFiles(directory=static_folder())))
    app.router.routes.extend(sign_in.sign_in_routes(settings))
    for each in (
        sign_in, banner, conversation, incidents, board, cards, day, worklist, alert_pages, children, placements, held_endings,
        missing, extracts, upload_progress, rejects, samples, onboarding, agreements, access_review, telling,
        telling_teams, webhooks, deliveries, health,
    ):  # fmt: skip
        app.include_router(each.router)
    if held is not None:
        app.state.held = held
        app.include_router(quarantine.router)
    if try_message is not None:
        app.state.try_message = try_message
        app.include_router(rules.router)
    add_error_pages(app)
    app.add_middleware(CatchAll)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.add_middleware(DoorsFirst, doors=doors or {})
    app.add_middleware(Measured)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    async with services.screens.kept_fresh():
        yield


class KeptFiles(StaticFiles):
    """Styles and scripts: the address changes with any of them, so that browsers may keep what they have."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        """As StaticFiles, with a year to keep it."""
        response = super().file_response(*arguments, **options)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
