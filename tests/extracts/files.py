"""Extract files for tests, and invented people to put into them."""

import io
from datetime import date

from domain.nhs_number import NhsNumber, check_digit
from flags_store.extract_formats.csv_reader import read_records
from flags_store.extracts.record import COLUMNS, ExtractRecord, RowError

HEADER = ",".join(COLUMNS)
CHILD = "9990000018"
TODAY = date(2026, 3, 3)
GOOD = {
    "nhs_number": CHILD, "kind": "CPP", "start_date": "2025-01-06", "end_date": "", "delete_date": "",
    "expected_delivery_date": "", "given_name": "Ada", "family_name": "Example", "birth_date": "2018-05-06", "local_id": "A1",
}  # fmt: skip


def row(**changes: str) -> str:
    """One good line, changed."""
    return ",".join({**GOOD, **changes}.values())


def a_file(*rows: str, header: str = HEADER, end: str = "\n") -> bytes:
    return "".join(f"{line}{end}" for line in (header, *rows)).encode()


def read(content: bytes, *, is_production: bool = False) -> list[ExtractRecord | RowError]:
    return list(read_records(io.BytesIO(content), is_production=is_production))


def record(**changes: str) -> ExtractRecord:
    """One good record, changed; `line` is its line."""
    line = int(changes.pop("line", "2"))
    [came] = read(b"".join((f"{HEADER}\n".encode(), b"\n" * (line - 2), f"{row(**changes)}\n".encode())))
    assert isinstance(came, ExtractRecord), came
    return came


def numbers(count: int, first_stem: int = 999_300_000) -> list[NhsNumber]:
    """So many invented NHS numbers, in order."""
    found: list[NhsNumber] = []
    while len(found) < count:
        digit = check_digit(str(first_stem))
        if digit is not None:
            found.append(NhsNumber(f"{first_stem}{digit}"))
        first_stem += 1
    return found
