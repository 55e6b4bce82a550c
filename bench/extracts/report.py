"""From what was measured of the snapshots to the table of docs/performance.md."""

from collections.abc import Mapping
from typing import Any

from domain.extract import FileFormat

LEAST_OF_COPY = 0.10
MOST_OF_QUIET = 2.0
_COLUMNS = (
    "Format", "File", "First load", "Records a second", "Of COPY into tables like ours", "The same an hour later",
    "Loader’s memory, at most", "Desk’s p99, quiet", "Desk’s p99 meanwhile",
)  # fmt: skip


def markdown(result: Mapping[str, Any]) -> str:
    """The table and what it is true of."""
    rows = [_row(FileFormat(name), each) for name, each in result["formats"].items()]
    plan, machine = result["plan"], result["machine"]
    lines = ["| " + " | ".join(row) + " |" for row in (_COLUMNS, ("---",) * len(_COLUMNS), *rows)]
    bare = result["formats"]["csv"]["copy_bare"]
    children = plan["children"]
    return "\n".join(
        [
            *lines,
            "",
            f"* {children:,} records, all of them opened at the first load; {plan['per_second']:g} messages a second to the desk "
            f"before and meanwhile. Bars: CSV at least {LEAST_OF_COPY:g} of COPY; the desk’s p99 at most twice its quiet value.",
            f"* COPY of the CSV’s lines into one table of text without index or check: {children / bare:,.0f} a second.",
            f"* {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB; load, service and database on "
            f"them together. Measured on {result['at']} at {result['version']}.",
        ]
    )


def _row(file_format: FileFormat, each: Mapping[str, Any]) -> tuple[str, ...]:
    first, again = each["first"], each["again"]
    of_copy = each["copy_alike"] / first["seconds"]
    return (
        file_format.words,
        f"{each['bytes'] / 1e6:.1f} MB",
        f"{first['seconds']:.1f} s (kept in {first['kept_seconds']:.1f} s)",
        f"{each['per_second']:,.0f}",
        f"{of_copy:.2f}{_met(of_copy >= LEAST_OF_COPY) if file_format is FileFormat.CSV else ''}",
        f"{again['seconds']:.1f} s" if again else "–",
        f"{each['memory_bytes'] / 1e6:.0f} MB",
        _p99(each["quiet"]),
        _meanwhile(each["quiet"], each["meanwhile"]),
    )


def _meanwhile(quiet: Mapping[str, float], meanwhile: Mapping[str, float]) -> str:
    if not meanwhile["messages"]:  # so short was the load
        return "–"
    slower = meanwhile["p99"] / quiet["p99"]
    return f"{_p99(meanwhile)} ({slower:.1f}×{_met(slower <= MOST_OF_QUIET)})"


def _p99(of: Mapping[str, float]) -> str:
    return f"{of['p99'] * 1000:.1f} ms of {of['messages']:,}"


def _met(is_met: bool) -> str:
    return "" if is_met else ", **not met**"
