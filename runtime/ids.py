"""Keys that are made here rather than by the database, for rows that must be named before they are written."""

import random
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    chance = random.getrandbits(74)  # a key must be unlike all others; it is no secret
    high = milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64
    return UUID(int=high | 0b10 << 62 | chance & (1 << 62) - 1)
