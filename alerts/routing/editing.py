"""Writes of an authority's teams, rules, covers and closed days. What they mean, and whether they fit, is decided before.

`safeguarding.telling.rules` and `rules_teams` call it inside a transaction in which they hold the authority's row; what is written
here is what `alerts.routing.store.read_kept` reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from domain.errors import NotFound
from domain.routing import Cover, Rule, Team
from runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class KeptCover:
    """A cover that holds or will, and who set it."""

    id: UUID
    cover: Cover
    set_by: str


async def write_team(transaction: Transaction, authority_code: str, team: Team) -> None:
    """The team as it shall be: its row, its own hours and its contacts in their order. It is added where it is not there."""
    cursor = await transaction.execute(_TEAM, (authority_code, team.code, team.name, team.phone, team.duty.value, team.deputy))
    row = await cursor.fetchone()
    assert row is not None
    team_id = row[0]
    await transaction.execute("DELETE FROM team_hours WHERE team_id = %s", (team_id,))
    await transaction.execute("DELETE FROM team_contacts WHERE team_id = %s", (team_id,))
    for weekday, opens, closes in team.hours:
        await transaction.execute(
            "INSERT INTO team_hours (team_id, weekday, opens, closes) VALUES (%s, %s, %s, %s)", (team_id, weekday, opens, closes)
        )
    for position, each in enumerate(team.contacts, start=1):
        await transaction.execute(
            "INSERT INTO team_contacts (team_id, position, channel, address, after_minutes) VALUES (%s, %s, %s, %s, %s)",
            (team_id, position, each.channel.value, each.address, each.after_minutes),
        )


async def take_team_away(transaction: Transaction, authority_code: str, team_code: str) -> None:
    """The team is told of nothing any more; what it was told of keeps its name. Raises NotFound where there is no such team."""
    done = await transaction.execute(
        "UPDATE teams SET removed_at = now() WHERE authority_code = %s AND code = %s AND removed_at IS NULL RETURNING id",
        (authority_code, team_code),
    )
    if await done.fetchone() is None:
        raise NotFound("there is no such team")


async def read_codes(transaction: Transaction, authority_code: str) -> set[str]:
    """The codes of all its teams, those that were removed included: a code is never given twice."""
    cursor = await transaction.execute("SELECT code FROM teams WHERE authority_code = %s", (authority_code,))
    return {row[0] for row in await cursor.fetchall()}


async def count_waiting(transaction: Transaction, authority_code: str, team_code: str) -> int:
    """How many alerts wait for the team to acknowledge them."""
    cursor = await transaction.execute(
        """
        SELECT count(*)::int FROM alerts
        WHERE authority_code = %s AND team_code = %s AND state IN ('raised', 'retracted')
        """,
        (authority_code, team_code),
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def write_rules(transaction: Transaction, authority_code: str, rules: Sequence[Rule]) -> None:
    """All rules of the authority, in the order in which they are tried."""
    await transaction.execute("DELETE FROM routing_rules WHERE authority_code = %s", (authority_code,))
    for position, rule in enumerate(rules, start=1):
        cursor = await transaction.execute(
            _RULE,
            (
                authority_code, position, rule.name, sorted(rule.kinds), sorted(rule.care_settings), sorted(rule.occasions),
                rule.during.value, sorted(rule.weekdays), rule.opens, rule.closes,
            ),
        )  # fmt: skip
        row = await cursor.fetchone()
        assert row is not None
        for place, step in enumerate(rule.steps, start=1):
            await transaction.execute(
                "INSERT INTO routing_steps (rule_id, place, team_code, minutes) VALUES (%s, %s, %s, %s)",
                (row[0], place, step.team, step.minutes),
            )


async def write_cover(transaction: Transaction, authority_code: str, cover: Cover, set_by: str) -> UUID:
    """Another team stands in for one. Returns the id by which it can be ended early."""
    cursor = await transaction.execute(
        """
        INSERT INTO team_covers (authority_code, team_code, deputy_code, starts_at, ends_at, set_by)
        VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
        """,
        (authority_code, cover.team, cover.deputy, cover.starts, cover.ends, set_by),
    )
    row = await cursor.fetchone()
    assert row is not None
    return UUID(str(row[0]))


async def take_cover_away(transaction: Transaction, authority_code: str, cover_id: UUID) -> Cover:
    """The cover ends now. Raises NotFound where none such holds or will."""
    cursor = await transaction.execute(
        """
        UPDATE team_covers SET ended_at = now()
        WHERE id = %s AND authority_code = %s AND ended_at IS NULL AND ends_at > now()
        RETURNING team_code, deputy_code, starts_at, ends_at
        """,
        (cover_id, authority_code),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such cover, or it has ended")
    return Cover(*row)


async def read_covers(transaction: Transaction, authority_code: str) -> list[KeptCover]:
    """The covers that hold or will, the first first."""
    cursor = await transaction.execute(
        """
        SELECT id, team_code, deputy_code, starts_at, ends_at, set_by FROM team_covers
        WHERE authority_code = %s AND ends_at > now() AND ended_at IS NULL ORDER BY starts_at, id
        """,
        (authority_code,),
    )
    return [KeptCover(id, Cover(*rest), set_by) for id, *rest, set_by in await cursor.fetchall()]


async def write_closed_day(transaction: Transaction, authority_code: str, day: date, reason: str) -> bool:
    """The office is closed on the day. False where it was already."""
    cursor = await transaction.execute(
        "INSERT INTO closed_days (authority_code, day, reason) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING RETURNING day",
        (authority_code, day, reason),
    )
    return await cursor.fetchone() is not None


async def take_closed_day_away(transaction: Transaction, authority_code: str, day: date) -> str:
    """The office is open on the day, as on any other; the reason for which it was to be closed. Raises NotFound."""
    cursor = await transaction.execute(
        "DELETE FROM closed_days WHERE authority_code = %s AND day = %s RETURNING reason", (authority_code, day)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("the office is not closed on that day")
    return str(row[0])


async def read_closed_days(transaction: Transaction, authority_code: str) -> Mapping[date, str]:
    """The days, in their order, with the reason of each."""
    cursor = await transaction.execute(
        "SELECT day, reason FROM closed_days WHERE authority_code = %s ORDER BY day", (authority_code,)
    )
    return dict(await cursor.fetchall())


async def read_webhooks(transaction: Transaction, authority_code: str) -> Mapping[str, str]:
    """The names of the authority's webhooks that are in use, by the id that a contact holds."""
    cursor = await transaction.execute(
        "SELECT id::text, name FROM webhooks WHERE authority_code = %s AND disabled_at IS NULL ORDER BY name, id", (authority_code,)
    )
    return dict(await cursor.fetchall())


_TEAM = """
    INSERT INTO teams (authority_code, code, name, phone, duty, deputy_code) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (authority_code, code) WHERE removed_at IS NULL
    DO UPDATE SET name = excluded.name, phone = excluded.phone, duty = excluded.duty, deputy_code = excluded.deputy_code
    RETURNING id
"""

_RULE = """
    INSERT INTO routing_rules (authority_code, position, name, kinds, care_settings, occasions, during, weekdays, opens, closes)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
