"""Which NHS numbers an organisation's own feed has brought: what a lookup of a number that it never had is told from.

The HL7 door's `lookup_watch` asks, apart from the answer itself. Source: docs/hl7.md, "Who may speak".
"""

from collections.abc import Sequence

from domain.nhs_number import NhsNumber
from runtime.database import Transaction


async def in_feed(transaction: Transaction, asked: Sequence[tuple[NhsNumber, Sequence[str]]]) -> list[bool]:
    """For each number with the sites of an organisation: whether an encounter there is held that no look opened.

    Encounters of people without a flag are erased 72 hours after they end, so that "never" means "not lately" for them.
    """
    numbers, sites = [number for number, _ in asked], [" ".join(codes) for _, codes in asked]
    cursor = await transaction.execute(_IN_FEED, (numbers, sites))
    return [found for (found,) in await cursor.fetchall()]


_OF_FEED = """
    SELECT FROM encounters e
    WHERE e.nhs_number = asked.number AND e.site = ANY(string_to_array(asked.sites, ' '))
      AND e.encounter_key NOT LIKE 'look %%' AND e.encounter_key NOT LIKE 'test look %%'
"""
_IN_FEED = f"""
    SELECT EXISTS ({_OF_FEED} AND e.state = 'open') OR EXISTS ({_OF_FEED} AND e.state <> 'open')
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS asked (number, sites, position)
    ORDER BY asked.position
"""  # noqa: S608 (only the constant condition is put in)
