"""Escalation: an alert that nobody has acknowledged goes on in its line, by the rules of its authority.

`nightlight.processes.telling` calls it every half second, in every dispatcher's process: what one has claimed the others pass over,
and each step is written down with the next time to look in one transaction.
Source: docs/facts.md, section 5; docs/alerts.md, "Escalation".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from alerts.escalating import InLine, claim_in_line, look_later, look_now, pass_on, queue_anew, read_standing, tell_also
from alerts.metrics import UNDECIDED
from alerts.routing.clock import duty_passed, hours_of
from alerts.routing.going_on import GoneOn, go_on
from domain.routing import Routing
from runtime.database import Database, Transaction
from runtime.logs import get_logger
from safeguarding.directory import Directory, DirectoryReader
from safeguarding.telling.lines import Seen, read_seen

BATCH = 20
"""Alerts that are held at once: whoever acknowledges one of them waits for the others' steps to be written."""
MANY = 500
LOOK_AGAIN = timedelta(minutes=1)

log = get_logger()


@dataclass(frozen=True, slots=True)
class Overdue:
    """What nobody has acknowledged in time; of how many nobody is left to be told; and for how much duty the oldest waits."""

    alerts: int
    nobody_left: int
    oldest: timedelta


class Escalator:
    """Looks at alerts in line whose time has come; and at all of an authority where it has changed who is told."""

    def __init__(self, database: Database, directory: DirectoryReader) -> None:
        self._database = database
        self._directory = directory
        self._held: dict[str, Any] = {}

    async def look(self, at: datetime) -> tuple[int, bool]:
        """One round. Returns how many alerts somebody was told of, and whether more are due."""
        directory = await self._directory.current()
        holds = {code: _who_holds(routing, at) for code, routing in directory.routings.items()}
        changed = [code for code, held in holds.items() if self._held.get(code) != held]
        if changed:
            await self._look_at_all_of(changed, at)
            self._held = holds
        async with self._database.transaction() as transaction:
            return await _go_on(transaction, directory, at)

    async def _look_at_all_of(self, codes: list[str], at: datetime) -> None:
        is_more = True
        while is_more:
            async with self._database.transaction() as transaction:
                is_more = await look_now(transaction, codes, at, MANY) > 0

    async def measure(self, at: datetime) -> Overdue:
        """How much nobody has acknowledged, and for how long."""
        directory = await self._directory.current()
        async with self._database.transaction() as transaction:
            standing = await read_standing(transaction)
        waits = [_waited(directory.routing(code), team, since, at) for code, team, since in standing.since]
        return Overdue(standing.overdue, standing.nobody_left, max(waits, default=timedelta()))


async def _go_on(transaction: Transaction, directory: Directory, at: datetime) -> tuple[int, bool]:
    alerts = await claim_in_line(transaction, at, BATCH)
    if not alerts:
        return 0, False
    seen = await read_seen(transaction, [alert.alert_id for alert in alerts], at)
    told, later = 0, []
    for alert in alerts:
        gone = _decide(directory, alert, seen, at)
        if gone.told:
            await pass_on(transaction, alert, gone.told, at)
        else:
            await tell_also(transaction, alert, gone.also)
            await queue_anew(transaction, alert, gone.queued, at)
            later.append((alert.alert_id, gone.look_at))
        told += bool(gone.told or gone.also)
    await look_later(transaction, later)
    return told, len(alerts) == BATCH


def _decide(directory: Directory, alert: InLine, seen: Mapping[UUID, Seen], at: datetime) -> GoneOn:
    """What cannot be decided holds up no other alert: it is said aloud, and looked at again a minute later."""
    try:
        sighting = seen[alert.alert_id].sighting(alert.occasion)
        return go_on(directory.routing(alert.authority_code), sighting, alert.stands, at)
    except Exception as error:  # whatever it is
        UNDECIDED.inc()
        log.error("alert in line not decided", alert=alert.alert_id.hex, error=type(error).__name__)
        return GoneOn(None, (), at + LOOK_AGAIN)


def _who_holds(routing: Routing, at: datetime) -> tuple[Routing, frozenset[object]]:
    """All that an authority has set, and which covers hold now: one that has begun or ended is a change."""
    return routing, frozenset(cover for cover in routing.covers if cover.starts <= at < cover.ends)


def _waited(routing: Routing, team_code: str, since: datetime, at: datetime) -> timedelta:
    team = routing.teams.get(team_code)
    return duty_passed(hours_of(routing, team), since, at) if team else at - since
