"""The care-setting rules of a trust's sites, for its site safeguarding team: in words, in their order, with a message to try.

What is pasted goes to the HL7 door's reader (`app.state.try_message`) and back onto the page; it is neither kept nor logged, and
stands in no address. Source: docs/hl7.md, "Care setting".
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import signed_in
from domain.actor import Role
from domain.errors import NotFound
from domain.trying import Tried
from runtime.sessions import Session
from safeguarding.arrivals import WINDOWS, Arrivals, count_arrivals
from safeguarding.care_settings import SITES_OWN
from safeguarding.directory import CareSettingRule, Site
from safeguarding.rule_words import rule_in_words

LONGEST_MESSAGE = 20_000
_NOTHING_SAID = CareSettingRule(frozenset(), frozenset(), frozenset(), "", SITES_OWN)
_LARGEST_FORM = 256 * 1024  # every byte of a message may take three on its way

TryMessage = Callable[[str, Site], Tried]
"""What would become of a message by the rules of a site."""

router = APIRouter()


async def _try_message(request: Request) -> TryMessage:
    return cast(TryMessage, request.app.state.try_message)


Team = Annotated[Session, Depends(signed_in(Role.SITE_SAFEGUARDING))]
Trying = Annotated[TryMessage, Depends(_try_message)]


@router.get("/rules")
async def listed(request: Request, services: Here, session: Team) -> Response:
    """The organisation's sites, each with how many of its arrivals fitted no rule of late."""
    sites = (await services.directory.current()).sites_of(session.organisation)
    counts = await _arrivals(services, session)
    rows = [(site, counts[site.ods_code]) for site in sites]
    return await services.pages.page(request, "sites.jinja", session, rows=rows, windows=WINDOWS)


@router.get("/sites/{ods_code}/rules")
async def one(request: Request, services: Here, session: Team, ods_code: str) -> Response:
    """The rules of one site."""
    return await _page(request, services, session, await _theirs(services, session, ods_code))


@router.post("/sites/{ods_code}/rules")
async def tried(request: Request, services: Here, session: Team, try_message: Trying, ods_code: str) -> Response:
    """The same page, with what would become of the message that was pasted."""
    site = await _theirs(services, session, ods_code)
    message = field(await read_form(request, services, session, _LARGEST_FORM), "message")
    if not message.strip():
        return await _page(request, services, session, site, error={"message": "Paste a message"}, status=422)
    if len(message) > LONGEST_MESSAGE:
        error = {"message": f"The message must be {LONGEST_MESSAGE:,} characters or fewer"}
        return await _page(request, services, session, site, error=error, status=422)
    return await _page(request, services, session, site, message, try_message(message, site))


async def _theirs(services: Services, session: Session, ods_code: str) -> Site:
    """The site, if it is of the team's own organisation. Raises NotFound."""
    sites = (await services.directory.current()).sites_of(session.organisation)
    for site in sites:
        if site.ods_code == ods_code:
            return site
    raise NotFound("there is no such site")


async def _arrivals(services: Services, session: Session) -> dict[str, list[Arrivals]]:
    """By site, a number for each of WINDOWS; a site that is no longer there has none."""
    found: dict[str, list[Arrivals]] = defaultdict(list)
    async with services.database.transaction() as transaction:
        for each in await count_arrivals(transaction, session.organisation):
            found[each.site].append(each)
    return found


async def _page(
    request: Request,
    services: Services,
    session: Session,
    site: Site,
    message: str = "",
    tried: Tried | None = None,
    error: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    counts = await _arrivals(services, session)
    return await services.pages.page(
        request, "rules.jinja", session, status, site=site, rules=[rule_in_words(rule, site.setting) for rule in site.rules],
        own=rule_in_words(_NOTHING_SAID, site.setting), message=message, tried=tried, error=error,
        counts=counts[site.ods_code],
    )  # fmt: skip
