"""Where looked-after children live: joined by their care, with half a postcode, and only where the authority sends the table."""

import io
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from flags_store.extract_formats.reading import PlacementRow
from flags_store.extract_formats.ssd_reader import SsdReader
from tests.extracts.ssd.files import (
    CHILD,
    EPISODE,
    IDENTIFIER,
    PLACEMENT,
    STATUS,
    dataset,
    notes,
    placements,
    read,
    refusals,
    terms,
)


def placement(**changes: str) -> dict[str, str]:
    """The names are those of the table, without what they begin with."""
    names = {"person": "clap_person_id", "care": "clap_cla_id", "id": "clap_cla_placement_id"}
    return {**PLACEMENT, **{names.get(name, f"clap_cla_placement_{name}"): value for name, value in changes.items()}}


def rows(*sent: dict[str, str], **tables: object) -> list[PlacementRow]:
    return placements(read(dataset(**{"plans": None, "episodes": (EPISODE,), "placements": sent, **tables})))


@pytest.mark.parametrize(
    "sent",
    [
        placement(care="L9"),
        placement(care="NULL"),
        placement(person="C9"),
        placement(start_date="NULL"),
        placement(start_date="June"),
        placement(end_date="June"),
    ],
    ids=["no such care", "no care named", "of another person", "no start", "a start that is no date", "an end that is no date"],
)
def test_a_row_that_cannot_be_filed_is_counted_and_left_out(sent: dict[str, str]) -> None:
    came = read(dataset(plans=None, episodes=(EPISODE,), placements=(sent,)))
    assert (placements(came), refusals(came)) == ([], [])
    assert notes(came) == [("placements-left-out", "", {"count": 1})]


def test_what_ended_long_ago_is_counted_and_left_out() -> None:
    came = read(dataset(plans=None, episodes=(EPISODE,), placements=(placement(start_date="2020-01-01", end_date="2025-03-01"),)))
    assert placements(came) == []
    assert notes(came) == [("long-ended", "", {"table": "ssd_cla_placement", "count": 1})]


def test_care_that_does_not_count_has_no_placements() -> None:
    on_short_breaks = {**STATUS, "lega_legal_status": "V4"}
    assert rows(PLACEMENT, statuses=(on_short_breaks,)) == []
    long_ago = {**EPISODE, "clae_cla_episode_ceased_date": "2025-01-01", "clae_cla_episode_ceased_reason": "E8",
                "clae_cla_episode_start_date": "2020-01-01", "clae_entered_care_date": "2020-01-01"}  # fmt: skip
    assert rows(PLACEMENT, episodes=(long_ago,)) == []


def test_a_placement_is_where_when_and_how_far_and_never_the_address() -> None:
    assert rows(PLACEMENT, PLACEMENT) == [PlacementRow("C1", "L1", "W1", "U1", "ZZ1", 12.5, date(2025, 6, 1), None)]


def test_mosaic_names_no_person_and_no_distance() -> None:
    [row] = rows({name: value for name, value in placement(distance="NULL").items() if name != "clap_person_id"})
    assert (row.local_id, row.distance_miles) == ("C1", None)


@pytest.mark.parametrize("unknown", ["999.9", "NULL", "?"])
def test_an_unknown_distance_is_none(unknown: str) -> None:
    assert [row.distance_miles for row in rows(placement(distance=unknown))] == [None]


def test_a_placement_that_stayed_open_ended_with_the_care() -> None:
    ended = {**EPISODE, "clae_cla_episode_ceased_date": "2026-01-05", "clae_cla_episode_ceased_reason": "E8"}
    assert [row.ended_on for row in rows(PLACEMENT, episodes=(ended,))] == [date(2026, 1, 5)]


def test_a_child_whose_care_is_rejected_lives_somewhere_all_the_same() -> None:
    assert [row.local_id for row in rows(PLACEMENT, persons=({**CHILD, "pers_single_unique_id": "NULL"},))] == ["C1"]


def test_without_the_table_nothing_is_said_of_placements() -> None:
    came = read(dataset(plans=None, episodes=(EPISODE,)))
    assert (placements(came), notes(came)) == ([], [])


def test_neither_the_private_database_nor_anything_read_from_it_holds_the_second_half_or_another_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is put where its bytes can be looked at."""
    kept = tmp_path / "kept"
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(kept, **options))
    sent = {**placement(postcode="ZZ1 9QJ"), "clap_cla_placement_urn": "SC-SECRET"}
    insurance = {**IDENTIFIER, "link_identifier_type": "National Insurance Number", "link_identifier_value": "QQ-SECRET"}
    persons = ({**CHILD, "pers_ethnicity": "SECRET"},)
    content = dataset(persons, None, (EPISODE,), placements=(sent,), identifiers=(insurance,))
    came = SsdReader(io.BytesIO(content), terms()).records()
    first = next(came)
    bytes_kept = kept.read_bytes()
    assert b"Example" in bytes_kept
    assert [word for word in (b"9QJ", b"SECRET") if word in bytes_kept or word.decode() in repr([first, *came])] == []
