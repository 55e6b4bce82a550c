"""From what was measured to what is told: lines for the terminal, and the tables of docs/performance.md.

`__main__` calls it at the end with the whole result; `--from` tells an older result again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Spread, medians, ratios, spread
from bench.yardsticks import MESSAGE_FOUNDRY, PGBENCH, WITHOUT_DATABASE, WORDS

COLUMNS = ("What", "Per second", "p50", "p95", "p99", "Bar", "Met")
BESIDE_COLUMNS = ("What", "Beside", "Its rate, per second", "Its p99", "Ours to it", "Bar", "Met")
_DASH = "–"
_NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement: its name among the figures, in words, its bar, and the least ratio to each yardstick that has one."""

    name: str
    words: str
    least_per_second: float | None = None
    most_p99: float | None = None
    least_ratios: Mapping[str, float] = field(default_factory=dict)

    @property
    def bar(self) -> str:
        """In words."""
        if self.least_per_second is not None:
            return f"≥ {self.least_per_second:,.0f}/s"
        return _DASH if self.most_p99 is None else f"p99 < {self.most_p99:g} s"

    def is_met(self, rates: Spread, latency: Mapping[str, float]) -> bool | None:
        """By the medians of all rounds; None where there is no bar."""
        if self.least_per_second is not None:
            return rates.median >= self.least_per_second
        return None if self.most_p99 is None else latency.get("p99", self.most_p99) < self.most_p99


LINES = (
    Line("adt-1", "ADT to ack, 1 connection", 600, least_ratios={MESSAGE_FOUNDRY: 1.5}),
    Line("adt-20", "ADT to ack, 20 connections", 2_500, least_ratios={WITHOUT_DATABASE: 0.15, MESSAGE_FOUNDRY: 3}),
    Line("flag-64", "FHIR search of Flag, 64 connections", least_ratios={PGBENCH: 0.35}),
    Line("care-team-64", "FHIR search of CareTeam, 64 connections", least_ratios={PGBENCH: 0.35}),
    Line("query-20", "QBP to RSP over mutual TLS, 20 connections", 1_500),
    Line("token-20", "Signed assertion to token, 20 connections", 300),
    Line("cards", "CDS Hooks call to card, 200 requests/s offered", most_p99=0.1),
    Line("screen", "ADT to the screen, 500 messages/s offered", most_p99=0.3),
    Line("drain", "Waiting webhooks drained by 4 dispatchers", 1_000),
)


def rows(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What we do: a row for each measurement that the result has, in the order of COLUMNS."""
    return [_row(line, ours) for line in LINES if (ours := result["ours"].get(line.name))]


def rows_beside(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """What the yardsticks do: a row for each measurement and yardstick, in the order of BESIDE_COLUMNS."""
    return [
        _row_beside(line, yardstick, result["ours"][line.name], result["theirs"].get(line.name, {}).get(yardstick))
        for line in LINES
        if line.name in result["ours"]
        for yardstick in WORDS
        if yardstick in result["theirs"].get(line.name, {}) or yardstick in line.least_ratios
    ]


def _row(line: Line, ours: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    rates, latency = spread([each["per_second"] for each in ours]), medians([each["latency"] for each in ours])
    percentiles = (_milliseconds(latency.get(name)) for name in ("p50", "p95", "p99"))
    return line.words, _rate(rates), *percentiles, line.bar, _met(line.is_met(rates, latency))


def _row_beside(
    line: Line, yardstick: str, ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]] | None
) -> tuple[str, ...]:
    least = line.least_ratios.get(yardstick)
    bar = _DASH if least is None else f"≥ {least:g}"
    if not theirs:
        return line.words, WORDS[yardstick], _NOT_MEASURED, _DASH, _DASH, bar, f"**{_NOT_MEASURED}**"
    rates = [each["per_second"] for each in theirs]
    to_it = spread(ratios([each["per_second"] for each in ours], rates))
    p99 = medians([each.get("latency", {}) for each in theirs]).get("p99")
    return (
        line.words,
        WORDS[yardstick],
        _rate(spread(rates)),
        _milliseconds(p99),
        f"{to_it.median:.2f} ({to_it.lowest:.2f}–{to_it.highest:.2f})",
        bar,
        _met(None if least is None else to_it.median >= least),
    )


def _met(is_met: bool | None) -> str:
    return _DASH if is_met is None else "yes" if is_met else "**no**"


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
    """Both tables and the facts, for a page. Medians of all rounds; lowest and highest in brackets."""
    return "\n".join(
        [
            *_table(COLUMNS, rows(result)),
            "",
            *_table(BESIDE_COLUMNS, rows_beside(result)),
            "",
            "Medians of all rounds, lowest and highest in brackets.",
            "",
            *(f"* {fact}" for fact in facts(result)),
        ]
    )


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (columns, ("---",) * len(columns), *cells)]


def put_into(page: str, told: str, what: str = "figures") -> str:
    """The page with what is told between its two marks. Raises ValueError where it does not have both, once each, in order."""
    begin, end = f"<!-- {what}: begin -->", f"<!-- {what}: end -->"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"the page needs {begin} and, after it, {end}, once each")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{told}\n\n{end}{rest.partition(end)[2]}"
