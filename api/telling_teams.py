"""Who is told: the teams of an authority, by what each is told, and who stands in for whom. For its data officers.

The page that shows them all is `api.telling`'s. Addresses here are of staff and of systems; no child is on these pages.
Source: docs/facts.md, section 5; docs/authority/telling.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from api.telling import errors_of, mark_after, read_own, saved
from api.telling_form import MOST_FIELDS, cover_of, team_of
from api.telling_words import channel_items, team_items
from domain.errors import Conflict, InvalidInput
from domain.routing import EMERGENCY, OFFICE, Duty, Team
from runtime.clock import now
from runtime.sessions import Session
from safeguarding.telling import rules_words as words
from safeguarding.telling.rules_checks import MOST_CONTACTS, Refused
from safeguarding.telling.rules_hours import hours_lines
from safeguarding.telling.rules_teams import add_cover, add_team, as_entered, change_team, end_cover, remove_team

NEW = "new"
_EMPTY_ROWS = 2
_DUTIES = {OFFICE: (Duty.OFFICE,), EMERGENCY: (Duty.OUTSIDE, Duty.ALWAYS, Duty.OWN)}
_PLACES = {"ends": "ends-day"}
_NO_TEAM = Team("", "", "", Duty.OFFICE)

router = APIRouter()


@router.get("/telling/teams/{code}")
async def one_team(request: Request, services: Here, session: DataOfficer, code: str) -> Response:
    """The form of a team; of a new one under `new`."""
    return await _team(request, services, session, code)


@router.post("/telling/teams/{code}")
async def team_changed(request: Request, services: Here, session: DataOfficer, code: str) -> Response:
    """Save a team, take it away, or move one of its contacts up, as `action` says. Moving saves nothing."""
    form = await read_form(request, services, session, most_fields=MOST_FIELDS)
    team, errors = team_of(form, "" if code == NEW else code)
    action = field(form, "action")
    if action.startswith("up "):
        return await _team(request, services, session, code, _moved_up(team, action), mark=field(form, "mark"))
    try:
        async with services.database.transaction() as transaction:
            if action == "remove":
                await remove_team(transaction, session.actor, session.organisation, field(form, "mark"), code)
            elif errors:
                raise Refused(errors)
            elif code == NEW:
                await add_team(transaction, session.actor, session.organisation, team)
            else:
                await change_team(transaction, session.actor, session.organisation, field(form, "mark"), team)
    except (InvalidInput, Conflict) as error:
        entered = None if action == "remove" else team
        return await _team(
            request, services, session, code, entered, errors_of(error, "name"), mark_after(error, form), field(form, "hours")
        )
    return saved(services, "teams")


@router.get("/telling/covers/new")
async def new_cover(request: Request, services: Here, session: DataOfficer) -> Response:
    """An empty cover."""
    return await _cover(request, services, session)


@router.post("/telling/covers/new")
async def cover_added(request: Request, services: Here, session: DataOfficer) -> Response:
    """A team stands in for another."""
    form = await read_form(request, services, session)
    cover, errors = cover_of(form)
    try:
        if cover is None:
            raise Refused(errors)
        async with services.database.transaction() as transaction:
            await add_cover(transaction, session.actor, session.organisation, cover, now())
    except InvalidInput as error:
        said = errors_of(error, "team")
        return await _cover(request, services, session, form, {_PLACES.get(name, name): why for name, why in said.items()})
    return saved(services, "covers")


@router.post("/telling/covers/{cover_id}/end")
async def cover_ended(request: Request, services: Here, session: DataOfficer, cover_id: UUID) -> Response:
    """The cover ends now."""
    await read_form(request, services, session)
    async with services.database.transaction() as transaction:
        await end_cover(transaction, session.actor, session.organisation, cover_id)
    return saved(services, "covers")


def _moved_up(team: Team, action: str) -> Team:
    """The team with the contact of `up N` one place earlier; who is first then waits for nobody."""
    place = next((each for each in range(2, len(team.contacts) + 1) if action == f"up {each}"), None)
    if place is None:
        return team
    contacts = list(team.contacts)
    contacts[place - 2 : place] = [contacts[place - 1], contacts[place - 2]]
    contacts[0] = replace(contacts[0], after_minutes=None)
    return replace(team, contacts=tuple(contacts))


async def _team(
    request: Request,
    services: Services,
    session: Session,
    code: str,
    entered: Team | None = None,
    error: Mapping[str, str] | None = None,
    mark: str = "",
    hours: str = "",
) -> Response:
    book = await read_own(services, session)
    stands = _NO_TEAM if code == NEW else as_entered(book, code)
    team = entered or stands
    rows = min(MOST_CONTACTS, len(team.contacts) + _EMPTY_ROWS)
    contacts = [team.contacts[each] if each < len(team.contacts) else None for each in range(rows)]
    whose = {OFFICE: book.authority.office_phone, EMERGENCY: book.authority.emergency_phone}
    duties = _DUTIES.get(code, tuple(Duty))
    return await services.pages.page(
        request, "telling_team.jinja", session, 422 if error else 200, book=book, code=code, team=team, error=error,
        mark=mark or book.team_mark(code), hours=hours or "\n".join(hours_lines(team.hours)), their_phone=whose.get(code, ""),
        duties=[{"value": each.value, "text": words.DUTIES[each].capitalize(), "checked": team.duty is each} for each in duties],
        deputies=team_items(book.routing, team.deputy, (code, EMERGENCY), none="Nobody"),
        contacts=[(channel_items(book.webhooks, each), each) for each in contacts],
        is_fixed=code in whose, stands=words.team_words(stands) if code != NEW else "",
    )  # fmt: skip


async def _cover(
    request: Request,
    services: Services,
    session: Session,
    form: FormData | None = None,
    error: Mapping[str, str] | None = None,
) -> Response:
    book = await read_own(services, session)
    given = {name: value for name, value in form.items() if isinstance(value, str)} if form else {}
    return await services.pages.page(
        request, "telling_cover.jinja", session, 422 if error else 200, book=book, error=error, given=given,
        away=team_items(book.routing, given.get("team")), there=team_items(book.routing, given.get("deputy"), (EMERGENCY,)),
    )  # fmt: skip
