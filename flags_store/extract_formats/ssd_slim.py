"""A dataset without all that is not read: other tables, other columns, other identifiers, and the second half of postcodes.

Whoever keeps what was sent before it is loaded keeps this instead, so that not even raw bytes hold what must not be stored. It has
the same rows on the same lines, and is read and rejected like the zip that it was made of; the same tables make the same bytes.
Source: docs/facts.md, section 4 ("by outward postcode only (raw bytes included)"; "never store other tables").
"""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from flags_store.extract_formats.ssd_archive import OpenTable, open_tables
from flags_store.extract_formats.ssd_rows import csv_rows, to_name
from flags_store.extract_formats.ssd_tables import LINKED_IDENTIFIERS, TABLES, Table
from flags_store.extract_formats.ssd_values import is_nhs_number_type, may_hold_postcode, to_outward, without_postcode

_A_DAY = (1980, 1, 1, 0, 0, 0)
_UNREADABLE = "?"


def write_slim(source: Path | BinaryIO, target: BinaryIO) -> None:
    """Write what is read of a dataset as a zip. Blocks; memory is bounded. Raises UnreadableExtract where nobody could read it."""
    with open_tables(source) as tables, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(tables):
            entry = zipfile.ZipInfo(f"{name}.csv", _A_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream, io.TextIOWrapper(stream, "utf-8", newline="") as text:
                _write_table(TABLES[name], tables[name], text)


def _write_table(table: Table, opens: OpenTable, text: io.TextIOWrapper) -> None:
    """Every row on the line where it was, with as many fields as it had."""
    writer = csv.writer(text, lineterminator="\r\n")
    reduce: Callable[[list[str]], list[str]] | None = None
    line = 1
    for began_at, fields in csv_rows(table, opens):
        text.write("\n" * (began_at - line))
        if reduce is None:
            header = [to_name(field) if to_name(field) in table.columns else "" for field in fields]
            reduce = _reducer(table, header)
            kept = header
        else:
            kept = reduce(fields)
        writer.writerow(kept)
        line = began_at + 1 + sum(field.count("\n") + field.replace("\r\n", "").count("\r") for field in kept)


def _reducer(table: Table, header: list[str]) -> Callable[[list[str]], list[str]]:
    kind = header.index("link_identifier_type") if "link_identifier_type" in header and table is LINKED_IDENTIFIERS else None

    def reduce(fields: list[str]) -> list[str]:
        if len(fields) != len(header):
            return [_UNREADABLE if any(field.strip() for field in fields) else ""] * len(fields)
        if kind is not None and not is_nhs_number_type(fields[kind]):
            return [""] * len(fields)
        return [_kept(name, field) for name, field in zip(header, fields, strict=True)]

    return reduce


def _kept(name: str, field: str) -> str:
    if not name:
        return ""
    if name.endswith("_postcode"):
        return to_outward(field)
    return without_postcode(field) if may_hold_postcode(name) else field
