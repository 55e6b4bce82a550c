"""The server-sent events of one open page: that it has changed, that it may be out of date, that the sign-in has ended.

`api.worklist` and `api.board` answer with it. Events carry a mark and never a patient; the rows are fetched with the session
that may see them, and the session is looked at again at every event and every few seconds.
"""

from collections.abc import AsyncIterator

from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.live import Marks
from api.services import Services
from api.sessions import session_id_of
from domain.errors import CouldNotReachStore
from runtime.sessions import Session, find_session

CHECK_SECONDS = 3.0


def stream(request: Request, services: Services, session: Session, marks: Marks, code: str) -> EventSourceResponse:
    """Events about what `marks` says of the code: an authority's worklist, a site's board."""
    return EventSourceResponse(_events(request, services, session, marks, code), ping=15, send_timeout=10)


async def _events(
    request: Request, services: Services, session: Session, marks: Marks, code: str
) -> AsyncIterator[ServerSentEvent]:
    with services.screens.open(code, marks) as screen:
        told: str | None = ""
        while not services.screens.ended:
            await screen.wait(CHECK_SECONDS)
            mark = screen.mark
            try:
                if await _still(request, services) != session:
                    yield ServerSentEvent(event="ended", data="")
                    return
            except CouldNotReachStore:
                mark = None
            if mark != told:
                told = mark
                yield ServerSentEvent(event="stale", data="") if mark is None else ServerSentEvent(event="changed", data=mark)


async def _still(request: Request, services: Services) -> Session | None:
    async with services.database.single() as connection:
        return await find_session(connection, session_id_of(request, services))
