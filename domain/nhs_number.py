"""The NHS number: ten digits with a check digit, the one identifier that authorities and hospitals share.

Readers at every door call `parse_nhs_number`; what comes out is safe to look up, and never to be logged.
Source: NHS Data Dictionary, NHS NUMBER (modulus 11); ranges as issued in England.
"""

import re
from typing import NewType

from domain.errors import InvalidNhsNumber

NhsNumber = NewType("NhsNumber", str)

SYNTHETIC_PREFIX = "999"
_SHAPE = re.compile(r"\d{3}[ -]?\d{3}[ -]?\d{4}")


def parse_nhs_number(text: str) -> NhsNumber:
    """Ten digits from what was written, spaces and hyphens between the groups allowed.

    Raises InvalidNhsNumber where the shape or the check digit (modulus 11) is wrong. The text is never in the error.
    """
    trimmed = text.strip()
    if not _SHAPE.fullmatch(trimmed) or not trimmed.isascii():
        raise InvalidNhsNumber("an NHS number has 10 digits, such as 999 000 0018")
    digits = re.sub(r"[ -]", "", trimmed)
    if check_digit(digits[:9]) != int(digits[9]):
        raise InvalidNhsNumber("the NHS number's check digit is wrong: a digit was mistyped")
    return NhsNumber(digits)


def check_digit(stem: str) -> int | None:
    """The tenth digit for nine; None where the modulus 11 rule gives 10 and the stem is never issued."""
    remainder = 11 - sum(int(digit) * weight for digit, weight in zip(stem, range(10, 1, -1), strict=True)) % 11
    return {10: None, 11: 0}.get(remainder, remainder)


def is_synthetic(number: NhsNumber) -> bool:
    """999 000 0000 to 999 999 9999: never issued, kept for invented people."""
    return number.startswith(SYNTHETIC_PREFIX)


def is_issued_in_england(number: NhsNumber) -> bool:
    """Whether the number lies in the ranges issued in England and is not one digit repeated."""
    stem = int(number[:9])
    in_range = 400_000_000 <= stem <= 499_999_999 or 600_000_000 <= stem <= 799_999_999
    return in_range and len(set(number)) > 1


def to_spaced(number: NhsNumber) -> str:
    """3-3-4, as the NHS service manual shows it to people."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"
