"""Datasets for tests: tables of invented people, as a zip or a folder."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.extract import Declaration, Scope
from flags_store.extract_formats.reading import Came, PlacementRow, Terms
from flags_store.extract_formats.ssd_reader import SsdReader
from flags_store.extract_formats.ssd_tables import TABLES
from flags_store.extracts.record import ExtractRecord, Note, RowError

TAKEN_AT = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
ADA, GRACE, NOOR = "9990000018", "9991234020", "9991234012"
Rows = Iterable[Mapping[str, str]]

CHILD = {
    "pers_person_id": "C1", "pers_single_unique_id": ADA, "pers_forename": "Ada", "pers_surname": "Example",
    "pers_dob": "2018-05-06 00:00:00.000", "pers_expected_dob": "NULL", "pers_death_date": "NULL", "pers_is_mother": "N",
}  # fmt: skip
WOMAN = {
    **CHILD, "pers_person_id": "M1", "pers_single_unique_id": GRACE, "pers_forename": "Grace", "pers_surname": "Pemberton",
    "pers_dob": "1998-02-11", "pers_is_mother": "Y",
}  # fmt: skip
UNBORN = {
    **CHILD, "pers_person_id": "U1", "pers_single_unique_id": "NULL", "pers_forename": "Baby", "pers_surname": "Pemberton",
    "pers_dob": "NULL", "pers_expected_dob": "2026-05-30",
}  # fmt: skip
PLAN = {
    "cppl_cp_plan_id": "P1", "cppl_person_id": "C1", "cppl_cp_plan_start_date": "2025-12-10 00:00:00.000",
    "cppl_cp_plan_end_date": "NULL", "cppl_cp_plan_ola": "N",
}  # fmt: skip
UNBORN_PLAN = {**PLAN, "cppl_cp_plan_id": "P2", "cppl_person_id": "U1", "cppl_cp_plan_start_date": "2026-01-20"}
IS_MOTHER = {"moth_person_id": "M1", "moth_childs_person_id": "U1", "moth_childs_dob": "NULL"}
EPISODE = {
    "clae_cla_episode_id": "E1", "clae_person_id": "C1", "clae_cla_id": "L1", "clae_cla_episode_start_date": "2025-06-01",
    "clae_cla_episode_ceased_date": "NULL", "clae_cla_episode_ceased_reason": "NULL", "clae_entered_care_date": "2025-06-01",
}  # fmt: skip
STATUS = {
    "lega_person_id": "C1", "lega_legal_status": "C2", "lega_legal_status_start_date": "2025-06-01",
    "lega_legal_status_end_date": "NULL",
}  # fmt: skip
PLACEMENT = {
    "clap_cla_placement_id": "W1", "clap_person_id": "C1", "clap_cla_id": "L1", "clap_cla_placement_type": "U1",
    "clap_cla_placement_postcode": "ZZ1 2AB", "clap_cla_placement_distance": "12.5",
    "clap_cla_placement_start_date": "2025-06-01 00:00:00.000", "clap_cla_placement_end_date": "NULL",
}  # fmt: skip
IDENTIFIER = {
    "link_person_id": "C1", "link_identifier_type": "NHS Number", "link_identifier_value": ADA, "link_valid_from_date": "NULL",
    "link_valid_to_date": "NULL",
}  # fmt: skip


def table(name: str, rows: Rows, columns: Iterable[str] = ()) -> bytes:
    """One CSV file."""
    text = io.StringIO()
    rows = list(rows)
    names = list(columns) or (list(rows[0]) if rows else list(TABLES[name].columns))
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def a_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def files_of(
    persons: Rows = (CHILD,), plans: Rows | None = (PLAN,), episodes: Rows | None = None, *, mothers: Rows | None = None,
    statuses: Rows | None = None, placements: Rows | None = None, identifiers: Rows | None = None,
) -> dict[str, bytes]:  # fmt: skip
    """The files of a dataset with these tables."""
    given = {
        "ssd_person": persons, "ssd_cp_plans": plans, "ssd_cla_episodes": episodes, "ssd_mother": mothers,
        "ssd_legal_status": statuses, "ssd_cla_placement": placements, "ssd_linked_identifiers": identifiers,
    }  # fmt: skip
    return {f"{name}.csv": table(name, rows) for name, rows in given.items() if rows is not None}


def dataset(*args: Any, **options: Any) -> bytes:
    """The zip of such a dataset."""
    return a_zip(files_of(*args, **options))


def terms(
    at: datetime | None = TAKEN_AT, *, is_production: bool = False, statuses: Mapping[str, str] | None = None,
    short_breaks: bool = False,
) -> Terms:  # fmt: skip
    return Terms("301", Declaration(at, Scope.FULL), is_production, statuses or {}, short_breaks)


def read(content: bytes | Path, by: Terms | None = None) -> list[Came]:
    """Everything that comes out of it."""
    source = content if isinstance(content, Path) else io.BytesIO(content)
    return list(SsdReader(source, by or terms()).records())


def records(came: Iterable[Came]) -> list[ExtractRecord]:
    return [each for each in came if isinstance(each, ExtractRecord)]


def refusals(came: Iterable[Came]) -> list[RowError]:
    return [each for each in came if isinstance(each, RowError)]


def notes(came: Iterable[Came]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(each.code.value, each.place, dict(each.detail)) for each in came if isinstance(each, Note)]


def placements(came: Iterable[Came]) -> list[PlacementRow]:
    return [each for each in came if isinstance(each, PlacementRow)]


def said(came: Iterable[Came]) -> list[tuple[Any, ...]]:
    """The records, by what they say of whom."""
    return [
        (each.nhs_number, each.kind.value, each.start_date.isoformat(), each.end_date and each.end_date.isoformat())
        for each in records(came)
    ]


def only_refusal(came: Iterable[Came]) -> RowError:
    """The one refusal, where nothing else came of it."""
    came = list(came)
    assert records(came) == [], came
    [refusal] = refusals(came)
    return refusal
