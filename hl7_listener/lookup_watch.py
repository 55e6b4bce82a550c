"""An eye on the query door: who looks up numbers that the feed of the site asked for never had.

`query_door` notes every lookup, and `nightlight.processes.listener` runs the watch beside it. It counts, and raises an alarm once
an hour. It blocks no clinician, and no answer waits for it. Source: docs/hl7.md, "Who may speak".
"""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from domain.actor import Actor
from domain.errors import CouldNotReachStore
from domain.nhs_number import NhsNumber
from hl7_listener.metrics import LOOKUPS, NOT_IN_FEED
from runtime.audit import record_audit
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.check import Check
from safeguarding.directory import Directory, DirectoryReader
from safeguarding.feed_numbers import in_feed

_EVERY_SECONDS = 1.0
_MOST_WAITING = 10_000
_HOUR = timedelta(hours=1)

log = get_logger()


@dataclass(frozen=True, slots=True)
class _Lookup:
    peer: str
    site: str
    number: NhsNumber
    actor: Actor
    at: datetime


class LookupWatch:
    """Counts lookups. `per_hour` is how many of numbers that are not in the feed raise no alarm, by peer and site."""

    def __init__(self, database: Database, directory: DirectoryReader, per_hour: int) -> None:
        self._database = database
        self._directory = directory
        self._waiting: deque[_Lookup] = deque(maxlen=_MOST_WAITING)
        self._per_hour = per_hour
        self._lately: dict[tuple[str, str], deque[datetime]] = {}
        self._alarmed_at: dict[tuple[str, str], datetime] = {}

    def note(self, peer: str, check: Check) -> None:
        """A number was looked up for a peer. The number is held until the next `settle` and never written down here."""
        LOOKUPS.labels(peer, check.site).inc()
        if check.identity.nhs_number:
            self._waiting.append(_Lookup(peer, check.site, check.identity.nhs_number, check.actor, check.at))

    async def keep_watching(self) -> None:
        """Settle for ever."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self.settle()
            except (CouldNotReachStore, psycopg.Error) as error:
                log.warning("lookups not compared with the feeds", error=type(error).__name__)

    async def settle(self) -> None:
        """Compare what was looked up since the last time with the feeds. Raises where the database is away; nothing is lost."""
        lookups, self._waiting = self._waiting, deque(maxlen=_MOST_WAITING)
        try:
            unknown = await self._not_in_feed(lookups)
        except BaseException:
            self._waiting.extendleft(reversed(lookups))
            raise
        for each in unknown:
            NOT_IN_FEED.labels(each.peer, each.site).inc()
            self._lately.setdefault((each.peer, each.site), deque(maxlen=self._per_hour + 1)).append(each.at)
        for newest in {(each.peer, each.site): each for each in unknown}.values():
            if self._is_alarming(newest):
                await self._raise_alarm(newest)

    async def _not_in_feed(self, lookups: Collection[_Lookup]) -> list[_Lookup]:
        if not lookups:
            return []
        directory = await self._directory.current()
        asked = [(each.number, _sites(directory, each.site)) for each in lookups]
        async with self._database.single() as transaction:
            known = await in_feed(transaction, asked)
        return [each for each, is_known in zip(lookups, known, strict=True) if not is_known]

    def _is_alarming(self, newest: _Lookup) -> bool:
        """Whether an hour has seen more than the limit, and nobody was alarmed in that hour."""
        key = (newest.peer, newest.site)
        alarmed, lately = self._alarmed_at.get(key), self._lately[key]
        quiet = alarmed is not None and newest.at - alarmed < _HOUR
        return not quiet and len(lately) > self._per_hour and newest.at - lately[0] < _HOUR

    async def _raise_alarm(self, newest: _Lookup) -> None:
        log.warning("peer looks up numbers that its feed never had", peer=newest.peer, site=newest.site, count=self._per_hour)
        async with self._database.transaction() as transaction:
            await record_audit(
                transaction, newest.actor, "query.not-in-feed", "site", newest.site, peer=newest.peer, more_than=self._per_hour
            )
        self._alarmed_at[newest.peer, newest.site] = newest.at


def _sites(directory: Directory, site: str) -> Sequence[str]:
    known = directory.sites.get(site)
    return [each.ods_code for each in directory.sites_of(known.organisation_code)] if known else [site]
