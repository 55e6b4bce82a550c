"""The replayed day: the same seed gives the same feed, what is sent is what must be there, and every fault is found."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from bench.day.checks import Held, find_faults
from bench.day.hospital import Day, Truth, feed, truth
from bench.day.memory import course
from bench.day.wire import render
from domain.nhs_number import parse_nhs_number
from hl7_listener.batches import read_batches
from hl7_listener.events import trigger_event
from hl7_listener.reader import parse

ROOT = Path(__file__).parents[2]
DAY = Day(seed=7, messages=6_000, flagged=1_000, begins=datetime(2026, 11, 21))  # noqa: DTZ001
EVENTS = {"A01", "A02", "A03", "A04", "A05", "A06", "A08", "A11", "A13", "A28", "A31", "A40"}
MIB = 2**20


@pytest.fixture(scope="module")
def sent() -> list[tuple[str, bytes]]:
    """Application and control ID of each message, or of the first of each batch, with its bytes."""
    return [(f"{step.application} {story.control_ids(step)[0]}", render(story, step)) for story, step in feed(DAY)]


def test_the_same_seed_gives_the_same_feed(sent: list[tuple[str, bytes]]) -> None:
    again = [render(story, step) for story, step in feed(DAY)]
    other = [render(story, step) for story, step in feed(replace(DAY, seed=8))]
    assert again == [message for _, message in sent]
    assert other != again


def test_everything_that_must_be_there_is_sent_and_nothing_else() -> None:
    control_ids = Counter(
        f"{step.application} {control_id}" for story, step in feed(DAY) for control_id in story.control_ids(step) if not step.again
    )
    assert set(control_ids) == truth(DAY).messages
    assert set(control_ids.values()) == {1}


def test_two_applications_use_the_same_control_ids(sent: list[tuple[str, bytes]]) -> None:
    applications = Counter(name.split()[1] for name in {name for name, _ in sent})
    assert max(applications.values()) == 2


def test_what_comes_again_differs_in_its_time_stamp_alone(sent: list[tuple[str, bytes]]) -> None:
    by_name: dict[str, list[bytes]] = {}
    for name, message in sent:
        by_name.setdefault(name, []).append(message)
    repeats = [messages for messages in by_name.values() if len(messages) > 1]
    assert repeats
    for first, second in repeats:
        one, other = (message.split(b"|") for message in (first, second))
        assert [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b] == [6]


def test_the_feed_has_every_event_and_only_valid_numbers(sent: list[tuple[str, bytes]]) -> None:
    events = set()
    for _, raw in sent:
        batches = read_batches(raw)
        for each in [message for batch in batches.batches for message in batch.messages] if batches else [raw]:
            message = parse(each)
            trigger_event(message)
            events.add(message.event)
            for repetition in message.required("PID").repetitions(3)[1:]:
                assert parse_nhs_number(repetition.component(1)).startswith("999")
    assert events == EVENTS


def test_some_messages_come_late_and_none_before_its_time() -> None:
    steps = [step for _, step in feed(DAY) if not step.again]
    late = [step for step in steps if step.sent_at > step.at]
    assert {step.event for step in late} == {"A08"}
    assert all(step.sent_at >= step.at for step in steps)
    assert [step.sent_at for _, step in feed(DAY)] == sorted(step.sent_at for _, step in feed(DAY))


def test_a_day_with_more_patients_than_people_is_refused() -> None:
    with pytest.raises(ValueError, match="patients"):
        _ = replace(DAY, messages=60_000).stories


MUST_BE = Truth({"ED 1", "ED 2"}, {"V1": "closed"}, {("V1", "201", "raised")}, {})
ALL_WELL = Held(Counter(["ED 1", "ED 2"]), Counter(["V1"]), {"V1": "closed"}, Counter(["V1 201"]), Counter(["V1 201 raised"]))


@pytest.mark.parametrize(
    "held, fault",
    [
        (replace(ALL_WELL, messages=Counter(["ED 1"])), "acknowledged, not in the inbox"),
        (replace(ALL_WELL, messages=Counter(["ED 1", "ED 2", "ED 3"])), "in the inbox, never sent"),
        (replace(ALL_WELL, messages=Counter(["ED 1", "ED 2", "ED 2"])), "in the inbox more than once"),
        (replace(ALL_WELL, of_others=Counter(["R0B01"])), "in the inbox, never sent"),
        (replace(ALL_WELL, in_quarantine=Counter(["one"])), "in quarantine"),
        (replace(ALL_WELL, encounters=Counter()), "visits without an encounter"),
        (replace(ALL_WELL, encounters=Counter(["V1", "V2"])), "encounters that nobody had"),
        (replace(ALL_WELL, encounters=Counter(["V1", "V1"])), "more than one encounter for a visit"),
        (replace(ALL_WELL, states={"V1": "open"}), "encounters in another state"),
        (replace(ALL_WELL, alerts=Counter()), "alerts missing"),
        (replace(ALL_WELL, alerts=Counter(["V1 201", "V1 202"])), "alerts that nobody wanted"),
        (replace(ALL_WELL, alerts=Counter(["V1 201", "V1 201"])), "alerts raised twice"),
        (replace(ALL_WELL, notices=Counter()), "notices missing"),
        (replace(ALL_WELL, notices=Counter(["V1 201 raised", "V1 201 cancel"])), "notices that nobody wanted"),
        (replace(ALL_WELL, notices=Counter(["V1 201 raised", "V1 201 raised"])), "notices given twice"),
        (replace(ALL_WELL, pending=Counter(["one"])), "deliveries not on their way"),
    ],
)
def test_each_fault_is_found_by_its_name(held: Held, fault: str) -> None:
    found = find_faults(held, MUST_BE, ["ED 1", "ED 2"])
    assert [name for name, those in found.items() if those] == [fault]


def test_a_message_without_an_acknowledgement_is_found() -> None:
    assert find_faults(ALL_WELL, MUST_BE, ["ED 1"])["sent and never acknowledged"] == ["ED 2"]


def test_where_all_is_well_nothing_is_found() -> None:
    assert not any(find_faults(ALL_WELL, MUST_BE, ["ED 1", "ED 2"]).values())


@pytest.mark.parametrize(
    "growth, is_flat", [(0, True), (5, True), (12, False), (100, False)], ids=["none", "noise", "a little", "a leak"]
)
def test_memory_that_grows_after_the_warm_up_is_not_flat(growth: int, is_flat: bool) -> None:
    samples = [(done, {"listener": 50 * MIB + (growth * MIB * done) // 1_000}) for done in range(0, 1_001, 10)]
    found = course(samples, "listener")
    assert found is not None
    assert found.is_flat is is_flat


def test_memory_of_two_samples_alone_says_nothing() -> None:
    assert course([(10, {"listener": MIB})], "listener") is None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_short_day_is_taken_whole(tmp_path: Path) -> None:
    kept = tmp_path / "day.json"
    finished = subprocess.run(
        [sys.executable, "-m", "bench.day", "--messages", "1500", "--flagged", "500", "--json", str(kept)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    result = json.loads(kept.read_text())
    assert result["figures"]["finished"]["sent"] >= result["distinct"] > 1_000
    assert not any(result["faults"].values())
    assert "Nothing lost, nothing doubled, nobody told wrongly." in finished.stdout
