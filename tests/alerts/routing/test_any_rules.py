"""What holds for any rules, hours and covers: somebody is always told, lines end, and looking twice tells nobody twice."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations, pairwise
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.routing.clock import hours_of, is_on_duty
from alerts.routing.going_on import GoneOn, at_once, go_on, next_look, way
from alerts.routing.route import Stands, Way, telling, unfold
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.flag import FlagKind
from domain.routing import Contact, Cover, Duty, Occasion, Routing, Rule, Sighting, Step, Stretch, Team, Telling

Value = TypeVar("Value")
untimed = settings(suppress_health_check=[HealthCheck.too_slow])  # a routing has many parts
CODES = ["office", "emergency", "a", "b", "c"]
CLOCKS = [time(0), time(6), time(8, 45), time(12), time(17), time(22), time.max]
OPEN: list[Stretch] = [(day, *clocks) for day in range(1, 8) for clocks in combinations(CLOCKS, 2)]
STRETCHES = st.lists(st.sampled_from(OPEN), max_size=4).map(tuple[Stretch, ...])
CONTACTS = st.lists(
    st.builds(
        Contact, st.sampled_from([ChannelName.EMAIL, ChannelName.SMS, ChannelName.WEBHOOK]), st.sampled_from("uvwxyz"),
        st.none() | st.integers(1, 90),
    ),
    max_size=4,
).map(tuple[Contact, ...])  # fmt: skip
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
SIGHTINGS = st.builds(
    Sighting, st.frozensets(st.sampled_from(FlagKind), min_size=1), st.sampled_from(CareSetting), st.sampled_from(Occasion)
)  # fmt: skip


def some(values: Iterable[Value]) -> st.SearchStrategy[frozenset[Value]]:
    return st.frozensets(st.sampled_from(list(values)), max_size=2)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    window = draw(st.none() | st.tuples(st.sampled_from(CLOCKS), st.sampled_from(CLOCKS)))
    steps = draw(st.lists(st.builds(Step, st.sampled_from([*CODES, "removed"]), st.integers(1, 600)), min_size=1, max_size=4))
    return Rule(
        draw(st.sampled_from(["one rule", "another"])), tuple(steps), draw(some(FlagKind)), draw(some(CareSetting)),
        draw(some(Occasion)), draw(st.sampled_from([Duty.ALWAYS, Duty.OFFICE, Duty.OUTSIDE])),
        draw(st.frozensets(st.integers(1, 7), max_size=3)), *(window or (None, None)),
    )  # fmt: skip


@st.composite
def routings(draw: st.DrawFn) -> Routing:
    deputies = st.none() | st.sampled_from([*CODES, "removed"])
    teams = {
        code: Team(code, code, "1", draw(st.sampled_from(Duty)), draw(STRETCHES), draw(CONTACTS), draw(deputies))
        for code in CODES
    }  # fmt: skip
    covers = draw(st.lists(st.builds(Cover, st.sampled_from(CODES), st.sampled_from(CODES), INSTANTS, INSTANTS), max_size=3))
    closed = draw(st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=3))
    return Routing("A901", draw(STRETCHES), teams, tuple(draw(st.lists(rules(), max_size=3))), tuple(covers), closed)


@untimed
@given(routings(), SIGHTINGS, INSTANTS)
def test_somebody_is_always_told_and_never_before_they_read(routing: Routing, sighting: Sighting, at: datetime) -> None:
    told = telling(routing, sighting, 0, at)
    assert told is not None
    assert told.starts >= at
    hours = hours_of(routing, told.team)
    assert is_on_duty(hours, told.starts) or told.starts == at, "at once, where its duty never comes or nobody has set it"
    assert all(planned.at >= (at if planned.contact.channel is ChannelName.WEBHOOK else told.starts) for planned in told.contacts)
    assert set(at_once(told)) <= set(told.contacts)


@untimed
@given(routings(), SIGHTINGS, INSTANTS)
def test_the_line_ends_and_never_goes_back_in_time(routing: Routing, sighting: Sighting, at: datetime) -> None:
    line = list(unfold(routing, sighting, at))
    assert 1 <= len(line) <= 5
    for one, other in pairwise(line):
        assert one.escalates_at is not None
        assert at <= one.starts < one.escalates_at <= other.starts
        assert (other.rule, other.step) == (one.rule, one.step + 1)
    assert line[-1].escalates_at is None


def on_the_way(told: Telling) -> frozenset[Way]:
    return frozenset(way(planned) for planned in at_once(told))


def stands_at(routing: Routing, sighting: Sighting, at: datetime) -> tuple[Stands, datetime]:
    told = telling(routing, sighting, 0, at)
    assert told is not None
    look_at = next_look(told, at)
    assert look_at is not None
    return Stands(at, told.rule, told.step, told.team.code, told.covered or "", at, on_the_way(told), got_through=False), look_at


@untimed
@given(routings(), SIGHTINGS, INSTANTS, st.booleans())
def test_who_looks_whenever_the_last_look_said_tells_the_whole_line_and_then_stops(
    routing: Routing, sighting: Sighting, at: datetime, got_through: bool
) -> None:
    """Driven as the dispatcher drives it, without covers: each rung is told as the what-if box foretold it."""
    routing = replace(routing, covers=())
    foretold = list(unfold(routing, sighting, at))
    stands, look_at = stands_at(routing, sighting, at)
    told, looks = [foretold[0]], 0
    now: datetime | None = look_at
    while now is not None:
        looks += 1
        gone = go_on(routing, sighting, replace(stands, got_through=got_through), now)
        assert gone.look_at is None or gone.look_at > now
        assert not (got_through and gone.also)
        stands = replace(stands, tried=stands.tried | {way(each) for each in gone.also})
        if gone.told:
            told.append(gone.told)
            stands = Stands(
                at, gone.told.rule, gone.told.step, gone.told.team.code, "", now, on_the_way(gone.told), got_through=False
            )
        now = gone.look_at
    assert told == foretold
    assert looks <= 5 * 6


@untimed
@given(routings(), routings(), SIGHTINGS, INSTANTS, st.timedeltas(timedelta(), timedelta(days=30)))
def test_whatever_changes_the_alert_is_somebodys_and_a_second_look_tells_nobody(
    before: Routing, after: Routing, sighting: Sighting, at: datetime, later: timedelta
) -> None:
    stands, _ = stands_at(before, sighting, at)
    when = at + later
    gone = go_on(after, sighting, stands, when)
    if gone.told:
        told = gone.told
        stands = Stands(at, told.rule, told.step, told.team.code, told.covered or "", when, on_the_way(told), got_through=False)
    else:
        stands = replace(stands, tried=stands.tried | {way(each) for each in gone.also})
    assert stands.team in after.teams
    again = go_on(after, sighting, stands, when)
    assert again == GoneOn(None, (), gone.look_at, again.queued)
