"""Invented flags and answers, as the desk would give them, for tests that need no database."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from domain.answer import Coverage, Feed, Flagged, ShownFlag
from domain.flag import Flag, FlagKind
from domain.nhs_number import NhsNumber
from fhir_adapter.care import Manner
from fhir_adapter.resources import Team
from fhir_adapter.searchset import Surroundings

AT = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
TODAY = AT.date()
CONFIRMED = datetime(2026, 3, 3, 6, 30, tzinfo=UTC)
BASE = "https://hospital.example/FHIR/R4"
TEAMS = {
    "301": Team("301", "Ambershire", "01632 960301", "01632 961301", True),
    "302": Team("302", "Birchford", "01632 960302", "01632 961302", False),
}
FRESH = Coverage((Feed("301", "Ambershire", CONFIRMED, False), Feed("302", "Birchford", CONFIRMED, False)))
LATE = Coverage((Feed("301", "Ambershire", CONFIRMED, False), Feed("302", "Birchford", None, True)))
UNCONNECTED = Coverage(())
UNSCHEDULED = Manner(True, True)
RING = "Details are withheld. Ring the Amber safeguarding team on 01632 960999, or break the glass in Nightlight."

CHILD = Flag(
    id=UUID("01990000-0000-7000-8000-00000000000a"),
    person_id=UUID("01990000-0000-7000-8000-000000000001"),
    nhs_number=NhsNumber("9990000018"),
    kind=FlagKind.CPP,
    authority_code="301",
    start_date=date(2026, 1, 5),
    end_date=None,
    expected_delivery_date=None,
    birth_date=date(2018, 5, 6),
    family_name="Example",
    given_name="Ada",
    sensitive=False,
    last_confirmed_at=CONFIRMED,
)


def shown(**changes: Any) -> ShownFlag:
    flag = replace(CHILD, **changes)
    return ShownFlag(flag, flag.standing(TODAY), flag.ended_for_age(TODAY))


def second(**changes: Any) -> ShownFlag:
    return shown(id=UUID("01990000-0000-7000-8000-00000000000b"), **changes)


def flagged(*held: ShownFlag) -> Flagged:
    return Flagged(held, (), FRESH)


def around(self_link: str = f"{BASE}/Flag/_search") -> Surroundings:
    return Surroundings(TEAMS, RING, UNSCHEDULED, BASE, self_link, AT)
