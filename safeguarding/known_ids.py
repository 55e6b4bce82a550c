"""Whose an id is that an answer gave out, and when what is held of a person last changed.

The FHIR door asks before it reads by id: the number goes to the desk, which looks and audits; nothing here is an answer.
A newborn's ids lead nowhere: they would lead to its mother.
"""

from collections.abc import Collection
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from domain.nhs_number import NhsNumber
from runtime.database import Database


async def number_of_person(database: Database, person_id: UUID) -> NhsNumber | None:
    """The number of a person about whom an authority that is live, or was, says something. Raises CouldNotReachStore."""
    return await _number(
        database,
        """
        SELECT p.nhs_number FROM persons p
        WHERE p.id = %s AND EXISTS (
            SELECT FROM flags f JOIN authorities t ON t.code = f.authority_code AND t.state IN ('live', 'paused')
            WHERE f.person_id = p.id
        )
        """,
        person_id,
    )


async def number_of_plan(database: Database, plan_id: UUID) -> NhsNumber | None:
    """The number of the person whose plan it is, also where the plan was deleted. Raises CouldNotReachStore."""
    return await _number(
        database,
        """
        SELECT p.nhs_number FROM flags f JOIN persons p ON p.id = f.person_id
        JOIN authorities t ON t.code = f.authority_code AND t.state IN ('live', 'paused')
        WHERE f.id = %s
        """,
        plan_id,
    )


async def last_changes(database: Database, person_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When any authority last confirmed or changed what it says about each person, or began or ceased to be shown."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute(
            """
            SELECT f.person_id, least(max(greatest(f.last_confirmed_at, coalesce(x.completed_at, now()), changed.at)), now())
            FROM flags f JOIN extracts x ON x.id = f.last_extract_id
            LEFT JOIN LATERAL (
                SELECT e.occurred_at AS at FROM audit_events e
                WHERE e.subject_type = 'authority' AND e.action LIKE 'authority.%%' AND e.subject_id = f.authority_code
                ORDER BY e.occurred_at DESC LIMIT 1
            ) AS changed ON true
            WHERE f.person_id = ANY(%s)
            GROUP BY f.person_id
            """,
            (list(person_ids),),
        )
        return dict(await cursor.fetchall())


async def _number(database: Database, statement: LiteralString, an_id: UUID) -> NhsNumber | None:
    async with database.transaction() as transaction:
        row = await (await transaction.execute(statement, (an_id,))).fetchone()
    return NhsNumber(row[0]) if row else None
