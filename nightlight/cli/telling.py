"""Commands that show who is told: `nightlight authority telling`, `nightlight authority what-if`. They change nothing.

The authority's data officers change it, on the page "Who is told"; both show it in the same words.
"""

from datetime import datetime
from typing import Annotated

import typer

from domain.care_setting import CareSetting
from domain.errors import InvalidInput, NotFound
from domain.flag import FlagKind
from domain.routing import Duty, Occasion, Sighting
from nightlight.cli.console import DataFolder, on_store, out
from runtime.clock import ENGLAND, england_day, now
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.directory import Directory, read_directory
from safeguarding.telling import rules_words as words
from safeguarding.telling.rules import Rulebook, read_rulebook
from safeguarding.telling.rules_hours import hours_lines
from safeguarding.telling.what_if import WhatIf, what_if
from safeguarding.telling.what_if_words import banner_sentence, by_rule, ring_words, rungs, systems
from safeguarding.time_words import day

_YEARS = range(2020, 2101)
"""Those of which the page can be asked, too: nobody's duty is known near the end of the calendar."""

Code = Annotated[str, typer.Argument(help="The authority's code, such as 301.", show_default=False)]


def authority_telling(code: Code, data: DataFolder = None) -> None:
    """Show who is told of an authority's children: its rules in their order, its teams, covers, hours and closed days."""

    async def work(database: Database, _: Settings) -> Rulebook:
        async with database.transaction() as transaction:
            return await read_rulebook(transaction, code)

    for line in _lines(on_store(data, work)):
        out.print(line, markup=False)


def authority_what_if(
    code: Code,
    kind: Annotated[list[FlagKind], typer.Option(help="What is held about the child; repeat it.", show_default=False)],
    at: Annotated[str, typer.Option(help="When, by England's clocks, such as 2026-12-27T03:00.", show_default=False)],
    setting: Annotated[str, typer.Option(help="The care setting, such as emergency-department.")] = "",
    site: Annotated[str, typer.Option(metavar="ODS", help="The site, in place of a care setting.")] = "",
    occasion: Annotated[Occasion, typer.Option(help="What happens.")] = Occasion.ATTENDANCE,
    data: DataFolder = None,
) -> None:
    """Show who would be told of a child, by what, in which order, and what the hospital's banner would say. Nothing is sent."""
    moment = _moment(at)

    async def work(database: Database, _: Settings) -> tuple[Directory, Rulebook, WhatIf]:
        async with database.transaction() as transaction:
            directory = await read_directory(transaction)
            book = await read_rulebook(transaction, code)
            where = directory.sites.get(site.upper()) if site else None
            if site and where is None:
                raise NotFound(f"there is no site {site.upper()}")
            sighting = Sighting(frozenset(kind), where.setting if where else _setting(setting), occasion)
            return directory, book, await what_if(transaction, book, sighting, moment, where)

    directory, book, result = on_store(data, work)
    for line in _would_happen(directory, book, result):
        out.print(line, markup=False)


def _lines(book: Rulebook) -> list[str]:
    routing = book.routing
    never = words.never_reached(routing.rules)
    notes = dict.fromkeys(never, " (never reached: a rule above it fits anything)")
    emergency = [rule.name for rule in routing.rules if words.tells_emergency(rule)]
    return [
        f"{book.authority.name}: who is told, by the first rule that fits",
        *(f"{place}. {words.rule_sentence(rule, routing)}{notes.get(place, '')}" for place, rule in enumerate(routing.rules, 1)),
        f"None fits → {' → '.join(words.without_a_rule(routing))}",
        f"The emergency duty team is told only by: {', '.join(emergency) or 'no rule'}",
        *(_team(book, code) for code in routing.teams),
        *(f"Stands in: {words.cover_words(each.cover, routing)}, set by {each.set_by}" for each in book.covers),
        f"Office hours: {'; '.join(hours_lines(routing.hours)) or 'nobody has set them'}, but for bank holidays",
        *(f"Closed on {day(each)}: {reason}" for each, reason in book.closed.items() if each >= england_day(now())),
    ]


def _team(book: Rulebook, code: str) -> str:
    team = book.routing.teams[code]
    hours = f" ({'; '.join(hours_lines(team.hours))})" if team.duty is Duty.OWN else ""
    contacts = [words.contact_words(each, book.webhooks) for each in team.contacts] or ["the worklist alone"]
    return f"Team {team.name}, {team.phone}: {words.DUTIES[team.duty]}{hours}; {'; '.join(contacts)}"


def _would_happen(directory: Directory, book: Rulebook, result: WhatIf) -> list[str]:
    if result.nobody:
        return [result.nobody, f"Ring: {ring_words(result)}"]
    lines = [by_rule(result), f"1. At once: {'; '.join(systems(result, book))}"]
    for place, rung in enumerate(rungs(result, book), start=2):
        lines.append(f"{place}. {rung.team}: {rung.when}. {rung.then}")
        lines += [f"   {way}" for way in rung.ways]
    return [*lines, f"Banner: {banner_sentence(directory, book, result)}", f"Ring: {ring_words(result)}"]


def _setting(text: str) -> CareSetting:
    known = {each.value: each for each in CareSetting}
    if text not in known:
        raise InvalidInput(f'"{text}" is no care setting: name a --site, or choose {", ".join(known)}')
    return known[text]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=ENGLAND)
        if moment.year not in _YEARS:
            raise ValueError
        return moment.astimezone(now().tzinfo)
    except ValueError:
        raise InvalidInput(f'"{text}" is no day and time, such as 2026-12-27T03:00') from None
