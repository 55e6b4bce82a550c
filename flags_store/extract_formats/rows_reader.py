"""Reading single records that are in the store already: mended by a person, released by a second one, or settled.

`flags_store.extracts.stage` opens them in the place of a file, so that they take the same path as those of an extract.
"""

from collections.abc import Iterator, Sequence

from domain.extract import FileFormat
from flags_store.extract_formats.reading import Envelope, Terms
from flags_store.extracts.record import ExtractRecord, Extras, RowError, to_record

Row = tuple[tuple[str, ...], Extras]
"""The ten columns of CSV, and what goes with them."""


class RowsReader:
    """Records as they were kept; their line is their place in the sequence, from 1."""

    def __init__(self, rows: Sequence[Row], terms: Terms) -> None:
        self.envelope = Envelope(FileFormat.CSV)
        self._rows, self._terms = rows, terms

    def records(self) -> Iterator[ExtractRecord | RowError]:
        """Each record in turn, or what is wrong with it."""
        for line, (fields, extras) in enumerate(self._rows, 1):
            yield to_record(line, fields, is_production=self._terms.is_production, extras=extras)
