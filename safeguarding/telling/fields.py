"""Which fields may leave to an authority about a child at an organisation: what the agreements of both list.

The worklist, the webhook and a subscriber's look at an alert ask before anything leaves; a field that is not agreed is empty there.
Source: docs/facts.md, section 5 (agreements are data; one that runs out alarms and never turns into a silent negative).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from runtime.database import Connection
from safeguarding.onboarding.agreements import FIELDS, AgreedWith

ALL = frozenset(FIELDS)
NONE: frozenset[str] = frozenset()

Pair = tuple[str, str]
"""An authority's code and an organisation's."""


async def fields_that_may_leave(transaction: Connection, authority_code: str, organisation_code: str, day: date) -> frozenset[str]:
    """The codes of `agreements.FIELDS` that may leave from the organisation to the authority on a day in England."""
    pair = (authority_code, organisation_code)
    return (await read_fields(transaction, [pair], day))[pair]


async def read_fields(transaction: Connection, pairs: Collection[Pair], day: date) -> dict[Pair, frozenset[str]]:
    """The same for many pairs, in one question."""
    if not pairs:
        return {}
    parties = [(AgreedWith.AUTHORITY.value, code) for code in dict.fromkeys(code for code, _ in pairs)]
    parties += [(AgreedWith.ORGANISATION.value, code) for code in dict.fromkeys(code for _, code in pairs)]
    cursor = await transaction.execute(
        _AGREED, {"kinds": [kind for kind, _ in parties], "codes": [code for _, code in parties], "day": day}
    )
    rows = await cursor.fetchall()
    agreed = {(str(kind), str(code)): None if fields is None else frozenset(fields) for _, kind, code, fields in rows}
    return may_leave(agreed, pairs, is_production=all(row[0] for row in rows))


def may_leave(
    agreed: Mapping[tuple[str, str], frozenset[str] | None], pairs: Iterable[Pair], *, is_production: bool
) -> dict[Pair, frozenset[str]]:
    """What may leave, of what each party has agreed; None where it has nothing on record. Pure.

    Both must list a field. In a test store, whose children are invented, all leaves while neither has said anything.
    """
    both = {pair: (agreed[AgreedWith.AUTHORITY, pair[0]], agreed[AgreedWith.ORGANISATION, pair[1]]) for pair in pairs}
    return {
        pair: ALL if one is None and other is None and not is_production else (one or NONE) & (other or NONE) & ALL
        for pair, (one, other) in both.items()
    }


# Of each party the agreement that holds on the day, the newest where there are several; else the last that held.
_AGREED = """
    SELECT s.kind = 'production', party.kind, party.code, a.fields
    FROM store s CROSS JOIN unnest(%(kinds)s::text[], %(codes)s::text[]) AS party (kind, code)
    LEFT JOIN LATERAL (
        SELECT fields FROM agreements
        WHERE party_kind = party.kind AND party_code = party.code AND starts <= %(day)s
        ORDER BY least(ends, ended_on, %(day)s) DESC, starts DESC, id DESC LIMIT 1
    ) AS a ON true
"""
