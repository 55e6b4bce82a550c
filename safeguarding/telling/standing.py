"""How an alert stands in its line: unread for so long, queued until a team reads, passed on, taken, or at its end.

The banner, the board and the card ask it, so that all say the same; `standing` is pure. Minutes count while a team is on duty, and
who to ring is `contacts.duty_team`, the function that routing uses. Source: docs/facts.md, section 5; docs/conversation.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from alerts.routing.clock import duty_passed, hours_of, is_on_duty, next_start
from alerts.routing.route import OnDuty
from domain.alert import AlertState
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import OFFICE, Occasion, Routing, Sighting
from flags_store.extracts.open_plans import OPEN, RULES
from runtime.clock import england_day
from runtime.database import Connection
from safeguarding.contacts import duty_team
from safeguarding.directory import Directory


class Stage(StrEnum):
    """Where an alert stands that waits."""

    WAITING = "waiting"
    QUEUED = "queued"
    TAKEN = "taken"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class Line:
    """An alert's place in its line. Without `next_step_at` nobody is left to tell. `turns`: since when it was whose (team code)."""

    alert_id: UUID
    encounter_id: UUID
    authority_code: str
    state: AlertState
    sighting: Sighting
    began_at: datetime
    team_code: str
    step: int
    step_at: datetime
    taken_by: str | None
    taken_at: datetime | None
    next_step_at: datetime | None = None
    turns: tuple[tuple[datetime, str], ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has acknowledged what was last told."""
        return self.state is AlertState.RAISED


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be said of an alert that waits. `unread` is how long, while a team was on duty; it `runs` while one is now.

    `opens`: when somebody reads next, where nobody does now. `passed_on_at`: when the team in line was told, if it was not first.
    """

    stage: Stage
    occasion: Occasion
    unread: timedelta
    runs: bool
    team: str
    ring: OnDuty
    opens: datetime | None = None
    passed_on_at: datetime | None = None
    taken_by: str = ""


def standing(directory: Directory, line: Line, at: datetime) -> Standing:
    """How an alert that waits stands at an instant."""
    routing = directory.routing(line.authority_code)
    team = routing.teams.get(line.team_code, routing.teams[OFFICE])
    hours = hours_of(routing, team)
    runs = not hours.known or is_on_duty(hours, at)
    is_taken = line.taken_at is not None and line.taken_at >= line.began_at
    stage = Stage.WAITING if runs else Stage.QUEUED
    if is_taken:
        stage = Stage.TAKEN
    elif line.next_step_at is None:
        stage = Stage.EXHAUSTED
    return Standing(
        stage, line.sighting.occasion, _unread(routing, line, at), runs, team.name,
        duty_team(directory, line.authority_code, at, line.sighting),
        None if runs else next_start(hours, at), line.step_at if line.step else None, (line.taken_by or "") if is_taken else "",
    )  # fmt: skip


def _unread(routing: Routing, line: Line, at: datetime) -> timedelta:
    """The time of duty of each team while it was its turn."""
    turns = line.turns or ((line.began_at, line.team_code),)
    ends = [after for (_, _), (after, _) in pairwise(turns)] + [at]
    total = timedelta()
    for (since, code), until in zip(turns, ends, strict=True):
        team = routing.teams.get(code, routing.teams[OFFICE])
        total += duty_passed(hours_of(routing, team), since, until)
    return total


async def read_lines(transaction: Connection, encounters: Sequence[UUID], at: datetime) -> Mapping[UUID, Line]:
    """The line of every alert of these encounters, by the alert's id."""
    cursor = await transaction.execute(_LINES, {"encounters": list(encounters), "today": england_day(at), **RULES})
    return {row[0]: _to_line(*row) for row in await cursor.fetchall()}


def _to_line(
    alert_id: UUID, encounter_id: UUID, code: str, state: str, kinds: list[str], setting: str, occasion: str, began: datetime,
    team: str, step: int, step_at: datetime, taken_by: str | None, taken_at: datetime | None,
    next_step_at: datetime | None, times: list[datetime], teams: list[str],
) -> Line:  # fmt: skip
    sighting = Sighting(frozenset(map(FlagKind, kinds)), CareSetting(setting), Occasion(occasion))
    turns = tuple(zip([began, *times[1:]], teams, strict=True)) if teams else ()
    return Line(
        alert_id, encounter_id, code, AlertState(state), sighting, began, team, step, step_at, taken_by, taken_at,
        next_step_at, turns,
    )  # fmt: skip


# Whose turn it was since when: the event that began the line, and each time that it was passed on.
_LINES = f"""
    SELECT a.id, a.encounter_id, a.authority_code, a.state,
           ARRAY(SELECT DISTINCT f.kind FROM flags f JOIN persons p ON p.id = f.person_id
                 WHERE f.person_id = a.person_id AND f.authority_code = a.authority_code AND {OPEN}),
           e.care_setting, a.occasion, a.began_at, a.team_code, a.step, a.step_at, a.taken_by, a.taken_at,
           a.next_step_at, turns.times, turns.teams
    FROM alerts a JOIN encounters e ON e.id = a.encounter_id
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(v.occurred_at ORDER BY v.occurred_at, v.id), '{{}}') AS times,
               coalesce(array_agg(v.team ORDER BY v.occurred_at, v.id), '{{}}') AS teams
        FROM alert_events v WHERE v.alert_id = a.id AND v.team <> '' AND v.occurred_at >= a.began_at
    ) AS turns
    WHERE a.encounter_id = ANY(%(encounters)s)
"""  # noqa: S608 (constants)
