"""How an alert stands in its line, as banner, board and card say it: tables of values, and one line as the store keeps it."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest

from domain.alert import AlertState
from domain.flag import FlagKind
from domain.routing import Sighting
from flags_store.authorities import Authority, Hours
from runtime.clock import now
from safeguarding.directory import Directory
from safeguarding.telling.standing import Line, Stage, read_lines, standing
from tests.safeguarding.house import House
from tests.safeguarding.telling.test_replies import an_alert

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
OFFICE = tuple(Hours(weekday, time(8, 45), time(17, 0)) for weekday in range(1, 6))
AUTHORITY = Authority("301", "Ambershire", "office 1", "night 2", None, "live", timedelta(days=1), MONDAY, OFFICE)
DIRECTORY = Directory(is_production=True, sites={}, authorities={"301": AUTHORITY}, peers=(), read_at=MONDAY)


def at(hours: float) -> datetime:
    """So many hours after Monday began."""
    return MONDAY + timedelta(hours=hours)


def line(began: float, **changes: object) -> Line:
    """An alert that came to the office team then, and will be looked at again."""
    found = Line(
        uuid4(), uuid4(), "301", AlertState.RAISED, Sighting(frozenset({FlagKind.CPP})), at(began), "office", 0, at(began), None,
        None, at(200), ((at(began), "office"),),
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


PASSED_ON = {"team_code": "emergency", "step": 1, "turns": ((at(16), "office"), (at(18), "emergency"))}


@pytest.mark.parametrize(
    "alert, hour, stage, minutes, runs",
    [
        (line(10), 10.7, Stage.WAITING, 42, True),
        (line(3), 4, Stage.QUEUED, 0, False),
        (line(3), 9, Stage.WAITING, 15, True),
        (line(16.75), 19, Stage.QUEUED, 15, False),
        (line(16.75), 33, Stage.WAITING, 30, True),
        (line(16, step_at=at(18), **PASSED_ON), 19, Stage.WAITING, 120, True),
        (line(16, step_at=at(18), **PASSED_ON), 34, Stage.QUEUED, 60 + 885, False),
        (line(10, taken_by="Ann Ash", taken_at=at(10.1)), 10.7, Stage.TAKEN, 42, True),
        (line(10, taken_by="Ann Ash", taken_at=at(9)), 10.7, Stage.WAITING, 42, True),
        (line(10, next_step_at=None), 10.7, Stage.EXHAUSTED, 42, True),
        (line(10, next_step_at=None, taken_by="Ann Ash", taken_at=at(10.1)), 10.7, Stage.TAKEN, 42, True),
        (line(10, team_code="removed-team"), 10.7, Stage.WAITING, 42, True),
    ],
    ids=[
        "office open", "at night", "night does not count", "evening does not count", "nor the next night", "both turns count",
        "each while it is on duty", "taken", "taken before the line began anew", "nobody left", "taken at the end",
        "a removed team",
    ],
)  # fmt: skip
def test_minutes_count_while_the_team_whose_turn_it_is_is_on_duty(
    alert: Line, hour: float, stage: Stage, minutes: int, runs: bool
) -> None:
    stands = standing(DIRECTORY, alert, at(hour))
    assert (stands.stage, stands.unread, stands.runs) == (stage, timedelta(minutes=minutes), runs)


def test_who_to_ring_is_who_routing_would_ring_at_this_hour() -> None:
    day, night = standing(DIRECTORY, line(3), at(10)), standing(DIRECTORY, line(3), at(4))
    assert (day.ring.phone, day.opens) == ("office 1", None)
    assert (night.ring.phone, night.opens) == ("night 2", at(8.75))


async def test_the_store_gives_every_alert_of_an_encounter_its_line(house: House) -> None:
    encounter, alert = await an_alert(house)
    async with house.database.transaction() as transaction:
        lines = await read_lines(transaction, [encounter], now())
    assert list(lines) == [alert]
    found = lines[alert]
    assert (found.team_code, found.step, found.is_waiting, found.taken_by) == ("office", 0, True, None)
    assert found.turns == ((found.began_at, "office"),)
    assert found.sighting.kinds == {FlagKind.CPP}
