"""A dataset through the whole pipeline: the worked example is told as it happens, and what it says of a child comes true."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from domain.extract import Declaration, Scope
from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extracts.reports import read_notes
from flags_store.ssd_terms import set_status
from safeguarding.extracts.loading import ExtractReport, load_extract, read_rejects
from tests.extracts.ssd.files import (
    ADA,
    CHILD,
    EPISODE,
    GRACE,
    IS_MOTHER,
    NOOR,
    PLACEMENT,
    PLAN,
    STATUS,
    UNBORN,
    UNBORN_PLAN,
    WOMAN,
    a_zip,
    dataset,
)
from tests.extracts.store import MONDAY, OFFICER, THURSDAY, TUESDAY, WEDNESDAY, Store, counts

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = DOCS / "examples" / "ssd"
PAGE = DOCS / "authority" / "standard-safeguarding-dataset.md"
ON_MONDAY = {**UNBORN, "pers_expected_dob": "2025-09-20"}
PLAN_OF_UNBORN = {**UNBORN_PLAN, "cppl_cp_plan_start_date": "2025-06-02"}
PLAN_OF_CHILD = {**PLAN, "cppl_cp_plan_start_date": "2025-06-10"}


async def load_folder(store: Store, folder: Path) -> ExtractReport:
    return await load_extract(store.database, OFFICER, "301", folder, Declaration(MONDAY, Scope.FULL))


async def told(store: Store, report: ExtractReport) -> str:
    """The report as the page tells it: the counts, what was rejected, and what was noted."""
    async with store.database.transaction() as transaction:
        rejects = await read_rejects(transaction, OFFICER, "301", report.id)
        notes = await read_notes(transaction, "301", report.id)
    lines = [report.words.split(".")[0] + "."]
    lines += [f"{each.place}: {each.reason} ({each.code})" for each in rejects]
    lines += [f"{each.place or 'all'}: {each.words} ({each.code})" for each in notes]
    return "".join(f"{line}\n" for line in lines)


async def test_the_worked_example_is_told_as_it_happens(store: Store) -> None:
    page = PAGE.read_text(encoding="utf-8")
    [outcome] = re.findall(r"reads:\n\n```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert await told(store, await load_folder(store, EXAMPLE)) == outcome


async def test_a_zip_of_the_example_does_what_its_folder_does(store: Store) -> None:
    report = await load_folder(store, EXAMPLE)
    flags = await store.flags()
    zipped = a_zip({path.name: path.read_bytes() for path in EXAMPLE.iterdir()})
    again = await store.load(zipped, TUESDAY, scope=Scope.FULL)
    assert await store.flags() == flags
    assert counts(again) == {"unchanged": len(flags), "rejected": report.rejected}


async def test_what_cannot_be_read_leaves_everything_as_it_was(store: Store) -> None:
    await store.load(dataset())
    before = await store.flags("nhs_number", "kind", "last_confirmed_at")
    for content in (dataset()[:-10], a_zip({"ssd_person.csv": b"x"}), dataset(plans=None)):
        with pytest.raises(UnreadableExtract):
            await store.load(content, TUESDAY)
    assert await store.flags("nhs_number", "kind", "last_confirmed_at") == before
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'extract.refuse'") == 3


async def test_the_same_dataset_again_changes_nothing_and_a_later_one_confirms(store: Store) -> None:
    content = dataset(plans=(PLAN_OF_CHILD,))
    assert counts(await store.load(content)) == {"opened": 1}
    assert (await store.load(content)).already_loaded
    assert counts(await store.load(content, TUESDAY)) == {"unchanged": 1}


async def test_the_plan_of_an_unborn_child_moves_to_the_child_once_its_own_number_is_there(store: Store) -> None:
    content = dataset((WOMAN, ON_MONDAY), (PLAN_OF_UNBORN,), mothers=(IS_MOTHER,))
    assert counts(await store.load(content)) == {"opened": 1}
    waiting = {**ON_MONDAY, "pers_dob": "2025-09-01", "pers_expected_dob": "NULL"}
    await store.load(dataset((WOMAN, waiting), (PLAN_OF_UNBORN,), mothers=(IS_MOTHER,)), TUESDAY)
    assert [row[:2] for row in await store.flags("nhs_number", "kind", "end_date") if row[2] is None] == [(GRACE, "UCPP")]
    born = {**waiting, "pers_single_unique_id": ADA}
    await store.load(dataset((WOMAN, born), (PLAN_OF_UNBORN,), mothers=(IS_MOTHER,)), WEDNESDAY)
    flags = {(number, kind): end for number, kind, end in await store.flags("nhs_number", "kind", "end_date")}
    assert flags[ADA, "CPP"] is None
    assert flags[GRACE, "UCPP"] is not None


async def test_care_that_ended_with_adoption_is_withdrawn(store: Store) -> None:
    await store.load(dataset(plans=None, episodes=(EPISODE,)))
    adopted = {**EPISODE, "clae_cla_episode_ceased_date": "2025-08-20", "clae_cla_episode_ceased_reason": "E12"}
    await store.load(dataset(plans=None, episodes=(adopted,)), TUESDAY)
    assert await store.rows("SELECT withdrawn_at IS NOT NULL, sealed_reason FROM flags JOIN persons ON persons.id = person_id") == [
        (True, "adopted")
    ]


async def test_an_authoritys_own_words_hold_from_the_next_dataset_on(store: Store) -> None:
    content = dataset(plans=None, episodes=(EPISODE,), statuses=({**STATUS, "lega_legal_status": "Respite"},))
    async with store.database.transaction() as transaction:
        await set_status(transaction, OFFICER, "301", "respite", "V4")
    assert counts(await store.load(content)) == {}
    async with store.database.transaction() as transaction:
        await set_status(transaction, OFFICER, "301", "respite", "C2")
    assert counts(await store.load(content, TUESDAY)) == {"opened": 1}


async def test_placements_come_with_half_a_postcode_and_no_byte_of_the_other_half_is_in_the_store(store: Store) -> None:
    bad = {**PLAN, "cppl_cp_plan_start_date": "never"}
    sent = {**PLACEMENT, "clap_cla_placement_postcode": "ZZ1 9QJ"}
    await store.load(dataset(plans=(bad,), episodes=(EPISODE,), placements=(sent, {**sent, "clap_cla_id": "L9"})), scope=Scope.FULL)
    assert await store.rows("SELECT local_id, outward_postcode, distance_miles::float8 FROM placements") == [("C1", "ZZ1", 12.5)]
    tables = await store.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    for (name,) in tables:
        assert await store.value(f"SELECT count(*) FROM \"{name}\" t WHERE t::text LIKE '%%9QJ%%'") == 0, name


ANY_ORDER: Mapping[str, Any] = {
    "persons": (CHILD, WOMAN, ON_MONDAY), "plans": (PLAN_OF_CHILD, PLAN_OF_UNBORN), "episodes": (EPISODE,),
    "mothers": (IS_MOTHER,), "statuses": (STATUS,),
}  # fmt: skip


async def test_the_order_of_rows_changes_nothing_that_is_held(store: Store) -> None:
    await store.load(dataset(**ANY_ORDER))
    held = await store.flags()
    reversed_rows = {name: tuple(reversed(rows)) for name, rows in ANY_ORDER.items()}
    assert counts(await store.load(dataset(**reversed_rows), THURSDAY)) == {"unchanged": 3}
    assert await store.flags() == held


@pytest.mark.parametrize("first", [0, 1], ids=["the first", "the second"])
async def test_the_plan_of_twins_stays_with_the_mother_until_both_have_numbers(store: Store, first: int) -> None:
    twins = [ON_MONDAY, {**ON_MONDAY, "pers_person_id": "U2", "pers_forename": "Twin"}]
    plans = (PLAN_OF_UNBORN, {**PLAN_OF_UNBORN, "cppl_cp_plan_id": "P3", "cppl_person_id": "U2"})
    mothers = (IS_MOTHER, {**IS_MOTHER, "moth_childs_person_id": "U2"})

    async def open_plans(at: datetime) -> list[tuple[str, str]]:
        await store.load(dataset((WOMAN, *twins), plans, mothers=mothers), at)
        return [(number, kind) for number, kind, end in await store.flags("nhs_number", "kind", "end_date") if end is None]

    assert await open_plans(MONDAY) == [(GRACE, "UCPP")]
    born = {"pers_dob": "2025-09-01", "pers_expected_dob": "NULL"}
    twins = [{**twin, **born} for twin in twins]
    twins[first]["pers_single_unique_id"] = ADA
    assert await open_plans(TUESDAY) == [(ADA, "CPP"), (GRACE, "UCPP")]
    twins[1 - first]["pers_single_unique_id"] = NOOR
    assert await open_plans(WEDNESDAY) == [(ADA, "CPP"), (NOOR, "CPP")]
