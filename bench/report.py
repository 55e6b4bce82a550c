"""From what was measured to what is told: lines for the terminal, and the table of docs/performance.md.

`__main__` calls it at the end with the whole result; `--from` tells an older result again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import Spread, medians, ratios, spread

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
COLUMNS = ("What", "Per second", "p50", "p95", "p99", "pgbench, per second", "To pgbench", "Bar", "Met")
_DASH = "–"


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement: its name among the figures, in words, and its bar."""

    name: str
    words: str
    least_per_second: float | None = None
    least_ratio: float | None = None
    most_p99: float | None = None

    @property
    def bar(self) -> str:
        """In words."""
        if self.least_per_second is not None:
            return f"≥ {self.least_per_second:,.0f}/s"
        return f"≥ {self.least_ratio} of pgbench" if self.least_ratio is not None else f"p99 < {self.most_p99} s"

    def is_met(self, rates: Spread, latency: Mapping[str, float], to_pgbench: Spread | None) -> bool:
        """By the medians of all rounds."""
        if self.least_per_second is not None:
            return rates.median >= self.least_per_second
        if self.least_ratio is not None:
            return to_pgbench is not None and to_pgbench.median >= self.least_ratio
        return self.most_p99 is not None and latency.get("p99", self.most_p99) < self.most_p99


LINES = (
    Line("adt-1", "ADT to ack, 1 connection", least_per_second=600),
    Line("adt-20", "ADT to ack, 20 connections", least_per_second=2_500),
    Line("fhir-64", "FHIR lookups, 64 connections", least_ratio=0.25),
    Line("query-20", "QBP to RSP over mutual TLS, 20 connections", least_per_second=1_500),
    Line("screen", "ADT to the screen, 500 messages/s offered", most_p99=1),
)


def rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table, a row for each measurement that the result has, in the order of COLUMNS."""
    return [_row(line, ours, result["theirs"].get(line.name)) for line in LINES if (ours := result["ours"].get(line.name))]


def _row(line: Line, ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    rates, latency = spread([each["per_second"] for each in ours]), medians([each["latency"] for each in ours])
    yardstick = [each["per_second"] for each in theirs] if theirs else []
    to_pgbench = spread(ratios([each["per_second"] for each in ours], yardstick)) if yardstick else None
    return (
        line.words,
        _rate(rates),
        *(_milliseconds(latency.get(name)) for name in ("p50", "p95", "p99")),
        _rate(spread(yardstick)) if yardstick else _DASH,
        f"{to_pgbench.median:.2f} ({to_pgbench.lowest:.2f}–{to_pgbench.highest:.2f})" if to_pgbench else _DASH,
        line.bar,
        "yes" if line.is_met(rates, latency, to_pgbench) else "**no**",
    )


def _rate(rates: Spread) -> str:
    return f"{rates.median:,.0f} ({rates.lowest:,.0f}–{rates.highest:,.0f})"


def _milliseconds(seconds: float | None) -> str:
    return _DASH if seconds is None else f"{seconds * 1000:,.1f} ms"


def facts(result: Mapping[str, Any]) -> list[str]:
    """What the figures are true of, a sentence each."""
    machine, plan, kept = result["machine"], result["plan"], result["kept"]
    durable = ", ".join(f"{name} = {value}" for name, value in result["durability"].items())
    return [
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, PostgreSQL {result['postgresql']}; load, service and database on the same cores.",
        f"One fsync takes {machine['fsync_us']} µs here; {durable}.",
        f"{plan['rounds']} rounds of {plan['seconds']:g} s each ({plan['screen_seconds']:g} s for the screen); "
        f"{plan['flagged']:,} flags held; load average {machine['load_before']} before, {machine['load_after']} after.",
        f"{kept['accepted']:,} messages acknowledged, {kept['messages']:,} in the store; {kept['flagged']:,} about flagged "
        f"children, {kept['alerts']:,} alerts in the store; {kept['faults']} refused, lost, unseen or wrong.",
        f"Measured on {result['at']} at {result['version']}.",
    ]


def markdown(result: Mapping[str, Any]) -> str:
    """The table and the facts, for a page. Medians of all rounds; lowest and highest in brackets."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (COLUMNS, ("---",) * len(COLUMNS), *rows(result))]
    return "\n".join(
        [*lines, "", "Medians of all rounds, lowest and highest in brackets.", "", *(f"* {fact}" for fact in facts(result))]
    )


def put_into(page: str, table: str) -> str:
    """The page with the table between its two marks. Raises ValueError where it does not have both, once each, in order."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page needs {BEGIN} and, after it, {END}, once each")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"
