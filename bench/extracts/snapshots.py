"""A snapshot of so many invented children in each format that is read, written to a file piece by piece.

`measuring` loads them. Nobody in it is met by the load on the desk. Source: docs/facts.md, section 4 (columns, element paths).
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from bench.people import Patient, patient
from domain.extract import FileFormat
from nightlight.demo.sample import COLUMNS

FIRST = 320_000
"""The place of the first child among the invented: no load client comes so far."""
MOST = 170_000

_HELD_FOR = timedelta(days=400)


def write_snapshot(path: Path, file_format: FileFormat, children: int, at: datetime, authority: str) -> None:
    """Write it. Raises ValueError for more children than there are invented numbers."""
    if children > MOST:
        raise ValueError(f"there are numbers for {MOST} children")
    {FileFormat.CSV: _csv, FileFormat.SSD: _ssd, FileFormat.V3: _v3}[file_format](path, children, at, authority)


def _children(count: int, today: date) -> Iterator[tuple[Patient, str, str]]:
    """Each child, the kind of its plan, and the day on which that began."""
    for sequence in range(FIRST, FIRST + count):
        child = patient(sequence, 0)
        yield child, ("CPP", "LAC")[sequence % 2], (today - timedelta(days=1 + sequence % _HELD_FOR.days)).isoformat()


def _csv(path: Path, children: int, at: datetime, authority: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for child, kind, started in _children(children, at.date()):
            born = child.birth_date.isoformat()
            writer.writerow(
                (child.number, kind, started, "", "", "", child.given_name, child.family_name, born, f"B-{child.sequence}")
            )


_SSD = {
    "ssd_person": "pers_person_id,pers_single_unique_id,pers_forename,pers_surname,pers_dob,pers_expected_dob,pers_death_date,"
    "pers_is_mother",
    "ssd_cp_plans": "cppl_cp_plan_id,cppl_person_id,cppl_cp_plan_start_date,cppl_cp_plan_end_date,cppl_cp_plan_ola",
    "ssd_cla_episodes": "clae_cla_episode_id,clae_person_id,clae_cla_id,clae_cla_episode_start_date,clae_cla_episode_ceased_date,"
    "clae_cla_episode_ceased_reason,clae_entered_care_date,clae_cla_placement_id",
}


def _ssd(path: Path, children: int, at: datetime, authority: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, header in _SSD.items():
            with archive.open(f"{table}.csv", "w") as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(header.split(","))
                for child, kind, started in _children(children, at.date()):
                    line = _ssd_line(table, child, kind, started)
                    if line:
                        writer.writerow(line)


def _ssd_line(table: str, child: Patient, kind: str, started: str) -> tuple[str, ...] | None:
    number, day = str(child.sequence), f"{started} 00:00:00.000"
    if table == "ssd_person":
        return number, child.number, child.given_name, child.family_name, f"{child.birth_date} 00:00:00.000", "NULL", "NULL", "N"
    if table == "ssd_cp_plans":
        return (f"P{number}", number, day, "NULL", "N") if kind == "CPP" else None
    return (f"E{number}", number, f"C{number}", day, "NULL", "NULL", day, "NULL") if kind == "LAC" else None


_V3_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<File xmlns="urn:hl7-org:v3"><id extension="1"/><creationTime value="{at:%Y%m%d%H%M%S}+0000"/>\
<interactionId extension="urn:GB-en-NHS:iops:interaction:CP-ISLocalAuthorityUpload-v1-0"/>\
<transmissionQuantity value="{quantity}"/>\
<sender><organization><id extension="{authority}"/><name>Bench</name></organization></sender>
"""
_V3_RECORD = """<record><CP-ISRecord><subject><COCT_TP145101GB01.Child><id extension="{number}"/><id extension="B-{local}"/>\
<childPerson><name><given>{given}</given><family>{family}</family></name><birthTime value="{born:%Y%m%d}"/></childPerson>\
</COCT_TP145101GB01.Child></subject><pertinentInformation><{template}><component><{name}StartDate><value value="{started}"/>\
</{name}StartDate></component></{template}></pertinentInformation></CP-ISRecord></record>
"""
_V3_PLANS = {"CPP": ("COCT_TP146101GB01.CPPInformation", "cPP"), "LAC": ("COCT_TP146100GB01.LACInformation", "lAC")}


def _v3(path: Path, children: int, at: datetime, authority: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(_V3_HEAD.format(at=at, quantity=children, authority=authority))
        for child, kind, started in _children(children, at.date()):
            template, name = _V3_PLANS[kind]
            file.write(
                _V3_RECORD.format(
                    number=child.number, local=child.sequence, given=child.given_name, family=child.family_name,
                    born=child.birth_date, template=template, name=name, started=started.replace("-", ""),
                )
            )  # fmt: skip
        file.write("</File>\n")
