"""What became of each record of an extract, in the order of the file: what a response per record is made of.

`stage` tells it once everything is applied; `flags_store.extract_formats` renders the response of a format that has one.
"""

from dataclasses import dataclass

from flags_store.extracts.codes import RecordCode
from flags_store.extracts.matched import NOT_ASKED, Match
from flags_store.extracts.reconcile import Change


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """One record. `change` is None where it was rejected (`code` says why) or waits for a second person (`held`)."""

    line: int
    place: str
    nhs_number: str
    local_id: str
    change: Change | None = None
    code: RecordCode | None = None
    held: bool = False
    match: Match = NOT_ASKED
