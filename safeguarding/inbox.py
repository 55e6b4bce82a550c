"""The inbox: which messages were answered, and how, so that a repeat gets the same acknowledgement and nothing twice.

`patients_seen` recalls before it works and remembers in the same transaction.
Source: HL7 v2.4 section 2.9 (MSA); docs/hl7.md, "A repeat".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from runtime.database import Database, Transaction
from runtime.writes import Write
from safeguarding.check import MessageKey


@dataclass(frozen=True, slots=True)
class Recalled:
    """Which messages were answered before, with their acknowledgements, and which came before with other content only."""

    answered: dict[MessageKey, bytes]
    recycled: frozenset[MessageKey]


async def recall(transaction: Transaction, keys: Sequence[MessageKey]) -> Recalled:
    """What is known of these messages."""
    if not keys:
        return Recalled({}, frozenset())
    cursor = await transaction.execute(
        """
        SELECT asked.application, asked.facility, asked.control_id, asked.hash, i.acknowledgement
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[]) AS asked (application, facility, control_id, hash)
        LEFT JOIN inbox i ON i.sending_facility = asked.facility AND i.control_id = asked.control_id
                         AND i.sending_application = asked.application AND i.content_hash = asked.hash
        JOIN LATERAL (SELECT FROM inbox o WHERE o.sending_facility = asked.facility AND o.control_id = asked.control_id
                                            AND o.sending_application = asked.application LIMIT 1) AS came ON true
        """,
        _columns(keys),
        binary=True,
    )
    found = [(MessageKey(*row[:4]), row[4]) for row in await cursor.fetchall()]
    return Recalled(
        {key: acknowledgement for key, acknowledgement in found if acknowledgement is not None},
        frozenset(key for key, acknowledgement in found if acknowledgement is None),
    )


async def is_recycled(database: Database, key: MessageKey) -> bool:
    """Whether the control ID came before, and only with other content. Raises CouldNotReachStore."""
    async with database.transaction() as transaction:
        return key in (await recall(transaction, [key])).recycled


def to_remember(answered: Sequence[tuple[MessageKey, UUID | None, str, bytes]]) -> list[Write]:
    """Write down each message's encounter, outcome and acknowledgement, unless another process answered it meanwhile."""
    if not answered:
        return []
    ordered = sorted(answered, key=lambda each: (each[0].sending_facility, each[0].control_id))
    keys, encounters, outcomes, acknowledgements = (list(column) for column in zip(*ordered, strict=True))
    return [Write(_INSERT, (*_columns(keys), encounters, outcomes, acknowledgements), len(ordered))]


_INSERT = """
    INSERT INTO inbox (sending_application, sending_facility, control_id, content_hash, encounter_id, outcome, acknowledgement)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::uuid[], %s::text[], %s::bytea[])
    ON CONFLICT DO NOTHING
"""


def _columns(keys: Sequence[MessageKey]) -> tuple[list[str], list[str], list[str], list[bytes]]:
    return (
        [key.sending_application for key in keys],
        [key.sending_facility for key in keys],
        [key.control_id for key in keys],
        [key.content_hash for key in keys],
    )
