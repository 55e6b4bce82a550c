"""The inbox: which messages were answered, and how, so that a repeat gets the same acknowledgement and nothing twice.

`patients_seen` recalls before it works and remembers in the same transaction.
Source: HL7 v2.4 section 2.9 (MSA); docs/hl7.md, "A repeat".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from runtime.database import Database, Transaction
from runtime.recordset import Columns
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
    cursor = await transaction.execute(_RECALL, [_KEYS.rows(map(_to_row, keys))], binary=True)
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
    rows = [(*_to_row(key), encounter, outcome, acknowledgement) for key, encounter, outcome, acknowledgement in ordered]
    return [Write(_INSERT, [_WRITTEN.rows(rows)], len(rows))]


_KEY = "application text, facility text, control_id text, hash bytea"
_KEYS = Columns(_KEY)
_WRITTEN = Columns(f"{_KEY}, encounter_id uuid, outcome text, acknowledgement bytea")

# Each by itself (LATERAL, OFFSET 0): `is_recycled` asks on a connection whose plans go by how many rows are expected.
_RECALL = f"""
    SELECT asked.application, asked.facility, asked.control_id, asked.hash, i.acknowledgement
    FROM {_KEYS.table("asked")}
    LEFT JOIN LATERAL (SELECT acknowledgement FROM inbox WHERE sending_facility = asked.facility AND control_id = asked.control_id
                          AND sending_application = asked.application AND content_hash = asked.hash OFFSET 0) AS i ON true
    JOIN LATERAL (SELECT FROM inbox o WHERE o.sending_facility = asked.facility AND o.control_id = asked.control_id
                                        AND o.sending_application = asked.application LIMIT 1) AS came ON true
""".encode()  # noqa: S608 (only constants are put in)

_INSERT = f"""
    INSERT INTO inbox (sending_application, sending_facility, control_id, content_hash, encounter_id, outcome, acknowledgement)
    SELECT * FROM {_WRITTEN.table("new")}
    ON CONFLICT DO NOTHING
"""  # noqa: S608


def _to_row(key: MessageKey) -> tuple[str, str, str, bytes]:
    return key.sending_application, key.sending_facility, key.control_id, key.content_hash
