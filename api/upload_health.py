"""How long extracts have waited to be loaded, for `/ready` and `/metrics`: the loader may beat and still not get on.

`api.health` adds these to what else is wrong. No authority is named: the page of uploads shows each its own.
"""

from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily

from api.metrics import gauge
from api.services import Services
from safeguarding.extracts.uploads import oldest_waiting

WAITS_TOO_LONG_SECONDS = 900.0


async def upload_reasons(services: Services, at: datetime) -> list[str]:
    """Why the service is degraded: an extract that waits too long."""
    waited = await _waited(services, at)
    return [f"an extract has waited {waited:.0f} s to be loaded"] if waited > WAITS_TOO_LONG_SECONDS else []


async def upload_gauge(services: Services, at: datetime) -> GaugeMetricFamily:
    """Since when the oldest waits, or 0."""
    words = "Since when an extract waits to be loaded, or 0."
    return gauge("nightlight_oldest_waiting_upload_seconds", words, "store", {"postgresql": await _waited(services, at)})


async def _waited(services: Services, at: datetime) -> float:
    async with services.database.transaction() as transaction:
        since = await oldest_waiting(transaction)
    return max(0.0, (at - since).total_seconds()) if since else 0.0
