"""The report of where children in care live as CSV and as a workbook. Pure: a report comes in, bytes go out.

`api.placements` sends them. Source: RFC 4180; OWASP, CSV Injection.
"""

import csv
import io
from collections.abc import Iterable

import xlsxwriter
from xlsxwriter.format import Format

from api.day_csv import harmless
from safeguarding.placements import District, Report

HEADER = ("Postcode district", "Children", "Area", "More than 20 miles from home", "Kinds of placement")


def to_csv(report: Report) -> bytes:
    """A line for each district; the last says of which day it is."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for district in report.districts:
        writer.writerow([harmless(str(cell)) for cell in _cells(district)])
    writer.writerow([f"{report.children} children on {report.on.isoformat()}. For this authority's own people alone."])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def to_xlsx(report: Report) -> bytes:
    """Sheets for districts (with a chart), kinds, area and distance."""
    kept = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(kept, options) as book:
        bold = book.add_format({"bold": True})
        _districts(book, report, bold)
        _counts(book, "Kinds", "Kind of placement", report.types, bold)
        _counts(book, "Area", "Area", [(area.value, count) for area, count in report.areas], bold)
        _counts(book, "Distance", "Distance from home", [(band.value, count) for band, count in report.distances], bold)
    return kept.getvalue()


def _districts(book: xlsxwriter.Workbook, report: Report, bold: Format) -> None:
    sheet = book.add_worksheet("Districts")
    sheet.write_row(0, 0, HEADER, bold)
    sheet.set_column(0, 3, 18)
    sheet.set_column(4, 4, 60)
    sheet.freeze_panes(1, 0)
    for row, district in enumerate(report.districts, 1):
        sheet.write_row(row, 0, _cells(district))
    last = len(report.districts)
    sheet.write(last + 2, 0, f"{report.children} children on {report.on.isoformat()}. For this authority's own people alone.")
    if last:
        chart = book.add_chart({"type": "bar"})
        chart.add_series({"name": "Children", "categories": ["Districts", 1, 0, last, 0], "values": ["Districts", 1, 1, last, 1]})
        chart.set_title({"name": "Children in care by postcode district"})
        chart.set_legend({"none": True})
        sheet.insert_chart(1, 6, chart)


def _counts(book: xlsxwriter.Workbook, name: str, title: str, counts: Iterable[tuple[str, int]], bold: Format) -> None:
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, (title, "Children"), bold)
    sheet.set_column(0, 0, 60)
    for row, (words, count) in enumerate(counts, 1):
        sheet.write(row, 0, words)
        sheet.write(row, 1, count)


def _cells(district: District) -> tuple[str | int, ...]:
    kinds = "; ".join(f"{words} ({count})" for words, count in district.types)
    return district.outward or "not known", district.children, district.area.value, district.far, kinds
