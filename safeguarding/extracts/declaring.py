"""What a sender says of an extract beside its records, read from text: the way of writing is the same at every door. Pure.

The upload page, the authorities' POST door and `nightlight extract load` call these. Source: docs/facts.md, section 4.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.errors import InvalidInput
from domain.extract import FileFormat
from domain.flag import FlagKind
from flags_store.extract_formats.opening import format_of
from runtime.clock import now

_COUNT = re.compile(r"\s*([A-Za-z]{3,4})\s*=\s*(\d{1,6})\s*", re.ASCII)
_CLOCK_DIFFERENCE = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def read_counts(text: str) -> dict[FlagKind, int]:
    """How many open plans of each kind the sender holds, of `CPP=12,LAC=40`. Empty text says nothing. Raises InvalidInput."""
    counts: dict[FlagKind, int] = {}
    for part in text.split(",") if text.strip() else ():
        found = _COUNT.fullmatch(part)
        kind = found[1].upper() if found else ""
        if found is None or kind not in {each.value for each in FlagKind} or FlagKind(kind) in counts:
            raise InvalidInput("the counts are written CPP=12,LAC=40,UCPP=3: each kind once, with the open plans that you hold")
        counts[FlagKind(kind)] = int(found[2])
    return counts


def counts_text(counts: Mapping[FlagKind, int]) -> str:
    """The counts as `read_counts` reads them."""
    return ",".join(f"{kind.value}={count}" for kind, count in counts.items())


def read_instant(text: str) -> datetime:
    """An instant of ISO 8601 with its zone, such as 2026-11-16T06:30:00Z. Raises InvalidInput, for one in the future too."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidInput("the time is written 2026-11-16T06:30:00Z: a day, a time and its zone")
    if instant > now() + _CLOCK_DIFFERENCE:
        raise InvalidInput("the extract cannot have been taken in the future")
    if instant < EARLIEST:
        raise InvalidInput(f"the extract cannot have been taken before {EARLIEST.year}")
    return instant


def says_when_it_was_taken(first: bytes) -> bool:
    """Whether a file that begins like this says itself when it was taken (HL7 V3 XML); of any other its sender must say it."""
    return format_of(first) is FileFormat.V3
