"""Which plans a sample takes: at random by a seed, of each kind as many as its share. Pure.

`flags_store.samples` calls it with what stands open, and keeps the seed: the same plans and seed give the same sample.
"""

import random
from collections.abc import Mapping, Sequence
from uuid import UUID


def choose(plans: Mapping[str, Sequence[UUID]], size: int, seed: int) -> list[UUID]:
    """So many plans, or all where there are fewer; at least one of each kind that there is, in an order of chance.

    The order in which the plans come makes no difference.
    """
    # Chance that anybody can repeat, and nobody needs to be unable to foresee.
    chance = random.Random(seed)  # noqa: S311
    chosen: list[UUID] = []
    for kind, share in sorted(shares({kind: len(ids) for kind, ids in plans.items()}, size).items()):
        chosen += chance.sample(sorted(plans[kind]), share)
    chance.shuffle(chosen)
    return chosen


def shares(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """How many of each kind: in proportion, at least one of each that there is, never more than there are."""
    there = {kind: count for kind, count in counts.items() if count}
    total = sum(there.values())
    if total <= size:
        return there
    taken = {kind: max(1, size * count // total) for kind, count in there.items()}
    while sum(taken.values()) < size:
        taken[min((each for each in there if taken[each] < there[each]), key=lambda each: (taken[each] / there[each], each))] += 1
    while sum(taken.values()) > size:
        taken[max(taken, key=lambda each: (taken[each], each))] -= 1
    return taken
