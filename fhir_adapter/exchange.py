"""One exchange of this door: what an admitted call brings, what a handler is given, and what it answers.

`app` makes the call and writes the answer out; each handler of `handlers` turns one into the other.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fhir_adapter.codes import Json
from fhir_adapter.headers import Asked
from fhir_adapter.interactions import Interaction
from fhir_adapter.parameters import Pairs
from runtime.clients import Client
from runtime.database import Database
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the house that a handler needs. `base_url` is this door's own address, without a slash at its end.

    `key` is the service's secret key (`runtime.secret`), which hashes numbers. `on_attendance` hears at which site, and when, a
    system has just recorded an attendance of the kind that authorities hear of.
    """

    desk: Desk
    directory: DirectoryReader
    database: Database
    base_url: str
    key: bytes
    on_attendance: Callable[[str, datetime], None] = lambda _, __: None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an admitted client. `id` is that of the address, `pairs` what was asked, `body` a resource as it came."""

    interaction: Interaction
    method: str
    client: Client
    asked: Asked
    headers: Mapping[str, str]
    pairs: Pairs
    id: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back. `headers` come on top of those that every response has; without a body there is none to send."""

    body: Json | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Parts, Call], Awaitable[Answered]]
