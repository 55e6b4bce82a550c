"""What a person decides about a quarantined message: replay it, or discard it with a reason. Each is audited.

`api.quarantine` and `nightlight hl7 quarantine` call it. The door that takes the message is handed in (`domain.replaying`).
Source: docs/hl7.md, "Quarantine"; docs/adr/0014.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from psycopg.errors import LockNotAvailable

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotFound
from domain.replaying import Refusal
from runtime.audit import record_audit
from runtime.database import Transaction

SHORTEST_REASON = 5
LONGEST_REASON = 200

TakeAgain = Callable[[bytes, str, str | None], Awaitable[Refusal | None]]


async def replay(transaction: Transaction, actor: Actor, message_id: UUID, take_again: TakeAgain) -> Refusal | None:
    """Let the message go the way it went on the wire, by today's rules; None where it was taken and is marked replayed.

    Where it still cannot be taken it stays held, with the new reason, which is returned. The row is locked meanwhile, so
    nobody decides twice. Taken and not marked (a crash in between) is harmless: the next replay finds a repeat.
    Raises NotFound, Conflict where it is decided or being decided, and what `take_again` raises: then it stays held.
    """
    raw, peer, certificate = await _lock(transaction, message_id)
    refusal = await take_again(raw, peer, certificate)
    if refusal is None:
        await _decide(transaction, actor, message_id, "replayed")
        await record_audit(transaction, actor, "quarantine.replay", "quarantine", str(message_id))
        return None
    await transaction.execute(
        "UPDATE quarantine SET last_tried_at = now(), reason = %s, error_code = %s WHERE id = %s",
        (refusal.reason, refusal.error_code, message_id),
    )
    await record_audit(
        transaction, actor, "quarantine.replay-refused", "quarantine", str(message_id), code=refusal.error_code
    )  # fmt: skip
    return refusal


async def discard(transaction: Transaction, actor: Actor, message_id: UUID, reason: str) -> None:
    """Nobody will be checked by this message. The reason stays with it until housekeeping erases both.

    Raises NotFound, Conflict where it is decided or being decided, InvalidInput without a reason or with a long one.
    """
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise InvalidInput(f"say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
    await _lock(transaction, message_id)
    await _decide(transaction, actor, message_id, "discarded", reason)
    await record_audit(transaction, actor, "quarantine.discard", "quarantine", str(message_id))


async def _lock(transaction: Transaction, message_id: UUID) -> tuple[bytes, str, str | None]:
    """What is to be replayed: bytes, address, certificate."""
    try:
        cursor = await transaction.execute(
            "SELECT raw, peer, certificate, state, decided_by FROM quarantine WHERE id = %s FOR UPDATE NOWAIT", (message_id,)
        )
    except LockNotAvailable:
        raise Conflict("somebody else is deciding about this message just now") from None
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no message {message_id} in quarantine")
    raw, peer, certificate, state, decided_by = row
    if state != "held":
        raise Conflict(f"this message is {state} already, by {decided_by}")
    return bytes(raw), peer, certificate


async def _decide(transaction: Transaction, actor: Actor, message_id: UUID, state: str, reason: str = "") -> None:
    await transaction.execute(
        "UPDATE quarantine SET state = %s, decided_at = now(), decided_by = %s, decision_reason = %s WHERE id = %s",
        (state, actor.name, reason, message_id),
    )
