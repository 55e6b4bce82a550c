"""Which team a member of an authority's staff works in, as they have chosen on the worklist.

`safeguarding.telling.membership` calls it; it decides nothing about who may see what.
"""

from runtime.database import Connection, Transaction


async def read_team(transaction: Connection, actor_id: str, authority_code: str) -> str | None:
    """The code of the team that somebody has chosen, or None."""
    cursor = await transaction.execute(
        "SELECT team_code FROM team_members WHERE actor_id = %s AND authority_code = %s", (actor_id, authority_code)
    )
    row = await cursor.fetchone()
    return str(row[0]) if row else None


async def keep_team(transaction: Transaction, actor_id: str, authority_code: str, team_code: str) -> None:
    """Keep what somebody has chosen, in the place of what was."""
    await transaction.execute(
        """
        INSERT INTO team_members (actor_id, authority_code, team_code) VALUES (%s, %s, %s)
        ON CONFLICT (actor_id, authority_code) DO UPDATE SET team_code = excluded.team_code, chosen_at = now()
        """,
        (actor_id, authority_code, team_code),
    )
