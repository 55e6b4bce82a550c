"""Local authorities: who sends extracts, who is told, and by which phone at which hour.

`safeguarding.directory` reads them all at once; `nightlight authority add` and the onboarding write; `authority_details` changes
what they have set. Source: CP-IS DMS (telecom WP and EC); docs/facts.md, sections 4 and 5.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from domain.actor import Actor
from domain.errors import Conflict, NotFound
from flags_store.authority_details import update_authority
from runtime.audit import record_audit
from runtime.database import Connection, Transaction

__all__ = ["OFFICE_HOURS", "Authority", "Hours", "add_authority", "read_authorities", "set_state", "update_authority"]


@dataclass(frozen=True, slots=True)
class Hours:
    """One stretch of office hours in England's time; weekday 1 is Monday (ISO 8601)."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Authority:
    """A local authority as it stands. `rhythm` is the longest time between its extracts before the feed is late.

    `data_email` is its data officers' mailbox. Endings and deletions of more than `shrink_share` of its open plans in one extract
    are held for a second person; openings of more than `surge_share` are to be confirmed. `short_breaks`: count as looked after.
    """

    code: str
    name: str
    office_phone: str
    emergency_phone: str
    alert_email: str | None
    state: str
    rhythm: timedelta
    last_extracted_at: datetime | None
    hours: tuple[Hours, ...]
    data_email: str | None = None
    mesh_mailbox: str | None = None
    gss_code: str | None = None
    successor_code: str | None = None
    shrink_share: float = 0.10
    surge_share: float = 0.50
    short_breaks: bool = False
    code_scheme: str = "dfe"

    def is_late(self, at: datetime) -> bool:
        """Whether nothing newer than its rhythm allows has come, or its feed is paused."""
        return self.state == "paused" or self.last_extracted_at is None or at - self.last_extracted_at > self.rhythm


OFFICE_HOURS = tuple(Hours(weekday, time(8, 45), time(17, 0)) for weekday in range(1, 6))
"""Monday to Friday 08:45 to 17:00: what an authority gets that names no hours of its own."""


async def add_authority(
    transaction: Connection,
    actor: Actor,
    code: str,
    name: str,
    office_phone: str,
    emergency_phone: str,
    *,
    alert_email: str | None = None,
    hours: Sequence[Hours] = OFFICE_HOURS,
    rhythm: timedelta = timedelta(days=1),
    live: bool = False,
) -> None:
    """Add an authority, setting up or live at once. Raises Conflict where the code is taken."""
    added = await transaction.execute(
        """
        INSERT INTO authorities (code, name, office_phone, emergency_phone, alert_email, rhythm, state)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (code, name, office_phone, emergency_phone, alert_email, rhythm, "live" if live else "setting-up"),
    )
    if added.rowcount == 0:
        raise Conflict(f"an authority {code} is there already")
    for stretch in hours:
        await transaction.execute(
            "INSERT INTO authority_hours (authority_code, weekday, opens, closes) VALUES (%s, %s, %s, %s)",
            (code, stretch.weekday, stretch.opens, stretch.closes),
        )
    await record_audit(transaction, actor, "authority.add", "authority", code, live=live)


async def set_state(transaction: Connection, actor: Actor, code: str, state: str) -> None:
    """Make an authority live, paused or whatever it is to be. Its flags are shown while it is live or paused.

    Children who are in a department now are told of by the sweep. Raises NotFound where there is no such authority.
    """
    changed = await transaction.execute("UPDATE authorities SET state = %s WHERE code = %s", (state, code))
    if changed.rowcount == 0:
        raise NotFound(f"there is no authority {code}")
    await transaction.execute(
        """
        UPDATE extracts SET sweep_due = true, sweep_horizon = NULL
        WHERE id = (SELECT id FROM extracts WHERE authority_code = %s AND state = 'loaded' ORDER BY received_at DESC LIMIT 1)
        """,
        (code,),
    )
    await record_audit(transaction, actor, f"authority.{state}", "authority", code)


async def read_authorities(transaction: Transaction) -> list[Authority]:
    """All authorities, by code, with their hours."""
    hours: dict[str, list[Hours]] = defaultdict(list)
    cursor = await transaction.execute(
        """
        SELECT authority_code, weekday, opens, CASE WHEN closes = '24:00' THEN time '23:59:59.999999' ELSE closes END
        FROM authority_hours ORDER BY authority_code, weekday, opens
        """
    )
    for code, weekday, opens, closes in await cursor.fetchall():
        hours[code].append(Hours(weekday, opens, closes))
    cursor = await transaction.execute(
        """
        SELECT code, name, office_phone, emergency_phone, alert_email, state, rhythm, last_extracted_at,
               data_email, mesh_mailbox, gss_code, successor_code, shrink_share::float8, surge_share::float8, short_breaks,
               code_scheme
        FROM authorities ORDER BY code
        """
    )
    return [Authority(*(*row[:8], tuple(hours[row[0]]), *row[8:])) for row in await cursor.fetchall()]
