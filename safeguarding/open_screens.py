"""Whether an authority's worklist, or a banner's alerts, have changed: a mark for each, cheap to ask, without a patient.

`api.live` asks for what somebody has open; who then reads the rows is audited where they are read.
"""

from collections.abc import Sequence

from runtime.database import Transaction
from safeguarding.telling.worklist import LATE, OF_THE_AUTHORITY


async def worklist_marks(transaction: Transaction, authority_codes: Sequence[str]) -> dict[str, str]:
    """A mark per authority that is another one after any change that its worklist shows."""
    cursor = await transaction.execute(
        """
        WITH stuck AS (
            SELECT a.authority_code AS code, string_agg(DISTINCT d.channel, '.' ORDER BY d.channel) AS channels
            FROM deliveries d JOIN alerts a ON a.id = d.alert_id
            WHERE d.state = 'pending' AND d.channel = ANY(%s) AND d.due_at < now() - %s AND a.authority_code = ANY(%s) GROUP BY 1
        )
        SELECT asked.code, count(a.id), coalesce(extract(epoch FROM max(a.changed_at))::text, ''),
               coalesce(sum(e.version) FILTER (WHERE a.state IN ('raised', 'retracted') OR e.state = 'open'), 0),
               coalesce(max(stuck.channels), '')
        FROM unnest(%s::text[]) AS asked (code) LEFT JOIN stuck USING (code)
        LEFT JOIN alerts a ON a.authority_code = asked.code LEFT JOIN encounters e ON e.id = a.encounter_id
        GROUP BY asked.code
        """,
        (list(OF_THE_AUTHORITY), LATE, list(authority_codes), list(authority_codes)),
    )
    return {
        code: f"{count}-{changed}-{versions}-{channels}" for code, count, changed, versions, channels in await cursor.fetchall()
    }


async def told_marks(transaction: Transaction, encounters: Sequence[str]) -> dict[str, str]:
    """A mark per encounter (its id) that is another one after any change of what its banner says of alerts and incidents."""
    cursor = await transaction.execute(
        """
        SELECT asked.id::text, count(a.id), coalesce(extract(epoch FROM max(a.changed_at))::text, ''),
               (SELECT count(*) FROM identity_incidents i WHERE i.state = 'open'
                AND (i.encounter_id = asked.id OR i.person_id = ANY(array_agg(a.person_id))))
        FROM unnest(%s::uuid[]) AS asked (id) LEFT JOIN alerts a ON a.encounter_id = asked.id
        GROUP BY asked.id
        """,
        (list(encounters),),
    )
    return {code: f"{count}-{changed}-{incidents}" for code, count, changed, incidents in await cursor.fetchall()}
