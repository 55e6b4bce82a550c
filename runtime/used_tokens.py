"""Tokens that may be used once: which have been, kept in PostgreSQL so that a replay is refused by every process.

The token endpoint and CDS Hooks ask here once a token's signature and times are found to be good.
Sources: RFC 7523, section 3 (jti); SMART Backend Services; CDS Hooks 2.0, "Trusting CDS clients".
"""

import hashlib
from datetime import datetime

import orjson

from runtime.database import Transaction

ERASE_EXPIRED = """
    DELETE FROM used_tokens
    WHERE ctid IN (SELECT ctid FROM used_tokens WHERE expires_at < now() - interval '10 minutes' LIMIT %s)
"""
"""For housekeeping, a batch at a time. The ten minutes are more than any clock may be wrong."""


async def use_once(transaction: Transaction, door: str, issuer: str, jti: str, expires_at: datetime) -> bool:
    """Whether this is the first use of an issuer's token at a door: write it down, and commit before anything is answered.

    A client and an EHR may call themselves the same and be two, so that each `door` has its own. Of two that arrive at once one
    is the first; the other waits until that is committed. A replay must be refused by its `expires_at` once that has passed: it
    is forgotten soon after.
    """
    digest = hashlib.sha256(orjson.dumps([door, issuer, jti])).digest()
    added = await transaction.execute(
        "INSERT INTO used_tokens (digest, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING true", (digest, expires_at)
    )
    return await added.fetchone() is not None
