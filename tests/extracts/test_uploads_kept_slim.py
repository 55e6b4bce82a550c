"""Of a dataset that is uploaded nothing is kept that must not be stored: not even raw bytes hold a whole postcode."""

import io
import zipfile

import pytest

from domain.extract import CameBy, Declaration
from flags_store.extracts.uploads import Upload, UploadState
from safeguarding.extracts.upload_loading import load_next
from safeguarding.extracts.uploads import keep_file
from tests.extracts.ssd.files import CHILD, EPISODE, PLACEMENT, PLAN, TAKEN_AT, a_zip, dataset, files_of
from tests.extracts.store import OFFICER, Store
from tests.extracts.test_uploads import keep, reread

SENT = a_zip(
    {
        **files_of(
            ({**CHILD, "pers_ethnicity": "SECRET"},), (PLAN,), (EPISODE,),
            placements=({**PLACEMENT, "clap_cla_placement_postcode": "ZZ1 9QJ"},),
        ),
        "ssd_contacts.csv": b"SECRET",
    }
)  # fmt: skip


async def kept(store: Store) -> bytes:
    return b"".join(part for (part,) in await store.rows("SELECT content FROM upload_parts ORDER BY number"))


def unpacked(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


async def test_an_uploaded_dataset_is_kept_without_whole_postcodes_and_all_that_is_not_read(store: Store) -> None:
    upload = await keep(store, SENT, at=TAKEN_AT, size=1000)
    text = unpacked(await kept(store))
    assert [word for word in ("9QJ", "SECRET", "ethnicity", "contacts") if word in text] == []
    assert await load_next(store.database)
    assert (await reread(store, upload)).state is UploadState.LOADED
    assert await store.rows("SELECT outward_postcode FROM placements") == [("ZZ1",)]
    assert {row[0] for row in await store.rows("SELECT nhs_number FROM persons")} == {CHILD["pers_single_unique_id"]}


async def test_the_page_keeps_no_more_than_the_door(store: Store) -> None:
    await keep_file(store.database, OFFICER, "301", io.BytesIO(SENT), Declaration(TAKEN_AT), CameBy.PAGE)
    assert "9QJ" not in unpacked(await kept(store))


@pytest.mark.parametrize("column", ["clap_cla_placement_type", "clap_cla_placement_distance", "clap_cla_placement_end_date"])
async def test_a_whole_postcode_in_another_column_of_a_placement_is_kept_nowhere(store: Store, column: str) -> None:
    placement = {**PLACEMENT, column: "Foster, ZZ1 9QJ"}
    await keep(store, dataset(episodes=(EPISODE,), placements=(placement,)), at=TAKEN_AT, size=1000)
    text = unpacked(await kept(store))
    assert ("Foster, ZZ1" in text, "9QJ" in text) == (True, False)
    assert await load_next(store.database)
    assert "9QJ" not in str(await store.rows("SELECT t::text FROM placements t"))
    assert "9QJ" not in str(await store.everything())


async def test_the_same_tables_packed_otherwise_are_the_earlier_upload(store: Store) -> None:
    files = files_of()
    first = await keep(store, a_zip(files), at=TAKEN_AT, size=1000)
    again = await keep(store, a_zip({f"export/{name}": data for name, data in files.items()}), at=TAKEN_AT, size=1000)
    assert (again.id, again.known) == (first.id, True)


@pytest.mark.parametrize(
    "content, code",
    [
        (dataset(placements=(PLACEMENT,))[:-30], "zip-damaged"),
        (a_zip({**files_of(placements=(PLACEMENT,)), "ssd_cp_plans.csv": b'a,"b\n'}), "table-quotes"),
    ],
    ids=["cut", "quotes"],
)
async def test_a_dataset_that_nobody_can_read_is_refused_at_once_in_words_and_no_byte_of_it_is_kept(
    store: Store, content: bytes, code: str
) -> None:
    upload: Upload = await keep(store, content, at=TAKEN_AT, size=1000)
    assert (upload.state, upload.refusal_code, upload.has_ended) == (UploadState.REFUSED, code, True)
    assert upload.refusal.endswith(".")
    assert await kept(store) == b""
    assert not await load_next(store.database)
    assert await store.rows("SELECT detail ->> 'code' FROM audit_events WHERE action = 'upload.refuse'") == [(code,)]
    assert not (await keep(store, content, at=TAKEN_AT, size=1000)).known
