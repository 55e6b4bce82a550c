"""Who is told: an authority's office hours, closed days and rules, for its own people; its data officers change them.

Teams and covers are in `api.telling_teams`. Nothing here is about a child: what is asked in "What would happen if" stands in the
address, so that it can be bookmarked. Source: docs/facts.md, section 5; docs/authority/telling.md.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import AuthorityStaff, DataOfficer
from api.telling_form import MOST_FIELDS, Asked, asked_of, day_of, rule_of
from api.telling_words import HOLIDAYS_SHOWN, long_day, long_moment, next_sunday, overview, team_items, weekday_items
from domain.actor import Role
from domain.errors import Conflict, InvalidInput
from domain.routing import Duty, Rule, Step
from runtime.clock import england_day, now
from runtime.sessions import Session
from safeguarding.telling import rules as setting
from safeguarding.telling import rules_words as words
from safeguarding.telling import what_if_words
from safeguarding.telling.rules import ChangedMeanwhile, Rulebook, read_rulebook
from safeguarding.telling.rules_checks import MOST_STEPS, Refused
from safeguarding.telling.rules_hours import hours_lines, parse_hours
from safeguarding.telling.what_if import SETTINGS, what_if

HOME = "/telling"
_NO_RULE = Rule("", (Step("", 0),))

router = APIRouter()


@router.get("/telling")
async def shown(request: Request, services: Here, session: AuthorityStaff) -> Response:
    """All that stands, and the box."""
    return await _overview(request, services, session)


@router.get("/telling/what-if")
async def would_happen(request: Request, services: Here, session: AuthorityStaff) -> Response:
    """Who would be told, in order. The same address gives what the rules say when it is opened."""
    directory, query = await services.directory.current(), request.query_params
    asked, errors = asked_of(query, directory.sites)
    if asked is None:
        return await _overview(request, services, session, errors)
    async with services.database.transaction() as transaction:
        book = await read_rulebook(transaction, session.organisation)
        result = await what_if(transaction, book, asked.sighting, asked.at, asked.site)
    return await services.pages.page(
        request, "telling_what_if.jinja", session, result=result, book=book, words=what_if_words, asked=_asked(asked),
        sentence=what_if_words.banner_sentence(directory, book, result), box=await _box(request, services),
    )  # fmt: skip


@router.get("/telling/hours")
async def hours_shown(request: Request, services: Here, session: DataOfficer) -> Response:
    """The form for the office hours, and the days on which the office is closed."""
    return await _hours(request, services, session)


@router.post("/telling/hours")
async def hours_saved(request: Request, services: Here, session: DataOfficer) -> Response:
    """Save the office hours."""
    form = await read_form(request, services, session)
    try:
        hours = parse_hours(field(form, "hours"))
        async with services.database.transaction() as transaction:
            await setting.set_hours(transaction, session.actor, session.organisation, field(form, "mark"), hours)
    except (InvalidInput, Conflict) as error:
        return await _hours(request, services, session, form, errors_of(error, "hours"), mark_after(error, form))
    return saved(services)


@router.post("/telling/closed-days")
async def day_closed(request: Request, services: Here, session: DataOfficer) -> Response:
    """Close the office on a day, or with `open` open it on one that was to be closed."""
    form = await read_form(request, services, session)
    opened, day = day_of(field(form, "open")), day_of(field(form, "day"))
    try:
        async with services.database.transaction() as transaction:
            if opened:
                await setting.open_office(transaction, session.actor, session.organisation, opened)
            elif day is None:
                raise Refused({"day": "Enter a day"})
            else:
                await setting.close_office(
                    transaction, session.actor, session.organisation, day, field(form, "reason"), england_day(now())
                )
    except InvalidInput as error:
        return await _hours(request, services, session, form, errors_of(error, "day"))
    services.directory.forget()
    return RedirectResponse("/telling/hours", 303)


@router.get("/telling/rules/new")
async def new_rule(request: Request, services: Here, session: DataOfficer) -> Response:
    """An empty rule."""
    return await _rule(request, services, session, 0)


@router.get("/telling/rules/{place}")
async def one_rule(request: Request, services: Here, session: DataOfficer, place: int) -> Response:
    """The form of a rule, by its place."""
    return await _rule(request, services, session, place)


@router.post("/telling/rules/new")
async def rule_added(request: Request, services: Here, session: DataOfficer) -> Response:
    """Add a rule, which is tried last."""
    return await _save_rule(request, services, session, 0)


@router.post("/telling/rules/{place}")
async def rule_changed(request: Request, services: Here, session: DataOfficer, place: int) -> Response:
    """Save a rule, move it, or take it away, as `action` says."""
    return await _save_rule(request, services, session, place)


async def _save_rule(request: Request, services: Services, session: Session, place: int) -> Response:
    form = await read_form(request, services, session, most_fields=MOST_FIELDS)
    action, mark = field(form, "action"), field(form, "mark")
    rule, errors = rule_of(form)
    who = (session.actor, session.organisation, mark)
    try:
        async with services.database.transaction() as transaction:
            if action in {"up", "down"}:
                await setting.move_rule(transaction, *who, place, place + (1 if action == "down" else -1))
            elif action == "remove":
                await setting.remove_rule(transaction, *who, place)
            elif errors:
                raise Refused(errors)
            elif place:
                await setting.change_rule(transaction, *who, place, rule)
            else:
                await setting.add_rule(transaction, *who, rule)
    except (InvalidInput, Conflict) as error:
        if action in {"up", "down"}:
            return await _overview(request, services, session, errors_of(error, "rules"))
        entered = rule if action == "save" else None
        return await _rule(request, services, session, place, entered, errors_of(error, "name"), mark_after(error, form))
    return saved(services, "rules")


def saved(services: Services, part: str = "") -> Response:
    """Back to the page; this process reads the directory anew at once, every other within seconds."""
    services.directory.forget()
    return RedirectResponse(f"{HOME}#{part}" if part else HOME, 303)


def errors_of(error: InvalidInput | Conflict, place: str) -> dict[str, str]:
    """What the page says, by field; what is no field's is said at `place`."""
    return error.errors if isinstance(error, Refused) else {place: error.sentence}


def mark_after(error: Exception, form: FormData) -> str:
    """The mark with which a form is shown again: what was read first, unless the page now shows what somebody else changed."""
    return "" if isinstance(error, ChangedMeanwhile) else field(form, "mark")


async def read_own(services: Services, session: Session) -> Rulebook:
    """What stands for the authority of whoever asks."""
    async with services.database.transaction() as transaction:
        return await read_rulebook(transaction, session.organisation)


def _asked(asked: Asked) -> str:
    """The question as a sentence."""
    kinds = " and ".join(words.KINDS[kind] for kind in words.KINDS if kind in asked.sighting.kinds)
    where = asked.site.name if asked.site else asked.sighting.care_setting.words
    return f"{kinds[:1].upper()}{kinds[1:]}; {words.OCCASIONS[asked.sighting.occasion]}; {where}; {long_moment(asked.at)}"


async def _overview(request: Request, services: Services, session: Session, error: Mapping[str, str] | None = None) -> Response:
    book, today = await read_own(services, session), england_day(now())
    return await services.pages.page(
        request, "telling.jinja", session, 422 if error else 200, book=book, view=overview(book, today), error=error,
        may_edit=session.role is Role.DATA_OFFICER, caution=words.EMERGENCY_CAUTION, box=await _box(request, services),
    )  # fmt: skip


async def _box(request: Request, services: Services) -> dict[str, Any]:
    """The box "What would happen if" as it was filled in; at first a plan, the emergency department, a Sunday at 03:00."""
    query = request.query_params
    directory = await services.directory.current()
    chosen = query.get("where", SETTINGS[0].value)
    places = [(each.value, each.words) for each in SETTINGS]
    places += [(ods, f"{site.name} ({site.setting.words})") for ods, site in sorted(directory.sites.items())]
    kinds = query.getlist("kind") if query else ["CPP"]
    return {
        "kinds": _boxes(words.KINDS, frozenset(kinds)),
        "places": [{"value": value, "text": text, "selected": value == chosen} for value, text in places],
        "day": query.get("day", next_sunday(england_day(now())).isoformat()),
        "time": query.get("time", "03:00"),
        "occasions": [
            {"value": each.value, "text": text[:1].upper() + text[1:], "selected": each.value == query.get("occasion")}
            for each, text in words.OCCASIONS.items()
        ],
    }  # fmt: skip


async def _hours(
    request: Request,
    services: Services,
    session: Session,
    form: FormData | None = None,
    error: Mapping[str, str] | None = None,
    mark: str = "",
) -> Response:
    book, today = await read_own(services, session), england_day(now())
    stands = "\n".join(hours_lines(book.routing.hours))
    return await services.pages.page(
        request, "telling_hours.jinja", session, 422 if error else 200, book=book, error=error, stands=stands,
        hours=field(form, "hours") if form and "hours" in form else stands, mark=mark or book.hours_mark,
        day=field(form, "day") if form else "", reason=field(form, "reason") if form else "",
        closed=[(each, long_day(each), reason) for each, reason in book.closed.items() if each >= today],
        holidays=[long_day(each) for each in words.bank_holidays(today, 2 * HOLIDAYS_SHOWN)],
    )  # fmt: skip


async def _rule(
    request: Request,
    services: Services,
    session: Session,
    place: int,
    entered: Rule | None = None,
    error: Mapping[str, str] | None = None,
    mark: str = "",
) -> Response:
    book = await read_own(services, session)
    rules = book.routing.rules
    is_there = 1 <= place <= len(rules)
    if place and not is_there and error is None:
        return RedirectResponse(f"{HOME}#rules", 303)
    rule = entered or (rules[place - 1] if is_there else _NO_RULE)
    places = range(MOST_STEPS)
    steps = [rule.steps[each] if each < len(rule.steps) else Step("", 0) for each in places]
    return await services.pages.page(
        request, "telling_rule.jinja", session, 422 if error else 200, book=book, place=place, rule=rule, error=error,
        mark=mark or book.rules_mark,
        steps=[(team_items(book.routing, step.team, none="Nobody"), step.minutes if step.minutes > 0 else "") for step in steps],
        kinds=_boxes(words.KINDS, rule.kinds), occasions=_boxes(words.OCCASIONS, rule.occasions),
        settings=_boxes({each: each.words for each in SETTINGS}, rule.care_settings), weekdays=weekday_items(rule.weekdays),
        durings=[
            {"value": each.value, "text": words.DUTIES[each].capitalize(), "checked": rule.during is each}
            for each in (Duty.ALWAYS, Duty.OFFICE, Duty.OUTSIDE)
        ],
        caution=words.EMERGENCY_CAUTION, tells_emergency=words.tells_emergency(rule),
        stands=[words.rule_sentence(each, book.routing) for each in rules],
    )  # fmt: skip


def _boxes(texts: Mapping[Any, str], chosen: frozenset[Any]) -> list[dict[str, object]]:
    return [{"value": each.value, "text": text[:1].upper() + text[1:], "checked": each in chosen} for each, text in texts.items()]
