"""Who may be the second person: never who sent the extract, and no operator alone.

`safeguarding.extracts.held` asks before anything that waits is decided. Source: docs/adr/0032.
"""

from domain.actor import Actor, ActorKind
from domain.errors import InvalidInput, NotAllowed
from flags_store.extracts.held_views import Sender
from runtime.database import Transaction


class SamePerson(NotAllowed):
    """Whoever sent the extract cannot be the second person too."""


async def check_second_person(transaction: Transaction, actor: Actor, sender: Sender, named: str = "") -> str:
    """Who decides, in words for the record. Raises SamePerson, NotAllowed, and InvalidInput for a name that nobody can read.

    A person decides in their own name, unless they sent the extract themselves. What a system sent (the API, MESH) was sent by no
    person, so that any data officer of the authority is the one who looks; the system is recorded as the first. An operator has
    no patient data to judge by: in a production store they act for a data officer whom they name, and who did not send it either.
    """
    named = " ".join(named.split())
    if any(not character.isprintable() for character in named) or len(named) > 100:
        raise InvalidInput("name the data officer in up to 100 letters")
    if actor.kind is ActorKind.PERSON:
        if sender.kind is ActorKind.PERSON and sender.id == actor.id:
            raise SamePerson("you sent this extract: somebody else decides about it")
        return actor.name
    if named:
        if _same(named, sender.name):
            raise SamePerson(f"{named} sent this extract: somebody else decides about it")
        return f"{named}, by {actor.name}"
    if await _is_production(transaction):
        raise NotAllowed("an operator does not decide alone: name the data officer who does")
    if (sender.kind, sender.id) == (actor.kind, actor.id):
        raise SamePerson("you sent this extract: name the data officer who decides about it")
    return actor.name


def _same(one: str, other: str) -> bool:
    return one.casefold() == " ".join(other.split()).casefold()


async def _is_production(transaction: Transaction) -> bool:
    row = await (await transaction.execute("SELECT kind FROM store")).fetchone()
    return row is None or row[0] == "production"
