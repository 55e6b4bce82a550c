"""The work of an authority's data officers at a glance: what waits, how old it is, how well its records match, how fresh it is.

`api.extracts` shows it on their first page, `safeguarding.notices` mails it on Mondays, `api.health` measures it. Nobody is named.
Source: docs/facts.md, section 4; docs/authority/rejected-records.md ("What is counted").
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from flags_store.authorities import Authority
from flags_store.extracts.data_work import WorkCounts, count_work
from runtime.clock import england_day, now
from runtime.database import Connection, Database
from safeguarding.time_words import rhythm

MUST_MATCH = 0.95
"""What must match before an authority goes live (national viewer pages: 95 %)."""
KEPT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class DataWork:
    """One authority at one moment. `counts` names nobody. `is_late` only where it is live: others alarm nobody."""

    authority_code: str
    authority_name: str
    state: str
    at: datetime
    counts: WorkCounts
    last_extracted_at: datetime | None
    rhythm: timedelta

    @property
    def matched_share(self) -> float | None:
        """Of the plans that the authority says are open, those of which PDS agrees; None where it is not measured.

        Agreeing ÷ (agreeing + contradicted + open rejected records). Plans of which PDS has not been asked count on neither side.
        Nothing is measured before PDS has been asked of a plan that is held.
        """
        counts = self.counts
        asked = counts.matched + counts.doubtful
        return counts.matched / (asked + counts.refused) if asked else None

    @property
    def matched_words(self) -> str:
        """The share against the rule, or that nobody has measured it."""
        share = self.matched_share
        if share is None:
            return "not measured"
        percent = int(share * 1000) / 10  # never rounded up to the rule
        return f"{percent:.1f}% matched: {'95% or more' if share >= MUST_MATCH else 'less than 95%'}"

    @property
    def is_below_rule(self) -> bool:
        """Whether it is measured, and less than must match."""
        return self.matched_share is not None and self.matched_share < MUST_MATCH

    @property
    def is_late(self) -> bool:
        """Whether a live authority has sent nothing newer than its rhythm allows."""
        return self.state == "live" and (self.last_extracted_at is None or self.at - self.last_extracted_at > self.rhythm)

    @property
    def rhythm_words(self) -> str:
        """How often an extract is expected."""
        return rhythm(self.rhythm)

    @property
    def age(self) -> timedelta | None:
        """Of the newest extract, from when it was taken."""
        return None if self.last_extracted_at is None else self.at - self.last_extracted_at


async def read_work(transaction: Connection, authority: Authority, at: datetime | None = None) -> DataWork:
    """The work of one authority, now or as of `at` (ages alone: counts are of now)."""
    at = at or now()
    counts = await count_work(transaction, authority.code, england_day(at))
    return DataWork(
        authority.code, authority.name, authority.state, at, counts, authority.last_extracted_at, authority.rhythm
    )  # fmt: skip


_kept: WeakKeyDictionary[Database, tuple[float, dict[str, DataWork]]] = WeakKeyDictionary()


async def read_work_of_all(database: Database, authorities: dict[str, Authority]) -> list[DataWork]:
    """The work of every authority, for monitors: counts of a minute ago at most, since they are counted over all plans."""
    good_until, known = _kept.get(database, (0.0, {}))
    if time.monotonic() > good_until or known.keys() != authorities.keys():
        async with database.transaction() as transaction:
            known = {code: await read_work(transaction, each) for code, each in sorted(authorities.items())}
        _kept[database] = (time.monotonic() + KEPT_SECONDS, known)
    at = now()
    return [
        replace(known[code], at=at, state=each.state, last_extracted_at=each.last_extracted_at, rhythm=each.rhythm)
        for code, each in sorted(authorities.items())
    ]
