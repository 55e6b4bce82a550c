"""How much memory a dataset takes does not hang on how many children are in it."""

import io
import tracemalloc

from flags_store.extract_formats.ssd_reader import SsdReader
from tests.extracts.files import numbers
from tests.extracts.ssd.files import CHILD, PLAN, dataset, terms

FEW, MANY = 1_000, 3_000
MORE_AT_MOST = 1 << 18


def peak(children: int) -> int:
    """The most bytes that Python held while a dataset of so many was read, each record dropped at once."""
    people = list(enumerate(numbers(children)))
    content = dataset(
        [{**CHILD, "pers_person_id": f"C{n}", "pers_single_unique_id": number} for n, number in people],
        [{**PLAN, "cppl_cp_plan_id": f"P{n}", "cppl_person_id": f"C{n}"} for n, _ in people],
    )
    tracemalloc.start()
    try:
        assert sum(1 for _ in SsdReader(io.BytesIO(content), terms()).records()) == children
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_three_times_as_many_children_take_no_more_memory() -> None:
    few = max(peak(FEW), peak(FEW))  # the first time fills what is filled once
    assert peak(MANY) < few + MORE_AT_MOST
