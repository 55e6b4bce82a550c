"""Which plans of an authority stand open on a day, asked of all of them at once.

The shrink guard takes its shares of their number, and a full snapshot is expected to name each of them. The rule is that of
`domain.flag`, and a test compares the two. Source: docs/facts.md, section 1.
"""

from datetime import date
from typing import LiteralString

from domain.flag import ADULT_AT, UNBORN_LONGEST, UNBORN_SHOWN_AFTER_DUE
from runtime.database import Transaction

RULES = {"after_due": UNBORN_SHOWN_AFTER_DUE.days, "longest": UNBORN_LONGEST.days, "adult_at": ADULT_AT}
"""What goes with OPEN, beside `today`."""

# Who is 18 is asked backwards: whoever was born on 29 February comes of age on 1 March.
OPEN: LiteralString = """
    f.deleted_on IS NULL AND f.withdrawn_at IS NULL AND f.start_date <= %(today)s
    AND (f.end_date IS NULL OR f.end_date >= %(today)s)
    AND CASE f.kind
        WHEN 'UCPP' THEN %(today)s <= coalesce(f.expected_delivery_date + %(after_due)s::int, f.start_date + %(longest)s::int)
        ELSE p.birth_date IS NULL OR p.birth_date > (%(today)s::date - make_interval(years => %(adult_at)s))::date
    END
"""


async def count_open(transaction: Transaction, authority_code: str, today: date) -> int:
    """How many plans of the authority stand open on the day, in England."""
    cursor = await transaction.execute(_COUNT, {"authority": authority_code, "today": today, **RULES})
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


_COUNT: LiteralString = f"""
    SELECT count(*) FROM flags f JOIN persons p ON p.id = f.person_id WHERE f.authority_code = %(authority)s AND {OPEN}
"""  # noqa: S608 (a constant)
