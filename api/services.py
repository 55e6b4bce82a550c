"""What the handlers of the pages are handed: made once by `api.app`, reached by every handler as `Here`."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from api.live import Screens
from api.pages import Pages
from runtime.database import Database
from runtime.nudge import Nudges
from runtime.settings import Settings
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the house that a page needs."""

    settings: Settings
    database: Database
    desk: Desk
    directory: DirectoryReader
    nudges: Nudges
    screens: Screens
    pages: Pages


async def services_of(request: Request) -> Services:
    """The services of the application that serves the request."""
    return cast(Services, request.app.state.services)


Here = Annotated[Services, Depends(services_of)]
