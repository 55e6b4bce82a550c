"""An extract: what a local authority sends of all it holds, and what is said of it as a whole.

The doors make a `Declaration`, `safeguarding.extracts.loading` goes by it. Source: docs/facts.md, section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.flag import FlagKind


class FileFormat(StrEnum):
    """The formats that are read."""

    CSV = "csv"
    SSD = "ssd"
    V3 = "v3"

    @property
    def words(self) -> str:
        """For people."""
        return {FileFormat.CSV: "CSV", FileFormat.SSD: "Standard Safeguarding Dataset", FileFormat.V3: "HL7 V3 XML"}[self]


class Scope(StrEnum):
    """Whether an extract names all that the authority holds, or only what changed. Neither ends what it does not name."""

    FULL = "full"
    PARTIAL = "partial"


class CameBy(StrEnum):
    """The way by which an extract came in."""

    PAGE = "page"
    COMMAND = "command"
    API = "api"
    MESH = "mesh"


class Cause(StrEnum):
    """Why records are loaded: an extract came; a person mended a rejected record, released what was held for a second person, or
    settled a plan that is missing from the extracts. Only an extract says how fresh the authority's answers are."""

    EXTRACT = "extract"
    MENDED = "mended"
    RELEASED = "released"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the sender says of an extract beside its records.

    `extracted_at`: when its system wrote it; None where the file itself says so (V3). `sensitive` masks everybody in it.
    `counts`: how many open plans of each kind the sender holds, where it says; differences are named and refuse nothing.
    """

    extracted_at: datetime | None = None
    scope: Scope = Scope.PARTIAL
    sensitive: bool = False
    counts: Mapping[FlagKind, int] = field(default_factory=dict)
