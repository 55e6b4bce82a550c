"""What the benchmark tells: bars met and not met, yardsticks that were not measured, and the marks of the page."""

from typing import Any

import pytest

from bench.report import markdown, put_into, rows, rows_beside

ADT_20 = {"per_second": 3_000.0, "latency": {"p50": 0.005, "p95": 0.01, "p99": 0.02}}


def result(**theirs: float) -> dict[str, Any]:
    """One round of ADT on 20 connections beside these yardsticks."""
    beside = {name.replace("_", "-"): [{"per_second": rate, "latency": {"p99": 0.03}}] for name, rate in theirs.items()}
    return {"ours": {"adt-20": [ADT_20]}, "theirs": {"adt-20": beside}}


@pytest.mark.parametrize("rate, said", [(1_000, "yes"), (1_001, "**no**")])
def test_a_ratio_is_held_against_its_bar(rate: float, said: str) -> None:
    row = next(row for row in rows_beside(result(messagefoundry=rate)) if row[1].startswith("MessageFoundry"))
    assert row[-2:] == ("≥ 3", said)


def test_a_yardstick_that_was_not_there_is_said_to_be_not_measured() -> None:
    row = next(row for row in rows_beside(result(pgbench=10_000)) if row[1].startswith("MessageFoundry"))
    assert row[2] == "not measured"
    assert row[-1] == "**not measured**"


def test_a_yardstick_without_a_bar_is_shown_and_judged_by_nobody() -> None:
    assert rows_beside(result(pgbench=10_000))[0][1:] == (
        "pgbench",
        "10,000 (10,000–10,000)",
        "30.0 ms",
        "0.30 (0.30–0.30)",
        "–",
        "–",
    )


@pytest.mark.parametrize("rate, said", [(2_500, "yes"), (2_499, "**no**")])
def test_a_rate_is_held_against_its_bar(rate: float, said: str) -> None:
    told = result()
    told["ours"]["adt-20"] = [{**ADT_20, "per_second": rate}]
    assert rows(told)[0][-2:] == ("≥ 2,500/s", said)


def test_what_is_told_takes_the_place_of_what_was_told() -> None:
    page = "a\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nb\n"
    assert put_into(page, "new") == "a\n<!-- figures: begin -->\n\nnew\n\n<!-- figures: end -->\nb\n"


@pytest.mark.parametrize("page", ["", "<!-- figures: end --><!-- figures: begin -->", "<!-- day: begin --><!-- day: end -->"])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="the page needs"):
        put_into(page, "new")


def test_the_page_holds_both_tables() -> None:
    whole = result(messagefoundry=1_000) | {
        "machine": dict.fromkeys(
            ("cores", "processor", "memory_gib", "system", "python", "fsync_us", "load_before", "load_after"), 1
        ),
        "postgresql": "18.6",
        "durability": {"fsync": "on"},
        "plan": {"rounds": 1, "seconds": 5.0, "screen_seconds": 20.0, "flagged": 1},
        "kept": dict.fromkeys(("accepted", "messages", "flagged", "alerts", "faults"), 1),
        "at": "2026-11-22",
        "version": "Nightlight",
    }
    told = markdown(whole)
    assert "| What | Per second |" in told
    assert "| What | Beside |" in told
