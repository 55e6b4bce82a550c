"""The team that a social worker works in: the worklist shows its alerts first where they ask for that.

`api.worklist` calls it. It is a way of looking and no permission: everybody of an authority sees all of its alerts.
"""

from alerts.membership import keep_team, read_team
from domain.actor import Actor
from domain.errors import InvalidInput
from domain.routing import OFFICE, Routing, Team
from runtime.audit import record_audit
from runtime.database import Connection, Transaction


async def my_team(transaction: Connection, routing: Routing, actor: Actor) -> Team:
    """The team that the person has chosen; the office team where they have not, or where theirs is no more."""
    code = await read_team(transaction, actor.id, routing.authority_code)
    return routing.teams.get(code or OFFICE) or routing.teams[OFFICE]


async def choose_team(transaction: Transaction, routing: Routing, actor: Actor, team_code: str) -> None:
    """The person works in this team from now on. Raises InvalidInput for a team that the authority does not have."""
    if team_code not in routing.teams:
        raise InvalidInput("choose one of your authority's teams")
    await keep_team(transaction, actor.id, routing.authority_code, team_code)
    await record_audit(transaction, actor, "team.choose", "authority", routing.authority_code, team=team_code)
