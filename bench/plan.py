"""What is measured: how much of it, which doors, and beside which yardsticks.

`__main__` chooses a plan, `rounds` carries it out.
"""

from dataclasses import dataclass

from bench.yardsticks import MESSAGE_FOUNDRY, PGBENCH, WITHOUT_DATABASE

ROUNDS = 5
SCREEN = "screen"
CARDS = "cards"
DRAIN = "drain"
ASKING = ("flag", "care-team", "query", "token", CARDS, DRAIN)
"""How the names of those begin that send no messages."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything.

    `offered` is the load, in messages a second, under which screens are watched; `cards` that of calls of CDS Hooks. `waiting`
    webhooks are drained.
    """

    flagged: int = 100_000
    rounds: int = ROUNDS
    warm_seconds: float = 1.0
    seconds: float = 5.0
    screen_seconds: float = 20.0
    offered: float = 500.0
    cards: float = 200.0
    waiting: int = 10_000


QUICK = Plan(flagged=2_000, rounds=1, warm_seconds=0.5, seconds=1.0, screen_seconds=3.0, waiting=200)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One of our doors, and the number of connections with which it and its yardsticks are measured."""

    name: str
    door: str
    connections: int
    yardsticks: tuple[str, ...] = (PGBENCH,)


_BESIDE_ADT = (PGBENCH, WITHOUT_DATABASE, MESSAGE_FOUNDRY)

MEASUREMENTS = (
    Measurement("adt-1", "adt", 1, _BESIDE_ADT),
    Measurement("adt-20", "adt", 20, _BESIDE_ADT),
    Measurement("flag-64", "flag", 64),
    Measurement("care-team-64", "care-team", 64),
    Measurement("query-20", "query", 20),
    Measurement("token-20", "token", 20),
)
STEPS = sum(1 + len(each.yardsticks) for each in MEASUREMENTS) + 3
"""Of one round: each measurement and its yardsticks, the cards, the screens and the drain."""
