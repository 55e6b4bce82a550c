"""Where an authority's children in care live: for its own people alone, by half a postcode, as a page, CSV and workbook."""

import csv
import io
import zipfile
from datetime import date
from uuid import UUID

import pytest
from openpyxl import load_workbook

from domain.actor import NIGHTLIGHT, Role
from flags_store.extract_formats.reading import PlacementRow
from flags_store.placements import Placement, replace_placements
from flags_store.postcodes import read_directory, replace_directory
from safeguarding.placements import Area, Distance, report_of
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import words

START = date(2025, 1, 1)
ON = date(2026, 1, 1)


def row(child: int, outward: str = "NM1", kind: str = "U4", miles: float | None = 3.0, ended: date | None = None) -> PlacementRow:
    return PlacementRow(f"C{child}", f"P{child}", f"{child}-1", kind, outward, miles, START, ended)


async def extract_of(house: House, authority: str) -> UUID:
    [(used,)] = await house.rows("SELECT count(*) FROM extracts")
    assert isinstance(used, int)
    await house.flag(nhs_number(10 * (used + 1)), authority)
    [(found,)] = await house.rows("SELECT id FROM extracts WHERE authority_code = %s ORDER BY id DESC LIMIT 1", authority)
    assert isinstance(found, UUID)
    return found


async def keep(house: House, *rows: PlacementRow, authority: str = NORTHMOOR, all_of_them: bool = True) -> int:
    extract = await extract_of(house, authority)
    async with house.database.transaction() as transaction:
        return await replace_placements(transaction, authority, extract, rows, all_of_them=all_of_them)


async def get(house: House, path: str, role: Role = Role.SOCIAL_WORKER, organisation: str = NORTHMOOR) -> tuple[int, bytes]:
    session = await house.sign_in(role, organisation)
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    return answer.status_code, answer.content


@pytest.mark.parametrize("path", ["/placements", "/placements.csv", "/placements.xlsx"])
@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.SITE_SAFEGUARDING, Role.INFORMATION_GOVERNANCE])
async def test_nobody_in_health_ever_sees_it(house: House, path: str, role: Role) -> None:
    await keep(house, row(1))
    assert (await get(house, path, role, "R0A"))[0] == 404


@pytest.mark.parametrize("path", ["/placements", "/placements.csv", "/placements.xlsx"])
async def test_anonymous_people_do_not_see_it(house: House, path: str) -> None:
    async with house.browser() as browser:
        assert (await browser.get(path)).status_code in {303, 401}


async def test_another_authority_sees_its_own_children_and_no_others(house: House) -> None:
    await keep(house, row(1, "NM1"), row(2, "NM1"))
    await keep(house, row(3, "WL7"), authority=WESTLEA)
    _, content = await get(house, "/placements.csv", organisation=WESTLEA)
    assert (b"WL7" in content, b"NM1" in content) == (True, False)


@pytest.mark.parametrize("day", ["yesterday", "2019-12-31", "2999-01-01", "2026-02-30"])
async def test_a_day_that_is_none_is_asked_for_again(house: House, day: str) -> None:
    status, content = await get(house, f"/placements?date={day}")
    assert (status, b"Enter a day from 2020 to today" in content) == (422, True)


async def test_an_authority_that_sends_none_is_not_told_that_there_are_none(house: House) -> None:
    _, content = await get(house, "/placements")
    assert "Your authority has sent no placements" in words(content.decode())


async def test_the_page_counts_by_district_kind_area_and_distance(house: House) -> None:
    near = [row(1), row(2, kind="K2"), row(3), row(6, ended=ON)]
    await keep(house, *near, row(4, "EX9", miles=40.0), row(5, "", "Foster care", None))
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE authorities SET gss_code = 'E08000706' WHERE code = %s", (NORTHMOOR,))
        lines = ["pcds,laua", "NM1 1AA,E08000706", "EX9 9ZZ,E08000999"]
        await replace_directory(transaction, NIGHTLIGHT, "Directory of May", read_directory(lines))
    status, content = await get(house, f"/placements?date={ON}")
    text = words(content.decode())
    assert status == 200
    assert "By postcode district (5 children)" in text
    for line in ("NM1 Children 3 Area in area", "EX9 Children 1 Area out of area", "not known Children 1 Area not known"):
        assert line in text
    for line in (
        "Children’s home Children 1",
        "Foster care Children 1",
        "more than 20 miles Children 1",
        "Area by Directory of May",
    ):
        assert line in text


async def test_a_later_extract_replaces_all_or_only_the_children_it_names(house: House) -> None:
    await keep(house, row(1, "NM1"), row(2, "NM2"))
    await keep(house, row(2, "NM3"), all_of_them=False)
    assert await house.rows("SELECT local_id, outward_postcode FROM placements ORDER BY 1") == [("C1", "NM1"), ("C2", "NM3")]
    await keep(house, row(2, "NM4"))
    assert await house.rows("SELECT local_id, outward_postcode FROM placements") == [("C2", "NM4")]
    await keep(house)
    assert await house.rows("SELECT count(*) FROM placements") == [(1,)]


async def test_the_files_say_the_same_as_the_page_and_no_cell_is_a_formula(house: House) -> None:
    await keep(house, row(1), row(2, kind="=1+1"))
    _, content = await get(house, f"/placements.csv?date={ON}")
    [header, line, closing] = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert (header[0], line[:2], closing[0][:10]) == ("Postcode district", ["NM1", "2"], "2 children")
    _, content = await get(house, f"/placements.xlsx?date={ON}")
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Districts", "Kinds", "Area", "Distance"]
    assert [cell.value for cell in book["Districts"][2]][:2] == ["NM1", 2]
    assert {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line} <= {"s", "n"}
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert "xl/charts/chart1.xml" in parts.namelist()


async def test_every_look_at_it_is_written_down(house: House) -> None:
    await keep(house, row(1))
    for path in ("/placements", "/placements.csv", "/placements.xlsx"):
        await get(house, path)
    found = await house.rows("SELECT detail ->> 'form' FROM audit_events WHERE action = 'placements.view' ORDER BY id")
    assert found == [("page",), ("csv",), ("xlsx",)]


async def test_the_store_takes_no_more_of_a_postcode_than_its_first_half(house: House) -> None:
    with pytest.raises(Exception, match="placements_outward_postcode_check"):
        await keep(house, row(1, "NM1 1AA"))


@pytest.mark.parametrize(
    "share, area",
    [(None, Area.UNKNOWN), (0.0, Area.OUT), (0.001, Area.BORDER), (0.5, Area.BORDER), (0.97, Area.BORDER), (0.98, Area.IN),
     (1.0, Area.IN)],
)  # fmt: skip
def test_whether_a_district_lies_in_the_authority(share: float | None, area: Area) -> None:
    report = report_of([Placement("U4", "NM1", None, START, share)], ON, "x", sends=True)
    assert report.districts[0].area is area


@pytest.mark.parametrize(
    "miles, band", [(None, Distance.UNKNOWN), (0.0, Distance.NEAR), (20.0, Distance.NEAR), (20.1, Distance.FAR)]
)
def test_how_far_from_home(miles: float | None, band: Distance) -> None:
    report = report_of([Placement("U4", "NM1", miles, START, None)], ON, "x", sends=True)
    assert dict(report.distances)[band] == 1
