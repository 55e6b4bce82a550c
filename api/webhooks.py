"""Webhooks, for an authority's data officers: where their own system is told, how it goes, a test, and the secret once.

A secret stands on the page that answers a registration or a renewal, and nowhere else.
Source: docs/integration/webhooks.md; docs/adr/0043.
"""

from collections.abc import Mapping
from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.alert import AttemptOutcome
from domain.channel import Attempted
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.endpoints import Endpoints, endpoints
from runtime.secret import secret_key
from runtime.sessions import Session
from safeguarding.telling.webhooks import (
    Listed,
    change,
    list_webhooks,
    register,
    renew,
    send_test,
    take_into_use,
    take_out_of_use,
)

_CODES = {
    "endpoint-off": "it is out of use",
    "gone": "the system says that it wants no more notices (410 Gone)",
    "no-such-name": "nobody has the name in its address",
    "unreachable": "nobody takes connections at its address",
    "slow": "the system did not answer in time",
    "timed-out": "the system did not answer in time",
    "broken": "the connection broke off",
    "tls": "the system’s certificate is not to be trusted",
    "redirect": "the system sends us elsewhere, and we do not follow",
    "private-address": "its address is not on the Internet",
    "not-https": "its address has no TLS",
    "too-long": "the system’s answer is too long",
    "bad-address": "its address is none",
    "store-away": "our own database was away",
}

router = APIRouter()


def in_words(code: str) -> str:
    """Why a notice was not taken."""
    return _CODES.get(code) or f"the system answered with {code.replace('-', ' ')}"


async def _caller(request: Request, services: Here) -> Endpoints:
    """Made once, when it is first needed: it reads whom this machine trusts."""
    state = request.app.state
    if not hasattr(state, "webhook_endpoints"):
        state.webhook_endpoints = endpoints(services.settings)
    return cast(Endpoints, state.webhook_endpoints)


Caller = Annotated[Endpoints, Depends(_caller)]


@router.get("/webhooks")
async def listed(request: Request, services: Here, session: DataOfficer) -> Response:
    """The authority's webhooks, each with how it goes, and the form for another."""
    return await _list(request, services, session)


@router.post("/webhooks")
async def add(request: Request, services: Here, session: DataOfficer, caller: Caller) -> Response:
    """Register one; the page that answers shows its secret."""
    form = await read_form(request, services, session)
    given = {name: field(form, name).strip() for name in ("name", "url")}
    try:
        caller.check(given["url"])
    except InvalidInput as error:
        return await _list(request, services, session, given, {"url": error.sentence})
    try:
        async with services.database.transaction() as transaction:
            webhook, secret = await register(
                transaction, secret_key(services.settings), session.actor, session.organisation, given["name"], given["url"]
            )
    except (InvalidInput, Conflict) as error:
        return await _list(request, services, session, given, {"name": error.sentence})
    return await services.pages.page(request, "webhook_secret.jinja", session, 201, webhook=webhook, secret=secret, renewed=False)


@router.get("/webhooks/{webhook_id}")
async def one(request: Request, services: Here, session: DataOfficer, webhook_id: UUID) -> Response:
    """One webhook: how it goes, and what can be done with it."""
    return await _one(request, services, session, webhook_id)


@router.post("/webhooks/{webhook_id}")
async def changed(request: Request, services: Here, session: DataOfficer, caller: Caller, webhook_id: UUID) -> Response:
    """Another name or address."""
    form = await read_form(request, services, session)
    given = {name: field(form, name).strip() for name in ("name", "url")}
    wrong = "url"
    try:
        caller.check(given["url"])
        wrong = "name"
        async with services.database.transaction() as transaction:
            await change(transaction, session.actor, session.organisation, webhook_id, given["name"], given["url"])
    except InvalidInput as error:
        return await _one(request, services, session, webhook_id, given=given, error={wrong: error.sentence})
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


@router.post("/webhooks/{webhook_id}/secret")
async def renewed(request: Request, services: Here, session: DataOfficer, webhook_id: UUID) -> Response:
    """Another secret; the page that answers shows it."""
    await read_form(request, services, session)
    try:
        async with services.database.transaction() as transaction:
            webhook, secret = await renew(
                transaction, secret_key(services.settings), session.actor, session.organisation, webhook_id
            )
    except Conflict as error:
        return await _one(request, services, session, webhook_id, error={"renew": error.sentence})
    return await services.pages.page(request, "webhook_secret.jinja", session, webhook=webhook, secret=secret, renewed=True)


@router.post("/webhooks/{webhook_id}/test")
async def tested(request: Request, services: Here, session: DataOfficer, caller: Caller, webhook_id: UUID) -> Response:
    """Send a notice of nothing now, and say on the page how it went."""
    await read_form(request, services, session)
    settings = services.settings
    attempted = await send_test(
        services.database, caller, secret_key(settings), settings.link("/worklist"), session.actor, session.organisation, webhook_id
    )
    return await _one(request, services, session, webhook_id, tested=attempted)


@router.post("/webhooks/{webhook_id}/off")
async def off(request: Request, services: Here, session: DataOfficer, webhook_id: UUID) -> Response:
    """Take it out of use: what is for it waits."""
    await read_form(request, services, session)
    async with services.database.transaction() as transaction:
        await take_out_of_use(transaction, session.actor, session.organisation, webhook_id)
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


@router.post("/webhooks/{webhook_id}/on")
async def on(request: Request, services: Here, session: DataOfficer, webhook_id: UUID) -> Response:
    """Take it into use again: what waited is sent."""
    await read_form(request, services, session)
    async with services.database.transaction() as transaction:
        await take_into_use(transaction, session.actor, session.organisation, webhook_id)
    return RedirectResponse(f"/webhooks/{webhook_id}", 303)


async def _read(services: Services, session: Session) -> list[Listed]:
    async with services.database.transaction() as transaction:
        return await list_webhooks(transaction, session.organisation)


async def _list(
    request: Request,
    services: Services,
    session: Session,
    given: Mapping[str, str] | None = None,
    error: Mapping[str, str] | None = None,
) -> Response:
    rows = await _read(services, session)
    return await services.pages.page(
        request, "webhooks.jinja", session, 422 if error else 200, rows=rows, given=given or {}, error=error, in_words=in_words
    )


async def _one(
    request: Request,
    services: Services,
    session: Session,
    webhook_id: UUID,
    *,
    given: Mapping[str, str] | None = None,
    error: Mapping[str, str] | None = None,
    tested: Attempted | None = None,
) -> Response:
    found = next((each for each in await _read(services, session) if each.webhook.id == webhook_id), None)
    if found is None:
        raise NotFound("there is no such webhook")
    return await services.pages.page(
        request, "webhook.jinja", session, 422 if error else 200, webhook=found.webhook, going=found.going, error=error,
        given=given or {"name": found.webhook.name, "url": found.webhook.url}, tested=tested, in_words=in_words,
        taken=tested is not None and tested.outcome is AttemptOutcome.DELIVERED,
    )  # fmt: skip
