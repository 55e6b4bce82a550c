"""Calling for the sweep: numbers lead to plans now to which they did not lead before, wherever the child is.

`safeguarding.patients_seen` calls it in the transaction of a merge; the dispatcher's sweep (`safeguarding.sweep`) comes within
its poll, and again once every desk transaction that was open then has ended. Source: docs/adr/0005.
"""

from collections.abc import Iterable

from domain.nhs_number import NhsNumber
from runtime.database import Transaction


async def call_for_sweep(transaction: Transaction, numbers: Iterable[NhsNumber]) -> None:
    """Have everybody looked for who is open anywhere and whom these numbers lead to; nothing where they lead to nobody.

    It is written at each authority's newest extract that is not being loaded: one that is being loaded calls for the sweep itself.
    """
    wanted = sorted(set(numbers))
    if wanted:
        await transaction.execute(_CALL, (wanted,))


# In one order, so that two hospitals' merges and the sweep never wait for each other in a circle.
_CALL = """
    WITH asked AS MATERIALIZED (
        SELECT unnest(%s::text[]) AS number
    ), concerned AS MATERIALIZED (
        SELECT f.authority_code FROM asked JOIN persons p ON p.nhs_number = number JOIN flags f ON f.person_id = p.id
        WHERE f.deleted_on IS NULL
        UNION
        SELECT f.authority_code
        FROM asked JOIN person_aliases a ON a.value = number AND a.facility = '' AND a.ended_at IS NULL
        JOIN flags f ON f.person_id = a.person_id
        WHERE f.deleted_on IS NULL
        UNION
        SELECT f.authority_code
        FROM asked JOIN newborn_links l ON l.value = number AND l.facility = '' AND l.resolved_at IS NULL
        JOIN flags f ON f.id = l.flag_id
        WHERE f.deleted_on IS NULL
    ), called AS MATERIALIZED (
        SELECT e.id FROM extracts e
        WHERE e.id IN (SELECT (SELECT newest.id FROM extracts newest
                               WHERE newest.authority_code = concerned.authority_code AND newest.state <> 'loading'
                               ORDER BY newest.received_at DESC LIMIT 1) FROM concerned)
        ORDER BY e.id FOR UPDATE
    )
    UPDATE extracts SET sweep_due = true, sweep_horizon = NULL FROM called WHERE extracts.id = called.id
"""
