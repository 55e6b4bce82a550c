"""An authority's office hours, changed as a whole.

`safeguarding.telling.rules` calls it, and holds the authority's row; `flags_store.authorities` reads them.
"""

from collections.abc import Iterable
from datetime import time

from runtime.database import Transaction


async def write_hours(transaction: Transaction, authority_code: str, hours: Iterable[tuple[int, time, time]]) -> None:
    """The stretches as they shall be: weekday (ISO 8601: 1 is Monday), opening and closing time in England."""
    await transaction.execute("DELETE FROM authority_hours WHERE authority_code = %s", (authority_code,))
    for weekday, opens, closes in hours:
        await transaction.execute(
            "INSERT INTO authority_hours (authority_code, weekday, opens, closes) VALUES (%s, %s, %s, %s)",
            (authority_code, weekday, opens, closes),
        )
