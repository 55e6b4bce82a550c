"""Circuit breakers, and how much a channel takes in hand: tables, and the promises for whatever may happen."""

from dataclasses import dataclass
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.backpressure import Backpressure
from alerts.breakers import (
    CLOSED,
    FAILURES_IN_A_ROW,
    FIRST_SECONDS,
    LONGEST_SECONDS,
    Breaker,
    Says,
    after,
    pause,
    what_it_says,
)
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted

SENT = Attempted(AttemptOutcome.SENT)
REFUSED = Attempted(AttemptOutcome.PERMANENT, "smtp-550")
AWAY = Attempted(AttemptOutcome.TEMPORARY, "no-connection")


@pytest.mark.parametrize(
    "attempted, says",
    [
        (SENT, Says.THERE),
        (Attempted(AttemptOutcome.DELIVERED), Says.THERE),
        (REFUSED, Says.THERE),
        (AWAY, Says.AWAY),
        (Attempted(AttemptOutcome.TEMPORARY, "timed-out"), Says.AWAY),
        (Attempted(AttemptOutcome.TEMPORARY, "mesh-away"), Says.AWAY),
        (Attempted(AttemptOutcome.TEMPORARY, "status-503"), Says.AWAY),
        (Attempted(AttemptOutcome.TEMPORARY, "smtp-421"), Says.AWAY),
        (Attempted(AttemptOutcome.TEMPORARY, "smtp-452"), Says.THERE),
        (Attempted(AttemptOutcome.TEMPORARY, "not-configured"), Says.NOTHING),
        (Attempted(AttemptOutcome.TEMPORARY, "store-away"), Says.NOTHING),
        (Attempted(AttemptOutcome.TEMPORARY, "raised"), Says.NOTHING),
    ],
    ids=lambda value: value.detail or value.outcome.value if isinstance(value, Attempted) else None,
)
def test_what_an_attempt_says_of_its_host(attempted: Attempted, says: Says) -> None:
    assert what_it_says(attempted) is says


def failed(times: int, at: float = 0.0, breaker: Breaker = CLOSED) -> Breaker:
    for _ in range(times):
        breaker = after(breaker, Says.AWAY, at)
    return breaker


@pytest.mark.parametrize("failures, is_open", [(0, False), (1, False), (4, False), (5, True), (6, True)])
def test_it_opens_after_five_failures_in_a_row(failures: int, is_open: bool) -> None:
    assert FAILURES_IN_A_ROW == 5
    assert failed(failures).is_open is is_open


def test_one_success_between_begins_the_count_anew() -> None:
    breaker = after(failed(4), Says.THERE, 0.0)
    assert not failed(4, breaker=breaker).is_open


@pytest.mark.parametrize(
    "at, in_hand, room",
    [(0.0, 0, 0), (1.9, 0, 0), (2.0, 0, 1), (2.0, 1, 0), (100.0, 0, 1), (100.0, 3, 0)],
)
def test_while_it_is_open_one_is_tried_when_the_pause_is_over(at: float, in_hand: int, room: int) -> None:
    assert failed(5).room(at, in_hand, 8) == room


@pytest.mark.parametrize("in_hand, room", [(0, 8), (5, 3), (8, 0), (9, 0)])
def test_while_it_is_closed_there_is_room_for_as_many_as_the_host_bears(in_hand: int, room: int) -> None:
    assert CLOSED.room(0.0, in_hand, 8) == room


@pytest.mark.parametrize("openings, seconds", [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 60), (6, 60), (10_000, 60)])
def test_the_pause_doubles_up_to_a_minute(openings: int, seconds: float) -> None:
    assert pause(openings) == seconds


def test_a_try_that_fails_makes_the_pause_longer_and_one_that_succeeds_closes_it() -> None:
    breaker = failed(1, 2.0, failed(5))
    assert (breaker.opened_at, breaker.tries_at) == (0.0, 2.0 + pause(1))
    assert after(breaker, Says.THERE, 7.0) == CLOSED


def test_what_was_under_way_when_it_opened_makes_the_pause_no_longer() -> None:
    assert failed(20, 0.5, failed(5)).tries_at == FIRST_SECONDS


def test_a_failure_of_our_own_changes_nothing() -> None:
    assert after(failed(5), Says.NOTHING, 9.0) == failed(5)


@given(st.lists(st.tuples(st.sampled_from(Says), st.floats(0, 100)), max_size=60))
def test_whatever_happens_a_host_is_tried_again_within_a_minute(steps: list[tuple[Says, float]]) -> None:
    breaker, at = CLOSED, 0.0
    for says, later in steps:
        at += later
        breaker = after(breaker, says, at)
        assert breaker.room(at + LONGEST_SECONDS, 0, 8) >= 1
        assert breaker.is_open or breaker.failures < FAILURES_IN_A_ROW
        assert breaker.is_open == (breaker.room(at, 0, 8) < 8)


# How much is taken in hand


@dataclass
class Clock:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def to(recipient: str, channel: ChannelName = ChannelName.WEBHOOK) -> Delivery:
    return Delivery(uuid4(), uuid4(), channel, recipient, "A901", 0)


def attempt(pressure: Backpressure, delivery: Delivery, attempted: Attempted, times: int = 1) -> None:
    for _ in range(times):
        pressure.take(delivery)
        pressure.heard(delivery, attempted)
        pressure.put_down(delivery)


def test_one_webhook_that_is_slow_leaves_slots_to_the_others() -> None:
    pressure = Backpressure(ChannelName.WEBHOOK, slots=8, per_host=5)
    for _ in range(5):
        pressure.take(to("slow"))
    assert (pressure.room, pressure.room_of("slow"), pressure.room_of("other")) == (3, 0, 5)
    assert pressure.known_rooms() == {"slow": 0}


def test_one_webhook_that_is_away_holds_up_no_other() -> None:
    clock = Clock()
    pressure = Backpressure(ChannelName.WEBHOOK, 8, 5, clock)
    attempt(pressure, to("away"), AWAY, times=5)
    assert (pressure.room, pressure.known_rooms(), list(pressure.open_hosts())) == (8, {"away": 0}, [("away", 0.0, 2.0)])
    clock.at = 2.0
    assert pressure.known_rooms() == {"away": 1}
    attempt(pressure, to("away"), SENT)
    assert (pressure.known_rooms(), list(pressure.open_hosts())) == ({}, [])


def test_a_channel_with_one_host_waits_as_a_whole() -> None:
    clock = Clock()
    pressure = Backpressure(ChannelName.EMAIL, 8, 5, clock)
    attempt(pressure, to("one@a.example", ChannelName.EMAIL), AWAY, times=3)
    attempt(pressure, to("two@b.example", ChannelName.EMAIL), AWAY, times=2)
    assert pressure.room == 0
    clock.at = 2.0
    assert pressure.room == 1


@pytest.mark.parametrize("channel", [ChannelName.SCREEN, ChannelName.HL7, ChannelName.SUBSCRIPTION])
def test_screens_and_what_goes_one_at_a_time_are_never_left_alone(channel: ChannelName) -> None:
    pressure = Backpressure(channel, 8, 8)
    attempt(pressure, to("A901", channel), AWAY, times=50)
    assert pressure.room == 8
