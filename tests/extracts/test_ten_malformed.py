"""Ten kinds of malformed files, through the whole load: each gets a clear answer, and nothing of it is loaded by half."""

import io
import zipfile

import pytest

from flags_store.extract_formats.reading import UnreadableExtract
from tests.extracts.files import HEADER, a_file, numbers, row
from tests.extracts.ssd.files import CHILD as SSD_CHILD
from tests.extracts.ssd.files import PLAN, a_zip, dataset
from tests.extracts.store import MONDAY, Store, counts
from tests.extracts.v3 import files as v3

ONE, TWO, THREE = numbers(3)
ENTITIES = b'<!DOCTYPE File [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
BOMB = b'<?xml version="1.0"?>' + ENTITIES + b'<File xmlns="urn:hl7-org:v3">&b;</File>'


def zip_bomb() -> bytes:
    """Two hundred megabytes of nothing in a few hundred kilobytes."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("ssd_person.csv", "w") as table:
        table.write(b"pers_person_id,pers_single_unique_id,pers_forename,pers_surname,pers_dob\n")
        for _ in range(200):
            table.write(b"0" * 1_000_000)
    return kept.getvalue()


REFUSED = {
    "truncated zip": (dataset()[:-200], "zip-damaged", "The zip is damaged or cut short"),
    "wrong encoding, CSV": (
        a_file(row(family_name="Müller")).decode().encode("latin-1"),
        "not-utf8",
        "save the file as “CSV UTF-8”",
    ),
    "wrong encoding, XML": (v3.GOOD.replace(b"Ada", b"Ad\xff"), "wrong-encoding", "send it as UTF-8"),
    "XML bomb": (BOMB, "unsafe-xml", "DOCTYPE or entities"),
    "zip bomb": (zip_bomb(), "zip-too-big", "send the tables of the dataset and nothing else"),
    "wrong header": (b"name,date of birth\nAda,2018\n", "wrong-header", "is not the header that is expected"),
    "empty": (b"", "empty-file", "The file is empty"),
    "header alone": (f"{HEADER}\n".encode(), "no-records", "did the export run to its end?"),
    "a V3 file of another authority": (v3.GOOD, "wrong-sender", "another authority sent it"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_file_that_cannot_be_read_is_refused_in_words_and_nothing_of_it_is_loaded(store: Store, kind: str) -> None:
    content, code, words = REFUSED[kind]
    authority = "302" if kind.startswith("a V3") else "301"
    with pytest.raises(UnreadableExtract) as refused:
        await store.load(content, authority=authority)
    assert (refused.value.code, words in str(refused.value)) == (code, True)
    assert await store.value("SELECT count(*) FROM flags") == 0
    assert await store.value("SELECT count(*) FROM persons") == 0


async def test_a_broken_quote_costs_its_own_line_alone(store: Store) -> None:
    broken = f'{TWO},CPP,2025-01-06,,,,"Ada,Example,2018-05-06,A2'
    report = await store.load(a_file(row(nhs_number=ONE), broken, row(nhs_number=THREE)))
    assert counts(report) == {"opened": 2, "rejected": 1}
    assert await store.rows("SELECT line, code FROM extract_rejects") == [(3, "bad-quotes")]


async def test_mixed_line_ends_are_read(store: Store) -> None:
    lines = f"{HEADER}\r\n{row(nhs_number=ONE)}\n{row(nhs_number=TWO)}\r\n\r\n{row(nhs_number=THREE)}"
    assert counts(await store.load(lines.encode())) == {"opened": 3}


async def test_old_line_ends_are_named(store: Store) -> None:
    with pytest.raises(UnreadableExtract, match="lines must end in LF or CR LF"):
        await store.load(a_file(row(nhs_number=ONE), end="\r"))


async def test_duplicate_rows_count_once(store: Store) -> None:
    report = await store.load(a_file(row(nhs_number=ONE), row(nhs_number=ONE), row(nhs_number=TWO)))
    assert counts(report) == {"opened": 2, "unchanged": 1}


async def test_a_row_of_another_authority_is_listed_and_not_loaded(store: Store) -> None:
    theirs = {**PLAN, "cppl_cp_plan_ola": "Y"}
    content = a_zip({"ssd_person.csv": table(SSD_CHILD), "ssd_cp_plans.csv": table(theirs)})
    report = await store.load(content, MONDAY)
    assert counts(report) == {}
    assert await store.rows("SELECT code, count FROM extract_notes") == [("other-authoritys", 1)]
    assert await store.value("SELECT count(*) FROM flags") == 0


def table(line: dict[str, str]) -> bytes:
    return f"{','.join(line)}\n{','.join(line.values())}\n".encode()
