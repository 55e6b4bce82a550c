"""Where our children in care live: one authority's placements on a day, counted by postcode district, kind, area and distance.

`api.placements` shows it to the authority's own people, as a page and as files. Every look at it is audited.
Sources: docs/facts.md, sections 4 and 6 (CPIN: "no report of where children in care live"); DfE, SSDA903 guide (placement types).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.actor import Actor
from flags_store.placements import Placement, count_placements, read_placements
from flags_store.postcodes import directory_name
from runtime.audit import record_audit
from runtime.database import Transaction

__all__ = ["Area", "Distance", "District", "Report", "read_report", "report_of", "type_words"]

ALMOST_ALL = 0.98
FAR_MILES = 20.0


class Area(StrEnum):
    """Whether a postcode district lies in the authority. A postcode is not kept, so that a border may run through the district."""

    IN = "in area"
    BORDER = "on the border"
    OUT = "out of area"
    UNKNOWN = "not known"


class Distance(StrEnum):
    """How far from home, in the bands of the national statistics."""

    NEAR = "up to 20 miles"
    FAR = "more than 20 miles"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class District:
    """One postcode district: how many children live there, in which area, and in which kinds of placement."""

    outward: str
    area: Area
    children: int
    types: tuple[tuple[str, int], ...]
    far: int


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a day. `directory` names the postcode directory; empty where none is loaded and no area is known.

    `sends`: whether the authority has ever sent placements; without them there is nothing to report, which is not "nobody".
    """

    on: date
    sends: bool
    directory: str
    children: int
    districts: tuple[District, ...]
    types: tuple[tuple[str, int], ...]
    areas: tuple[tuple[Area, int], ...]
    distances: tuple[tuple[Distance, int], ...]


async def read_report(transaction: Transaction, actor: Actor, authority_code: str, on: date, form: str = "page") -> Report:
    """The report of the authority's own children on a day; `form` says into what it goes (page, csv, xlsx), for the audit."""
    placements = await read_placements(transaction, authority_code, on)
    report = report_of(
        placements, on, await directory_name(transaction), sends=await count_placements(transaction, authority_code) > 0
    )
    await record_audit(transaction, actor, "placements.view", "authority", authority_code, form=form, children=report.children)
    return report


def report_of(placements: Sequence[Placement], on: date, directory: str, *, sends: bool) -> Report:
    """Count. Pure. Districts with most children first."""
    by_outward: dict[str, list[Placement]] = {}
    for placement in placements:
        by_outward.setdefault(placement.outward_postcode, []).append(placement)
    districts = [_district(outward, each) for outward, each in by_outward.items()]
    areas = Counter(_area(each) for each in placements)
    distances = Counter(_distance(each) for each in placements)
    return Report(
        on, sends, directory, len(placements),
        tuple(sorted(districts, key=lambda each: (-each.children, each.outward == "", each.outward))),
        _counted(placements),
        tuple((area, areas[area]) for area in Area),
        tuple((band, distances[band]) for band in Distance),
    )  # fmt: skip


def _district(outward: str, placements: list[Placement]) -> District:
    far = sum(_distance(each) is Distance.FAR for each in placements)
    return District(outward, _area(placements[0]), len(placements), _counted(placements), far)


def _counted(placements: Iterable[Placement]) -> tuple[tuple[str, int], ...]:
    counts = Counter(type_words(each.placement_type) for each in placements)
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _area(placement: Placement) -> Area:
    share = placement.own_share
    if share is None:
        return Area.UNKNOWN
    return Area.OUT if share == 0 else Area.IN if share >= ALMOST_ALL else Area.BORDER


def _distance(placement: Placement) -> Distance:
    miles = placement.distance_miles
    return Distance.UNKNOWN if miles is None else Distance.FAR if miles > FAR_MILES else Distance.NEAR


def type_words(code: str) -> str:
    """A placement type in words; what is no code of the collection is given as it was sent."""
    return PLACEMENT_TYPES.get(code.strip().upper(), code.strip()) or "Not said"


PLACEMENT_TYPES = {
    "A3": "Placed for adoption, consent, with current foster carer",
    "A4": "Placed for adoption, consent, not with current foster carer",
    "A5": "Placed for adoption, placement order, with current foster carer",
    "A6": "Placed for adoption, placement order, not with current foster carer",
    "H5": "Semi-independent living",
    "K1": "Secure children’s home",
    "K2": "Children’s home",
    "P1": "With own parents",
    "P2": "Independent living",
    "P3": "Residential employment",
    "R1": "Residential care home",
    "R2": "NHS or other establishment with nursing care",
    "R3": "Family centre or mother and baby unit",
    "R5": "Young offender institution",
    "S1": "Residential school",
    "T0": "Temporary move",
    "T1": "Temporary stay in hospital",
    "T2": "Temporary absence on holiday",
    "T3": "Temporary accommodation, carer on holiday",
    "T4": "Temporary accommodation of seven days or less",
    "U1": "Foster placement, relative or friend, long term",
    "U2": "Foster placement, relative or friend, also approved adopter",
    "U3": "Foster placement, relative or friend, not long term",
    "U4": "Foster placement, long term",
    "U5": "Foster placement, also approved adopter",
    "U6": "Foster placement, not long term",
    "Z1": "Other placement",
}
