"""An authority's teams, rules, covers and closed days as they are kept.

`safeguarding.directory` reads all of them at once; the page of rules reads and writes one authority's. Without a directory nobody
is told of any child: so a row that says what nobody knows is left out, and said aloud.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import Contact, Cover, Duty, Occasion, Rule, Step, Stretch, Team
from runtime.database import Transaction
from runtime.logs import get_logger

log = get_logger()

_Name = TypeVar("_Name", bound=StrEnum)


@dataclass(slots=True)
class Kept:
    """What is on record for one authority. A team without a phone has the authority's own."""

    teams: dict[str, Team] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    closed_days: set[date] = field(default_factory=set)


async def read_kept(transaction: Transaction, only: str | None = None) -> Mapping[str, Kept]:
    """What each authority has set, or one alone, by its code."""
    kept: dict[str, Kept] = defaultdict(Kept)
    which = {"only": only}
    hours: dict[UUID, list[Stretch]] = defaultdict(list)
    for team_id, weekday, opens, closes in await (await transaction.execute(_HOURS, which)).fetchall():
        hours[team_id].append((weekday, opens, closes))
    contacts: dict[UUID, list[Contact]] = defaultdict(list)
    for team_id, channel, address, after_minutes in await (await transaction.execute(_CONTACTS, which)).fetchall():
        contacts[team_id].append(Contact(ChannelName(channel), address, after_minutes))
    for team_id, authority, code, name, phone, duty, deputy in await (await transaction.execute(_TEAMS, which)).fetchall():
        kept[authority].teams[code] = Team(
            code, name, phone, Duty(duty), tuple(hours[team_id]), tuple(contacts[team_id]), deputy
        )  # fmt: skip
    for authority, team, deputy, starts, ends in await (await transaction.execute(_COVERS, which)).fetchall():
        kept[authority].covers.append(Cover(team, deputy, starts, ends))
    for authority, day in await (await transaction.execute(_CLOSED, which)).fetchall():
        kept[authority].closed_days.add(day)
    for authority, name, kinds, settings, occasions, during, days, opens, closes, teams, minutes in await (
        await transaction.execute(_RULES, which)
    ).fetchall():
        of_kinds, of_settings, of_occasions = _known(FlagKind, kinds), _known(CareSetting, settings), _known(Occasion, occasions)
        if of_kinds is None or of_settings is None or of_occasions is None:
            log.error("rule left out: it names only what is not known", authority=authority)
            continue
        steps = tuple(Step(*step) for step in zip(teams, minutes, strict=True))
        kept[authority].rules.append(
            Rule(name, steps, of_kinds, of_settings, of_occasions, Duty(during), frozenset(days), opens, closes)
        )
    return kept


def _known(names: type[_Name], values: Sequence[str | None]) -> frozenset[_Name] | None:
    """Of a condition what is known; None where nothing of it is: it would fit anything."""
    known = frozenset(names(value) for value in values if value in set(names))
    return None if values and not known else known


# A day has no 24:00 and no time is infinite where these are read: the last moment that there is stands for each.
_END_OF_DAY = "CASE WHEN {0} = '24:00' THEN time '23:59:59.999999' ELSE {0} END"
_MINE = "(%(only)s::text IS NULL OR t.authority_code = %(only)s) AND t.removed_at IS NULL"
_TEAMS = f"SELECT id, authority_code, code, name, phone, duty, deputy_code FROM teams t WHERE {_MINE} ORDER BY code"  # noqa: S608
_HOURS = f"""
    SELECT h.team_id, h.weekday, h.opens, {_END_OF_DAY.format("h.closes")}
    FROM team_hours h JOIN teams t ON t.id = h.team_id WHERE {_MINE}
    ORDER BY h.weekday, h.opens
"""  # noqa: S608
_CONTACTS = f"""
    SELECT c.team_id, c.channel, c.address, c.after_minutes FROM team_contacts c JOIN teams t ON t.id = c.team_id WHERE {_MINE}
    ORDER BY c.position
"""  # noqa: S608
_COVERS = """
    SELECT authority_code, team_code, deputy_code, greatest(starts_at, '1900-01-01Z'), least(ends_at, '9000-01-01Z')
    FROM team_covers
    WHERE (%(only)s::text IS NULL OR authority_code = %(only)s) AND ends_at > now() AND ended_at IS NULL ORDER BY starts_at, id
"""
_CLOSED = """
    SELECT authority_code, day FROM closed_days
    WHERE (%(only)s::text IS NULL OR authority_code = %(only)s) AND day BETWEEN '1900-01-01' AND '9000-01-01'
"""
_RULES = f"""
    SELECT r.authority_code, r.name, r.kinds, r.care_settings, r.occasions, r.during, r.weekdays,
           {_END_OF_DAY.format("r.opens")}, {_END_OF_DAY.format("r.closes")},
           array_agg(s.team_code ORDER BY s.place), array_agg(s.minutes ORDER BY s.place)
    FROM routing_rules r JOIN routing_steps s ON s.rule_id = r.id
    WHERE %(only)s::text IS NULL OR r.authority_code = %(only)s
    GROUP BY r.id ORDER BY r.authority_code, r.position
"""  # noqa: S608 (constants)
