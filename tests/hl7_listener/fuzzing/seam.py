"""The listener's own code down to the desk, and there a desk that remembers what it was asked, without a database.

Property tests and `make fuzz` take what it says; a part of the fuzzed frames goes to a real desk besides.
"""

import ipaddress
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import patch

from domain.answer import CouldNotCheck, Coverage, NoneKnown, Outcome, Recorded
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from hl7_listener import holding
from hl7_listener.answering import Answerer
from runtime.clock import now
from runtime.database import Database
from safeguarding.care_settings import DEFAULT_RULES
from safeguarding.check import Check, Reply
from safeguarding.desk import Desk
from safeguarding.directory import Directory, DirectoryReader, Peer, Site
from safeguarding.quarantine import Held, hold

SITES = ("R0A01", "R0A02")
PEER = Peer("fuzz", ipaddress.ip_network("127.0.0.0/8"), frozenset(SITES), may_query=frozenset(SITES))
COVERAGE = Coverage(())
RECORDED = frozenset({TriggerEvent.OTHER})


@dataclass(slots=True)
class Seam:
    """The answerer of a listener, and what came of its frames: each check that was asked, each message that was held."""

    answerer: Answerer
    checks: list[Check] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def forget(self) -> None:
        self.checks.clear()
        self.held.clear()


@contextmanager
def open_seam(sites: Sequence[Site] = ()) -> Iterator[Seam]:
    """An answerer for a peer on loopback that may speak and ask for SITES."""
    checks: list[Check] = []
    kept: list[Held] = []

    async def ask(check: Check) -> Reply:
        checks.append(check)
        outcome = outcome_of(check)
        return Reply(outcome, check.acknowledge(outcome) if check.acknowledge else b"")

    async def keep(database: object, held: Held) -> bytes:
        if isinstance(database, Database):
            return await hold(database, held)  # a real desk's
        kept.append(held)
        return held.acknowledgement

    directory = Directory(False, {site.ods_code: site for site in sites or map(site_named, SITES)}, {}, (PEER,), now())
    answerer = Answerer(
        cast(Desk, _Named(ask=ask)),
        cast(DirectoryReader, _Directory(directory)),
        cast(Database, _Named(transaction=_transaction)),
    )
    with patch.object(holding, "hold", keep):
        yield Seam(answerer, checks, kept)


def outcome_of(check: Check) -> Outcome:
    """What a desk says that knows nobody."""
    if check.trigger in RECORDED:
        return Recorded()
    if check.identity.nhs_number is None:
        assert check.identity.no_number is not None
        return CouldNotCheck(check.identity.no_number, COVERAGE)
    return NoneKnown((), COVERAGE)


def site_named(ods_code: str, setting: CareSetting = CareSetting.EMERGENCY_DEPARTMENT, **wishes: Any) -> Site:
    rules = tuple(DEFAULT_RULES)
    return Site(ods_code, "R0A", "Royal Amber", ods_code, setting, None, "01632 960999", (), rules, False, **wishes)


class _Named:
    """An object with these functions."""

    def __init__(self, **functions: object) -> None:
        self.__dict__.update(functions)


@dataclass(slots=True)
class _Directory:
    last_known: Directory

    async def current(self) -> Directory:
        return self.last_known


@asynccontextmanager
async def _transaction() -> AsyncIterator[object]:
    async def execute(*_: object) -> None:
        """Nobody reads what is audited here."""

    yield _Named(execute=execute)
