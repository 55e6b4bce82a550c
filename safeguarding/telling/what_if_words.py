"""What would happen, in words: the same on the page "Who is told" and on the command line. Pure.

`safeguarding.telling.what_if` has the answer. The banner's sentence is made by the function that makes the banner's.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from alerts.routing.going_on import next_look
from domain.alert import AlertState, ChannelName
from domain.routing import Planned, Telling
from safeguarding.directory import Directory
from safeguarding.telling.rules import Rulebook
from safeguarding.telling.rules_words import CHANNELS, address_words, team_name
from safeguarding.telling.standing import Line, standing
from safeguarding.telling.standing_words import unread_words
from safeguarding.telling.what_if import WhatIf
from safeguarding.time_words import when_next

_NO_ALERT = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rung:
    """One team in the line: who, when it reads, by what it is told, and what comes after."""

    team: str
    when: str
    is_queued: bool
    ways: tuple[str, ...]
    then: str


def by_rule(result: WhatIf) -> str:
    """Which rule decides."""
    rule = result.line[0].rule if result.line else ""
    return f"By your rule “{rule}”." if rule else "No rule of yours fits: the office team is told."


def systems(result: WhatIf, book: Rulebook) -> tuple[str, ...]:
    """What is told at once, whoever is on duty."""
    where = {ChannelName.SCREEN: f"of {book.authority.name}", ChannelName.HL7: f"at {result.site.name}" if result.site else ""}
    return tuple(
        f"{CHANNELS[each.channel][:1].upper()}{CHANNELS[each.channel][1:]} {where.get(each.channel, each.address)}"
        for each in result.systems
    )  # fmt: skip


def rungs(result: WhatIf, book: Rulebook) -> tuple[Rung, ...]:
    """The line, in its order."""
    told_from = (result.at, *(told.escalates_at or told.starts for told in result.line))
    return tuple(_rung(told, since, result.at, book) for told, since in zip(result.line, told_from, strict=False))


def ring_words(result: WhatIf) -> str:
    """Whom the banner says to ring at this instant."""
    return f"{result.ring.team}, {result.ring.phone}"


def banner_sentence(directory: Directory, book: Rulebook, result: WhatIf) -> str:
    """What the clinician's banner says of the alert when it has just been raised, or nothing where none is."""
    if not result.line:
        return ""
    code = book.authority.code
    as_set = replace(directory, routings={**directory.routings, code: book.routing})
    first = result.line[0]
    line = Line(
        alert_id=_NO_ALERT, encounter_id=_NO_ALERT, authority_code=code, state=AlertState.RAISED, sighting=result.sighting,
        began_at=result.at, team_code=first.team.code, step=0, step_at=result.at, taken_by=None, taken_at=None,
        next_step_at=next_look(first, result.at),
    )  # fmt: skip
    return unread_words(standing(as_set, line, result.at), result.at)


def _rung(told: Telling, since: datetime, at: datetime, book: Rulebook) -> Rung:
    team = told.team.name[:1].upper() + told.team.name[1:]
    covers = f", which stands in for the {team_name(book.routing, told.covered)}" if told.covered else ""
    then = "Nobody is next in line."
    if told.escalates_at:
        then = f"Unless somebody acknowledges, the next team is told at {when_next(told.escalates_at, at)}."
    is_queued = told.starts > since
    when = f"Queued until {when_next(told.starts, at)}" if is_queued else f"Told at {when_next(told.starts, at)}"
    ways = tuple(_way(each, at, book) for each in told.contacts)
    return Rung(f"{team}{covers}", when, is_queued, ways, then)


def _way(planned: Planned, at: datetime, book: Rulebook) -> str:
    contact = planned.contact
    only = ", only if nothing got through by then" if planned.is_fallback else ""
    return f"{CHANNELS[contact.channel]} to {address_words(contact, book.webhooks)} at {when_next(planned.at, at)}{only}"
