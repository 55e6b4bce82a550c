"""V3 upload files for tests: the national message as far as its paths are public, about invented people."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from domain.extract import Declaration
from flags_store.extract_formats.reading import Came, Terms
from flags_store.extract_formats.v3_reader import V3Reader
from flags_store.extracts.record import ExtractRecord, RowError

CHILD, OTHER, MOTHER = "9990000018", "9990000026", "9990000034"
INTERACTION = "urn:GB-en-NHS:iops:interaction:CP-ISLocalAuthorityUpload-v1-0"
TEMPLATES = {"CPP": "COCT_TP146101GB01.CPPInformation", "LAC": "COCT_TP146100GB01.LACInformation",
             "UCPP": "COCT_TP146102GB01.UCPInformation"}  # fmt: skip
STEMS = {"CPP": "cPP", "LAC": "lAC", "UCPP": "uCP"}


def plan(kind: str = "CPP", start: str = "20250106", end: str = "", delete: str = "") -> str:
    """One plan of a record."""
    stem = STEMS[kind]
    parts = [("component", "StartDate", start), ("component1", "EndDate", end), ("component2", "DeleteDate", delete)]
    inside = "".join(f'<{c}><{stem}{name}><value value="{value}"/></{stem}{name}></{c}>' for c, name, value in parts if value)
    return f"<pertinentInformation><{TEMPLATES[kind]}>{inside}</{TEMPLATES[kind]}></pertinentInformation>"


def ids(number: str, local: str) -> str:
    return f'<id root="2.16.840.1.113883.2.1.4.1" extension="{number}"/><id root="1.2.826.0.1.3680043" extension="{local}"/>'


def names(given: str, family: str, birth: str) -> str:
    return f'<birthTime value="{birth}"/><name><given>{given}</given><family>{family}</family></name>'


def child(number: str = CHILD, given: str = "Ada", family: str = "Example", birth: str = "20180506", local: str = "A1") -> str:
    """The subject of a record."""
    template = "COCT_TP145101GB01.Child"
    person = f"<childPerson>{names(given, family, birth)}</childPerson>"
    return f"<subject><{template}>{ids(number, local)}{person}</{template}></subject>"


def mother(
    number: str = MOTHER, given: str = "Grace", family: str = "Pemberton", birth: str = "19980211", local: str = "A3"
) -> str:
    """The subject of an unborn child's record."""
    template = "COCT_TP145100GB01.UnbornChild"
    person = f"<playedMother>{ids(number, local)}</playedMother>{names(given, family, birth)}"
    return f"<subject><{template}><parentMotherPerson>{person}</parentMotherPerson></{template}></subject>"


def record(*parts: str) -> str:
    """One record: a subject and its plans."""
    return f"<record><CP-ISRecord>{''.join(parts)}</CP-ISRecord></record>"


def a_file(
    *records: str,
    sequence: str = "7",
    created: str = "20250901063000+0000",
    quantity: str | None = None,
    sender: str = "301",
    emergency: str = "01632 961301",
    office: str = "01632 960301",
    interaction: str = INTERACTION,
    before: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> bytes:
    """A whole upload."""
    organisation = (
        f'<communicationFunctionSnd><organisation><id root="2.16.840.1.113883.2.1.3.2.4.18.47" extension="{sender}"/>'
        f'<name>Ambershire</name><telecom use="EC" value="tel:{emergency}"/><telecom use="WP" value="tel:{office}"/>'
        "</organisation></communicationFunctionSnd>"
    )
    header = (
        f'<creationTime value="{created}"/><id root="2.16.840.1.113883.2.1.3.2.4.18.46" extension="{sequence}"/>'
        f'<interactionId extension="{interaction}"/><transmissionQuantity value="{quantity or len(records)}"/>{organisation}'
    )
    return f'{before}<File xmlns="urn:hl7-org:v3">{header}{"".join(records)}</File>'.encode()


GOOD = a_file(
    record(child(), plan()),
    record(child(OTHER, "Noor", "O’Malley", "20191103", "A2"), plan("LAC"), plan("CPP", "20250203")),
    record(mother(), plan("UCPP", "20250120")),
)
"""Three records, four plans."""

DECLARED = Declaration(datetime(2025, 9, 1, 6, 30, tzinfo=UTC))


def open_v3(content: bytes, authority: str = "301") -> V3Reader:
    return V3Reader(io.BytesIO(content), Terms(authority, DECLARED, is_production=False))


def read(content: bytes, authority: str = "301") -> list[Came]:
    return list(open_v3(content, authority).records())


def one_row(*parts: str) -> Came:
    """What a file of one record with one plan comes to."""
    [came] = read(a_file(record(*parts)))
    return came


def rows(content: bytes) -> Sequence[tuple[int, str, str, str]]:
    """Line, place, kind and start of each good row; line, place, "!" and code of each refused one."""
    found = []
    for came in read(content):
        if isinstance(came, ExtractRecord):
            found.append((came.line, came.extras.place, came.kind.value, came.start_date.isoformat()))
        elif isinstance(came, RowError):
            found.append((came.line, came.place, "!", came.code))
    return found
