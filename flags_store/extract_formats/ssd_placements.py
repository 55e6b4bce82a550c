"""Where the looked-after children of a dataset live, where the authority chose to send that: for its own report alone.

`ssd_reader` goes through them after the periods of care, by which they are joined, since Mosaic names no person here. The table
as it is read holds the first half of each postcode (`ssd_rows`). Source: docs/facts.md, section 4 ("Placement data").
"""

from collections.abc import Iterator
from datetime import date

from flags_store.extract_formats.reading import Came, PlacementRow
from flags_store.extract_formats.ssd_disk import Disk, DiskRow
from flags_store.extract_formats.ssd_plans import is_long_ended
from flags_store.extract_formats.ssd_tables import CLA_PLACEMENT
from flags_store.extract_formats.ssd_values import BadDateError, to_day, to_miles, to_words
from flags_store.extracts.codes import NoteCode
from flags_store.extracts.record import Note


def read_placements(disk: Disk, taken_on: date) -> Iterator[Came]:
    """Every placement of a period of care that counts, once, and how many rows were left out."""
    left_out = 0
    long_ended = 0
    for row in disk.rows(_PLACEMENTS):
        placement = _placement(row)
        if placement is None:
            left_out += 1
        elif placement.ended_on and is_long_ended(placement.ended_on.isoformat(), taken_on):
            long_ended += 1
        elif row["counts"]:
            yield placement
    if left_out:
        yield Note(NoteCode.PLACEMENTS_LEFT_OUT, detail={"count": left_out})
    if long_ended:
        yield Note(NoteCode.LONG_ENDED, detail={"table": CLA_PLACEMENT.name, "count": long_ended})


def _placement(row: DiskRow) -> PlacementRow | None:
    """None where it fits no period of care, is another person's, or has no dates to go by."""
    try:
        start, end = to_day(row["clap_cla_placement_start_date"]), to_day(row["clap_cla_placement_end_date"])
    except BadDateError:
        return None
    is_another = row["clap_person_id"] and row["person"] and row["clap_person_id"] != row["person"]
    if start is None or row["person"] is None or is_another:
        return None
    ended_on = min(filter(None, (end, to_day(row["ended_on"] or ""))), default=None)
    return PlacementRow(
        local_id=to_words(row["person"] or row["clap_person_id"]),
        period_id=to_words(row["clap_cla_id"]),
        placement_id=to_words(row["clap_cla_placement_id"]),
        placement_type=to_words(row["clap_cla_placement_type"]),
        outward_postcode=row["clap_cla_placement_postcode"],
        distance_miles=to_miles(row["clap_cla_placement_distance"]),
        started_on=start,
        ended_on=ended_on,
    )


_PLACEMENTS = """
    SELECT p.*, period.person, period.counts, period.ended_on, min(p.line)
    FROM ssd_cla_placement p LEFT JOIN period ON period.id = p.clap_cla_id
    GROUP BY clap_cla_placement_id, clap_person_id, clap_cla_id, clap_cla_placement_type, clap_cla_placement_postcode,
             clap_cla_placement_distance, clap_cla_placement_start_date, clap_cla_placement_end_date
    ORDER BY min(p.line)
"""
