"""Who is asking: the cookie, the session behind it, and the roles that a page is for.

Handlers name one of the dependencies below; whoever is not signed in is sent to sign in, and for whom a page is not,
it does not exist (the same 404 as for a page that is not there).
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response

from api.services import Here, Services
from domain.actor import Role
from domain.errors import NotFound
from runtime.sessions import Session, find_session
from runtime.settings import Settings


class NotSignedIn(Exception):
    """There is no session, or it ended."""


def is_https(settings: Settings) -> bool:
    """Whether people reach the pages by https; cookies are then Secure and bound to the host."""
    return settings.public_url.startswith("https://")


def cookie_name(settings: Settings) -> str:
    """With https the __Host- prefix: no other host and no plain http can set it (RFC 6265bis, section 4.1.3)."""
    return "__Host-nightlight" if is_https(settings) else "nightlight"


def give_cookie(response: Response, settings: Settings, session_id: str) -> None:
    """Let the browser hold the session; it goes when the browser is closed."""
    response.set_cookie(cookie_name(settings), session_id, path="/", httponly=True, samesite="lax", secure=is_https(settings))


def take_cookie(response: Response, settings: Settings) -> None:
    """Away with the cookie."""
    response.delete_cookie(cookie_name(settings), path="/", httponly=True, samesite="lax", secure=is_https(settings))


def session_id_of(request: Request, services: Services) -> str:
    """The id that the browser holds, or nothing."""
    return request.cookies.get(cookie_name(services.settings), "")


async def session_of(request: Request, services: Services) -> Session | None:
    """The session of whoever asks, or None. Raises CouldNotReachStore where nobody can say."""
    session_id = session_id_of(request, services)
    if not session_id:
        return None
    async with services.database.single() as connection:
        return await find_session(connection, session_id)


def signed_in(*roles: Role) -> Callable[[Request, Services], Awaitable[Session]]:
    """A dependency: the session of a person with one of the roles (any role where none is named).

    Raises NotSignedIn without a session, NotFound for another role.
    """

    async def check(request: Request, services: Here) -> Session:
        session = await session_of(request, services)
        if session is None:
            raise NotSignedIn
        if roles and session.role not in roles:
            raise NotFound("not for this role")
        request.scope["nightlight.session"] = session
        return session

    return check


Anyone = Annotated[Session, Depends(signed_in())]
SiteStaff = Annotated[Session, Depends(signed_in(Role.CLINICIAN, Role.SITE_SAFEGUARDING))]
Clinician = Annotated[Session, Depends(signed_in(Role.CLINICIAN))]
SocialWorker = Annotated[Session, Depends(signed_in(Role.SOCIAL_WORKER))]
DataOfficer = Annotated[Session, Depends(signed_in(Role.DATA_OFFICER))]
InformationGovernance = Annotated[Session, Depends(signed_in(Role.INFORMATION_GOVERNANCE))]
AuthorityStaff = Annotated[Session, Depends(signed_in(Role.SOCIAL_WORKER, Role.DATA_OFFICER))]
IncidentStaff = Annotated[Session, Depends(signed_in(Role.DATA_OFFICER, Role.SITE_SAFEGUARDING, Role.INFORMATION_GOVERNANCE))]
