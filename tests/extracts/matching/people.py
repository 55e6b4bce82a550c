"""Invented people: as the register has them, and as an authority's extract tells of them; and a register in the domain's words."""

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from domain.extract import Declaration
from domain.nhs_number import NhsNumber
from domain.trace import Demographics, NotFound, Traced
from flags_store.extract_formats.reading import Terms
from flags_store.extracts.stage import Stage
from nightlight.demo.pds_people import Registered
from tests.extracts.files import a_file, numbers, row
from tests.extracts.store import MONDAY

BORN = date(2018, 5, 6)
ADA, BEA, CAL, DOT, EVE, FAY, GUS, NOBODY, NEWER = numbers(9, 999_400_000)
NAMES = {ADA: "Ada", BEA: "Bea", CAL: "Cal", DOT: "Dot", EVE: "Eve", FAY: "Fay", GUS: "Gus", NOBODY: "Nan"}
PEOPLE = (
    Registered(ADA, "Example", ("Ada",), BORN),
    Registered(BEA, "Other", ("Bea",), BORN),
    Registered(CAL, "Example", ("Cal",), BORN, superseded_by=NEWER),
    Registered(NEWER, "Example", ("Cal",), BORN),
    Registered(DOT, "Example", ("Dot",), BORN, confidentiality="R"),
    Registered(EVE, "Example", ("Eve",), BORN, invalid=True),
    Registered(FAY, "Example", ("Fay",), BORN, died_on=date(2024, 1, 1)),
    Registered(GUS, "EXAMPLE", ("Gus",), BORN),
)


def child(number: NhsNumber, **changes: str) -> str:
    """The record of a plan."""
    return row(**{"nhs_number": number, "given_name": NAMES.get(number, "Kit"), **changes})


def staged(*rows: str) -> Stage:
    """An extract that has been read to its end."""
    stage = Stage(io.BytesIO(a_file(*rows)), Terms("301", Declaration(MONDAY), is_production=False))
    while stage.read(1_000):
        pass
    return stage


class Answering:
    """A register in the words of the domain, for what cannot be staged in the stand-in: it counts, and answers as it is told."""

    def __init__(self, answer: Callable[[NhsNumber, Demographics], Traced] = lambda *_: NotFound()) -> None:
        self.answer = answer
        self.asked: list[tuple[NhsNumber, Demographics]] = []
        self.at_once = self.most_at_once = 0

    async def verify(self, number: NhsNumber, told: Demographics | None = None) -> Traced:
        assert told is not None
        self.asked.append((number, told))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return self.answer(number, told)

    async def find(self, told: Demographics) -> Traced:
        raise AssertionError("nobody is looked for by name")


def changed(people: tuple[Registered, ...], number: NhsNumber, **changes: object) -> tuple[Registered, ...]:
    """The register, where one person is otherwise now."""
    return tuple(replace(each, **changes) if each.number == number else each for each in people)  # type: ignore[arg-type]
