"""The demo's invented world: authorities, hospitals, children by extract, and the people who sign in."""

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.nhs_number import NhsNumber, check_digit
from domain.routing import EMERGENCY, OFFICE, Contact, Duty, Occasion, Rule, Step, Team

AUTHORITIES = (
    ("301", "Ambershire County Council", "01632 960301", "01632 961301", "duty@ambershire.example"),
    ("302", "Birchford Council", "01632 960302", "01632 961302", "duty@birchford.example"),
    ("303", "Calder Bay Council", "01632 960303", "01632 961303", "duty@calderbay.example"),
)
"""Code, name, office and emergency phone (numbers reserved for drama), and the team's mailbox."""

FRONT_DOOR = Team(
    "", "Front door team", "01632 960311", Duty.OFFICE, contacts=(Contact(ChannelName.EMAIL, "frontdoor@ambershire.example"),)
)
"""A team of the first authority besides the two that each has. Its code follows from its name."""


def rules_of(front_door: str) -> tuple[Rule, ...]:
    """Who is told at the first authority: the front door is next in line, and who left at night is not left till morning."""
    return (
        Rule("Left before being seen, out of hours", (Step(EMERGENCY, 20), Step(OFFICE, 60)),
             occasions=frozenset({Occasion.LEFT}), during=Duty.OUTSIDE),
        Rule("All others", (Step(OFFICE, 30), Step(front_door, 60))),
    )  # fmt: skip


SITES = (
    ("R0A01", "Amber Royal Infirmary", CareSetting.EMERGENCY_DEPARTMENT, "R0A", "Amber Hospitals Trust", "302", "01632 960900"),
    ("R0A02", "Amber Children's Hospital", CareSetting.PAEDIATRIC_WARD, "R0A", "Amber Hospitals Trust", "302", "01632 960900"),
    ("R0B01", "Birchford Walk-in Centre", CareSetting.WALK_IN_CENTRE, "R0B", "Birchford Community Trust", "303", "01632 960910"),
)
"""ODS code, name, setting, trust and its name, host authority, the hospital's safeguarding phone."""

CHILD = NhsNumber("9990000018")
"""The child who is registered at every start."""

SENSITIVE = NhsNumber("9990001014")
MOTHER = NhsNumber("9990001022")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in at the local provider."""

    subject: str
    name: str
    role: str
    organisation: str
    what: str

    @property
    def claims(self) -> dict[str, Any]:
        """What the provider says of them."""
        return {"name": self.name, "nightlight_role": self.role, "nightlight_organisation": self.organisation}


PEOPLE = (
    Person("clinician", "Dr Nora Clarke", "clinician", "R0A", "sees the banner at the Amber hospitals"),
    Person("safeguarding-nurse", "Sam Nwosu", "site-safeguarding", "R0A", "site safeguarding nurse at the Amber hospitals"),
    Person("social-worker-301", "Alex Amber", "social-worker", "301", "worklist of Ambershire"),
    Person("social-worker-302", "Bo Birch", "social-worker", "302", "worklist of Birchford"),
    Person("social-worker-303", "Cal Bay", "social-worker", "303", "worklist of Calder Bay"),
    Person("data-officer", "Dee Data", "data-officer", "301", "sends Ambershire's extracts"),
    Person("governance-lead", "Ira Governance", "information-governance", "nightlight", "reviews every look"),
)

COLUMNS = (
    "nhs_number", "kind", "start_date", "end_date", "delete_date", "expected_delivery_date", "given_name", "family_name",
    "birth_date", "local_id",
)  # fmt: skip
_GIVEN = ("Amelia", "Noah", "Isla", "Leo", "Maya", "Omar", "Freya", "Zain", "Ivy", "Theo", "Aisha", "Finn")
_FAMILY = ("Harding", "Oakley", "Fairweather", "Lowe", "Marsh", "Penrose", "Quick", "Rowan", "Selby", "Thorne")


def invented_number(sequence: int) -> NhsNumber:
    """The n-th usable number of the synthetic range."""
    for stem in range(999_000_000 + sequence * 2, 999_999_999):
        digit = check_digit(str(stem))
        if digit is not None:
            return NhsNumber(f"{stem}{digit}")
    raise ValueError("the synthetic range is used up")


def extract_of(authority: str, first_day: date, today: date) -> bytes:
    """An authority's extract of today as CSV: some thirty invented children, the child of the demo among them.

    Plans count from `first_day`, so that every day's extract says the same of them.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    offset = int(authority) % 100
    if authority == "301":
        writer.writerow(_row(CHILD, "CPP", first_day - timedelta(days=140), "Amelia", "Harding", date(2019, 3, 4), "A-1001"))
        mother = _row(MOTHER, "UCPP", first_day - timedelta(days=60), "Joanne", "Penrose", date(1998, 2, 11), "A-1002")
        writer.writerow({**mother, "expected_delivery_date": (first_day + timedelta(days=40)).isoformat()})
    if authority == "302":
        writer.writerow(_row(CHILD, "LAC", first_day - timedelta(days=30), "Amelia", "Harding", date(2019, 3, 4), "B-2001"))
    for number in range(30):
        started = first_day - timedelta(days=20 + 17 * number)
        child, born = invented_number(5_000 + offset * 100 + number), date(2025 - number % 14, 1 + number % 12, 1 + number % 28)
        given, family = _GIVEN[number % 12], _FAMILY[(number * 7 + offset) % 10]
        local_id = f"{authority}-{number:04}" if number else f"{authority}-{today:%Y%m%d}"
        row = _row(child, ("CPP", "LAC")[number % 2], started, given, family, min(born, started), local_id)
        writer.writerow({**row, "end_date": (started + timedelta(days=15)).isoformat()} if number % 10 == 9 else row)
    return file.getvalue().encode()


def sensitive_extract_of(today: date) -> bytes:
    """One child of Calder Bay whose whereabouts nobody may learn: loads masked from the first day."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerow(_row(SENSITIVE, "LAC", today - timedelta(days=9), "Robin", "Selby", date(2015, 9, 1), "C-3001"))
    return file.getvalue().encode()


def _row(number: NhsNumber, kind: str, start: date, given: str, family: str, born: date, local_id: str) -> dict[str, str]:
    return {
        "nhs_number": number, "kind": kind, "start_date": start.isoformat(), "end_date": "", "delete_date": "",
        "expected_delivery_date": "", "given_name": given, "family_name": family, "birth_date": born.isoformat(),
        "local_id": local_id,
    }  # fmt: skip


def register_message(at_local: str, control_id: str, visit: str) -> bytes:
    """An ADT^A04: the child is registered in the emergency department of Amber Royal Infirmary, now."""
    segments = (
        rf"MSH|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|{at_local}||ADT^A04^ADT_A01|{control_id}|P|2.4|||||GBR|UNICODE|EN||ITKv1.0",
        f"EVN|A04|{at_local}|||DEMO^CLERK^Ada|{at_local}",
        f"PID|1||633^^^R0A^MR~{CHILD}^^^NHS^NH||HARDING^Amelia^^^Miss^^L||20190304|2|||1 Example Street^^Testtown^^TE1 1ST"
        "||||||||||||||||||||NSTS01",
        f"PV1|1|E|ED^MAJORS^3^R0A01|21||||||180||||19|||||{visit}^^^R0A01^VN|||||||||||||||||||||||||{at_local}",
    )
    return "".join(segment + "\r" for segment in segments).encode()
