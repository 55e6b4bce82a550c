"""An authority's teams, rules and covers as plain rows, and what became of an alert in its line."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from safeguarding.directory import DirectoryReader
from safeguarding.telling.escalating import Escalator, Overdue
from tests.safeguarding.house import SEEN_AT, House

CODE = "301"
STANDS = "SELECT team_code, step, next_step_at IS NULL, state FROM alerts WHERE authority_code = '301' ORDER BY raised_at, id"
EVENTS = "SELECT event, team FROM alert_events ORDER BY occurred_at, id"
TOLD = "SELECT notice, team, channel, recipient FROM deliveries WHERE team <> '' ORDER BY created_at, id"
LONG = timedelta(days=36500)


@dataclass(slots=True)
class Lines:
    """Teams and rules of authority 301, set by hand; nobody's memory of them is older than the look."""

    house: House

    async def team(self, code: str, *contacts: str, duty: str = "always", deputy: str | None = None) -> None:
        """A team with a mailbox for each contact; "10 b@x.example" is told only after ten minutes."""
        [(team,)] = await self.house.rows(
            "INSERT INTO teams (authority_code, code, name, duty, deputy_code) VALUES (%s, %s, %s, %s, %s) RETURNING id",
            CODE, code, f"{code} team", duty, deputy,
        )  # fmt: skip
        for position, contact in enumerate(contacts):
            *after, address = contact.split()
            await self.house.rows(
                """
                INSERT INTO team_contacts (team_id, position, channel, address, after_minutes)
                VALUES (%s, %s, 'email', %s, %s) RETURNING id
                """,
                team, position, address, int(after[0]) if after else None,
            )  # fmt: skip

    async def remove_team(self, code: str) -> None:
        await self.house.rows("UPDATE teams SET removed_at = now() WHERE code = %s AND removed_at IS NULL RETURNING id", code)

    async def rule(self, name: str, *steps: str, minutes: int = 30) -> None:
        """The last of the authority's rules: these teams in turn, each with the same minutes."""
        [(rule,)] = await self.house.rows(
            """
            INSERT INTO routing_rules (authority_code, position, name)
            SELECT %s, count(*), %s FROM routing_rules RETURNING id
            """,
            CODE, name,
        )  # fmt: skip
        for place, team in enumerate(steps):
            await self.house.rows("INSERT INTO routing_steps VALUES (%s, %s, %s, %s) RETURNING place", rule, place, team, minutes)

    async def remove_rule(self, name: str) -> None:
        await self.house.rows("DELETE FROM routing_rules WHERE name = %s RETURNING id", name)

    async def cover(self, team: str, deputy: str, starts: datetime, ends: datetime = SEEN_AT + LONG) -> None:
        await self.house.rows(
            """
            INSERT INTO team_covers (authority_code, team_code, deputy_code, starts_at, ends_at, set_by)
            VALUES (%s, %s, %s, %s, %s, 'test') RETURNING id
            """,
            CODE, team, deputy, starts, ends,
        )  # fmt: skip

    async def office_hours(self, opens: time, closes: time) -> None:
        """From Monday to Friday."""
        await self.house.rows("DELETE FROM authority_hours WHERE authority_code = %s RETURNING id", CODE)
        for day in range(1, 6):
            await self.house.rows(
                "INSERT INTO authority_hours (authority_code, weekday, opens, closes) VALUES (%s, %s, %s, %s) RETURNING id",
                CODE, day, opens, closes,
            )  # fmt: skip

    def escalator(self) -> Escalator:
        """As a process that has just started."""
        return Escalator(self.house.database, DirectoryReader(self.house.database))

    async def look(self, minutes: float) -> int:
        """One look, so many minutes after the child was seen. Returns how many alerts somebody was told of."""
        told, _ = await self.escalator().look(SEEN_AT + timedelta(minutes=minutes))
        return told

    async def overdue(self, minutes: float) -> Overdue:
        return await self.escalator().measure(SEEN_AT + timedelta(minutes=minutes))

    async def seen(self, **changes: Any) -> Any:
        """The child is seen by a process that knows the rules as they are; returns the alerts."""
        self.house.directory.forget()
        return (await self.house.ask(**changes)).alerts

    async def stands(self) -> list[tuple[str, int, bool, str]]:
        """Team, step, whether nobody is left, and state of each of the authority's alerts."""
        return [tuple(row) for row in await self.house.rows(STANDS)]

    async def told(self, notice: str) -> list[tuple[str, str]]:
        """Team and address of everybody who was told as that notice."""
        return [(team, to) for each, team, _, to in await self.house.rows(TOLD) if each == notice]

    async def due(self) -> list[datetime]:
        """When the teams' deliveries are to be told."""
        rows = await self.house.rows("SELECT due_at, next_attempt_at FROM deliveries WHERE team <> '' ORDER BY created_at, id")
        assert all(due == tried for due, tried in rows)
        return [due for due, _ in rows]

    async def teams_told(self) -> list[str]:
        """The teams in the order of the alert's history."""
        return [team for event, team in await self.house.rows(EVENTS) if event in {"raise", "escalate"}]
