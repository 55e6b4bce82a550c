"""What every reader of a format offers: what the file says of itself, and its records in turn.

`flags_store.extracts.stage` pulls; `flags_store.extract_formats.opening` chooses the reader by what the file begins with.
Whatever a format looks like, a record goes through `flags_store.extracts.record.to_record`: after that there is one path.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from domain.errors import InvalidInput
from domain.extract import Declaration, FileFormat, Scope
from flags_store.extracts.codes import FILE_WORDS, FileCode
from flags_store.extracts.record import ExtractRecord, Note, RowError


@dataclass(frozen=True, slots=True)
class Terms:
    """By what an extract is read.

    `statuses`: the authority's own words for legal statuses, by which it sends codes (SSD). `short_breaks`: whether care under V1,
    V3 and V4 alone counts as looked after.
    """

    authority_code: str
    declaration: Declaration
    is_production: bool
    statuses: Mapping[str, str] = field(default_factory=dict)
    short_breaks: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a file says of itself. What its format does not carry is None, and then the declaration's counts.

    `sequence_number`, `created_at`, `quantity` (records that it says it has): V3 (File/id, creationTime, transmissionQuantity).
    """

    file_format: FileFormat
    scope: Scope | None = None
    sequence_number: int | None = None
    created_at: datetime | None = None
    quantity: int | None = None
    authority_code: str | None = None


@dataclass(frozen=True, slots=True)
class PlacementRow:
    """Where a child in care lives, as far as that is kept: the first half of the postcode, and nothing else of the address."""

    local_id: str
    period_id: str
    placement_id: str
    placement_type: str
    outward_postcode: str
    distance_miles: float | None
    started_on: date
    ended_on: date | None


Came = ExtractRecord | RowError | Note | PlacementRow


class Reader(Protocol):
    """An extract that was opened."""

    envelope: Envelope

    def records(self) -> Iterator[Came]:
        """Everything in it, once. Raises UnreadableExtract, at wherever it shows: load nothing before the last has been read."""
        ...


class UnreadableExtract(InvalidInput):
    """The whole file is refused, and nothing of it was loaded. `line` is None where no single line is at fault."""

    def __init__(self, code: FileCode, line: int | None = None, **words: object) -> None:
        super().__init__(FILE_WORDS[code].format(line=line, **words))
        self.code, self.line = code, line
