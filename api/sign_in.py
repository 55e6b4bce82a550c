"""Signing in by OpenID Connect (authorization code, PKCE S256, state, nonce), and signing out.

The identity provider says who somebody is; the claims `nightlight_role` and `nightlight_organisation` say what for.
What must be remembered between leaving and coming back is in a signed cookie of the browser's own, not here.
Sources: OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9700 (best current practice).
"""

import hashlib
import hmac
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from joserfc.errors import JoseError
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Route

from api.navigation import HOMES
from api.security import local_path, read_form
from api.services import Here, Services, services_of
from api.sessions import Anyone, give_cookie, is_https, session_id_of, session_of, take_cookie
from domain.actor import Role
from runtime.logs import get_logger
from runtime.secret import secret_key
from runtime.sessions import end_session, start_session
from runtime.settings import Settings
from safeguarding.directory import Directory

CALLBACK = "/auth/callback"
_COOKIE = "nightlight-sign-in"
_COOKIE_SECONDS = 600
_PROVIDER_SECONDS = 5.0
_LONGEST_NAME = 100
_NO_AUTHORITY = "nightlight"

log = get_logger()
router = APIRouter()


def sign_in_routes(settings: Settings) -> list[Route]:
    """Leaving to the identity provider and coming back; the only two addresses that know the sign-in cookie."""
    key = hmac.new(secret_key(settings), b"sign-in cookie", hashlib.sha256).hexdigest()
    cookie = Middleware(
        SessionMiddleware,
        secret_key=key,
        session_cookie=_COOKIE,
        max_age=_COOKIE_SECONDS,
        same_site="lax",
        https_only=is_https(settings),
    )
    door = SignIn(settings)
    return [
        Route("/sign-in", door.leave, methods=["GET"], middleware=[cookie]),
        Route(CALLBACK, door.come_back, methods=["GET"], middleware=[cookie]),
    ]


class SignIn:
    """The way out to the identity provider and back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        issuer, secret = settings.oidc_issuer.rstrip("/"), settings.oidc_client_secret.get_secret_value()
        self._issuers = [issuer, issuer + "/"]
        self._client: Any = OAuth().register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=secret or None,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
                "timeout": _PROVIDER_SECONDS,
            },
        )

    async def leave(self, request: Request) -> Response:
        """To the provider; where it is away, or none is set, a page that says so."""
        services = await services_of(request)
        if not self._settings.oidc_issuer:
            return await services.pages.page(request, "sign_in_not_set_up.jinja", status=503)
        request.session["next"] = local_path(request.query_params.get("next", "/"))
        try:
            response: Response = await self._client.authorize_redirect(request, self._settings.link(CALLBACK))
        except Exception as error:  # whatever the provider does, nobody is signed in and the person is told
            log.error("identity provider away", error=type(error).__name__)
            return await services.pages.page(request, "sign_in_away.jinja", status=503)
        return response

    async def come_back(self, request: Request) -> Response:
        """From the provider: a new session for whoever has a role here."""
        services = await services_of(request)
        try:
            claims = await self._claims(request)
        except (OAuthError, JoseError) as error:
            log.warning("sign-in refused", error=type(error).__name__)
            return await services.pages.page(request, "sign_in_failed.jinja", status=400)
        except Exception as error:
            log.error("identity provider away", error=type(error).__name__)
            return await services.pages.page(request, "sign_in_away.jinja", status=503)
        target = local_path(request.session.pop("next", "/"))
        request.session.clear()
        role, organisation = role_of(claims, await services.directory.current())
        if role is None:
            log.warning("sign-in without a role")
            return await services.pages.page(request, "sign_in_no_role.jinja", status=403)
        return await self._begin(request, services, claims, role, organisation, target)

    async def _claims(self, request: Request) -> dict[str, Any]:
        options = {
            "iss": {"essential": True, "values": self._issuers},
            "aud": {"essential": True, "value": self._settings.oidc_client_id},
        }
        token = await self._client.authorize_access_token(request, claims_options=options)
        claims = dict(token.get("userinfo") or {})
        if "sub" not in claims:
            raise OAuthError("missing_id_token")
        if "nightlight_role" not in claims:
            more = await self._client.userinfo(token=token)
            if more.get("sub") == claims["sub"]:  # OpenID Connect Core, section 5.3.2
                claims |= more
        return claims

    async def _begin(
        self, request: Request, services: Services, claims: dict[str, Any], role: Role, organisation: str, target: str
    ) -> Response:
        name = str(claims.get("name") or claims["sub"])[:_LONGEST_NAME]
        async with services.database.transaction() as transaction:
            await end_session(transaction, session_id_of(request, services))
            life = self._settings.session_life
            session_id = await start_session(transaction, str(claims["sub"]), name, role, organisation, life)
        response = RedirectResponse(target, 303)
        give_cookie(response, self._settings, session_id)
        return response


def role_of(claims: dict[str, Any], directory: Directory) -> tuple[Role | None, str]:
    """The role and the organisation that the claims give, or (None, "") where either is unknown here."""
    role, organisation = str(claims.get("nightlight_role", "")), str(claims.get("nightlight_organisation", ""))
    if role in {Role.CLINICIAN, Role.SITE_SAFEGUARDING}:
        known = bool(directory.sites_of(organisation))
    elif role in {Role.SOCIAL_WORKER, Role.DATA_OFFICER}:
        known = organisation in directory.authorities
    else:
        known = role in {Role.INFORMATION_GOVERNANCE, Role.OPERATOR} and organisation == _NO_AUTHORITY
    return (Role(role), organisation) if known else (None, "")


@router.get("/")
async def home(request: Request, services: Here) -> Response:
    """To the page that the person's role begins with."""
    session = await session_of(request, services)
    return RedirectResponse(HOMES[session.role][0] if session else "/sign-in", 303)


@router.post("/sign-out")
async def sign_out(request: Request, services: Here, session: Anyone) -> Response:
    """The session ends, here and on every other open page."""
    await read_form(request, services, session)
    async with services.database.transaction() as transaction:
        await end_session(transaction, session_id_of(request, services))
    response = RedirectResponse("/signed-out", 303)
    take_cookie(response, services.settings)
    return response


@router.get("/signed-out")
async def signed_out(request: Request, services: Here) -> Response:
    """Where signing out ends."""
    return await services.pages.page(request, "signed_out.jinja")
