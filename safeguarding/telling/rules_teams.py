"""The teams of an authority, and who stands in for whom, changed by its own people.

The page "Who is told" (`api.telling_teams`) calls it. An authority always has its office team and its emergency duty team;
a team that is named anywhere, or has alerts to acknowledge, cannot be removed.
"""

import re
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from alerts.routing.editing import (
    count_waiting,
    read_codes,
    take_cover_away,
    take_team_away,
    write_cover,
    write_team,
)
from domain.actor import Actor
from domain.errors import Conflict, NotFound
from domain.routing import EMERGENCY, OFFICE, Cover, Team
from runtime.database import Connection
from safeguarding.telling.rules import Rulebook, check_mark, read_rulebook, record
from safeguarding.telling.rules_checks import (
    MOST_COVERS,
    MOST_TEAMS,
    Refused,
    cover_errors,
    refuse,
    team_errors,
    tidy_contact,
    uses_of,
)
from safeguarding.telling.rules_words import cover_words, team_words

_LONGEST_CODE = 24


def as_entered(book: Rulebook, team_code: str) -> Team:
    """The team as a form shows it: without the phone that it has from the authority. Raises NotFound."""
    if team_code not in book.routing.teams:
        raise NotFound("there is no such team")
    return book.kept.teams.get(team_code) or replace(book.routing.teams[team_code], phone="")


async def add_team(transaction: Connection, actor: Actor, authority_code: str, team: Team) -> str:
    """Another team; it is told of nothing until a rule, a deputy or a cover names it. Returns its code. Raises Refused."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    code = _new_code(team.name, {OFFICE, EMERGENCY, *await read_codes(transaction, authority_code)})
    added = _tidy(replace(team, code=code))
    if len(book.routing.teams) >= MOST_TEAMS:
        raise Refused({"name": f"There are {MOST_TEAMS} teams at most"})
    refuse(team_errors(book.routing, added, book.webhooks))
    await write_team(transaction, authority_code, added)
    await record(transaction, actor, authority_code, "team", code, None, team_words(added))
    return code


async def change_team(transaction: Connection, actor: Actor, authority_code: str, mark: str, team: Team) -> None:
    """The team, known by its code, as it shall be. Raises Refused, ChangedMeanwhile, NotFound."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    before, changed = as_entered(book, team.code), _tidy(team)
    refuse(team_errors(book.routing, changed, book.webhooks))
    check_mark(mark, book.team_mark(team.code))
    await write_team(transaction, authority_code, changed)
    await record(transaction, actor, authority_code, "team", team.code, team_words(before), team_words(changed))


async def remove_team(transaction: Connection, actor: Actor, authority_code: str, mark: str, team_code: str) -> None:
    """The team is there no longer. Raises Conflict where it is in use, ChangedMeanwhile, NotFound."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    before = as_entered(book, team_code)
    if team_code in {OFFICE, EMERGENCY}:
        raise Conflict("every authority has an office team and an emergency duty team: they cannot be removed")
    uses = uses_of(book.routing, team_code)
    if uses:
        raise Conflict(f"the {before.name} is named by {', '.join(uses)}: name another team there first")
    waiting = await count_waiting(transaction, authority_code, team_code)
    if waiting:
        alerts = "1 alert waits" if waiting == 1 else f"{waiting} alerts wait"
        raise Conflict(f"{alerts} for the {before.name} to acknowledge: it can be removed afterwards")
    check_mark(mark, book.team_mark(team_code))
    await take_team_away(transaction, authority_code, team_code)
    await record(transaction, actor, authority_code, "team", team_code, team_words(before), None)


async def add_cover(transaction: Connection, actor: Actor, authority_code: str, cover: Cover, at: datetime) -> UUID:
    """A team stands in for another, from when until when. Raises Refused."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    if len(book.covers) >= MOST_COVERS:
        raise Refused({"team": f"There are {MOST_COVERS} covers at most: end one that is not needed"})
    refuse(cover_errors(book.routing, cover, [each.cover for each in book.covers], at))
    cover_id = await write_cover(transaction, authority_code, cover, actor.name)
    await record(transaction, actor, authority_code, "cover", str(cover_id), None, cover_words(cover, book.routing))
    return cover_id


async def end_cover(transaction: Connection, actor: Actor, authority_code: str, cover_id: UUID) -> None:
    """The cover ends now, or never begins. Raises NotFound where there is none, or it has ended."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    ended = await take_cover_away(transaction, authority_code, cover_id)
    await record(transaction, actor, authority_code, "cover", str(cover_id), cover_words(ended, book.routing), None)


def _tidy(team: Team) -> Team:
    return replace(
        team, name=team.name.strip(), phone=team.phone.strip(), contacts=tuple(tidy_contact(each) for each in team.contacts)
    )  # fmt: skip


def _new_code(name: str, taken: set[str]) -> str:
    """From the name, and never one that another team has or had."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_CODE].strip("-") or "team"
    number, code = 1, stem
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code
