"""The version of an authority's flags: whoever changes them says so, so that a plan made before is not applied after.

The load of an extract takes the version when it plans, and checks it where it applies; whatever changes flags beside a load
(an identity that is settled, a plan that a person puts right) calls `flags_changed`. Source: docs/adr/0031.
"""

from collections.abc import Sequence

from runtime.database import Connection


async def read_flags_version(transaction: Connection, authority_code: str) -> int:
    """The version as it stands."""
    cursor = await transaction.execute("SELECT flags_version FROM authorities WHERE code = %s", (authority_code,))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def advance_flags_version(transaction: Connection, authority_code: str, known: int) -> bool:
    """Go one on from the version that is known; False where somebody else has, and then nothing is changed."""
    cursor = await transaction.execute(
        "UPDATE authorities SET flags_version = flags_version + 1 WHERE code = %s AND flags_version = %s", (authority_code, known)
    )
    return cursor.rowcount == 1


async def flags_changed(transaction: Connection, authority_codes: Sequence[str]) -> None:
    """Flags of these authorities were changed in this transaction, and not by the load of an extract."""
    await transaction.execute(
        """
        UPDATE authorities SET flags_version = flags_version + 1 FROM (
            SELECT code AS concerned FROM authorities WHERE code = ANY(%s::text[]) ORDER BY code FOR NO KEY UPDATE
        ) AS locked
        WHERE code = concerned
        """,
        (sorted(set(authority_codes)),),
    )
