"""The agreements, for information governance: on record, running out, a new one, and one that ends earlier than was agreed.

Source: docs/facts.md, section 5 ("agreements are data"); docs/onboarding.md, "Agreements".
"""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import InformationGovernance
from domain.errors import Conflict, InvalidInput
from runtime.clock import england_day, now
from runtime.sessions import Session
from safeguarding.onboarding.agreements import (
    FIELDS,
    AgreedWith,
    Terms,
    end_agreement,
    list_agreements,
    record_agreement,
    running_out,
)

_TEXTS = {
    "title": "Enter what the agreement is called",
    "controllers": "Enter the controllers",
    "processor": "Enter the processor",
    "purpose": "Enter the purpose",
    "lawful_basis": "Enter the lawful basis",
    "contact": "Enter whom a subject access request goes to",
}
_DAYS = ("day", "month", "year")

router = APIRouter()


@router.get("/onboarding/agreements")
async def listed(request: Request, services: Here, session: InformationGovernance) -> Response:
    """The agreements on record, and the form for another."""
    return await _page(request, services, session)


@router.post("/onboarding/agreements")
async def record(request: Request, services: Here, session: InformationGovernance) -> Response:
    """Put an agreement on record; a refused form says beside each field why."""
    form = await read_form(request, services, session)
    terms, errors = _terms(form)
    if terms is None:
        return await _page(request, services, session, form, errors)
    try:
        async with services.database.transaction() as transaction:
            await record_agreement(transaction, session.actor, terms)
    except InvalidInput as error:
        return await _page(request, services, session, form, {"title": error.sentence})
    return RedirectResponse("/onboarding/agreements", 303)


@router.post("/onboarding/agreements/{agreement_id}/end")
async def end(request: Request, services: Here, session: InformationGovernance, agreement_id: UUID) -> Response:
    """End an agreement today."""
    form = await read_form(request, services, session)
    try:
        async with services.database.transaction() as transaction:
            await end_agreement(transaction, session.actor, agreement_id, england_day(now()), field(form, "reason"))
    except (Conflict, InvalidInput) as error:
        return await _page(request, services, session, None, {f"reason-{agreement_id}": error.sentence})
    return RedirectResponse("/onboarding/agreements", 303)


def _terms(form: FormData) -> tuple[Terms | None, dict[str, str]]:
    errors = {name: words for name, words in _TEXTS.items() if not field(form, name).strip()}
    kind, _, code = field(form, "party").partition(" ")
    if kind not in set(AgreedWith) or not code:
        errors["party"] = "Choose with whom it is agreed"
    starts, ends = _day(form, "starts"), _day(form, "ends")
    if starts is None:
        errors["starts-day"] = "Enter its first day, such as 1 4 2026"
    if ends is None and any(field(form, f"ends-{part}").strip() for part in _DAYS):
        errors["ends-day"] = "Enter its last day, such as 31 3 2027, or leave it empty"
    if starts and ends and ends < starts:
        errors["ends-day"] = "Its last day must be on or after its first"
    if errors or starts is None:
        return None, errors
    texts = {name: field(form, name) for name in _TEXTS}
    fields = tuple(str(each) for each in form.getlist("fields"))
    return Terms(party_kind=AgreedWith(kind), party_code=code, starts=starts, ends=ends, fields=fields, **texts), {}


def _day(form: FormData, name: str) -> date | None:
    try:
        day, month, year = (int(field(form, f"{name}-{part}")) for part in _DAYS)
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


async def _page(
    request: Request,
    services: Services,
    session: Session,
    form: FormData | None = None,
    error: Mapping[str, str] | None = None,
) -> Response:
    today, directory = england_day(now()), await services.directory.current()
    async with services.database.transaction() as transaction:
        agreements = await list_agreements(transaction)
    organisations = {site.organisation_code: site.organisation_name for site in directory.sites.values()}
    parties = [(f"authority {each.code}", each.name) for _, each in sorted(directory.authorities.items())]
    parties += [(f"organisation {code}", name) for code, name in sorted(organisations.items())]
    given = {name: value for name, value in form.items() if isinstance(value, str)} if form else {}
    return await services.pages.page(
        request, "agreements.jinja", session, 422 if error else 200, agreements=agreements, today=today, parties=parties,
        names=dict(parties), alarms={(each.party_kind, each.party_code): each for each in running_out(agreements, today)},
        fields=FIELDS, given=given, chosen=[str(each) for each in form.getlist("fields")] if form else [], error=error,
    )  # fmt: skip
