"""Invented people for the bench: who is flagged, who is not, and the mix in which they come.

`world` puts the flagged ones into extracts; the load clients draw from both. All numbers are from 999 and valid.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from domain.nhs_number import NhsNumber
from nightlight.demo.sample import invented_number

FLAGGED = 100_000
OTHERS = 300_000
FLAGGED_SHARE = 0.05

_GIVEN = ("Amelia", "Noah", "Isla", "Leo", "Maya", "Omar", "Freya", "Zain", "Ivy", "Theo", "Aisha", "Finn")
_FAMILY = ("Harding", "Oakley", "Fairweather", "Lowe", "Marsh", "Penrose", "Quick", "Rowan", "Selby", "Thorne")
_OLDEST = date(2012, 1, 1)
_OLDEST_MOTHER = date(1990, 1, 1)
_BIRTHDAYS = 4_000


@dataclass(frozen=True, slots=True)
class Patient:
    """One child, the same wherever the bench meets it."""

    sequence: int
    number: NhsNumber
    given_name: str
    family_name: str
    birth_date: date
    flagged: bool


def patient(sequence: int, flagged: int = FLAGGED) -> Patient:
    """The n-th child; the first `flagged` of them have a plan."""
    return Patient(
        sequence,
        invented_number(sequence),
        _GIVEN[sequence % len(_GIVEN)],
        _FAMILY[sequence // len(_GIVEN) % len(_FAMILY)],
        _OLDEST + timedelta(days=sequence % _BIRTHDAYS),
        sequence < flagged,
    )


def mother(position: int, flagged: int = FLAGGED) -> Patient:
    """The n-th mother; she is none of the children. A world may hold plans for the unborn children of the first of them."""
    sequence = flagged + OTHERS + position
    return Patient(
        sequence,
        invented_number(sequence),
        "Joanne",
        _FAMILY[position % len(_FAMILY)],
        _OLDEST_MOTHER + timedelta(days=position % _BIRTHDAYS),
        flagged=False,
    )


def patients_met(seed: int, flagged: int = FLAGGED, share: float = FLAGGED_SHARE) -> Iterator[Patient]:
    """Children as they come to hospital, for ever: `share` of them with a plan, in an order that the seed decides."""
    chance = random.Random(seed)
    while True:
        known = chance.random() < share
        yield patient(chance.randrange(flagged) if known else flagged + chance.randrange(OTHERS), flagged)
