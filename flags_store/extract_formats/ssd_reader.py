"""Reading the Standard Safeguarding Dataset: a zip or a folder of CSV files in, records, notes and placements out.

`stage` pulls, by way of `opening`. The tables are first copied, as far as they are read, into a private database, because they
come in any order and have to be joined; then child protection plans, periods of care and placements are gone through, row by row.
Source: data-to-insight/ssd-data-model, scripts v1.4.5; docs/authority/standard-safeguarding-dataset.md; ADR 33.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

from domain.extract import FileFormat
from flags_store.extract_formats.reading import Came, Envelope, Terms, UnreadableExtract
from flags_store.extract_formats.ssd_archive import open_tables
from flags_store.extract_formats.ssd_care import read_care
from flags_store.extract_formats.ssd_disk import Disk
from flags_store.extract_formats.ssd_output import Output
from flags_store.extract_formats.ssd_persons import merge_persons
from flags_store.extract_formats.ssd_placements import read_placements
from flags_store.extract_formats.ssd_plans import read_plans
from flags_store.extracts.codes import FileCode
from runtime.clock import england_day


class SsdReader:
    """A zip (a stream that can be wound back, or a file) or a folder of the dataset."""

    def __init__(self, source: Path | BinaryIO, terms: Terms) -> None:
        self.envelope = Envelope(FileFormat.SSD)
        self._source, self._terms = source, terms

    def records(self) -> Iterator[Came]:
        """Everything in it, once. Raises UnreadableExtract, in its first step or not at all."""
        taken_on = _taken_on(self._terms)
        with Disk() as disk:
            with open_tables(self._source) as tables:
                disk.fill(tables)
            merge_persons(disk, taken_on)
            yield from _read_all(disk, self._terms, taken_on)


def _taken_on(terms: Terms) -> date:
    if terms.declaration.extracted_at is None:
        raise UnreadableExtract(FileCode.TIME_MISSING)
    return england_day(terms.declaration.extracted_at)


def _read_all(disk: Disk, terms: Terms, taken_on: date) -> Iterator[Came]:
    output = Output(terms.is_production)
    for bad in disk.rows("SELECT * FROM bad_row ORDER BY name, line"):
        yield output.reject_row(bad["name"], bad["line"], bad["found"], bad["expected"])
    yield from read_plans(disk, output, taken_on)
    yield from read_care(disk, output, terms, taken_on)
    yield from read_placements(disk, taken_on)
