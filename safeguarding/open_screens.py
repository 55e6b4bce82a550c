"""Whether an authority's worklist has changed: a mark for each, cheap enough to ask every two seconds, without a patient.

`api.live` asks for the authorities whose worklist somebody has open; who then reads the rows is audited by `views`.
"""

from collections.abc import Sequence

from runtime.database import Transaction


async def worklist_marks(transaction: Transaction, authority_codes: Sequence[str]) -> dict[str, str]:
    """A mark per authority that is another one after any change that its worklist shows."""
    cursor = await transaction.execute(
        """
        SELECT asked.code, count(a.id), coalesce(extract(epoch FROM max(a.changed_at))::text, ''),
               coalesce(sum(e.version) FILTER (WHERE a.state IN ('raised', 'retracted') OR e.state = 'open'), 0)
        FROM unnest(%s::text[]) AS asked (code)
        LEFT JOIN alerts a ON a.authority_code = asked.code LEFT JOIN encounters e ON e.id = a.encounter_id
        GROUP BY asked.code
        """,
        (list(authority_codes),),
    )
    return {code: f"{count}-{changed}-{versions}" for code, count, changed, versions in await cursor.fetchall()}
