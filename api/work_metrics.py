"""The work and the freshness of every authority, for `/ready` and `/metrics`: counts and ages by authority, nobody named.

`api.health` calls it. Source: docs/facts.md, section 4; docs/operations.md, "Metrics".
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily

from api.metrics import gauge
from api.services import Services
from runtime.clock import now
from safeguarding.directory import Directory
from safeguarding.extracts.work import DataWork, read_work_of_all
from safeguarding.notices import oldest_notice


def late_reasons(directory: Directory, at: datetime) -> list[str]:
    """Why the service is degraded: live feeds that are late. An authority that is paused or being set up alarms nobody."""
    late = [each for each in directory.authorities.values() if each.state == "live" and each.is_late(at)]
    return [f"the feed of {each.name} is late" for each in late]


async def work_gauges(services: Services) -> list[GaugeMetricFamily]:
    """What waits, how old it is, what matched. Where a share is not measured, or nothing waits, there is no value."""
    directory = await services.directory.current()
    works = await read_work_of_all(services.database, directory.authorities)
    async with services.database.transaction() as transaction:
        unsent = await oldest_notice(transaction)
    at = now()
    waits = {"postgresql": max(0.0, (at - unsent).total_seconds()) if unsent else 0.0}
    return [
        _gauge("nightlight_rejected_records", works, "Rejected records that wait for a person.", lambda each: each.counts.rejected),
        _gauge(
            "nightlight_rejected_oldest_seconds",
            works,
            "Age of the oldest of them.",
            lambda each: _age(each, each.counts.rejected_since),
        ),
        _gauge("nightlight_held_records", works, "Records that wait for a second person.", lambda each: each.counts.held),
        _gauge(
            "nightlight_held_oldest_seconds", works, "Age of the oldest of them.", lambda each: _age(each, each.counts.held_since)
        ),
        _gauge("nightlight_missing_plans", works, "Open plans missing from two full extracts.", lambda each: each.counts.missing),
        _gauge(
            "nightlight_matched_share",
            works,
            "Of what an authority sends, what PDS agrees with (0 to 1).",
            lambda each: each.matched_share,
        ),
        _gauge("nightlight_feed_late", works, "1 where a live authority's feed is late.", lambda each: each.is_late),
        gauge("nightlight_oldest_unsent_notice_seconds", "Age of the oldest e-mail notice not sent, or 0.", "store", waits),
    ]


def _gauge(name: str, works: Iterable[DataWork], words: str, value: Callable[[DataWork], float | None]) -> GaugeMetricFamily:
    values = {each.authority_code: value(each) for each in works}
    known = {code: float(found) for code, found in values.items() if found is not None}
    return gauge(name, words, "authority", known)


def _age(work: DataWork, since: datetime | None) -> float | None:
    return None if since is None else max(0.0, (work.at - since).total_seconds())
