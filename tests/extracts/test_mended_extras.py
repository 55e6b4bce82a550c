"""What a format knows of a record beside its columns goes with it through rejection and mending."""

from typing import Any

from domain.extract import Cause
from flags_store.extracts.record import Extras
from safeguarding.extracts.loading import load_rows
from safeguarding.extracts.mending import mend
from tests.extracts.files import numbers, record
from tests.extracts.store import OFFICER, Store, counts

BAD_NUMBER = "9990000019"


def fields(**changes: str) -> tuple[str, ...]:
    return record(**changes).fields


async def rejected_then_mended(store: Store, extras: Extras, **mended: str) -> Any:
    """A record with a mistyped number comes, and a person corrects it."""
    right = fields(**mended)
    wrong = (BAD_NUMBER, *right[1:])
    report = await load_rows(store.database, OFFICER, "301", [(wrong, extras)], Cause.EXTRACT)
    assert counts(report) == {"rejected": 1}
    [(work,)] = await store.rows("SELECT id FROM rejected_records")
    return await mend(store.database, OFFICER, "301", work, right)


async def test_a_mended_plan_of_a_child_closes_the_unborn_plan_under_its_plan_id(store: Store) -> None:
    unborn = fields(nhs_number=numbers(2)[1], kind="UCPP", birth_date="1998-02-11", expected_delivery_date="2025-05-30")
    plan = Extras(plan_id="P1")
    await load_rows(store.database, OFFICER, "301", [(unborn, plan)], Cause.EXTRACT)
    await rejected_then_mended(store, plan)
    flags = await store.flags("kind", "end_date IS NULL", "plan_id")
    assert sorted(flags) == [("CPP", True, "P1"), ("UCPP", False, "P1")]


async def test_a_mended_record_of_care_that_ended_by_adoption_withdraws_and_seals(store: Store) -> None:
    await load_rows(store.database, OFFICER, "301", [(fields(kind="LAC"), Extras())], Cause.EXTRACT)
    await rejected_then_mended(store, Extras(adopted=True), kind="LAC", end_date="2025-08-01")
    assert await store.flags("withdrawn_at IS NOT NULL", "sealed_reason") == [(True, "adopted")]
