"""Planning: what is to become of every record of an extract, against what is held, without changing anything.

`safeguarding.extracts.loading` calls it chunk by chunk, each in a brief transaction that only reads; the plan stays on the stage
until `intake` applies it. Source: docs/facts.md, section 4; docs/adr/0031.
"""

from datetime import date

from domain.extract import Cause
from flags_store.extracts.deciding import decide
from flags_store.extracts.guard import Judgement, Limits, judge
from flags_store.extracts.intake_persons import Held, read_held
from flags_store.extracts.loads import Load
from flags_store.extracts.matched import NOT_ASKED
from flags_store.extracts.open_plans import count_open
from flags_store.extracts.plan import Plan
from flags_store.extracts.stage import Chunk, Stage
from runtime.database import Connection


async def read_chunk(transaction: Connection, load: Load, chunk: Chunk) -> Held:
    """Everybody of a chunk as they are held, and their plans of this authority."""
    return await read_held(transaction, load.authority_code, [records[0].nhs_number for records in chunk])


def plan_chunk(stage: Stage, plan: Plan, held: Held, chunk: Chunk, today: date) -> None:
    """Decide on everybody of a chunk, and keep what was decided. Blocks."""
    matches = stage.matches_of(records[0].nhs_number for records in chunk)
    by_number = {records[0].nhs_number: records for records in chunk}
    plan.put([decide(held.get(each), records, matches.get(each, NOT_ASKED), today) for each, records in by_number.items()])


async def judge_plan(transaction: Connection, load: Load, plan: Plan, today: date) -> tuple[Judgement, int]:
    """Have the shrink guard look at the counts of a whole plan; its judgement, and how many plans stood open before.

    What a person does, record by record, is not an export that ran wrong; what they mend is applied as one, or not at all.
    """
    if load.cause is Cause.MENDED:
        plan.keep_together()
    if load.cause is not Cause.EXTRACT:
        return Judgement(hold_endings=False, is_surge=False), 0
    row = await (await transaction.execute(_SHARES, (load.authority_code,))).fetchone()
    assert row is not None
    open_plans = await count_open(transaction, load.authority_code, today)
    return judge(open_plans, plan.openings, plan.endings, Limits(*row)), open_plans


_SHARES = "SELECT shrink_share::float8, surge_share::float8 FROM authorities WHERE code = %s"
