"""Who an authority has told, read and changed by its own people: office hours, closed days and rules. Teams: `rules_teams`.

The page "Who is told" (`api.telling`) and `nightlight authority telling` call it. Every change is audited with before and after,
holds within seconds without a restart, and is refused where somebody else has changed the same thing meanwhile.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time
from typing import Any

from alerts.routing.editing import (
    KeptCover,
    read_closed_days,
    read_covers,
    read_webhooks,
    take_closed_day_away,
    write_closed_day,
    write_rules,
)
from alerts.routing.store import Kept, read_kept
from domain.actor import Actor
from domain.errors import Conflict, NotFound
from domain.routing import Routing, Rule, Stretch
from flags_store.authorities import Authority, read_authorities
from flags_store.authority_hours import write_hours
from runtime.audit import record_audit
from runtime.database import Connection
from safeguarding.telling.routings import routing_of
from safeguarding.telling.rules_checks import MOST_RULES, refuse, rule_errors
from safeguarding.telling.rules_hours import hours_lines
from safeguarding.telling.rules_words import rule_sentence

MOST_REASON = 80


class ChangedMeanwhile(Conflict):
    """Somebody else has changed the same thing since it was read."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that stands for one authority. `webhooks` are those in use, by id; covers are those that hold or will."""

    authority: Authority
    kept: Kept
    routing: Routing
    covers: tuple[KeptCover, ...]
    closed: Mapping[date, str]
    webhooks: Mapping[str, str]

    @property
    def hours_mark(self) -> str:
        """What whoever changes the office hours hands back, so that nobody's change is lost."""
        return mark_of(self.routing.hours)

    @property
    def rules_mark(self) -> str:
        """The same of the rules and their order."""
        return mark_of(self.routing.rules)

    def team_mark(self, team_code: str) -> str:
        """The same of one team."""
        return mark_of(self.kept.teams.get(team_code))


async def read_rulebook(transaction: Connection, authority_code: str, *, to_change: bool = False) -> Rulebook:
    """What stands. `to_change`: two who change one authority's do so one after the other. Raises NotFound."""
    if to_change:
        await transaction.execute("SELECT 1 FROM authorities WHERE code = %s FOR NO KEY UPDATE", (authority_code,))
    authority = next((each for each in await read_authorities(transaction) if each.code == authority_code), None)
    if authority is None:
        raise NotFound(f"there is no authority {authority_code}")
    kept = (await read_kept(transaction, authority_code)).get(authority_code) or Kept()
    return Rulebook(
        authority, kept, routing_of(authority, kept), tuple(await read_covers(transaction, authority_code)),
        await read_closed_days(transaction, authority_code), await read_webhooks(transaction, authority_code),
    )  # fmt: skip


async def set_hours(transaction: Connection, actor: Actor, authority_code: str, mark: str, hours: Sequence[Stretch]) -> None:
    """The office hours as a whole. Raises Refused where there are none, ChangedMeanwhile."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    refuse({} if hours else {"hours": "Enter at least one line: who has no office hours is told at any hour"})
    check_mark(mark, book.hours_mark)
    await write_hours(transaction, authority_code, hours)
    before, after = ("; ".join(hours_lines(each)) for each in (book.routing.hours, hours))
    await record(transaction, actor, authority_code, "hours", "office hours", before, after)


async def close_office(transaction: Connection, actor: Actor, authority_code: str, day: date, reason: str, today: date) -> None:
    """The office is closed on a day besides the bank holidays. Raises Refused."""
    await read_rulebook(transaction, authority_code, to_change=True)
    errors = {"day": "Enter a day from today on"} if day < today else {}
    if not reason.strip() or len(reason) > MOST_REASON or not reason.strip().isprintable():
        errors["reason"] = f"Say why, in {MOST_REASON} characters or fewer: it is shown beside the day"
    refuse(errors)
    if not await write_closed_day(transaction, authority_code, day, reason.strip()):
        refuse({"day": "The office is closed on this day already"})
    await record(transaction, actor, authority_code, "closed-day", day.isoformat(), None, reason.strip())


async def open_office(transaction: Connection, actor: Actor, authority_code: str, day: date) -> None:
    """The day is as any other again. Raises NotFound."""
    reason = await take_closed_day_away(transaction, authority_code, day)
    await record(transaction, actor, authority_code, "closed-day", day.isoformat(), reason, None)


async def add_rule(transaction: Connection, actor: Actor, authority_code: str, mark: str, rule: Rule) -> int:
    """Another rule, tried last. Returns its place, from 1. Raises Refused, ChangedMeanwhile."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    rules = book.routing.rules
    refuse(rule_errors(book.routing, rule, rules) if len(rules) < MOST_RULES else {"name": f"There are {MOST_RULES} rules at most"})
    check_mark(mark, book.rules_mark)
    await write_rules(transaction, authority_code, [*rules, rule])
    await record(transaction, actor, authority_code, "rule", rule.name, None, rule_sentence(rule, book.routing))
    return len(rules) + 1


async def change_rule(transaction: Connection, actor: Actor, authority_code: str, mark: str, place: int, rule: Rule) -> None:
    """Another rule in the place, from 1, of one. Raises Refused, ChangedMeanwhile, NotFound."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    check_mark(mark, book.rules_mark)
    rules, before = _without(book, place)
    refuse(rule_errors(book.routing, rule, rules))
    await write_rules(transaction, authority_code, [*rules[: place - 1], rule, *rules[place - 1 :]])
    sentences = [rule_sentence(each, book.routing) for each in (before, rule)]
    await record(transaction, actor, authority_code, "rule", before.name, *sentences)


async def move_rule(transaction: Connection, actor: Actor, authority_code: str, mark: str, place: int, to: int) -> None:
    """The rule is tried at another place, from 1. Raises ChangedMeanwhile, NotFound."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    check_mark(mark, book.rules_mark)
    rules, moved = _without(book, place)
    if not 1 <= to <= len(rules) + 1:
        raise NotFound("there is no such place")
    await write_rules(transaction, authority_code, [*rules[: to - 1], moved, *rules[to - 1 :]])
    await record(transaction, actor, authority_code, "rule", moved.name, f"place {place}", f"place {to}")


async def remove_rule(transaction: Connection, actor: Actor, authority_code: str, mark: str, place: int) -> None:
    """The rule is tried no more. Raises ChangedMeanwhile, NotFound."""
    book = await read_rulebook(transaction, authority_code, to_change=True)
    check_mark(mark, book.rules_mark)
    rules, removed = _without(book, place)
    await write_rules(transaction, authority_code, rules)
    await record(transaction, actor, authority_code, "rule", removed.name, rule_sentence(removed, book.routing), None)


def check_mark(given: str, stands: str) -> None:
    """Raises ChangedMeanwhile where what stands is not what was read."""
    if given != stands:
        raise ChangedMeanwhile(
            "somebody else has changed this since you opened it, and nothing of yours was saved: look at what stands now, "
            "then save again if yours is still right"
        )


async def record(
    transaction: Connection, actor: Actor, authority_code: str, what: str, which: str, before: str | None, after: str | None
) -> None:
    """The change in the audit trail; None where there was nothing before, or is nothing after."""
    await record_audit(
        transaction, actor, f"telling.{what}", "authority", authority_code, which=which, before=before, after=after
    )  # fmt: skip


def mark_of(value: object) -> str:
    """The same for what is equal, and another for everything else, in every process."""
    return hashlib.sha256(json.dumps(value, default=_plain, sort_keys=True).encode()).hexdigest()[:16]


def _plain(value: object) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, time):
        return value.isoformat()
    if is_dataclass(value):
        return [getattr(value, each.name) for each in fields(value)]
    raise TypeError(type(value).__name__)


def _without(book: Rulebook, place: int) -> tuple[list[Rule], Rule]:
    rules = list(book.routing.rules)
    if not 1 <= place <= len(rules):
        raise NotFound("there is no such rule")
    removed = rules.pop(place - 1)
    return rules, removed
