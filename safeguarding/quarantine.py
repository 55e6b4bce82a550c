"""The quarantine: messages that could not be taken, kept with raw bytes and reason until a person has decided.

`hl7_listener` holds a message here before it answers AE; `quarantine_views` shows it, `quarantine_decisions` decides about it.
Source: docs/hl7.md, "Quarantine"; docs/facts.md, section 7 (7 days).
"""

from dataclasses import dataclass

from runtime.database import Database


@dataclass(frozen=True, slots=True)
class Held:
    """A message that could not be taken. `reason` is one sentence and `error_code` a code of HL7 table 0357.

    `peer` is the address that it came from, `certificate` the SHA-256 of the client's certificate where one was checked.
    """

    peer: str
    sending_facility: str
    control_id: str
    reason: str
    error_code: str
    raw: bytes
    content_hash: bytes
    acknowledgement: bytes
    certificate: str | None = None


async def hold(database: Database, held: Held) -> bytes:
    """Keep the message and return its acknowledgement; the same message again is held once and answered the same.

    Raises CouldNotReachStore where it cannot be kept: then it must not be acknowledged with AE.
    """
    async with database.transaction() as transaction:
        await transaction.execute(
            """
            INSERT INTO quarantine
                (peer, sending_facility, control_id, reason, error_code, raw, content_hash, acknowledgement, certificate)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (content_hash) WHERE state = 'held' DO NOTHING
            """,
            (
                held.peer, _text(held.sending_facility), _text(held.control_id), held.reason, held.error_code, held.raw,
                held.content_hash, held.acknowledgement, held.certificate,
            ),
        )  # fmt: skip
        cursor = await transaction.execute(
            "SELECT acknowledgement FROM quarantine WHERE content_hash = %s AND state = 'held'", (held.content_hash,)
        )
        row = await cursor.fetchone()
    return bytes(row[0]) if row else held.acknowledgement


def _text(value: str) -> str:
    return value.replace("\0", "")[:200]
