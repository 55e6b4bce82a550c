"""The bench's statistics. Pure: latencies and rates in, the figures of the report out.

The load clients summarise their latencies with `percentiles`; `report` puts the rounds together with `spread` and `ratios`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over all rounds."""

    median: float
    lowest: float
    highest: float


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest value that at least `percent` of all do not exceed. Raises ValueError for no value."""
    if not ordered:
        raise ValueError("a percentile of nothing")
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the highest, in the unit of the values; nothing where there is no value."""
    if not values:
        return {}
    ordered = sorted(values)
    return {**{f"p{percent}": percentile(ordered, percent) for percent in PERCENTILES}, "max": ordered[-1]}


def spread(values: Sequence[float]) -> Spread:
    """Median, lowest and highest. Raises ValueError for no value."""
    if not values:
        raise ValueError("a spread of nothing")
    return Spread(median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours to theirs, round by round: what slowed a round down slowed both. Raises ValueError where rounds are missing."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def delays(due_at: Mapping[str, float], seen_at: Mapping[str, float]) -> tuple[list[float], int]:
    """From when each was due to when it was seen, and how many never were."""
    return [seen_at[name] - due for name, due in due_at.items() if name in seen_at], len(due_at.keys() - seen_at.keys())


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure that every round has."""
    names = [name for name in rounds[0] if all(name in each for each in rounds)] if rounds else []
    return {name: median([each[name] for each in rounds]) for name in names}
