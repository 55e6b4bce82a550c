"""The snapshots of the benchmark are what they claim: each format is read whole, and nobody in them is met at the desk."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.extracts.measuring import FLAGGED as MEASURED_FLAGGED
from bench.extracts.report import markdown
from bench.extracts.snapshots import FIRST, MOST, write_snapshot
from bench.people import OTHERS
from domain.extract import Declaration, FileFormat
from flags_store.extract_formats.opening import open_extract
from flags_store.extract_formats.reading import Terms
from flags_store.extracts.record import ExtractRecord
from nightlight.demo.sample import invented_number

AT = datetime(2026, 5, 1, 6, tzinfo=UTC)


def test_nobody_of_a_snapshot_is_met_by_the_load_on_the_desk() -> None:
    assert FIRST >= MEASURED_FLAGGED + OTHERS
    assert invented_number(FIRST + MOST - 1).startswith("999")


@pytest.mark.parametrize("file_format", FileFormat)
def test_every_record_of_a_snapshot_is_read_and_each_format_says_the_same(tmp_path: Path, file_format: FileFormat) -> None:
    path = tmp_path / "snapshot"
    write_snapshot(path, file_format, 50, AT, "901")
    with path.open("rb") as stream:
        came = list(open_extract(stream, Terms("901", Declaration(AT), is_production=False)).records())
    records = [each for each in came if isinstance(each, ExtractRecord)]
    assert len(records) == len(came) == 50
    plans = {(each.nhs_number, each.kind.value, each.start_date, each.family_name, each.birth_date) for each in records}
    assert len(plans) == 50
    write_snapshot(path, FileFormat.CSV, 50, AT, "901")
    with path.open("rb") as stream:
        of_csv = open_extract(stream, Terms("901", Declaration(AT), is_production=False)).records()
        assert plans == {
            (each.nhs_number, each.kind.value, each.start_date, each.family_name, each.birth_date)
            for each in of_csv
            if isinstance(each, ExtractRecord)
        }


def test_more_children_than_there_are_numbers_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="numbers"):
        write_snapshot(tmp_path / "snapshot", FileFormat.CSV, MOST + 1, AT, "901")


def figures(**changed: Any) -> dict[str, Any]:
    load = {"seconds": 40.0, "kept_seconds": 0.1, "records": 150_000}
    one = {
        "bytes": 9_000_000, "first": load, "again": None, "copy_alike": 10.0, "copy_bare": 0.5, "memory_bytes": 160_000_000,
        "quiet": {"messages": 1_000, "p99": 0.01}, "meanwhile": {"messages": 700, "p99": 0.015},
        "faults": 0, "children": 150_000, "per_second": 3_750.0,
    }  # fmt: skip
    machine = {"cores": 2, "processor": "AMD EPYC", "memory_gib": 24}
    plan = {"children": 150_000, "per_second": 50.0}
    return {"at": "2026-05-01", "version": "x", "machine": machine, "plan": plan, "formats": {"csv": one | changed}}


@pytest.mark.parametrize(
    "changed, words",
    [
        ({}, "| 0.25 |"),
        ({"copy_alike": 3.9}, "0.10, **not met**"),
        ({"copy_alike": 4.0}, "| 0.10 |"),
        ({"meanwhile": {"messages": 1_700, "p99": 0.02}}, "| 10.0 ms of 1,000 | 20.0 ms of 1,700 (2.0×) |"),
        ({"meanwhile": {"messages": 700, "p99": 0.021}}, "21.0 ms of 700 (2.1×, **not met**)"),
        ({"meanwhile": {"messages": 0}}, "| – |"),
    ],
)
def test_a_bar_that_is_not_met_is_said_so(changed: dict[str, Any], words: str) -> None:
    assert words in markdown(figures(**changed))
